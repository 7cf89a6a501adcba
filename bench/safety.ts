/**
 * `npm run bench:safety`: the promises that are counted, not timed, by their tests on real applications, for as long as the figures ask for.
 * With `--write` the counts go to bench/SAFETY.md.
 */
import { spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { join } from 'node:path';
import { root } from './measure.ts';

interface Promised {
  readonly what: string;
  readonly file: string;
  /** A part of the test's name; empty: all of the file. */
  readonly test: string;
  readonly env: Readonly<Record<string, string>>;
  /** What the test says that it has counted. */
  readonly counts: RegExp;
}

const promises: readonly Promised[] = [
  {
    what: 'nginx, 200 reloads under load on fresh connections: failed or refused requests',
    file: 'test/e2e/load.test.ts',
    test: '',
    env: {},
    counts: /^load: (.*)$/gm,
  },
  {
    what: '100 restarts with `start_first` under load: failed or refused requests',
    file: 'test/e2e/start-first.test.ts',
    test: 'no request fails or is refused',
    env: {},
    counts: /^start_first: (\d+ restarts, .*)$/gm,
  },
  {
    what: 'a volume that is swapped with pauses of 5 ms for 60 s, and published: mixed generations that a reader has seen',
    file: 'test/e2e/torn-reads.test.ts',
    test: '',
    env: { TORN_READS_S: '60' },
    counts: /^torn reads: (.*)$/gm,
  },
  {
    what: '200 kill -9 of the controller, and 200 of everything, at random instants: half a generation, a refused one, a wrong `applied`',
    file: 'test/e2e/crash.test.ts',
    test: '',
    env: { CRASH_KILLS: '200' },
    counts: /^crash: (\d+ kills.*)$/gm,
  },
  {
    what: 'more than 500 random sequences of events for each of three promises, in three configurations: broken promises',
    file: 'test/controller/safe-promises.test.ts',
    test: '',
    env: {},
    counts: /Tests +(\d+ passed)/g,
  },
];

async function keep({ what, file, test, env, counts }: Promised): Promise<string> {
  const began = performance.now();
  const filter = test === '' ? [] : ['-t', test];
  const vitest = [join(root, 'node_modules/vitest/vitest.mjs'), 'run', file, ...filter];
  const child = spawn(process.execPath, vitest, {
    cwd: root,
    env: { ...process.env, ...env, NO_COLOR: '1' },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (data: Buffer) => {
      output += data.toString();
    });
  }
  const code = await new Promise((resolve) => child.on('close', resolve));
  const counted = [...output.matchAll(counts)].map(([, count]) => count).join('; ') || '–';
  process.stderr.write(`${code === 0 ? '✓' : '✗'} ${file}: ${counted}\n`);
  return `| ${what} | ${code === 0 ? '0' : '**some**'} | ${counted} | ${Math.round((performance.now() - began) / 1000)} s |`;
}

const rows: string[] = [];
for (const promised of promises) rows.push(await keep(promised));
const table = [
  '# Safety, counted',
  '',
  'Written by `npm run bench:safety -- --write`: tests on real applications, which fail where it is not 0.',
  '',
  `${cpus().length} × ${cpus()[0]?.model ?? 'unknown processor'}, Linux ${process.getBuiltinModule('node:os').release()}, Node ${process.version}.`,
  '',
  '| what | found | in | took |',
  '|---|---|---|---|',
  ...rows,
  '',
].join('\n');
process.stdout.write(table);
if (process.argv.includes('--write')) writeFileSync(join(root, 'bench/SAFETY.md'), table);
