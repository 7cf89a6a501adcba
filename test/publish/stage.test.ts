import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import * as fs from 'node:fs';
import { chmod, chown, mkdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import type { WatchRule } from '../../src/config/model.ts';
import { eventually } from '../fixtures/eventually.ts';
import { isRoot } from '../fixtures/host.ts';
import { createVolume } from '../fixtures/kubelet.ts';
import { contentOf, everythingIn, hashOf, publishing, put, release, storing } from '../fixtures/storing.ts';
import { ruleFor } from '../fixtures/watching.ts';

/** Where a swap takes less than a copy does. */
const memory = { base: fs.existsSync('/dev/shm') ? '/dev/shm' : tmpdir() };
const swapper = fileURLToPath(new URL('../fixtures/swapping-kubelet.ts', import.meta.url));
const child = fileURLToPath(new URL('../fixtures/store-child.ts', import.meta.url));

/** Root, but with no right beyond that of any user, as the controller is. */
function withoutCapabilities(
  rule: WatchRule,
  place: string,
): { staged: { kind: string; directory?: string; problem?: string }; warnings: string[] } {
  const args = ['--bounding-set=-all', '--inh-caps=-all', process.execPath, child, JSON.stringify({ rule, places: [place] })];
  return JSON.parse(execFileSync('setpriv', args, { encoding: 'utf8' }));
}

async function staged(store: { stage: (rule: WatchRule, hash: string) => Promise<unknown> }, rule: WatchRule): Promise<string> {
  const result = (await store.stage(rule, await hashOf(rule))) as { directory?: string };
  if (result.directory === undefined) throw new Error(JSON.stringify(result));
  return result.directory;
}

describe('what a copy consists of', () => {
  test("a directory: its content at the root; kubelet's links are files, empty directories are kept, leftovers are not", () =>
    storing(async ({ source, store }) => {
      await createVolume(source, { 'nginx.conf': 'a', 'conf.d/default.conf': 'b' });
      await mkdir(join(source, 'empty/inner'), { recursive: true });
      await put(source, { 'x~': 'leftover' });
      const directory = await staged(store, ruleFor([source]));
      expect(await everythingIn(directory)).toEqual(['conf.d', 'conf.d/default.conf', 'empty', 'empty/inner', 'nginx.conf']);
      expect(fs.lstatSync(join(directory, 'conf.d')).isDirectory()).toBe(true);
      expect(fs.lstatSync(join(directory, 'nginx.conf')).isFile()).toBe(true);
      expect(await contentOf(directory)).toEqual({ 'nginx.conf': 'a', 'conf.d/default.conf': 'b' });
    }));

  test('a file, and several paths: each below its last name; a path that is absent is part of what the copy is', () =>
    storing(async ({ source, store }) => {
      await put(source, { 'a/x': '1', 'b/y': '2', single: '3' });
      const file = ruleFor([join(source, 'single')]);
      expect(await contentOf(await staged(store, file))).toEqual({ single: '3' });
      const several = ruleFor([join(source, 'a'), join(source, 'b'), join(source, 'single'), join(source, 'none')]);
      const hash = await hashOf(several);
      expect(await contentOf(await staged(store, several))).toEqual({ 'a/x': '1', 'b/y': '2', single: '3' });
      expect(await store.has(several, hash)).toBe(true);
    }));

  test('two paths with the same last name: a problem', () =>
    storing(async ({ source, store }) => {
      await put(source, { 'a/conf': '1', 'b/conf': '2' });
      const rule = ruleFor([join(source, 'a/conf'), join(source, 'b/conf')]);
      expect(await store.stage(rule, await hashOf(rule))).toEqual({
        kind: 'problem',
        problem: `watch.paths: ${source}/a/conf and ${source}/b/conf have the same last name, so they cannot stand beside each other in one copy; make two rules of them`,
      });
    }));

  test('permissions are kept, also where nobody may write; but no directory can be written by others', () =>
    storing(async ({ source, store, reopen }) => {
      await put(source, { 'd/secret': '1', 'd/script': '2', 'open/x': '3' });
      await chmod(join(source, 'd/secret'), 0o400);
      await chmod(join(source, 'd/script'), 0o4751);
      await chmod(join(source, 'd'), 0o550);
      await chmod(join(source, 'open'), 0o2777);
      await chmod(source, 0o750);
      const rule = ruleFor([source]);
      const directory = await staged(store, rule);
      const mode = (path: string) => fs.statSync(join(directory, path)).mode & 0o7777;
      expect([mode('d/secret'), mode('d/script'), mode('d'), mode('open'), mode('')]).toEqual([0o400, 0o751, 0o550, 0o755, 0o750]);
      await reopen().discard(rule);
      expect(fs.existsSync(directory)).toBe(false);
      await chmod(join(source, 'd'), 0o750);
    }));

  test.skipIf(!isRoot)('the owner is kept', () =>
    storing(async ({ source, store, warnings }) => {
      await put(source, { 'd/secret': '1' });
      await chown(join(source, 'd/secret'), 101, 102);
      await chown(join(source, 'd'), 103, 104);
      const directory = await staged(store, ruleFor([source]));
      expect(fs.statSync(join(directory, 'd/secret'))).toMatchObject({ uid: 101, gid: 102 });
      expect(fs.statSync(join(directory, 'd'))).toMatchObject({ uid: 103, gid: 104 });
      expect(warnings).toEqual([]);
    }),
  );

  test.skipIf(!isRoot)('where the owner cannot be kept: told once, and no failure', () =>
    storing(async ({ source, place }) => {
      await put(source, { a: '1', b: '2' });
      for (const name of ['a', 'b']) await chown(join(source, name), 101, 102);
      const { staged, warnings } = withoutCapabilities(ruleFor([source]), place);
      expect(staged.kind).toBe('staged');
      expect(warnings).toHaveLength(1);
      expect(warnings[0]).toContain('belongs to 101:102, its copy to 0:0: reinit lacks the right to give files away (CAP_CHOWN)');
    }),
  );

  test('each copy is newer than the one before by a second at least', () =>
    storing(async ({ source, store }) => {
      const rule = ruleFor([source]);
      const seconds: number[] = [];
      for (const content of ['1', '2', '3']) {
        await put(source, { a: content });
        seconds.push(Math.floor(fs.statSync(join(await staged(store, rule), 'a')).mtimeMs / 1_000));
      }
      expect(seconds[1]).toBeGreaterThan(seconds[0] ?? 0);
      expect(seconds[2]).toBeGreaterThan(seconds[1] ?? 0);
    }));

  test('hostile names: newline, quotes, other scripts, dots, the longest there are', () =>
    storing(async ({ source, to, store }) => {
      const names = [
        'a\nb',
        '"\'\\$(x)`',
        'ключ-鍵-🔑',
        '.hidden',
        '...',
        ' ',
        '-rf',
        '%s',
        'x'.repeat(255),
        `${'d'.repeat(250)}/${'e'.repeat(250)}`,
      ];
      const files = Object.fromEntries(names.filter((name) => name !== '...').map((name) => [name, `content of ${name}`]));
      await put(source, { ...files, '...': 'a leftover by its name' });
      for (const mode of ['flip', 'files'] as const) {
        const rule = publishing([source], `${to}-${mode}`, mode);
        await release(store, rule);
        expect(await contentOf(`${to}-${mode}`)).toEqual(files);
      }
    }));

  test('10,000 files', { timeout: 120_000 }, () =>
    storing(async ({ source, store }) => {
      for (let d = 0; d < 100; d++) {
        await mkdir(join(source, `d${d}`));
        for (let f = 0; f < 100; f++) fs.writeFileSync(join(source, `d${d}/f${f}`), `${d} ${f}`);
      }
      const rule = ruleFor([source], { max_files: 10_000 });
      const hash = await hashOf(rule);
      let longest = 0;
      let last = performance.now();
      const ticks = setInterval(() => {
        longest = Math.max(longest, performance.now() - last);
        last = performance.now();
      }, 5);
      const result = await store.stage(rule, hash);
      clearInterval(ticks);
      if (result.kind !== 'staged') throw new Error(JSON.stringify(result));
      expect(Object.keys(await contentOf(result.directory))).toHaveLength(10_000);
      expect(longest).toBeLessThan(1_000); // the controller is not deaf meanwhile
    }, memory),
  );
});

describe('which generation it is', () => {
  test('another one than the wanted: moved, and nothing is left', () =>
    storing(async ({ source, place, store }) => {
      await put(source, { a: '1' });
      const rule = ruleFor([source]);
      const hash = await hashOf(rule);
      await put(source, { a: '2' });
      expect(await store.stage(rule, hash)).toEqual({ kind: 'moved' });
      expect((await everythingIn(place)).filter((name) => /g-|tmp-/.test(name))).toEqual([]);
      expect(await store.has(rule, hash)).toBe(false);
    }));

  test('a copy that is there is used again, without any source; one that somebody changed is not', () =>
    storing(async ({ source, store, reopen }) => {
      await put(source, { a: '1', b: '2' });
      const rule = ruleFor([source]);
      const hash = await hashOf(rule);
      const directory = await staged(store, rule);
      await rm(source, { recursive: true });
      expect(await reopen().stage(rule, hash)).toEqual({ kind: 'staged', directory });
      expect(await reopen().directoryOf(rule, hash)).toBe(directory);
      await writeFile(join(directory, 'b'), 'x');
      expect(await reopen().has(rule, hash)).toBe(false);
      expect(await reopen().stage(rule, hash)).toEqual({ kind: 'moved' });
      await put(source, { a: '1', b: '2' });
      const again = await staged(store, rule);
      expect(again).not.toBe(directory);
      expect(await contentOf(again)).toEqual({ a: '1', b: '2' });
    }));

  test('swaps every 5 ms while it is copied: never a mixed copy', { timeout: 180_000 }, () =>
    storing(async ({ source, store }) => {
      const ms = Number(process.env.REINIT_TORN_MS ?? 3_000);
      const writer = spawn(process.execPath, [swapper, source, '40'], { stdio: ['pipe', 'pipe', 'inherit'] });
      let swaps = 0;
      writer.stdout.on('data', (dots: Buffer) => {
        swaps += dots.length;
      });
      await eventually('the first swap', () => swaps > 0);
      const rule = ruleFor([source]);
      const counts = { staged: 0, moved: 0 };
      try {
        const begin = performance.now();
        const isEnough = () => performance.now() - begin > ms && swaps > 20 && counts.staged > 0 && counts.moved > 0;
        while (!isEnough() && performance.now() - begin < ms + 60_000) {
          const hash = await hashOf(rule).catch(() => undefined);
          if (hash === undefined) continue;
          const result = await store.stage(rule, hash);
          if (result.kind === 'problem') throw new Error(result.problem);
          counts[result.kind]++;
          if (result.kind === 'staged') expect(new Set(Object.values(await contentOf(result.directory))).size).toBe(1);
          await store.discard(rule); // each time from the source
        }
      } finally {
        writer.kill('SIGKILL');
        await once(writer, 'exit');
      }
      expect(swaps).toBeGreaterThan(20);
      expect(counts.staged).toBeGreaterThan(0);
      expect(counts.moved).toBeGreaterThan(0);
    }, memory),
  );
});

describe('what cannot be copied', () => {
  const limits: readonly (readonly [string, Partial<WatchRule>, string])[] = [
    [
      'bytes',
      { max_bytes: 5 },
      'the files have more than 5 bytes; watch a smaller directory, leave files out with watch.exclude, or raise watch.max_bytes',
    ],
    [
      'files',
      { max_files: 1 },
      'there are more than 1 files; watch a smaller directory, leave files out with watch.exclude, or raise watch.max_files',
    ],
  ];
  test.each(limits)('more %s than the rule allows', (_, given, words) =>
    storing(async ({ source, store, place }) => {
      await put(source, { a: '1234', b: '5678' });
      const rule = ruleFor([source], given);
      const problem = `no complete copy of ${source} can be made: ${words}`;
      expect(await store.stage(rule, await hashOf(rule))).toEqual({ kind: 'problem', problem });
      expect((await everythingIn(place)).filter((name) => /tmp-/.test(name))).toEqual([]);
    }),
  );

  test.skipIf(!isRoot)('a secret with mode 000', () =>
    storing(async ({ source, place }) => {
      await put(source, { a: '1', secret: '2' });
      await chown(join(source, 'secret'), 101, 101);
      await chmod(join(source, 'secret'), 0);
      const { staged } = withoutCapabilities(ruleFor([source]), place);
      expect(staged.problem).toContain(`${source}/secret cannot be read (EACCES), so no complete copy can be made; give the user`);
    }),
  );

  test('a FIFO that the rule names, a name that is not UTF-8; a FIFO in a directory is none of it', () =>
    storing(async ({ source, store }) => {
      await put(source, { a: '1' });
      execFileSync('mkfifo', [join(source, 'fifo')]);
      expect(await contentOf(await staged(store, ruleFor([source])))).toEqual({ a: '1' });
      const rule = ruleFor([join(source, 'fifo')]);
      expect(await store.stage(rule, await hashOf(rule))).toEqual({
        kind: 'problem',
        problem: `${source}/fifo is neither a file nor a directory and cannot be copied; take it out of watch.paths`,
      });
      fs.writeFileSync(Buffer.concat([Buffer.from(`${source}/`), Buffer.from([0xff])]), '');
      expect(await store.stage(ruleFor([source]), '')).toMatchObject({ kind: 'problem', problem: expect.stringContaining('not UTF-8') });
    }));
});

describe('private places', () => {
  test('passable for everybody, named by nobody; a place that somebody else prepared is not used', () =>
    storing(async ({ directory, source, place, store, warnings }) => {
      await put(source, { a: '1' });
      const at = await staged(store, ruleFor([source]));
      const own = join(place, `reinit-${process.geteuid?.()}`);
      expect(at.slice(own.length)).toMatch(/^\/s-\w{6}\/source-[0-9a-f]{12}\/g-[0-9a-f]{16}\/files$/);
      for (let path = join(at, '..'); path !== place; path = join(path, '..')) expect(fs.statSync(path).mode & 0o777).toBe(0o711);
      await rm(own, { recursive: true });
      await mkdir(join(directory, 'elsewhere'));
      await symlink(join(directory, 'elsewhere'), own);
      const result = await store.stage(ruleFor([source]), await hashOf(ruleFor([source])));
      expect(result).toMatchObject({ kind: 'problem' });
      expect(JSON.stringify(result)).toMatch(
        /snapshot: there is no place for copies of the files: .* is not a directory of the user that reinit runs as; mount an emptyDir/,
      );
      expect(await everythingIn(join(directory, 'elsewhere'))).toEqual([]);
      expect(warnings).toEqual([]);
    }));

  test('the hash of a secret is not there for others', () =>
    storing(async ({ source, store }) => {
      await put(source, { pin: '1234' });
      const at = await staged(store, ruleFor([source]));
      expect(fs.statSync(join(at, '../manifest')).mode & 0o777).toBe(0o600);
      expect(await readFile(join(at, 'pin'), 'utf8')).toBe('1234');
    }));
});
