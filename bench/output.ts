/**
 * How fast the application's output gets through, against what people put behind a pipe for it. `scripts/node bench/output.ts [--write] [--quick]`
 *
 * A program writes lines of 100 bytes as fast as they are taken. Measured is the time that this takes it; what is then still in pipes is less than a MB.
 */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { isRoot } from '../test/fixtures/host.ts';
import { compiled } from '../test/fixtures/init/compiled.ts';
import { median, reinit, root, scratch } from './measure.ts';
import { createTable } from './table.ts';

const lineBytes = 100;
const quick = process.argv.includes('--quick');
const megabytes = quick ? 20 : 50;
const rounds = quick ? 1 : 5;
const wanted = 100;

const peers = ['/usr/bin/svlogd', '/usr/bin/multilog', '/usr/bin/s6-log'];
for (const peer of peers) if (!existsSync(peer)) throw new Error(`the peer ${peer} is not installed: apt-get install runit daemontools s6`);

/** A shell's pipeline, with what writes the lines in the place of `@`. */
type Pipeline = (directory: string) => string;

const writer = compiled('lines');

const namespace = `unshare ${isRoot ? '' : '--user --map-current-user '}--pid --fork --mount-proc`;
const through =
  (output: object): Pipeline =>
  (directory) => {
    const config = join(directory, 'reinit.yaml');
    const text = JSON.stringify({ output, log: { level: 'error' } }).replaceAll('DIRECTORY', directory);
    writeFileSync(config, text);
    return `${namespace} ${reinit} run -c ${config} -- @ | cat >/dev/null`;
  };
const inFile = { path: 'DIRECTORY/app.log', max_size: '10MiB', max_files: 5 };

const lines = (megabytes * 1e6) / lineBytes;

/** In seconds. */
function time(pipeline: Pipeline): number {
  const directory = mkdtempSync(join(scratch, 'output-'));
  try {
    mkdirSync(join(directory, 'log'));
    writeFileSync(join(directory, 'log/config'), 's10485760\nn5\n');
    const [began, ended] = [join(directory, 'began'), join(directory, 'ended')];
    const app = join(directory, 'app');
    writeFileSync(app, `#!/bin/sh\n>${began}\n${writer} ${lines} ${lineBytes} 65536\n>${ended}\n`, { mode: 0o755 });
    const command = pipeline(directory).replace('@', app);
    execFileSync('/bin/bash', ['-o', 'pipefail', '-c', command], { stdio: ['ignore', 'ignore', 'inherit'] });
    return (statSync(ended).mtimeMs - statSync(began).mtimeMs) / 1000;
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

const rows: readonly { readonly what: string; readonly ours: Pipeline; readonly others: Readonly<Record<string, Pipeline>> }[] = [
  {
    what: 'to stdout, a prefix before each line',
    ours: through({ prefix: 'app ' }),
    others: { 'app \\| cat': () => '@ | cat | cat >/dev/null' },
  },
  {
    what: 'to stdout, the time before each line',
    ours: through({ timestamps: true }),
    others: { 's6-log T 1': () => '@ | s6-log T 1 | cat >/dev/null' },
  },
  { what: 'to stdout, each line as JSON', ours: through({ format: 'json' }), others: {} },
  {
    what: 'to a file, rotated at 10 MiB',
    ours: through({ file: inFile }),
    others: {
      svlogd: (directory) => `@ | svlogd ${directory}/log`,
      multilog: (directory) => `@ | multilog s10485760 n5 ${directory}/log`,
      's6-log': (directory) => `@ | s6-log n5 s10485760 ${directory}/log`,
    },
  },
  { what: 'to a file, each line as JSON', ours: through({ format: 'json', file: inFile }), others: {} },
];

/** MB/s, of all pipelines in turn, so that what else the machine does meets all of them. */
function speeds(pipelines: readonly Pipeline[]): number[] {
  const times = pipelines.map((): number[] => []);
  for (let round = 0; round < rounds; round++) pipelines.forEach((pipeline, at) => void times[at]?.push(time(pipeline)));
  return times.map((seconds) => megabytes / median(seconds));
}

const about = `Written by \`scripts/node bench/output.ts --write\`; MB/s of lines of 100 bytes, medians of ${rounds} runs of ${megabytes} MB, all peers in turn. What is written to a file stays in the page cache. Ratios carry over to other machines, speeds do not.`;
const table = createTable("The application's output", about);
for (const { what, ours, others } of rows) {
  const [mine = 0, ...theirs] = speeds([ours, ...Object.values(others)]);
  const named = Object.keys(others).map((name, at) => `${Math.round(theirs[at] ?? 0)} (${name})`);
  const best = theirs.length === 0 ? undefined : mine / Math.max(...theirs);
  table.row(what, `${Math.round(mine)} MB/s`, named.join(', ') || '–', best, `≥ ${wanted} MB/s`, mine >= wanted);
}
if (process.argv.includes('--write')) writeFileSync(join(root, 'bench/OUTPUT.md'), table.text());
else process.stdout.write(table.text());
