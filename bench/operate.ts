/**
 * `npm run bench:operate`: what it costs to ask a running reinit, and to be askable. `--write` puts the table into bench/OPERATE.md.
 */
import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { eventually } from '../test/fixtures/eventually.ts';
import { freePort } from '../test/fixtures/free-port.ts';
import { talk } from '../test/fixtures/operate.ts';
import { activity, bareNode, childNamed, kilobytes, median, reinit, root, scratch, start } from './measure.ts';
import { createTable } from './table.ts';

const { row, text } = createTable('To be asked', 'Written by `npm run bench:operate -- --write`; medians, all peers in one run.');
const asks = 1_000;
const megabytes = (pid: number): number => kilobytes(`/proc/${pid}/smaps_rollup`, 'Pss_Anon') / 1000;
const descriptors = (pid: number): number => readdirSync(`/proc/${pid}/fd`).length;
const MB = (n: number): string => `${n.toFixed(1)} MB`;

interface Asked {
  readonly pid: number;
  readonly controller: number;
  readonly application: number;
  readonly socket: string;
  stop(): Promise<void>;
}

async function run(name: string, settings: object): Promise<Asked> {
  const directory = join(scratch, name);
  mkdirSync(join(directory, 'etc'), { recursive: true });
  writeFileSync(join(directory, 'etc/app.conf'), 'one\n');
  const yaml = join(directory, 'reinit.yaml');
  const socket = join(directory, 'c.sock');
  const config = { command: ['sleep', '1000'], control_socket: socket, watch: [{ paths: [join(directory, 'etc')] }], ...settings };
  writeFileSync(yaml, JSON.stringify(config));
  const running = start([reinit, '-c', yaml]);
  const controller = await eventually('the controller runs', () => childNamed(running.pid, /main\.cjs/));
  const application = await eventually('the application runs', () => childNamed(running.pid, /^sleep/));
  return { ...running, controller, application, socket };
}

const timed = (command: readonly string[]): number => {
  const [file = '', ...args] = command;
  const before = performance.now();
  execFileSync(file, args, { stdio: 'ignore' });
  return performance.now() - before;
};

async function latency(one: Asked): Promise<void> {
  const [ours, peer]: [number[], number[]] = [[], []];
  for (let i = 0; i < 30; i++) {
    ours.push(timed([reinit, 'status', '--socket', one.socket]));
    peer.push(timed([...bareNode, '-e', '0']));
  }
  const [a, b] = [median(ours), median(peer)];
  row('`reinit status`, exec to exit', `${a.toFixed(1)} ms`, `${b.toFixed(1)} ms (\`node -e 0\`)`, a / b, '≤ 80 ms', a <= 80);
}

/** What many questions leave behind, and what they cost the application. */
async function many(what: string, one: Asked, ask: () => Promise<unknown>): Promise<void> {
  const round = async (): Promise<void> => {
    for (let i = 0; i < asks; i++) await ask();
    await delay(10_000); // V8 gives back what it has taken
  };
  await round();
  const before = { memory: megabytes(one.controller), fds: descriptors(one.controller), app: activity(one.application) };
  await round();
  const more = megabytes(one.controller) - before.memory;
  const cpu = activity(one.application).cpuMs - before.app.cpuMs;
  const fds = descriptors(one.controller) - before.fds;
  row(
    `the second ${asks} ${what}`,
    `${more >= 0 ? '+' : ''}${MB(more)}, ${fds} descriptors, application ${cpu.toFixed(1)} ms CPU`,
    '–',
    undefined,
    'nothing that grows (≤ 0.5 MB)',
    more <= 0.5 && fds <= 0 && cpu < 1,
  );
}

const port = await freePort();
const bare = start([...bareNode, '-e', 'setInterval(() => {}, 1e9)']);
const off = await run('off', { control_socket: 'off' });
const on = await run('on', {});
const http = await run('http', { http: { listen: `127.0.0.1:${port}` } });
const page = async (path: string): Promise<string> => (await fetch(`http://127.0.0.1:${port}${path}`)).text();
await eventually('it is scraped', () => page('/metrics').catch(() => undefined));
await delay(20_000);

const base = megabytes(bare.pid);
const memory = (what: string, pid: number, most: number): void => {
  const mine = megabytes(pid);
  row(
    `controller, private anonymous memory: ${what}`,
    MB(mine),
    `${MB(base)} (bare idle Node)`,
    undefined,
    `≤ +${most} MB (here +${(mine - base).toFixed(1)})`,
    mine - base <= most,
  );
};
memory('no control socket', off.controller, 8);
memory('as it comes', on.controller, 8);
memory('HTTP and metrics, scraped once', http.controller, 14);
await latency(on);
const status = `${JSON.stringify({ v: 1, id: 1, verb: 'status' })}\n`;
await many('status questions', on, () => talk(on.socket, status, (all) => all.includes('\n')));
await many('scrapes', http, () => page('/metrics'));
memory('HTTP and metrics, after 2,000 scrapes', http.controller, 14);
await Promise.all([bare, off, on, http].map((one) => one.stop()));

const table = text();
process.stdout.write(table);
if (process.argv.includes('--write')) writeFileSync(join(root, 'bench/OPERATE.md'), table);
