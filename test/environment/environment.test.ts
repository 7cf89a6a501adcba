/** Environments out of real files. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import * as fs from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { type EnvironmentReading, environmentRule, readEnvironment } from '../../src/environment/environment.ts';
import { readGeneration } from '../../src/watch/generation.ts';
import { createLanes } from '../../src/watch/lanes.ts';
import { directOperations, fault, realOperations } from '../../src/watch/operations.ts';
import { createVolume, updateVolume } from '../fixtures/kubelet.ts';
import { ruleFor, watching, withDirectory } from '../fixtures/watching.ts';

const key = Buffer.alloc(32, 1);
/** `REINIT_SOAK=15` makes the swaps last for a minute. */
const soak = Number(process.env.REINIT_SOAK ?? 1);
type Override = Readonly<Record<string, string | null>>;
type Read = Extract<EnvironmentReading, { kind: 'read' }>;
type Problem = Extract<EnvironmentReading, { kind: 'problem' }>;

async function read(paths: readonly string[], override: Override = {}): Promise<Read> {
  const reading = await readEnvironment({ paths, override, key });
  if (reading.kind !== 'read') throw new Error(JSON.stringify(reading));
  return reading;
}
async function problem(paths: readonly string[], override: Override = {}): Promise<Problem> {
  const reading = await readEnvironment({ paths, override, key });
  if (reading.kind !== 'problem') throw new Error(JSON.stringify(reading));
  return reading;
}
const plain = ({ variables }: Read) => Object.fromEntries(variables);

describe('which variables', () => {
  test('a mounted volume, a file a variable, one newline at the end removed', () =>
    withDirectory(async (directory) => {
      await createVolume(directory, { B: 'two\n', A: 'one', 'C.d': 'x\ny\n\n', EMPTY: '' });
      const reading = await read([directory]);
      expect(JSON.stringify(plain(reading))).toBe(JSON.stringify({ A: 'one', B: 'two', 'C.d': 'x\ny\n', EMPTY: '' }));
      expect([...reading.files.keys()]).toEqual(['A', 'B', 'C.d', 'EMPTY']);
      expect(reading).toMatchObject({ skipped: [], missing: [] });
    }));

  test('a dotenv file; later paths win over earlier ones, whatever they are', () =>
    withDirectory(async (directory) => {
      const [volume, file, other] = ['volume', 'app.env', 'other.env'].map((name) => join(directory, name)) as [string, string, string];
      await createVolume(volume, { A: 'volume', B: 'volume' });
      fs.writeFileSync(file, 'B=file\nC="file"\n');
      fs.writeFileSync(other, 'C=other\n');
      expect(plain(await read([volume, file, other]))).toEqual({ A: 'volume', B: 'file', C: 'other' });
      expect(plain(await read([other, file, `${volume}/`]))).toEqual({ A: 'volume', B: 'volume', C: 'file' });
      expect(plain(await read([directory, file]))).toMatchObject({ B: 'file', 'other.env': 'C=other' }); // named itself: no longer a file a variable
      expect(plain(await read([directory, file]))).not.toHaveProperty('app.env');
    }));

  test('environment wins; null takes a variable away', () =>
    withDirectory(async (directory) => {
      await createVolume(directory, { A: '1', B: '2', C: '3' });
      expect(plain(await read([directory], { A: 'own', B: null, D: 'new', E: null }))).toEqual({ A: 'own', C: '3', D: 'new' });
    }));

  test('no path, a missing path, an empty directory: none; the missing one is named', () =>
    withDirectory(async (directory) => {
      expect(plain(await read([]))).toEqual({});
      const none = await read([directory]);
      const missing = await read([join(directory, 'x'), directory]);
      expect([plain(none), plain(missing), missing.missing]).toEqual([{}, {}, [join(directory, 'x')]]);
      expect(missing.hash).toBe(none.hash);
    }));

  test('names that no variable can have are told, not taken; what lies deeper, and leftovers, are neither', () =>
    withDirectory(async (directory) => {
      for (const name of ['A', 'X=1', 'é', 'tab\t', 'A~', '.A.swp']) fs.writeFileSync(join(directory, name), 'x');
      fs.writeFileSync(Buffer.concat([Buffer.from(`${directory}/caf`), Buffer.from([0xe9])]), 'x');
      fs.mkdirSync(join(directory, 'deeper'));
      fs.writeFileSync(join(directory, 'deeper/B'), 'x');
      const reading = await read([directory]);
      expect(plain(reading)).toEqual({ A: 'x' });
      expect(reading.skipped).toEqual(['X=1', 'caf\uFFFD', 'tab\t', 'é'].sort());
    }));
});

