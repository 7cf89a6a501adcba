import { lstatSync, statSync } from 'node:fs';
import { join } from 'node:path';

/** What two clocks may differ by: files have the tick of the kernel's timer, processes 10 ms. */
const slackMs = 100;

/**
 * Since when the files are what they are, in ms of CLOCK_BOOTTIME: since the last change of an inode on the way to one (ctime, which nobody can set:
 * inode(7)). It answers one question: has a process that started at some time found them? Where that is not sure, the answer is too late a time; but
 * a wall clock that was set meanwhile misleads it.
 *
 * @param paths what is watched, and the files that were found there
 * @param offset from the time of the wall clock to that of CLOCK_BOOTTIME
 */
export function steadySince(paths: readonly string[], offset: number): number {
  const times = paths
    .flatMap((path) => [path, join(path, '..data')])
    .flatMap((place) => [timeOf(place, lstatSync), timeOf(place, statSync)]);
  return Math.max(...times) + offset + slackMs;
}

/** What is not there has not changed. */
const timeOf = (path: string, look: typeof statSync): number => {
  try {
    return look(path)?.ctimeMs ?? 0;
  } catch {
    return 0;
  }
};
