/** Processes by order, over node:child_process: what init's spawn.c does, as far as Node can. */
import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { setPriority } from 'node:os';
import { getSystemErrorMessage } from 'node:util';
import { constants, type Fields } from '../link/messages.ts';
import { createCapture } from './capture.ts';
import { isDirectory } from './directory.ts';
import { type Failure, failureOf } from './failure.ts';
import { statusOf } from './orders.ts';

const { roles, spawnFlags } = constants;

export interface Ended {
  /** waitpid's. */
  readonly status: number;
  readonly output: Buffer;
  readonly outputTotal: number;
}

export interface Listener {
  spawned(pid: number): void;
  failed(failure: Failure): void;
  ended(end: Ended): void;
}

/** What a helper has printed is there when it has ended; what keeps its pipes open is nobody to wait for. */
const outputMs = 100;

/** @param own the command behind `--`, taken where the order names none */
export function startProcess(order: Fields<'spawn'>, own: readonly string[], listener: Listener): void {
  const [program = '', ...args] = order.argv.length > 0 ? order.argv.map(String) : own;
  const failed = (error: NodeJS.ErrnoException): void => listener.failed(whyNot(order, program, error));
  try {
    const child = withUmask(order.umask, () => spawn(program, args, optionsOf(order)));
    // Node tells of a failed exec later, with `error`; of one that went well at once, with the pid.
    child.once('error', failed);
    if (child.pid === undefined) return;
    renice(child.pid, order.nice);
    tellEnd(child, listener);
    listener.spawned(child.pid);
  } catch (error) {
    failed(error as NodeJS.ErrnoException);
  }
}

function optionsOf({ role, flags, env_set, env_unset, cwd, uid, gid }: Fields<'spawn'>): SpawnOptions {
  const helper = role === roles.values.helper;
  const clear = (flags & spawnFlags.values.clear_env) !== 0;
  const unset = new Set(env_unset.map(String));
  const inherited = clear ? [] : Object.entries(process.env).filter(([name]) => !unset.has(name));
  return {
    env: Object.fromEntries([...inherited, ...env_set.map((text) => splitVariable(text.toString()))]),
    // A session of its own, and with it a group: a Ctrl-C is passed on once, and the group can be named.
    detached: true,
    stdio: helper ? ['ignore', 'pipe', 'pipe'] : 'inherit',
    ...(cwd.length > 0 && { cwd: cwd.toString() }),
    ...(uid >= 0 && { uid }),
    ...(gid >= 0 && { gid }),
  };
}

function splitVariable(text: string): [string, string] {
  const at = text.indexOf('=');
  return [text.slice(0, at), text.slice(at + 1)];
}

/** Node has no umask for a child: it gets that of its parent. */
function withUmask<T>(umask: number, work: () => T): T {
  if (umask < 0) return work();
  const mine = process.umask(umask);
  try {
    return work();
  } finally {
    process.umask(mine);
  }
}

function renice(pid: number, nice: number): void {
  if (nice === 0) return;
  try {
    setPriority(pid, nice);
  } catch {
    // Not permitted, or gone already: weaker, nothing else.
  }
}

function tellEnd(child: ChildProcess, listener: Listener): void {
  const capture = createCapture();
  for (const stream of [child.stdout, child.stderr]) stream?.on('data', capture.add);
  child.once('exit', (code, signal) => {
    let told = false;
    const tell = (): void => {
      if (told) return;
      told = true;
      clearTimeout(timer);
      for (const stream of [child.stdout, child.stderr]) stream?.destroy();
      listener.ended({ status: statusOf(code, signal), output: capture.kept, outputTotal: capture.total });
    };
    const timer = setTimeout(tell, outputMs);
    if (child.stdout === null) tell();
    else child.once('close', tell);
  });
}

function whyNot({ cwd, uid }: Fields<'spawn'>, program: string, { code, errno, message }: NodeJS.ErrnoException): Failure {
  return failureOf({
    code,
    errno,
    text: errno === undefined ? message : getSystemErrorMessage(errno),
    otherUser: uid >= 0,
    directoryExists: cwd.length === 0 || isDirectory(cwd.toString()),
    fileExists: program.includes('/') && existsSync(program),
  });
}