describe('the hash', () => {
  test('says whether the resulting environment is another one, and nothing else', () =>
    withDirectory(async (directory) => {
      const paths = [directory];
      await createVolume(directory, { A: '1', B: '2' });
      const { hash } = await read(paths);
      const updated = async (payload: Record<string, string>, override: Override = {}) => {
        await updateVolume(directory, payload, { force: true });
        return (await read(paths, override)).hash;
      };
      expect(await updated({ A: '1', B: '2' })).toBe(hash);
      expect(await updated({ B: '2\n', A: '1\n' })).toBe(hash);
      expect(await updated({ A: '1', B: '2', 'X=': 'skipped' })).toBe(hash);
      expect(await updated({ A: '1' }, { B: '2' })).toBe(hash);
      expect(await updated({ A: '1', B: '3' })).not.toBe(hash);
      expect(await updated({ A: '1' })).not.toBe(hash);
      expect(await updated({ A: '1', B: 'changed' }, { B: '2' })).toBe(hash); // what is overridden changes nothing
      fs.rmSync(directory, { recursive: true });
      fs.writeFileSync(directory, 'A=1\nB=2'); // a dotenv file in its place
      expect((await read(paths)).hash).toBe(hash);
      expect(
        (await readEnvironment({ paths, override: {}, key: Buffer.alloc(32, 2) }).then(({ kind, ...rest }) => rest)) as object,
      ).not.toMatchObject({ hash });
      fs.rmSync(directory);
      fs.mkdirSync(directory);
    }));

  test('of each variable, for telling which ones changed', () =>
    withDirectory(async (directory) => {
      await createVolume(directory, { A: 'secret', B: 'secret' });
      const before = (await read([directory])).files;
      expect(before.get('A')).not.toBe(before.get('B'));
      await updateVolume(directory, { A: 'secret', B: 'other' });
      const after = (await read([directory])).files;
      expect([after.get('A') === before.get('A'), after.get('B') === before.get('B')]).toEqual([true, false]);
    }));
});

