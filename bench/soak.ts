/**
 * `npm run bench:soak`: a day of a busy container, compressed: 50,000 changes, 5,000 restarts, a million orphans. What reinit holds (memory, descriptors)
 * is looked at ten times on the way and has to stay flat. `--share N` does an Nth of it; `--write` puts the table into bench/SOAK.md.
 */
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { Outcome } from '../src/control/protocol.ts';
import { ask } from '../src/operate/client.ts';
import { eventually } from '../test/fixtures/eventually.ts';
import { childNamed, kilobytes, native, prepare, reinit, root, scratch, start } from './measure.ts';
import { createTable } from './table.ts';

const share = process.argv.includes('--share') ? Number(process.argv[process.argv.indexOf('--share') + 1]) : 1;
const [changes, restarts, orphans] = [50_000 / share, 5_000 / share, 1_000_000 / share];
const looks = 10;
const { row, text } = createTable(
  'A day, compressed',
  `Written by \`npm run bench:soak -- --write\`. ${changes} changes that each came through, ${restarts} graceful restarts, ${orphans} orphans.`,
);

const directory = join(scratch, 'soak');
const watched = join(directory, 'place/etc');
const counted = join(directory, 'counted');
const socket = join(directory, 'c.sock');
const settings = {
  command: [native, 'day', counted],
  control_socket: socket,
  watch: [{ paths: [watched], settle: '1ms', reload_after_start: '0s', confirm: '1ms', good_after: '0s', loop_guard: false }],
};

/** Of what the application counts in the mapped file. */
const places = { hups: 1, pid: 2, thousands: 3 } as const;
const counter = (name: keyof typeof places): number => Number(readFileSync(counted).readBigUInt64LE(8 * places[name]));

prepare();
mkdirSync(watched, { recursive: true });
writeFileSync(join(watched, 'a'), '0\n');
writeFileSync(counted, Buffer.alloc(32));
writeFileSync(join(directory, 'reinit.yaml'), JSON.stringify(settings));
const running = start([reinit, '-c', join(directory, 'reinit.yaml')]);
const controller = await eventually('the controller', () => childNamed(running.pid, /main\.cjs/));
await eventually('the application', () => counter('pid') > 0);
await eventually('the socket', () => existsSync(socket));

let generation = 0;
async function change(): Promise<void> {
  const before = counter('hups');
  generation += 1;
  writeFileSync(join(directory, 'place/.new'), `${generation}\n`);
  renameSync(join(directory, 'place/.new'), join(watched, 'a'));
  await eventually(`change ${generation}`, () => counter('hups') > before);
}

async function restart(): Promise<void> {
  const answer = await ask<Outcome>({ verb: 'restart' }, { socket });
  if (answer.outcome !== 'done') throw new Error(`a restart: ${JSON.stringify(answer).slice(0, 500)}`);
}

async function orphan(): Promise<void> {
  const before = counter('thousands');
  process.kill(counter('pid'), 'SIGUSR1');
  await eventually('a thousand orphans', () => counter('thousands') > before, 60_000);
}

const look = () => ({
  controller: kilobytes(`/proc/${controller}/smaps_rollup`, 'Pss_Anon') / 1000,
  init: kilobytes(`/proc/${running.pid}/smaps_rollup`, 'Pss_Anon'),
  fds: readdirSync(`/proc/${controller}/fd`).length,
  initFds: readdirSync(`/proc/${running.pid}/fd`).length,
  children: readFileSync(`/proc/${running.pid}/task/${running.pid}/children`, 'utf8').trim().split(' ').length,
});

const seen: ReturnType<typeof look>[] = [];
for (let at = 0; at < looks; at++) {
  for (let i = 0; i < changes / looks; i++) await change();
  for (let i = 0; i < restarts / looks; i++) await restart();
  for (let i = 0; i < orphans / looks / 1000; i++) await orphan();
  await delay(10_000 / share); // V8 gives back what it has taken
  seen.push(look());
  process.stderr.write(`${at + 1}/${looks}: ${JSON.stringify(seen.at(-1))}\n`);
}
await running.stop();

const of = (name: keyof ReturnType<typeof look>): number[] => seen.map((one) => one[name]);
function flat(what: string, name: keyof ReturnType<typeof look>, unit: string, most: number): void {
  const [first = 0, ...rest] = of(name);
  const growth = Math.max(...rest.slice(-3)) - Math.max(first, ...rest.slice(0, 2));
  const figures = of(name)
    .map((n) => (unit === 'MB' ? n.toFixed(1) : n))
    .join(', ');
  row(`${what}, ten times on the way`, `${figures} ${unit}`, '–', undefined, `flat (≤ ${most} ${unit} more at the end)`, growth <= most);
}
process.stderr.write(`${changes} changes, ${restarts} restarts, ${orphans} orphans\n`);
flat('controller: private anonymous memory', 'controller', 'MB', 1);
flat('init: private anonymous memory', 'init', 'kB', 8);
flat('controller: descriptors', 'fds', '', 0);
flat('init: descriptors', 'initFds', '', 0);
flat("init's children (nothing is left unreaped)", 'children', '', 0);

const table = text();
process.stdout.write(table);
if (process.argv.includes('--write')) writeFileSync(join(root, 'bench/SOAK.md'), table);
