/**
 * Which process is meant by `attach`. Pure.
 *
 * What must never happen: a guess between several; one of our own; a later process that has the number in an old pid file.
 */
import type { Attach } from '../config/model.ts';
import type { Sight } from '../core/sight.ts';
import { tickMs } from '../probe/processes.ts';

/** One process, as /proc shows it. */
export interface Process {
  readonly pid: number;
  readonly parent: number;
  readonly startTicks: number;
  /** The name of its program, at most 15 bytes (proc_pid_comm(5)). */
  readonly comm: string;
  readonly words: readonly string[];
}

export type PidFile =
  /** `writtenAt`: ms of CLOCK_BOOTTIME. */
  { readonly kind: 'pid'; readonly pid: number; readonly writtenAt: number } | { readonly kind: 'problem'; readonly problem: string };

export interface Look {
  readonly processes: readonly Process[];
  /** init's pid. */
  readonly own: number;
  /** Whether init may signal it. */
  permits(pid: number): boolean;
  readonly pidFile: PidFile | undefined;
}

/** Times of files and of processes come from two clocks, and neither is exact. */
const slackMs = 5_000;

export function sightOf(attach: Attach, look: Look): Sight {
  const foreign = foreigners(look);
  if (isAlone(look, foreign)) return { kind: 'alone' };
  const { pidFile } = look;
  if (pidFile?.kind === 'problem') return { kind: 'none', problem: pidFile.problem };
  const fits = foreign.filter((process) => (pidFile === undefined || process.pid === pidFile.pid) && isMeant(process, attach));
  const [one, ...others] = topmost(fits);
  if (!one) return { kind: 'none', problem: pidFile && problemOf(pidFile, attach, foreign) };
  if (others.length > 0) return { kind: 'several', processes: [one, ...others].map(({ pid, comm }) => `${pid} (${comm})`) };
  const startedAt = one.startTicks * tickMs;
  if (pidFile && startedAt > pidFile.writtenAt + slackMs) {
    return { kind: 'none', problem: `${attach.pid_file} is older than process ${one.pid}, which has that number by now` };
  }
  const { pid, startTicks } = one;
  return { kind: 'one', found: { pid, startTicks, startedAt, permitted: look.permits(pid) } };
}

function problemOf({ pid }: Extract<PidFile, { kind: 'pid' }>, { pid_file: file }: Attach, foreign: readonly Process[]): string {
  const there = foreign.some((process) => process.pid === pid);
  return there ? `process ${pid}, which ${file} names, is another one` : `process ${pid}, which ${file} names, is not there`;
}

/** Everything but init, what descends from it, and what it descends from. */
function foreigners({ processes, own }: Look): Process[] {
  const parents = new Map(processes.map(({ pid, parent }) => [pid, parent]));
  const above = new Set(chain(own, parents));
  return processes.filter(({ pid }) => !above.has(pid) && !chain(pid, parents).includes(own));
}

/** From the process itself up to where nothing is known of a parent. */
function chain(pid: number, parents: ReadonlyMap<number, number>): number[] {
  const pids: number[] = [];
  for (let at: number | undefined = pid; at !== undefined && at > 0 && !pids.includes(at); at = parents.get(at)) pids.push(at);
  return pids;
}

/** Where PID 1 is above us, or is us, the namespace is our container's own: what is not there yet will not come. */
function isAlone({ processes, own }: Look, foreign: readonly Process[]): boolean {
  if (own === 1) return true;
  const parents = new Map(processes.map(({ pid, parent }) => [pid, parent]));
  return foreign.length === 0 && chain(own, parents).includes(1);
}

/** Workers are their master's: of those that fit, the ones that descend from none that fits. */
function topmost(fits: readonly Process[]): Process[] {
  const pids = new Set(fits.map(({ pid }) => pid));
  return fits.filter(({ parent }) => !pids.has(parent)).sort((a, b) => a.pid - b.pid);
}

function isMeant({ comm, words }: Process, { match, name }: Attach): boolean {
  const [program = ''] = words;
  if (name !== undefined && comm !== name.slice(0, commLength) && basename(program) !== name) return false;
  return match === undefined || begins(words, match);
}

const commLength = 15;

const basename = (program: string): string => program.slice(program.lastIndexOf('/') + 1);

/**
 * The command line, its words parted by one space, begins with the pattern, in which `*` stands for anything; so does, where the program is named by a
 * path, what follows that path. What only mentions it (a shell, an editor, grep) does not begin with it.
 */
function begins(words: readonly string[], pattern: string): boolean {
  const line = words.join(' ').trim();
  if (line === '') return false; // a thread of the kernel
  const expression = new RegExp(`^${pattern.split('*').map(literal).join('.*')}`, 's');
  return expression.test(line) || (line.startsWith('/') && expression.test(line.replace(/^\/(?:[^ /]*\/)*/, '')));
}

const literal = (text: string): string => text.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&');