describe('what cannot be an environment', () => {
  const secret = 'hunter2';
  test.each<[string, Record<string, string | Buffer>, RegExp]>([
    ['a value that is not UTF-8', { KEY: Buffer.from([0x68, 0xff]) }, /^env_from: the value of KEY \(.*\/v\/KEY\) is not UTF-8/],
    ['a value with NUL', { KEY: `${secret}\0` }, /^env_from: the value of KEY \(.*\/v\/KEY\) has a NUL byte/],
    ['a variable that is too large', { KEY: secret.repeat(20_000) }, /^env_from: KEY is larger than one variable can be: 140004 bytes/],
    [
      'an environment that is too large',
      Object.fromEntries(Array.from({ length: 50 }, (_, n) => [`KEY${n}`, secret.repeat(1_500)])),
      /^env_from: the environment is larger than can be passed on: 50 variables with 525\d\d\d bytes/,
    ],
    [
      'more bytes than are read',
      Object.fromEntries(Array.from({ length: 9 }, (_, n) => [`KEY${n}`, Buffer.alloc(500_000)])),
      /^env_from: .*KEY8 is too much: there are more than 4194304 bytes in files/,
    ],
  ])('%s', (_, payload, expected) =>
    withDirectory(async (directory) => {
      const volume = join(directory, 'v');
      await createVolume(volume, payload);
      const first = await problem([volume]);
      expect(first.problem).toMatch(expected);
      expect(JSON.stringify(first)).not.toContain(secret);
      expect((await problem([volume])).hash).toBe(first.hash);
      await updateVolume(volume, { ...payload, OTHER: 'x' });
      expect((await problem([volume])).hash).not.toBe(first.hash);
    }),
  );

  test('a dotenv file: path and line', () =>
    withDirectory(async (directory) => {
      const file = join(directory, 'app.env');
      fs.writeFileSync(file, `A=1\nB="${secret}\n`);
      const first = await problem([file]);
      expect(first.problem).toBe(`env_from: ${file}, line 2: the double quote that begins the value is never closed`);
      fs.writeFileSync(file, `A=1\nB="${secret}!\n`);
      expect((await problem([file])).hash).not.toBe(first.hash);
      fs.writeFileSync(file, Buffer.from([0x41, 0x3d, 0xff]));
      expect((await problem([file])).problem).toBe(`env_from: ${file} is not UTF-8 text, as a dotenv file has to be`);
    }));

  test('what is overridden cannot be a problem', () =>
    withDirectory(async (directory) => {
      await createVolume(directory, { A: Buffer.from([0xff]), B: 'x\0', C: '1' });
      expect(plain(await read([directory], { A: 'own', B: null }))).toEqual({ A: 'own', C: '1' });
    }));

  test('a FIFO', () => problem(['/dev/null']).then(({ problem }) => expect(problem).toMatch(/^env_from: \/dev\/null is neither/)));

  test('a secret that may not be read: the path and why', () =>
    withDirectory(async (directory) => {
      await createVolume(directory, { A: '1', B: secret }, { mode: 0 });
      const refusing = {
        ...realOperations,
        content: async (path: string, stat: Parameters<typeof realOperations.content>[1]) => {
          if (path.endsWith('/B')) throw fault('EACCES', 'no'); // root reads everything
          return realOperations.content(path, stat);
        },
      };
      const reading = await readEnvironment({ paths: [directory], override: {}, key }, { operations: refusing });
      expect(reading).toMatchObject({ kind: 'problem', problem: expect.stringMatching(/^env_from: .*\/B cannot be read \(EACCES\)/) });
    }));

  test('a mount that hangs', () =>
    withDirectory(async (directory) => {
      fs.writeFileSync(join(directory, 'A'), 'x');
      const hanging = { ...realOperations, content: () => new Promise<never>(() => undefined) };
      const given = { operations: hanging, deadlineMs: 50, lanes: createLanes() };
      expect((await readEnvironment({ paths: [directory], override: {}, key }, given)).kind).toBe('unreachable');
    }));
});

/** Everything in it says `n`. */
const generationOf = (n: number) => ({
  ...Object.fromEntries(Array.from({ length: 4 }, (_, key) => [`K${key}`, `${n}`])),
  'more.env': `E1=${n}\nE2=${n}\n`,
});

/** Runs `work` while another process swaps the volume: one of this process would stand still whenever a reading does not. */
async function swapping(directory: string, work: () => Promise<void>): Promise<void> {
  const script = `import { updateVolume } from ${JSON.stringify(new URL('../fixtures/kubelet.ts', import.meta.url).href)};
    const generationOf = ${generationOf};
    for (let n = 1; ; n++) {
      await updateVolume(${JSON.stringify(directory)}, generationOf(n), { order: n % 2 ? 'new' : 'old' });
      await new Promise((resolve) => setTimeout(resolve, 5));
    }`;
  const swapper = spawn(process.execPath, ['--input-type=module', '-e', script], { stdio: ['ignore', 'ignore', 'inherit'] });
  const ended = once(swapper, 'exit');
  try {
    await work();
  } finally {
    swapper.kill('SIGKILL');
    await ended;
  }
}

