/**
 * `npm run bench`: every figure of reinit against its peer in the same run on the same machine, medians and ratios, as a table.
 * `npm run bench -- --write` puts the table into bench/RESULTS.md. The peers take turns (A B A B), so that a drifting machine hits both.
 */
import { mkdtempSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { eventually } from '../test/fixtures/eventually.ts';
import { createVolume, updateVolume } from '../test/fixtures/kubelet.ts';
import {
  activity,
  bareNode,
  childNamed,
  kilobytes,
  median,
  native,
  prepare,
  quantile,
  reinit,
  root,
  sample,
  scratch,
  start,
  tini,
} from './measure.ts';
import { nestFigures } from './nest.ts';
import { timePublishing } from './publish.ts';
import { createTable } from './table.ts';
import { tenThousandFiles } from './watch.ts';

const { row, text: table } = createTable(
  'Results',
  'Written by `npm run bench -- --write`; medians, all peers in one run. Ratios carry over to other machines, single times do not.',
);
const quick = process.argv.includes('--quick');
const idleMs = quick ? 5000 : 60_000;
const rounds = quick ? 2 : 5;

/** Samples of both, in turns. */
function turns(ours: () => number[], peers: () => number[], times = rounds): [number[], number[]] {
  const [a, b]: [number[], number[]] = [[], []];
  for (let i = 0; i < times; i++) {
    a.push(...ours());
    b.push(...peers());
  }
  return [a, b];
}

const us = (n: number): string => `${n.toFixed(0)} µs`;
const ms = (n: number): string => `${n.toFixed(1)} ms`;
const kB = (n: number): string => `${n.toFixed(0)} kB`;

async function size(): Promise<void> {
  const ours = start([reinit, '--', 'sleep', '1000']);
  const peer = start([tini, '-s', '--', 'sleep', '1000']);
  await delay(500);
  const [a, b] = [ours, peer].map(({ pid }) => kilobytes(`/proc/${pid}/smaps_rollup`, 'Rss')) as [number, number];
  await Promise.all([ours.stop(), peer.stop()]);
  row('init: resident memory, plain mode', kB(a), kB(b), a / b, '≤ 150 kB', a <= 150);
  const bytes = statSync(reinit).size;
  const tiniStatic = statSync('/usr/bin/tini-static').size;
  row('init: static binary', kB(bytes / 1000), kB(tiniStatic / 1000), bytes / tiniStatic, '≤ 80 kB', bytes <= 80_000);
}

function plainStart(): void {
  const [a, b] = turns(
    () => sample(['start', '100', '--', reinit, '--', native, 'first']),
    () => sample(['start', '100', '--', tini, '-s', '--', native, 'first']),
  );
  const ratio = median(a) / median(b);
  row('plain: exec → application’s first instruction', us(median(a)), us(median(b)), ratio, '≤ 1.1 × tini', ratio <= 1.1);
}

function signals(): void {
  const [a, b] = turns(
    () => sample(['signal', '100', '--', reinit, '--', native, 'receive', join(scratch, 'signal')]),
    () => sample(['signal', '100', '--', tini, '-s', '--', native, 'receive', join(scratch, 'signal')]),
    3 * rounds,
  );
  for (const [name, q] of [
    ['median', 0.5],
    ['p99', 0.99],
  ] as const) {
    const ratio = quantile(a, q) / quantile(b, q);
    row(`signal forwarding, ${name} of ${a.length}`, us(quantile(a, q)), us(quantile(b, q)), ratio, '≤ 1.1 × tini', ratio <= 1.1);
  }
}

function orphans(): void {
  const [a, b] = turns(
    () => sample(['orphans', '1', '--', reinit, '--', native, 'orphan-maker', '4000', join(scratch, 'orphans')]),
    () => sample(['orphans', '1', '--', tini, '-s', '--', native, 'orphan-maker', '4000', join(scratch, 'orphans')]),
    3 * rounds,
  );
  const ratio = median(a) / median(b);
  const thousands = (n: number): string => `${(n / 1000).toFixed(0)} k`;
  row('orphans reaped a second (4,000 at once)', thousands(median(a)), thousands(median(b)), ratio, '≥ 1 × tini', ratio >= 1);
}

/** A directory with one file, and a configuration that watches it. */
function configuration(name: string, settings: object): { readonly directory: string; readonly file: string; readonly yaml: string } {
  const directory = join(scratch, 'quiet/place', name); // a watch sees its parent and grandparent too, and the scratch directory's is everybody's
  const yaml = join(scratch, `${name}.yaml`);
  const file = join(directory, 'app.conf');
  writeFileSync(join(ensure(directory), 'app.conf'), 'v0\n');
  const { command, rule } = settings as { command: string[]; rule: object };
  writeFileSync(yaml, JSON.stringify({ command, log: { format: 'json' }, watch: [{ paths: [directory], ...rule }] }));
  return { directory, file, yaml };
}

function ensure(directory: string): string {
  process.getBuiltinModule('node:fs').mkdirSync(directory, { recursive: true });
  return directory;
}

function configuredStart(): void {
  const { yaml } = configuration('start', { command: [native, 'first'], rule: {} });
  const say = 'const t = process.hrtime.bigint(); process.stdout.write(String(t) + "\\n")';
  const [a, b] = turns(
    () => sample(['start', '4', '--', reinit, '-c', yaml]),
    () => sample(['start', '4', '--', ...bareNode, '-e', say]),
    6 * rounds,
  );
  const ratio = median(a) / median(b);
  row(
    'configured: exec → application’s first instruction',
    ms(median(a) / 1000),
    `${ms(median(b) / 1000)} (\`node -e 0\`)`,
    ratio,
    '≤ 1.5 ×',
    ratio <= 1.5,
  );
}

async function idle(): Promise<void> {
  const { yaml } = configuration('idle', { command: ['sleep', '1000'], rule: {} });
  const ours = start([reinit, '-c', yaml]);
  const plain = start([reinit, '--', 'sleep', '1000']);
  const peer = start([tini, '-s', '--', 'sleep', '1000']);
  const bare = start([...bareNode, '-e', 'setInterval(() => {}, 1e9)']);
  await delay(15_000); // V8 gives memory back some eight seconds after the start, once: 30 ms that are the start's, not the idling's
  const controller = await eventually('the controller runs', () => childNamed(ours.pid, /main\.cjs/));
  const pids = { init: ours.pid, controller, plain: plain.pid, tini: peer.pid };
  const before = Object.entries(pids).map(([name, pid]) => [name, activity(pid)] as const);
  await delay(idleMs);
  const spent = Object.fromEntries(
    before.map(([name, { cpuMs, wakeUps }]) => {
      const now = activity(pids[name as keyof typeof pids]);
      return [name, { cpuMs: now.cpuMs - cpuMs, wakeUps: now.wakeUps - wakeUps }];
    }),
  );
  const memory = [controller, bare.pid].map((pid) => kilobytes(`/proc/${pid}/smaps_rollup`, 'Pss_Anon') / 1000) as [number, number];
  await Promise.all([ours.stop(), plain.stop(), peer.stop(), bare.stop()]);
  const told = (name: string): string => `${ms(spent[name]?.cpuMs ?? 0)} CPU, ${spent[name]?.wakeUps} wake-ups`;
  const span = `${idleMs / 1000} s`;
  row(`idle for ${span}: init, plain`, told('plain'), `${told('tini')} (tini)`, undefined, '0', spent.plain?.wakeUps === 0);
  row(`idle for ${span}: init, configured`, told('init'), '–', undefined, '0', spent.init?.wakeUps === 0);
  row(`idle for ${span}: controller`, told('controller'), '–', undefined, '≤ 10 ms CPU', (spent.controller?.cpuMs ?? 99) <= 10);
  const more = memory[0] - memory[1];
  row(
    'controller: private anonymous memory',
    `${memory[0].toFixed(1)} MB`,
    `${memory[1].toFixed(1)} MB (bare idle Node)`,
    undefined,
    `≤ +8 MB (here +${more.toFixed(1)})`,
    more <= 8,
  );
}

const settleMs = 300;

/** Rename-over of one file, until the application’s handler runs. */
async function changes(command: readonly string[], directory: string, shared: string, minus: number): Promise<number[]> {
  writeFileSync(shared, '');
  const running = start(command);
  const samples: number[] = [];
  const word = (index: number): bigint => {
    const bytes = readFileSync(shared);
    return bytes.length >= 32 ? bytes.readBigUInt64LE(index * 8) : 0n;
  };
  await eventually('the application is ready', () => word(2) > 0n);
  await delay(2000);
  for (let i = 0; i < (quick ? 5 : 30); i++) {
    const count = word(1);
    writeFileSync(join(directory, '.new'), `v${i} ${Math.random()}\n`);
    const begin = process.hrtime.bigint();
    renameSync(join(directory, '.new'), join(directory, 'app.conf'));
    await eventually(`change ${i} is signalled`, () => word(1) > count);
    samples.push(Number(word(0) - begin) / 1e6 - minus);
    await delay(400);
  }
  await running.stop();
  return samples;
}

async function changeToSignal(): Promise<void> {
  const shared = join(scratch, 'change-shared');
  const rule = { settle: `${settleMs}ms`, reload_signal: 'USR1', reload_after_start: '0', confirm: '10ms', loop_guard: false };
  const { directory, yaml } = configuration('change', { command: [native, 'receive', shared], rule });
  const ours = await changes([reinit, '-c', yaml], directory, shared, settleMs);
  const loop = `"$0" receive "$1" & pid=$!; inotifywait -m -q -e moved_to "$2" | while read -r _; do kill -USR1 $pid; done`;
  const peer = await changes(['bash', '-c', loop, native, shared, directory], directory, shared, 0);
  row(
    'change → signal received, beyond `settle`',
    ms(median(ours)),
    `${ms(median(peer))} (inotifywait loop)`,
    undefined,
    '≤ 15 ms',
    median(ours) <= 15,
  );
}

/** One swap of a ConfigMap whose 100 files of 4 KiB all differ, until the application’s handler runs: without and with publish. */
async function volumeToSignal(): Promise<void> {
  const plain = await swaps('volume', {});
  const target = mkdtempSync('/dev/shm/reinit-bench-');
  const published = await swaps('published', { publish: join(target, 'to') });
  rmSync(target, { recursive: true });
  const what = '100 changed files of 4 KiB → signal received, beyond `settle`';
  row(what, ms(median(plain)), '–', undefined, '≤ 20 ms', median(plain) <= 20);
  row(`${what}, published`, ms(median(published)), '–', undefined, '≤ 40 ms', median(published) <= 40);
}

async function swaps(name: string, more: object): Promise<number[]> {
  const volume = join(scratch, name, 'volume');
  const payload = (round: number) =>
    Object.fromEntries(Array.from({ length: 100 }, (_, n) => [`f${n}.conf`, `${round} ${n}\n`.padEnd(4096, '#')]));
  await createVolume(volume, payload(0));
  const shared = join(scratch, `${name}-shared`);
  const rule = { paths: [volume], settle: `${settleMs}ms`, reload_signal: 'USR1', reload_after_start: '0', confirm: '10ms', ...more };
  const yaml = join(scratch, `${name}.yaml`);
  writeFileSync(yaml, JSON.stringify({ command: [native, 'receive', shared], watch: [{ ...rule, loop_guard: false }] }));
  writeFileSync(shared, '');
  const running = start([reinit, '-c', yaml]);
  const word = (index: number): bigint => {
    const bytes = readFileSync(shared);
    return bytes.length >= 32 ? bytes.readBigUInt64LE(index * 8) : 0n;
  };
  await eventually('the application is ready', () => word(2) > 0n);
  await delay(2000);
  const samples: number[] = [];
  for (let round = 1; round <= (quick ? 5 : 30); round++) {
    const count = word(1);
    await updateVolume(volume, payload(round));
    // The last event is the removal of the old files: quiet is counted from there.
    const begin = process.hrtime.bigint();
    await eventually(`swap ${round} is signalled`, () => word(1) > count);
    samples.push(Number(word(0) - begin) / 1e6 - settleMs);
    await delay(400);
  }
  await running.stop();
  return samples;
}

async function restartGap(): Promise<void> {
  const lives = join(scratch, 'lives');
  writeFileSync(lives, '');
  const rule = { settle: '50ms', on_change: 'restart', confirm: '10ms', loop_guard: false };
  const { file, yaml } = configuration('restart', { command: [native, 'lives', lives], rule });
  // As in a container: what is left of an instance is looked for among the processes of the namespace.
  const running = start(['unshare', '--pid', '--fork', '--mount-proc', '--kill-child', reinit, '-c', yaml]);
  const starts = (): number => readFileSync(lives, 'utf8').split('start').length - 1;
  await eventually('the first life', () => starts() === 1);
  await delay(2000);
  for (let i = 0; i < (quick ? 5 : 20); i++) {
    const count = starts();
    writeFileSync(file, `life ${i}\n`);
    await eventually(`restart ${i}`, () => starts() > count);
    await delay(300);
  }
  await running.stop();
  const gaps = [...readFileSync(lives, 'utf8').matchAll(/end (\d+)\nstart (\d+)/g)].map(
    ([, end, begin]) => Number(BigInt(begin ?? 0) - BigInt(end ?? 0)) / 1e6,
  );
  row(
    `restart: old instance’s last → new one’s first instruction (${gaps.length})`,
    ms(median(gaps)),
    '–',
    undefined,
    '≤ 5 ms',
    median(gaps) <= 5,
  );
}

async function nest(): Promise<void> {
  const { plainUs, nestedUs, privateKb } = await nestFigures([native, 'first'], quick ? 20 : 100);
  const [a, b] = [median(nestedUs), median(plainUs)];
  const more = `${us(a - b)} more`;
  row(
    `start with a nest: order → first instruction (${nestedUs.length})`,
    us(a),
    `${us(b)} (without)`,
    a / b,
    `≤ +1000 µs (here ${more})`,
    a - b <= 1000,
  );
  row('nest: private memory', kB(privateKb), '–', undefined, '≤ 64 kB', privateKb <= 64);
}

async function files(): Promise<void> {
  const { firstMs, rescanMs } = await tenThousandFiles(join(scratch, 'files'));
  row('10,000 watched files: first reading', `${(firstMs / 1000).toFixed(2)} s`, '–', undefined, '≤ 1.5 s', firstMs <= 1500);
  row('10,000 watched files: re-scan', `${(rescanMs / 1000).toFixed(2)} s`, '–', undefined, '≤ 0.3 s', rescanMs <= 300);
}

async function publishing(): Promise<void> {
  const common = { files: 100, bytes: 4096, durable: false, rounds: quick ? 5 : 30, place: '/dev/shm' } as const;
  for (const mode of ['flip', 'files'] as const) {
    const { stageMs, publishMs } = await timePublishing({ ...common, mode });
    const goal = '≤ 20 ms';
    row(
      `100 files of 4 KiB copied, checked and published (${mode})`,
      ms(stageMs + publishMs),
      '–',
      undefined,
      goal,
      stageMs + publishMs <= 20,
    );
  }
}

/** `--only NAME` runs the parts whose name has it in. */
const parts = {
  size,
  plainStart,
  signals,
  orphans,
  configuredStart,
  changeToSignal,
  volumeToSignal,
  publishing,
  restartGap,
  nest,
  files,
  idle,
};
const only = process.argv[process.argv.indexOf('--only') + 1] ?? '';

prepare();
for (const [name, part] of Object.entries(parts)) if (!process.argv.includes('--only') || name.includes(only)) await part();
process.stdout.write(table());
if (process.argv.includes('--write')) writeFileSync(join(root, 'bench/RESULTS.md'), table());
