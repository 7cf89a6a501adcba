/** reinit in portable mode, as an ordinary process of this machine. */
import { type ChildProcess, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { join } from 'node:path';
import { expect, onTestFinished } from 'vitest';
import { libDir } from '../../scripts/building/paths.ts';
import { allPids, contentOf } from '../../src/probe/processes.ts';
import { reinit } from '../e2e/harness.ts';
import { eventually } from '../fixtures/eventually.ts';
import { collect, exitCode } from '../fixtures/namespace.ts';

export interface Portable {
  readonly pid: number;
  /** 128+n where a signal ended the host. */
  readonly exited: Promise<number>;
  stdout(): string;
  stderr(): string;
  signal(signal: NodeJS.Signals): void;
  /** All that it has started, and itself. */
  processes(): number[];
}

export interface PortableOptions {
  readonly env?: Readonly<Record<string, string>>;
  /** Before the command of the host itself. */
  readonly within?: readonly string[];
}

/** As init starts it, and as it is started where there is no init: the Node of the machine, no flags. */
export const hosts: readonly (readonly [string, readonly string[]])[] = [
  ['init', [reinit]],
  ['Node', [process.execPath, join(libDir, 'main.cjs'), 'portable']],
];

/** Ended with the test; nothing that it has started may be left. */
export function startPortable(command: readonly string[], { env, within = [] }: PortableOptions = {}): Portable {
  const id = randomUUID();
  const mark = `REINIT_TEST_MARK=${id}`;
  const [program = '', ...args] = [...within, ...command];
  const variables = { ...process.env, REINIT_HOST: 'portable', ...env };
  const child = spawn(program, args, {
    env: { ...variables, REINIT_TEST_MARK: id },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const [stdout, stderr] = [collect(child.stdout), collect(child.stderr)];
  const exited = once(child, 'exit').then(([code, signal]) => exitCode(code, signal));
  onTestFinished(async ({ task }) => {
    const all = processesWith(mark);
    // Of a host that still runs, all does.
    const left = ended(child) ? all : [];
    for (const pid of all) kill(pid);
    await eventually('everything has ended', () => processesWith(mark).length === 0);
    if (task.result?.state === 'fail') process.stderr.write(`--- ${task.name}\n${(stdout() + stderr()).slice(-4000)}---\n`);
    expect(left).toEqual([]);
  });
  return { pid: child.pid ?? 0, exited, stdout, stderr, signal: (signal) => void child.kill(signal), processes: () => processesWith(mark) };
}

const ended = ({ exitCode, signalCode }: ChildProcess): boolean => exitCode !== null || signalCode !== null;

/** All processes that have this variable in their environment. Zombies have none. */
function processesWith(variable: string): number[] {
  return allPids().filter((pid) => fileOf(pid, 'environ').split('\0').includes(variable));
}

const fileOf = (pid: number, name: string): string => contentOf(`/proc/${pid}/${name}`);

export function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It has ended by itself.
  }
}

export const lives = (pid: number): boolean => /^State:\t[^Z]/m.test(fileOf(pid, 'status'));

/** The child of the host that is the controller, or is not. */
export const controllerOf = (host: Portable): Promise<number> => childOf(host, (cmdline) => cmdline.includes('main.cjs'));
export const applicationOf = (host: Portable): Promise<number> => childOf(host, (cmdline) => !cmdline.includes('main.cjs'));

const childOf = (host: Portable, is: (cmdline: string) => boolean): Promise<number> =>
  eventually('the child', () =>
    fileOf(host.pid, `task/${host.pid}/children`)
      .split(' ')
      .filter(Boolean)
      .map(Number)
      .find((pid) => is(fileOf(pid, 'cmdline')) && lives(pid)),
  );
