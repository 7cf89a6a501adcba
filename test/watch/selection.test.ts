/** Which files count: include, exclude, and the tokens that nobody asked for. */
import * as fs from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test, vi } from 'vitest';
import type { WatchRule } from '../../src/config/model.ts';
import { readGeneration } from '../../src/watch/generation.ts';
import { createVolume, updateVolume } from '../fixtures/kubelet.ts';
import { ruleFor, sha256, watching, withDirectory } from '../fixtures/watching.ts';

vi.setConfig({ maxConcurrency: 20 }); // they mostly wait

function tree(directory: string, ...paths: readonly string[]): void {
  for (const path of paths) {
    fs.mkdirSync(join(directory, path, '..'), { recursive: true });
    fs.writeFileSync(join(directory, path), path);
  }
}

/** The paths below the directory that a rule's generation has. */
async function names(directory: string, given: Partial<WatchRule>, paths: readonly string[] = ['']): Promise<string[]> {
  const absolute = paths.map((path) => join(directory, path));
  const generation = await readGeneration(ruleFor(absolute, given));
  return [...(generation?.files.keys() ?? [])].map((path) => path.slice(directory.length + 1));
}

describe('include', () => {
  const files = ['a.conf', 'a.log', 'b/c.conf', 'b/c.log', 'b/d/e.conf', 'f/g.log', 'f/h/i.txt'];
  test.each([
    ['nothing: everything', [], [], files],
    ['by name, at any depth', ['*.conf'], [], ['a.conf', 'b/c.conf', 'b/d/e.conf']],
    ["by the path below the rule's path", ['b/*.conf', 'f/**/*.txt'], [], ['b/c.conf', 'f/h/i.txt']],
    ['a directory with all that is in it', ['f'], [], ['f/g.log', 'f/h/i.txt']],
    ['exclude wins, also within an included directory', ['f', '*.conf'], ['h', 'b/d'], ['a.conf', 'b/c.conf', 'f/g.log']],
    ['nothing matches: an empty set', ['*.yaml'], [], []],
  ])('%s', (_, include, exclude, expected) =>
    withDirectory(async (directory) => {
      tree(directory, ...files);
      expect(await names(directory, { include, exclude })).toEqual(expected);
    }),
  );

  test('by absolute path; not recursive', () =>
    withDirectory(async (directory) => {
      tree(directory, ...files);
      expect(await names(directory, { include: [join(directory, 'b/**')] })).toEqual(['b/c.conf', 'b/c.log', 'b/d/e.conf']);
      expect(await names(directory, { include: ['*.conf'], recursive: false })).toEqual(['a.conf']);
    }));

  test('what the rule names itself counts in any case; through links it is the name that counts', () =>
    withDirectory(async (directory) => {
      tree(directory, ...files);
      fs.symlinkSync('a.log', join(directory, 'link.conf'));
      fs.symlinkSync('a.conf', join(directory, 'link.log'));
      expect(await names(directory, { include: ['link.*'], exclude: ['*.log'] })).toEqual(['link.conf']);
      expect(await names(directory, { include: ['*.conf'], recursive: false }, ['', 'a.log'])).toEqual(['a.conf', 'a.log', 'link.conf']);
    }));

  test('files that do not count do not fill max_files', () =>
    withDirectory(async (directory) => {
      tree(directory, ...Array.from({ length: 20 }, (_, n) => `${n}.log`), 'z.conf');
      expect(await names(directory, { include: ['*.conf'], max_files: 1 })).toEqual(['z.conf']);
    }));

  test('keys of a volume', () =>
    withDirectory(async (directory) => {
      await createVolume(directory, { 'a.yaml': 'a', 'b.json': 'b', 'conf.d/c.yaml': 'c' });
      expect(await names(directory, { include: ['*.yaml'] })).toEqual(['a.yaml', 'conf.d/c.yaml']);
    }));
});

