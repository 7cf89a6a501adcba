import { execFileSync } from 'node:child_process';
import * as fs from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { createReader, type ReaderEnvironment, type Reading, readGeneration } from '../../src/watch/generation.ts';
import { createLane, createLanes } from '../../src/watch/lanes.ts';
import { fault, type Operations, realOperations } from '../../src/watch/operations.ts';
import { createVolume, updateVolume } from '../fixtures/kubelet.ts';
import { hashed, ruleFor, sha256, withDirectory } from '../fixtures/watching.ts';

type Read = Extract<Reading, { kind: 'read' }>;

async function read(reader: { read(): Promise<Reading> }): Promise<Read> {
  const reading = await reader.read();
  if (reading.kind !== 'read') throw new Error(`not read: ${JSON.stringify(reading)}`);
  return reading;
}

/** The paths below the directory that a rule's generation has. */
async function names(directory: string, given: Parameters<typeof ruleFor>[1] = {}, paths: readonly string[] = ['']): Promise<string[]> {
  const rule = ruleFor(
    paths.map((path) => join(directory, path)),
    given,
  );
  return [...((await readGeneration(rule))?.files.keys() ?? [])].map((path) => path.slice(directory.length + 1));
}

function tree(directory: string, files: Readonly<Record<string, string>>): void {
  for (const [path, content] of Object.entries(files)) {
    fs.mkdirSync(join(directory, path, '..'), { recursive: true });
    fs.writeFileSync(join(directory, path), content);
  }
}

/** Real operations but for some; counts what was hashed. */
function operations(given: Partial<Operations> = {}): Operations & { readonly hashed: string[] } {
  const list: string[] = [];
  return {
    ...realOperations,
    hash: (path, expected) => {
      list.push(path);
      return realOperations.hash(path, expected);
    },
    ...given,
    hashed: list,
  };
}

const environment = (given: Partial<Operations>, more: Partial<ReaderEnvironment> = {}): Partial<ReaderEnvironment> => ({
  operations: operations(given),
  deadlineMs: 100,
  lanes: createLanes(),
  ...more,
});

describe('what belongs to a generation', () => {
  test('files by the names that the application uses, with the hash of their bytes', () =>
    withDirectory(async (directory) => {
      await createVolume(directory, { 'nginx.conf': 'a', 'conf.d/default.conf': 'b' });
      const { files } = (await readGeneration(ruleFor([directory]))) ?? {};
      expect(files).toEqual(hashed({ [join(directory, 'nginx.conf')]: 'a', [join(directory, 'conf.d/default.conf')]: 'b' }));
    }));

  test('leftovers and names that start with two dots are none; near misses are files', () =>
    withDirectory(async (directory) => {
      const leftovers = ['..data2', '..2026_01_01_00_00_00.1/x', 'f~', '.f.swp', '.f.swx', '4913', 'f.tmp-12', '#f#', '.#f', 'sedAb3xYz'];
      const files = ['.hidden', '4913.conf', 'f.tmp', 'sediments', 'sedum.conf', 'swp', 'tmp-1', 'x.swp'];
      tree(directory, Object.fromEntries([...leftovers, ...files].map((name) => [name, name])));
      expect(await names(directory)).toEqual(files.sort());
    }));

  test('a leftover that the rule names itself is watched', () =>
    withDirectory(async (directory) => {
      tree(directory, { 'f~': 'x' });
      expect(await names(directory, {}, ['f~'])).toEqual(['f~']);
    }));

  test("exclude: by absolute path, by path below the rule's path, by name; directories too", () =>
    withDirectory(async (directory) => {
      tree(directory, { 'a/token': '', 'a/b/x.key': '', 'a/b/y.conf': '', 'c/z.conf': '', 'd/e/f': '' });
      expect(await names(directory, { exclude: ['token', 'a/**/*.key', join(directory, 'c/*'), 'd'] })).toEqual(['a/b/y.conf']);
    }));

  test('not recursive: only the directory itself', () =>
    withDirectory(async (directory) => {
      tree(directory, { a: '', 'b/c': '' });
      fs.symlinkSync('b', join(directory, 'l'));
      expect(await names(directory, { recursive: false })).toEqual(['a']);
    }));

  test('links in circles end; directories reached twice by different names count twice', () =>
    withDirectory(async (directory) => {
      tree(directory, { 'a/f': '' });
      fs.symlinkSync('..', join(directory, 'a/up'));
      fs.symlinkSync('a', join(directory, 'b'));
      fs.symlinkSync('self', join(directory, 'self'));
      fs.symlinkSync('nowhere', join(directory, 'dangling'));
      expect(await names(directory)).toEqual(['a/f', 'b/f']);
    }));

  test('many links that lead to each other do not take for ever', () =>
    withDirectory(async (directory) => {
      for (let level = 0; level < 9; level++) {
        fs.mkdirSync(join(directory, `${level}`));
        for (let n = 0; n < 10; n++) fs.symlinkSync(`../${level + 1}`, join(directory, `${level}/l${n}`));
      }
      const reading = await read(createReader(ruleFor([join(directory, '0')], { max_files: 500 })));
      expect(reading.leftOut?.why).toBe('files');
    }));

  test('FIFOs, sockets and devices are never opened, configured or not', () =>
    withDirectory(async (directory) => {
      execFileSync('mkfifo', [join(directory, 'fifo')]);
      tree(directory, { f: '' });
      const reading = await read(createReader(ruleFor([directory, join(directory, 'fifo'), '/dev/zero'])));
      expect([...reading.generation.files.keys()]).toEqual([join(directory, 'f')]);
      expect([...reading.unknown]).toEqual([
        [join(directory, 'fifo'), 'special'],
        ['/dev/zero', 'special'],
      ]);
    }));

  test('limits: always the same files are left out, and it is said', () =>
    withDirectory(async (directory) => {
      tree(directory, { a: '1', b: '2'.repeat(100), c: '3', 'd/1/2/3/4/5/6/7/8/9/f': '' });
      expect((await read(createReader(ruleFor([directory])))).leftOut).toEqual({
        path: join(directory, 'd/1/2/3/4/5/6/7/8'),
        why: 'depth',
      });
      expect(await names(directory, { max_bytes: 50 })).toEqual(['a', 'c']);
      expect(await names(directory, { max_files: 2 })).toEqual(['a', 'b']);
    }));

  test('a configured path that is missing is an entry; an empty directory is another state', () =>
    withDirectory(async (directory) => {
      const rule = ruleFor([join(directory, 'x')]);
      const missing = await readGeneration(rule);
      expect([...(missing?.files ?? [])]).toEqual([[join(directory, 'x'), null]]);
      fs.mkdirSync(join(directory, 'x'));
      expect((await readGeneration(rule))?.hash).not.toBe(missing?.hash);
    }));

  test('a name that is not UTF-8 is told, the rest is read', () =>
    withDirectory(async (directory) => {
      fs.writeFileSync(Buffer.concat([Buffer.from(`${directory}/caf`), Buffer.from([0xe9])]), 'x');
      tree(directory, { f: 'x' });
      const reading = await read(createReader(ruleFor([directory])));
      expect(reading.generation.files.size).toBe(1);
      expect([...reading.unknown.values()]).toEqual(['EILSEQ']);
    }));
});

