import { chmodSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, onTestFinished } from 'vitest';
import { binDir } from '../../scripts/building/paths.ts';
import { eventually } from '../fixtures/eventually.ts';
import { type Namespace, type NamespaceOptions, processesOf, startAsPid1 } from '../fixtures/namespace.ts';
import { scratchDirectory } from '../fixtures/scratch.ts';

export const reinit = join(binDir, 'reinit');

/** A container of the test: ended with it, whatever happens, and nothing of it may be left. */
export async function startContainer(command: readonly string[], options: NamespaceOptions = {}): Promise<Namespace> {
  const mounts = readFileSync('/proc/self/mounts', 'utf8');
  const container = await startAsPid1(command, options);
  // At its end, at once: the number of a namespace that is gone is soon another's.
  const left = container.exited.then(() => processesOf(container.id));
  onTestFinished(async ({ task }) => {
    await container.kill();
    if (task.result?.state === 'fail')
      process.stderr.write(
        `--- ${task.name}: the end of what the container wrote\n${(container.stdout() + container.stderr()).slice(-4000)}---\n`,
      );
    expect(await left).toEqual([]);
    expect(readFileSync('/proc/self/mounts', 'utf8')).toBe(mounts);
  });
  return container;
}

/** A configuration file for this test. JSON is YAML. */
export function configFile(config: object): string {
  const file = join(scratchDirectory(), 'reinit.yaml');
  writeFileSync(file, JSON.stringify(config));
  chmodSync(dirname(file), 0o755); // whoever runs it
  return file;
}

/** Waits until the log has `count` lines that match, and gives all its matches so far. */
export async function logged(
  container: Pick<Namespace, 'stderr'>,
  pattern: RegExp,
  count = 1,
  timeoutMs?: number,
): Promise<readonly string[]> {
  const matches = () =>
    container
      .stderr()
      .split('\n')
      .filter((line) => pattern.test(line));
  return eventually(`${count} log lines with ${pattern}`, () => (matches().length >= count ? matches() : undefined), timeoutMs);
}

/** The pid of the application, as seen from out here: the child of PID 1 whose program has this name. */
export function childNamed(container: Namespace, name: string): number | undefined {
  return childrenOf(container.pid).find((pid) => commandOf(pid) === name);
}

export function childrenOf(pid: number): number[] {
  return readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ').filter(Boolean).map(Number);
}

/** The controller, once it is Node: the child of init that runs the bundle. */
export function controllerOf(container: Namespace): number | undefined {
  return childrenOf(container.pid).find((pid) => {
    try {
      return readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('main.cjs');
    } catch {
      return false; // gone meanwhile
    }
  });
}

/** Processes of the container that ended and that nobody has waited for. */
export function zombiesOf(container: Namespace): number[] {
  return processesOf(container.id).filter((pid) => stateOf(pid) === 'Z');
}

function stateOf(pid: number): string | undefined {
  try {
    return /^State:\t(.)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
  } catch {
    return undefined;
  }
}

function commandOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/comm`, 'utf8').trim();
  } catch {
    return '';
  }
}

/** What people write themselves: see test/fixtures/programs/naive.mjs. */
export const naive = (options: readonly string[], command: readonly string[]): string[] => [
  process.execPath,
  join(import.meta.dirname, '../fixtures/programs/naive.mjs'),
  ...options,
  '--',
  ...command,
];

/** In the container's own mount namespace, `at` shows `directory` read-only, as a ConfigMap is mounted; then the command. Needs root. */
export const withVolume = (directory: string, at: string, command: readonly string[]): string[] => [
  'sh',
  '-c',
  'mount --bind "$1" "$2" && mount -o remount,bind,ro "$2" && shift 2 && exec "$@"',
  'sh',
  directory,
  at,
  ...command,
];

/** The program itself: in PATH there may be a script before it (pyenv) that takes seconds. */
export const python = '/usr/bin/python3';

/** In the container's own mount namespace, `file` is /dev/termination-log, as kubelet mounts it; then the command. Needs root. */
export const withTerminationLog = (file: string, command: readonly string[]): string[] => [
  'sh',
  '-c',
  'mount -t tmpfs tmpfs /mnt && cp -a /dev/null /dev/zero /dev/random /dev/urandom /mnt && : >/mnt/termination-log && mount --bind "$1" /mnt/termination-log && mount --move /mnt /dev && shift && exec "$@"',
  'sh',
  file,
  ...command,
];

export const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