describe.concurrent('events', () => {
  const writes = {
    'in place': (path: string, content: string) => fs.writeFileSync(path, content),
    'renamed over': (path: string, content: string) => {
      fs.writeFileSync(`${path}.tmp-1`, content);
      fs.renameSync(`${path}.tmp-1`, path);
    },
  };
  test.each(Object.entries(writes))('of what does not count there are none (%s); of what counts, there are', (_, write) =>
    withDirectory(async (directory) => {
      tree(directory, 'a.conf', 'a.log', 'b/c.conf', 'b/c.log', 'x/y.conf');
      await watching(ruleFor([directory], { include: ['*.conf'], exclude: ['x'] }), async (watched) => {
        for (let n = 0; n < 5; n++) {
          for (const path of ['a.log', 'b/c.log', 'x/y.conf']) write(join(directory, path), `${n}`);
          await watched.quiet();
        }
        expect(watched.events.filter(({ kind }) => kind !== 'mode')).toEqual([]);
        for (const path of ['a.conf', 'b/c.conf']) {
          write(join(directory, path), 'new');
          await watched.until(() => watched.generations().at(-1)?.files.get(join(directory, path)) === sha256('new'));
        }
        expect(watched.generations().length).toBe(2);
        expect(watched.mode()).toBe('events');
      });
    }),
  );

  test('a new directory, and a file in it that counts', () =>
    withDirectory(async (directory) => {
      tree(directory, 'a.log');
      await watching(ruleFor([directory], { include: ['*.conf'] }), async (watched) => {
        fs.mkdirSync(join(directory, 'new/deep'), { recursive: true });
        fs.writeFileSync(join(directory, 'new/deep/x.conf'), '1');
        await watched.until(() => watched.generations().at(-1)?.files.get(join(directory, 'new/deep/x.conf')) === sha256('1'));
      });
    }));

  test('a file that counts by way of a link only', () =>
    withDirectory(async (directory) => {
      tree(directory, 'v1.txt');
      fs.symlinkSync('v1.txt', join(directory, 'current.conf'));
      await watching(ruleFor([directory], { include: ['*.conf'] }), async (watched) => {
        fs.writeFileSync(join(directory, 'v1.txt'), 'new');
        await watched.until(() => watched.generations().at(-1)?.files.get(join(directory, 'current.conf')) === sha256('new'));
      });
    }));
});

describe.concurrent('service account tokens', () => {
  const payload = (n: number) => ({ token: `t${n}`, 'ca.crt': 'x', namespace: 'default' });

  test('left out, which is said; the renewal is no change, that of the certificate is', () =>
    withDirectory(async (directory) => {
      await createVolume(directory, payload(0));
      await watching(ruleFor([directory]), async (watched) => {
        await updateVolume(directory, payload(1));
        await watched.until(() => watched.events.some(({ kind }) => kind === 'calm'));
        expect(watched.generations()).toEqual([]);
        expect(watched.warnings()).toEqual(['token']);
        expect(JSON.stringify(watched.events)).toContain('it is left out');
        await updateVolume(directory, { ...payload(1), 'ca.crt': 'y' });
        await watched.until(() => watched.generations().length === 1);
        expect([...(watched.generations()[0]?.files.keys() ?? [])]).toEqual(['ca.crt', 'namespace'].map((name) => join(directory, name)));
      });
    }));

  test.each([
    ['in paths', (directory: string) => ruleFor([directory, join(directory, 'token')])],
    ['in include', (directory: string) => ruleFor([directory], { include: ['token', 'ca.crt'] })],
  ])('named %s: followed, and nothing is said', (_, rule) =>
    withDirectory(async (directory) => {
      await createVolume(directory, payload(0));
      await watching(rule(directory), async (watched) => {
        await updateVolume(directory, payload(1));
        await watched.until(() => watched.generations().at(-1)?.files.get(join(directory, 'token')) === sha256('t1'));
        expect(watched.warnings()).toEqual([]);
      });
    }),
  );

  test('a glob that means everything names nothing; excluded: nothing to say', () =>
    withDirectory(async (directory) => {
      await createVolume(directory, payload(0));
      expect(await names(directory, { include: ['*'] })).toEqual(['ca.crt', 'namespace']);
      await watching(ruleFor([directory], { exclude: ['token'] }), async (watched) => {
        expect(watched.warnings()).toEqual([]);
      });
    }));

  test('a token without the rest of that set is a file like others, and what it may be is said', () =>
    withDirectory(async (directory) => {
      await createVolume(directory, { token: '0' });
      await watching(ruleFor([directory]), async (watched) => {
        expect(watched.warnings()).toEqual(['token']);
        await updateVolume(directory, { token: '1' });
        await watched.until(() => watched.generations().length === 1);
      });
      await watching(ruleFor([directory], { include: ['token'] }), async (watched) => {
        expect(watched.warnings()).toEqual([]);
      });
    }));
});