describe('as the files change', () => {
  test(
    'swaps every 5 ms: never a mix of two generations, of one volume or in one with its dotenv file',
    () =>
      withDirectory(async (directory) => {
        await createVolume(directory, generationOf(0));
        const seen = new Map<string, string>();
        let [readings, mixed] = [0, 0];
        await swapping(directory, async () => {
          for (const end = performance.now() + 4_000 * soak; performance.now() < end; ) {
            const given = readings % 2 ? { direct: directOperations } : {};
            const reading = await readEnvironment({ paths: [directory, join(directory, 'more.env')], override: {}, key }, given);
            if (reading.kind !== 'read') continue;
            readings++;
            const values = new Set(reading.variables.values());
            if (values.size !== 1 || reading.variables.size !== 6) mixed++;
            const [value = ''] = values;
            expect(seen.get(value) ?? reading.hash).toBe(reading.hash);
            seen.set(value, reading.hash);
          }
        });
        expect(mixed).toBe(0);
        expect(readings).toBeGreaterThan(5);
        expect(new Set(seen.values()).size).toBe(seen.size);
        expect(seen.size).toBeGreaterThan(3);
      }),
    20_000 + 4_000 * soak,
  );

  test('in one volume, files that take a while to read are still of one generation', () =>
    withDirectory(async (directory) => {
      await createVolume(directory, { A: '0', B: '0' });
      let n = 0;
      const swapped = {
        ...realOperations,
        // The volume is swapped between the reading of A and that of B, twice.
        content: async (path: string, stat: Parameters<typeof realOperations.content>[1]) => {
          const content = await realOperations.content(path, stat);
          if (path.endsWith('/A') && n < 2) {
            n++;
            await updateVolume(directory, { A: `${n}`, B: `${n}` });
          }
          return content;
        },
      };
      const reading = await readEnvironment({ paths: [directory], override: {}, key }, { operations: swapped });
      expect(reading.kind === 'read' && plain(reading)).toEqual({ A: '2', B: '2' });
    }));

  test('what is watched is what is read: in step from the start, told when it changes', () =>
    withDirectory(async (directory) => {
      const volume = join(directory, 'v');
      await createVolume(volume, { A: '1', 'deeper/B': '1' });
      const paths = [volume, join(directory, 'app.env')];
      const watched = { ...ruleFor(paths), ...environmentRule(paths, ruleFor(paths)) };
      expect((await read(paths)).generation).toBe((await readGeneration(watched))?.hash);
      await watching(watched, async (told) => {
        await updateVolume(volume, { A: '1', 'deeper/B': '2' });
        await told.quiet();
        expect(told.generations()).toEqual([]);
        await updateVolume(volume, { A: '2', 'deeper/B': '2' });
        await told.until(() => told.generations().length === 1);
        fs.writeFileSync(join(directory, 'app.env'), 'B=1');
        await told.until(() => told.generations().length === 2);
        const reading = await read(paths);
        expect(plain(reading)).toEqual({ A: '2', B: '1' });
        expect(told.generations().at(-1)?.hash).toBe(reading.generation);
      });
    }));
});

test(
  '10,000 keys',
  () =>
    withDirectory(async (directory) => {
      for (let n = 0; n < 10_000; n++) fs.writeFileSync(join(directory, `KEY_${n}`), `value ${n}\n`);
      for (const given of [{}, { direct: directOperations }]) {
        const started = performance.now();
        const reading = await readEnvironment({ paths: [directory], override: {}, key }, given);
        expect(reading.kind === 'read' && [reading.variables.size, reading.variables.get('KEY_9999')]).toEqual([10_000, 'value 9999']);
        expect(performance.now() - started).toBeLessThan(15_000);
      }
    }),
  60_000,
);
