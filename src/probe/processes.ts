import { closeSync, existsSync, openSync, readdirSync, readFileSync, readSync } from 'node:fs';
import { setImmediate as turn } from 'node:timers/promises';

/** Fields of /proc/PID/stat, see proc_pid_stat(5). */
export interface Stat {
  /** Of the program, 15 bytes at most. */
  readonly name: string;
  /** `Z` and `X` are dead ones. */
  readonly state: string;
  readonly parent: number;
  /** Since boot, as CLOCK_BOOTTIME counts, in ticks of `tickMs`. */
  readonly startTicks: number;
}

/** USER_HZ is 100 for everything that /proc says, whatever the kernel's own HZ, on all machines that Node runs on. */
export const tickMs = 10;

/** So many processes are looked at before the event loop gets its turn: a few ms. */
const batch = 256;

/** The name of the program, in parentheses, may itself hold spaces and parentheses; all that follows it are numbers. */
export function parseStat(text: string): Stat | undefined {
  const end = text.lastIndexOf(')');
  const fields = text.slice(end + 2).split(' ');
  const [state = '', parent] = fields;
  const startTicks = Number(fields[19] ?? Number.NaN);
  return Number.isFinite(startTicks)
    ? { name: text.slice(text.indexOf('(') + 1, end), state, parent: Number(parent), startTicks }
    : undefined;
}

const buffer = Buffer.alloc(1024);

/** Undefined where the process is gone, or hidden (hidepid). At once: /proc waits for nobody, and a thread would cost ten times as much. */
export function statOf(pid: number): Stat | undefined {
  let fd: number;
  try {
    fd = openSync(`/proc/${pid}/stat`, 'r');
  } catch {
    return undefined;
  }
  try {
    return parseStat(buffer.toString('latin1', 0, readSync(fd, buffer, 0, buffer.length, 0)));
  } catch {
    return undefined; // ESRCH: it went between open and read
  } finally {
    closeSync(fd);
  }
}

export interface Child extends Stat {
  readonly pid: number;
}

/**
 * The living children of a process, the last ones created first. A list taken while children come and go may miss one.
 *
 * @param candidates among which its children are
 */
export const childrenAmong = (parent: number, candidates: readonly number[]): AsyncGenerator<Child> =>
  living(candidates, (stat) => stat.parent === parent);

/** Every living process that can be seen. */
export const allStats = (): AsyncGenerator<Child> => living(allPids(), () => true);

async function* living(pids: readonly number[], wanted: (stat: Stat) => boolean): AsyncGenerator<Child> {
  for (const [index, pid] of pids.entries()) {
    if (index % batch === batch - 1) await turn();
    const stat = statOf(pid);
    if (stat && wanted(stat) && lives(stat)) yield { pid, ...stat };
  }
}

export const lives = ({ state }: Stat): boolean => state !== 'Z' && state !== 'X';

/** The pids of a process's children, newest first. Undefined where nothing can be seen of it. */
export function childPids(pid: number): readonly number[] | undefined {
  if (statOf(pid) === undefined) return undefined;
  return kernelListsChildren() ? listedChildren(pid) : allPids();
}

/** CONFIG_PROC_CHILDREN: most kernels have it, sandboxes may not. */
const kernelListsChildren = (): boolean => existsSync('/proc/thread-self/children');

/** What each thread has forked, in the order of their creation. */
export function listedChildren(pid: number): readonly number[] {
  return namesIn(`/proc/${pid}/task`)
    .flatMap((thread) => contentOf(`/proc/${pid}/task/${thread}/children`).split(' '))
    .filter((child) => child !== '')
    .map(Number)
    .reverse();
}

/** Every process that can be seen. */
export const allPids = (): readonly number[] =>
  namesIn('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .reverse();

/** Whatever is gone, or hidden, has nothing in it. */
export function namesIn(directory: string): string[] {
  try {
    return readdirSync(directory);
  } catch {
    return [];
  }
}

/** Empty where it cannot be read. */
export function contentOf(file: string): string {
  try {
    return readFileSync(file, 'latin1');
  } catch {
    return '';
  }
}

/** The process is there, be it that /proc does not show it. Sends nothing. */
export function exists(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
