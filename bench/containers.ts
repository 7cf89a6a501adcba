/**
 * `npm run bench:containers`: what reinit adds to a container of a real engine: time of the start, memory, size of the image. `-- --write` puts
 * the table into bench/CONTAINERS.md, `--quick` measures less often, `--suite` times the container tests as well. Needs root. The peers take turns.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { bringUp } from '../test/containers/testbed.ts';
import { kilobytes, median, native, prepare, quantile, root, scratch } from './measure.ts';
import { createBundle, firstInstruction, mostShares, unpack } from './oci.ts';
import { createTable } from './table.ts';

const engines = ['docker', 'podman'] as const;
type Engine = (typeof engines)[number];
const flag = (name: string): boolean => process.argv.includes(`--${name}`);
const times = flag('quick') ? 5 : 40;
const image = 'reinit-test/bench';
/** Seen in all containers as /bench. */
const shared = join(scratch, 'shared');

const inits = {
  tini: ['/bench/tini', '-s', '--'],
  plain: ['/opt/reinit/bin/reinit', '--'],
  configured: ['/opt/reinit/bin/reinit', '-c', '/bench/reinit.yaml', '--'],
} as const;
type Init = keyof typeof inits;
const names = Object.keys(inits) as Init[];

const { row, text } = createTable(
  'In containers',
  'Written by `npm run bench:containers -- --write`; medians with quartiles, all peers in one run, in the same image, in turns. Times of an engine differ from machine to machine; differences less so.',
);

const call = (program: string, ...args: readonly string[]): string =>
  execFileSync(program, args, { encoding: 'utf8', stdio: 'pipe' }).trim();

function share(): void {
  mkdirSync(join(shared, 'watched'), { recursive: true });
  copyFileSync(native, join(shared, 'bench'));
  copyFileSync('/usr/bin/tini-static', join(shared, 'tini'));
  writeFileSync(join(shared, 'watched/app.conf'), 'v0\n');
  writeFileSync(join(shared, 'reinit.yaml'), JSON.stringify({ watch: [{ paths: ['/bench/watched'] }] }));
}

function buildImage(engine: Engine): void {
  const recipe = join(root, 'test/containers/image');
  call(engine, 'build', '-q', '--network', 'host', '-t', image, '-f', join(recipe, 'life.Dockerfile'), recipe);
}

/** With KILL at once: `sleep` as PID 1 takes no TERM, and podman would wait for it. */
function remove(engine: Engine, container: string): void {
  spawnSync(engine, ['kill', container]); // it may have ended
  call(engine, 'rm', '-f', container);
}

function create(engine: Engine, [first = '', ...rest]: readonly string[]): string {
  const flags = ['--network', 'none', '--cpu-shares', `${mostShares}`, '-v', `${shared}:/bench:ro`, '--entrypoint', first];
  return call(engine, 'create', ...flags, image, ...rest);
}

/** ms from just before `start` of a container that is there until the application's first instruction. */
function startOnce(engine: Engine, container: string): number {
  const begin = process.hrtime.bigint();
  const output = call(engine, 'start', '-a', container);
  return Number(firstInstruction(() => `${output}\n`) - begin) / 1e6;
}

function inTurns(start: Readonly<Record<Init, () => number>>): Record<Init, number[]> {
  const samples: Record<Init, number[]> = { tini: [], plain: [], configured: [] };
  for (const name of names) start[name](); // the first is the caches'
  for (let i = 0; i < times; i++) for (const name of names) samples[name].push(start[name]());
  return samples;
}

const spread = (ms: readonly number[]): string =>
  `${median(ms).toFixed(1)} ms (${quantile(ms, 0.25).toFixed(1)}–${quantile(ms, 0.75).toFixed(1)})`;

/** tini's start, as far as this can be told: within its own quartiles. */
function starts(where: string, { tini, plain, configured }: Readonly<Record<Init, readonly number[]>>): void {
  const what = `${where} start → first instruction of the application (${times})`;
  const more = (ms: readonly number[]): number => median(ms) - median(tini);
  const noise = quantile(tini, 0.75) - quantile(tini, 0.25);
  const ratio = (ms: readonly number[]): number => median(ms) / median(tini);
  row(`${what}: plain`, spread(plain), `${spread(tini)} (tini)`, ratio(plain), 'tini’s, within its quartiles', more(plain) <= noise);
  const goal = `≤ tini’s + 60 ms (here + ${more(configured).toFixed(1)})`;
  row(`${what}: configured`, spread(configured), `${spread(tini)} (tini)`, ratio(configured), goal, more(configured) <= 60);
}

function engineStarts(engine: Engine): void {
  const containers = names.map((name) => [name, create(engine, [...inits[name], '/bench/bench', 'first'])] as const);
  try {
    const start = Object.fromEntries(containers.map(([name, id]) => [name, () => startOnce(engine, id)]));
    starts(engine, inTurns(start as Record<Init, () => number>));
  } finally {
    for (const [, id] of containers) remove(engine, id);
  }
}

