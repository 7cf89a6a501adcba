/**
 * pidusage, kept within bounds. It opens a file for each process, keeps it open, and remembers what it read, until `maxage` is over: so many processes
 * are asked a few at a time, and after some hundreds the next ones wait for those to be forgotten. What it remembers is not used: CPU is told from
 * its sums, which a number that was given again cannot spoil.
 */
import { setTimeout as pause } from 'node:timers/promises';
import pidusage from 'pidusage';

export interface Measured {
  /** ms since the epoch. */
  readonly at: number;
  /** User and system time so far. */
  readonly cpuMs: number;
  readonly elapsedMs: number;
  /** Resident, in bytes. */
  readonly memory: number;
}

/** libuv has four threads for files, which the watches use, too. */
const batch = 32;
const mostFiles = 512;
const maxAgeMs = 300;
/** pidusage looks for what is too old twice in that time. */
const forgottenMs = 2 * maxAgeMs;

// It would write to the console that /proc/uptime is not to be had (mount option subset=pid), each time.
process.env.PIDUSAGE_SILENT = 'yes';

/** Of those that are there. Rejects never. @param mostOpen files at a time, a multiple of 32 */
export async function measure(pids: readonly number[], mostOpen = mostFiles): Promise<ReadonlyMap<number, Measured>> {
  const measured = new Map<number, Measured>();
  for (let from = 0; from < pids.length; from += batch) {
    if (from > 0 && from % mostOpen === 0) await pause(forgottenMs);
    await measureSome(pids.slice(from, from + batch), measured);
  }
  return measured;
}

async function measureSome(pids: number[], measured: Map<number, Measured>): Promise<void> {
  const answers = await pidusage(pids, { maxage: maxAgeMs }).catch(() => ({}));
  for (const [pid, answer] of Object.entries(answers as Record<string, pidusage.Status | null | undefined>)) {
    if (!answer) continue;
    const { timestamp, ctime, elapsed, memory } = answer;
    if ([ctime, elapsed, memory].every(Number.isFinite))
      measured.set(Number(pid), { at: timestamp, cpuMs: ctime, elapsedMs: elapsed, memory });
  }
}
