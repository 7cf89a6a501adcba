import { execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

export const root = dirname(dirname(fileURLToPath(import.meta.url)));
export const reinit = join(root, 'dist/bin/reinit');
export const tini = '/usr/bin/tini';
export const scratch = mkdtempSync(join(tmpdir(), 'reinit-bench-'));
export const native = join(scratch, 'bench');

/** The shipped Node as init starts it, without reinit's program. */
export const bareNode: readonly string[] = nodeCommand();

function nodeCommand(): string[] {
  const library = join(root, 'dist/lib/reinit');
  const loader = readdirSync(library).find((name) => name.startsWith('ld-linux'));
  const node = join(library, 'node');
  const flags = readFileSync(join(library, 'node.flags'), 'utf8').trim().split('\n');
  return loader ? [join(library, loader), '--inhibit-cache', '--library-path', library, node, ...flags] : [node, ...flags];
}

/** Compiles the native side and makes sure that the peers are there. */
export function prepare(): void {
  execFileSync('cc', ['-O2', '-Wall', '-Wextra', '-static', join(root, 'bench/native/bench.c'), '-o', native], { stdio: 'inherit' });
  for (const peer of [tini, '/usr/bin/inotifywait']) if (!existsSync(peer)) throw new Error(`the peer ${peer} is not installed`);
}

/** The groups that `start` has started and that have not been stopped. */
const groups = new Set<number>();

process.on('exit', () => {
  for (const pid of groups) {
    try {
      process.kill(-pid, 'SIGTERM');
    } catch {} // it has ended
  }
  rmSync(scratch, { recursive: true, force: true });
});
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => process.exit(1));

export function quantile(samples: readonly number[], q: number): number {
  const sorted = [...samples].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))] ?? Number.NaN;
}
export const median = (samples: readonly number[]): number => quantile(samples, 0.5);

/** The numbers that a run of the native side prints. It runs for at most a minute. */
export function sample(args: readonly string[], env: NodeJS.ProcessEnv = process.env): number[] {
  const out = execFileSync(native, [...args], { encoding: 'utf8', env, timeout: 60_000, stdio: ['ignore', 'pipe', 'ignore'] });
  return out.trim().split('\n').map(Number);
}

export interface Running {
  readonly pid: number;
  stop(): Promise<void>;
}

/** Starts a program whose output nobody reads, in a process group of its own: `stop` ends all of that. */
export function start(command: readonly string[], env: NodeJS.ProcessEnv = process.env): Running {
  const [file = '', ...args] = command;
  const child = spawn(file, args, { env, detached: true, stdio: 'ignore' });
  const pid = child.pid ?? 0;
  if (pid > 0) groups.add(pid);
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  return {
    pid,
    stop: async () => {
      process.kill(-pid, 'SIGTERM');
      await Promise.race([ended, delay(5000, undefined, { ref: false })]);
      try {
        process.kill(-pid, 'SIGKILL');
      } catch {} // nothing of it is left
      await ended;
      groups.delete(pid);
    },
  };
}

/** The children of a process by their name (comm). */
export function childNamed(pid: number, name: RegExp): number | undefined {
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ').filter(Boolean);
  return children.map(Number).find((child) => name.test(readFileSync(`/proc/${child}/cmdline`, 'utf8')));
}

/** A figure of smaps_rollup or status in kB. */
export function kilobytes(file: string, field: string): number {
  return Number(new RegExp(`^${field}:\\s+(\\d+)`, 'm').exec(readFileSync(file, 'utf8'))?.[1] ?? Number.NaN);
}

export interface Activity {
  readonly cpuMs: number;
  readonly wakeUps: number;
}

/** CPU time and voluntary context switches of all threads so far (schedstat is in nanoseconds, stat's ticks are too coarse). */
export function activity(pid: number): Activity {
  let cpuMs = 0;
  let wakeUps = 0;
  for (const thread of readdirSync(`/proc/${pid}/task`)) {
    cpuMs += Number(readFileSync(`/proc/${pid}/task/${thread}/schedstat`, 'utf8').split(' ')[0]) / 1e6;
    wakeUps += kilobytes(`/proc/${pid}/task/${thread}/status`, 'voluntary_ctxt_switches');
  }
  return { cpuMs, wakeUps };
}