describe('one consistent reading', () => {
  test('keys that must agree always do, while the volume is swapped as fast as it goes', () =>
    withDirectory(async (directory) => {
      const payload = (n: number) => Object.fromEntries(Array.from({ length: 10 }, (_, key) => [`key${key}`, `version ${n}`]));
      await createVolume(directory, payload(0));
      let swapping = true;
      const swaps = (async () => {
        for (let n = 1; swapping; n++) {
          await updateVolume(directory, payload(n), { order: n % 2 ? 'new' : 'old' });
          await sleep(n % 7);
        }
      })();
      const reader = createReader(ruleFor([directory]));
      let readings = 0;
      for (const end = performance.now() + 15_000; readings < 30 && performance.now() < end; ) {
        const reading = await reader.read();
        if (reading.kind !== 'read') continue;
        readings++;
        expect(new Set(reading.generation.files.values()).size).toBe(1);
        expect(reading.generation.files.size).toBe(10);
      }
      swapping = false;
      await swaps;
      expect(readings).toBe(30);
    }));

  test('what never stands still is no reading', () =>
    withDirectory(async (directory) => {
      tree(directory, { f: 'x' });
      let n = 0;
      const moving = createReader(
        ruleFor([directory]),
        environment({
          readdir: async (path) => [...(await realOperations.readdir(path)), { name: `new${n++}`, kind: 'link' as const }],
          lstat: async (path) =>
            path.includes('/new') ? { ...(await realOperations.lstat(directory)), kind: 'link' } : realOperations.lstat(path),
          readlink: async () => `f${n}`,
        }),
      );
      expect((await moving.read()).kind).toBe('moving');
    }));
});