function runcStarts(): void {
  const rootfs = join(scratch, 'rootfs');
  unpack(image, rootfs);
  const bundles = names.map((name) => {
    const bundle = createBundle(join(scratch, `bundle-${name}`), rootfs, shared, [...inits[name], '/bench/bench', 'first']);
    return [name, bundle.start] as const;
  });
  starts('runc', inTurns(Object.fromEntries(bundles) as Record<Init, () => number>));
}

interface Memory {
  readonly anonymous: number;
  readonly kernel: number;
  readonly file: number;
}

/** What the container's control group is charged for, in MiB. cgroup v1 and v2 have other names for it. */
function memoryOf(pid: number): Memory {
  const groups = readFileSync(`/proc/${pid}/cgroup`, 'utf8');
  const v1 = /^\d+:memory:(.*)$/m.exec(groups)?.[1];
  const directory = join('/sys/fs/cgroup', v1 === undefined ? '' : 'memory', v1 ?? /^0::(.*)$/m.exec(groups)?.[1] ?? '');
  const read = (file: string): string => readFileSync(join(directory, file), 'utf8');
  const stat = (key: string): number => Number(new RegExp(`^${key} (\\d+)`, 'm').exec(read('memory.stat'))?.[1]) / 2 ** 20;
  if (v1 === undefined) return { anonymous: stat('anon'), kernel: stat('kernel'), file: stat('file') };
  return { anonymous: stat('total_rss'), kernel: Number(read('memory.kmem.usage_in_bytes')) / 2 ** 20, file: stat('total_cache') };
}

/** PID 1 and what descends from it. */
function descendants(pid: number): number[] {
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ').filter(Boolean).map(Number);
  return [pid, ...children.flatMap(descendants)];
}

async function memory(engine: Engine): Promise<void> {
  const application = ['sleep', '1000'];
  const all = { alone: application, ...Object.fromEntries(names.map((name) => [name, [...inits[name], ...application]])) };
  const containers = Object.entries(all).map(([name, command]) => [name, create(engine, command)] as const);
  try {
    for (const [, id] of containers) call(engine, 'start', id);
    await delay(20_000); // V8 gives memory back some eight seconds after its start
    const pids = Object.fromEntries(containers.map(([name, id]) => [name, Number(call(engine, 'inspect', '-f', '{{.State.Pid}}', id))]));
    const of = Object.fromEntries(Object.entries(pids).map(([name, pid]) => [name, memoryOf(pid)])) as Record<Init | 'alone', Memory>;
    const own = ({ anonymous, kernel }: Memory): number => anonymous + kernel;
    const beyond = (name: Init): number => own(of[name]) - own(of.alone);
    const MiB = (n: number): string => `${n.toFixed(1)} MiB`;
    const tini = `${MiB(beyond('tini'))} (tini)`;
    const what = `${engine}: memory of the container beyond the application, anonymous and kernel`;
    row(`${what}: plain`, MiB(beyond('plain')), tini, undefined, '–', true);
    const detail = `${MiB(of.configured.anonymous - of.alone.anonymous)} and ${MiB(of.configured.kernel - of.alone.kernel)}`;
    row(`${what}: configured`, `${MiB(beyond('configured'))} (${detail})`, tini, undefined, '≤ 20 MiB', beyond('configured') <= 20);
    const mapped = descendants(pids.configured ?? 0)
      .map((pid) => `/proc/${pid}/smaps_rollup`)
      .reduce((sum, file) => sum + kilobytes(file, 'Rss') - kilobytes(file, 'Anonymous'), 0);
    const charged = `${MiB(of.configured.file)} charged to this container`;
    row(
      `${engine}: file pages that are mapped, configured: those of one image are shared by its containers, and can be dropped`,
      `${MiB(mapped / 1024)}, ${charged}`,
      '–',
      undefined,
      '–',
      true,
    );
  } finally {
    for (const [, id] of containers) remove(engine, id);
  }
}

function size(): void {
  const raw = Number(call('docker', 'image', 'inspect', '-f', '{{.Size}}', 'reinit')) / 1e6;
  const gzipped = Number(call('sh', '-c', 'docker save reinit | gzip -c | wc -c')) / 1e6;
  row('growth of the image', `${raw.toFixed(1)} MB`, '–', undefined, '≤ 118 MB', raw <= 118);
  row('growth of the image, gzipped', `${gzipped.toFixed(1)} MB`, '–', undefined, '≤ 45 MB', gzipped <= 45);
}

function suite(): void {
  const begin = performance.now();
  const { status } = spawnSync(join(root, 'test/all'), ['--containers'], { stdio: ['ignore', 2, 2] });
  const minutes = (performance.now() - begin) / 60_000;
  row(
    'the container tests, `./test/all --containers`',
    `${minutes.toFixed(1)} min`,
    '–',
    undefined,
    '≤ 10 min, green',
    status === 0 && minutes <= 10,
  );
}

prepare();
share();
const downs: ((() => void) | undefined)[] = [];
for (const engine of engines) downs.push(await bringUp(engine));
try {
  size();
  for (const engine of engines) {
    buildImage(engine);
    engineStarts(engine);
    await memory(engine);
    if (engine === 'docker') runcStarts();
  }
} finally {
  for (const down of downs) down?.();
}
if (flag('suite')) suite();
process.stdout.write(text());
if (flag('write')) writeFileSync(join(root, 'bench/CONTAINERS.md'), text());
