/**
 * What the children of an application's main process say about a reload: daemons of the master-and-worker kind start new workers with the
 * new configuration, and let the old ones end when their clients are gone (they drain).
 *
 * Every child counts, whatever it does. Nginx's cache manager, too, is a new one after each reload, and its cache loader ends by itself; but
 * helpers that live as long as the main process (Apache's cgid and piped loggers, the programs of `haproxy -Ws`, a logger that a script
 * started) are older than any reload and so count as draining: a limit has to leave room for them. Grandchildren do not count: where the
 * command is a shell that stays the parent of the daemon, there are no workers to be seen. Zombies are none either.
 */
import { existsSync } from 'node:fs';
import { type Child, childPids, childrenAmong, exists, statOf, tickMs } from './processes.ts';

/**
 * Whether `pid` has a child that is younger than `since` (ms of CLOCK_BOOTTIME); one of the same tick of 10 ms counts as younger.
 *
 * @returns undefined for yes, else why not
 */
export async function youngWorker(pid: number, since: number, signal: AbortSignal): Promise<string | undefined> {
  if (!existsSync('/proc/self')) return undefined; // nothing can ever be seen: staying up has to do
  const candidates = childPids(pid);
  if (candidates === undefined) return unseen(pid);
  let seen = 0;
  for await (const child of childrenAmong(pid, candidates)) {
    seen++;
    if (!isOlder(child, since)) return undefined;
    signal.throwIfAborted();
  }
  const hidden = seen < candidates.length && candidates.some((child) => statOf(child) === undefined && exists(child));
  return `no worker of process ${pid} is younger than the reload signal${hidden ? `, as far as can be seen: ${hiding}` : ''}`;
}

/** How many children of `pid` were created before `since` (ms of CLOCK_BOOTTIME). 0 where nothing can be seen: what is hidden must not hold a reload for ever. */
export async function countOlder(pid: number, since: number): Promise<number> {
  let count = 0;
  for await (const child of childrenAmong(pid, childPids(pid) ?? [])) if (isOlder(child, since)) count++;
  return count;
}

const isOlder = ({ startTicks }: Child, since: number): boolean => startTicks < Math.floor(since / tickMs);

const hiding = '/proc hides processes of other users (hidepid)';

const unseen = (pid: number): string => (exists(pid) ? `process ${pid} cannot be seen: ${hiding}` : `process ${pid} is gone`);