describe('hashes that are used again', () => {
  test('a file is read again only when it may have changed', () =>
    withDirectory(async (directory) => {
      tree(directory, { a: 'x', b: 'y' });
      const spy = operations();
      const reader = createReader(ruleFor([directory]), { operations: spy, now: () => Date.now() + 10_000 });
      for (const expected of [2, 2, 3, 3]) {
        if (expected === 3 && spy.hashed.length === 2) fs.writeFileSync(join(directory, 'a'), 'z');
        await reader.read();
        expect(spy.hashed.length).toBe(expected);
      }
    }));

  test("no change is too quick: the same size, the mtime put back, within the clock's tick", () =>
    withDirectory(async (directory) => {
      const path = join(directory, 'f');
      fs.writeFileSync(path, '000');
      const reader = createReader(ruleFor([path]));
      const { atime, mtime } = fs.statSync(path);
      for (let n = 1; n <= 200; n++) {
        fs.writeFileSync(path, String(n).padStart(3, '0'));
        fs.utimesSync(path, atime, mtime);
        expect((await read(reader)).generation.files.get(path)).toBe(sha256(String(n).padStart(3, '0')));
      }
    }));

  test('nothing is believed for ever, nor on a file system that is not local', () =>
    withDirectory(async (directory) => {
      tree(directory, { a: 'x' });
      let now = Date.now() + 10_000;
      const spy = operations();
      const reader = createReader(ruleFor([directory]), { operations: spy, now: () => now });
      await reader.read();
      now += 700_000;
      await reader.read();
      expect(spy.hashed.length).toBe(2);
      const nfs = operations({ text: async () => '1 1 0:1 / / rw - nfs4 server:/ rw\n' });
      const remote = createReader(ruleFor([directory]), {
        operations: { ...nfs, hash: (path, stat) => spy.hash(path, stat) },
        now: () => now,
      });
      await remote.read();
      await remote.read();
      expect(spy.hashed.length).toBe(4);
    }));
});

describe('what cannot be read', () => {
  test('keeps its last known hash, file or directory, and is named', () =>
    withDirectory(async (directory) => {
      tree(directory, { a: 'x', 'd/b': 'y', 'd/c': 'z' });
      let refused: string[] = [];
      const refuse = (path: string): undefined => {
        if (refused.some((each) => path.endsWith(each))) throw fault('EACCES', `EACCES: ${path}`);
      };
      const reader = createReader(
        ruleFor([directory]),
        environment({
          hash: async (path, stat) => refuse(path) ?? realOperations.hash(path, stat),
          readdir: async (path) => refuse(path) ?? realOperations.readdir(path),
        }),
      );
      const before = await read(reader);
      refused = ['/a', '/d'];
      const after = await read(reader);
      expect(after.generation.hash).toBe(before.generation.hash);
      expect(after.unknown).toEqual(
        new Map([
          [join(directory, 'd'), 'EACCES'],
          [join(directory, 'a'), 'EACCES'],
        ]),
      );
      refused = [];
      tree(directory, { a: 'changed' });
      expect((await read(reader)).generation.hash).not.toBe(before.generation.hash);
    }));

  test('a file operation that never ends: unreachable by the deadline, and no second one is risked', () =>
    withDirectory(async (directory) => {
      tree(directory, { f: 'x' });
      let release = (): void => undefined;
      let asked = 0;
      const hang = (path: string): Promise<void> => {
        if (!path.endsWith('/f')) return Promise.resolve();
        asked++;
        return new Promise((resolve) => {
          release = resolve;
        });
      };
      const nfs = {
        text: async () => '1 1 0:1 / / rw - nfs4 server:/ rw\n',
        lstat: (path: string) => hang(path).then(() => realOperations.lstat(path)),
      };
      const given = environment(nfs);
      const reader = createReader(ruleFor([directory]), given);
      const other = createReader(ruleFor([join(directory, 'f')]), given);
      for (let n = 0; n < 3; n++) {
        const started = performance.now();
        expect((await reader.read()).kind).toBe('unreachable');
        expect((await other.read()).kind).toBe('unreachable');
        expect(performance.now() - started).toBeLessThan(2_000);
      }
      expect(asked).toBe(1);
      nfs.lstat = realOperations.lstat;
      release();
      await sleep(10);
      const back = createReader(ruleFor([directory]), { ...given, operations: operations() });
      expect((await read(back)).generation.files.size).toBe(1);
    }));

  test('a local file system that hangs leaves a thread for everybody else', () =>
    withDirectory(async (directory) => {
      tree(directory, Object.fromEntries(Array.from({ length: 50 }, (_, n) => [`f${n}`, 'x'])));
      let inFlight = 0;
      let most = 0;
      const reader = createReader(
        ruleFor([directory]),
        environment({
          hash: () => {
            most = Math.max(most, ++inFlight);
            return new Promise(() => undefined);
          },
        }),
      );
      expect((await reader.read()).kind).toBe('unreachable');
      await reader.read();
      expect(most).toBe(3);
    }));
});

test('a lane gives its place to the next one only when the operation has really ended', async () => {
  const lane = createLane(1);
  let finish = (): void => undefined;
  const first = lane.run(
    'a',
    30,
    () =>
      new Promise<void>((resolve) => {
        finish = resolve;
      }),
  );
  await expect(first).rejects.toMatchObject({ code: 'HUNG' });
  let ran = false;
  const second = lane.run('b', 2_000, async () => {
    ran = true;
  });
  await sleep(20);
  expect(ran).toBe(false);
  finish();
  await second;
  expect(ran).toBe(true);
});
