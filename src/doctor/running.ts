/** Which of the processes that can be seen is the running reinit, and which its application. Pure. */
import type { Process } from '../target/match.ts';

/** init's name is that of its file, and of its forks until they execute something; the others take theirs (prctl(2), PR_SET_NAME). */
const [initName, nestName] = ['reinit', 'reinit-nest'];
const ownNames: ReadonlySet<string> = new Set([initName, nestName, 'reinit-pump', 'reinit-output']);
/** The controller's script, below init's own directory (src/init/node.c). An application may well be a main.cjs of its own. */
const controllerScript = '/lib/reinit/main.cjs';

/** The inits that no other one started, lowest pid first. */
export function initsAmong(processes: readonly Process[], own: number): readonly Process[] {
  const inits = new Set(processes.filter(({ comm }) => comm === initName).map(({ pid }) => pid));
  return processes.filter(({ pid, comm, parent }) => comm === initName && pid !== own && !inits.has(parent)).sort((a, b) => a.pid - b.pid);
}

/**
 * The application: the oldest child that is neither ours nor a validator's. Orphans and validators came later, since an instance's processes end with it; what `docker exec`
 * brought is no child of init.
 */
export function applicationOf(processes: readonly Process[], init: number): Process | undefined {
  const childrenOf = (pid: number): Process[] =>
    processes.filter(({ parent }) => parent === pid).sort((a, b) => a.startTicks - b.startTicks || a.pid - b.pid);
  return childrenOf(init)
    .flatMap((child) => (child.comm === nestName ? childrenOf(child.pid) : [child]))
    .find((child) => !isOurs(child));
}

const isOurs = ({ comm, words }: Process): boolean => ownNames.has(comm) || words.some((word) => word.endsWith(controllerScript));

/** A process and those above it, up to where nothing is known of a parent. */
export function ancestry(processes: readonly Process[], pid: number): readonly Process[] {
  const byPid = new Map(processes.map((process) => [process.pid, process]));
  const found: Process[] = [];
  for (let at = byPid.get(pid); at !== undefined && !found.includes(at); at = byPid.get(at.parent)) found.push(at);
  return found;
}

/** reinit's own arguments, and the command, of an init's command line. */
export function argumentsOf({ words }: Process): { readonly own: readonly string[]; readonly command: readonly string[] } {
  const given = words.slice(words[1] === 'run' ? 2 : 1);
  const dashes = given.indexOf('--');
  if (dashes >= 0) return { own: given.slice(0, dashes), command: given.slice(dashes + 1) };
  return given[0]?.startsWith('-') || given[0] === 'attach' ? { own: given, command: [] } : { own: [], command: given };
}

const shells: ReadonlySet<string> = new Set(['sh', 'bash', 'dash', 'ash', 'busybox', 'zsh', 'ksh', 'mksh']);

/** By the file's name, `/bin/sh` or `sh`. */
export const isShell = (program: string): boolean => shells.has(program.slice(program.lastIndexOf('/') + 1).replace(/^-/, ''));
