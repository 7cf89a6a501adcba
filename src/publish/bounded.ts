import { startBounded } from '../watch/bounded.ts';
import { createBreather } from './calls.ts';

/**
 * Does `work` for all items, several at a time. Begins no more after the first failure, and fails only when nothing is under way any
 * more: then what was begun can be removed.
 */
export async function eachBounded<T>(items: readonly T[], work: (item: T) => Promise<unknown>): Promise<void> {
  const breathe = createBreather();
  const started = startBounded(items, async (item) => {
    await work(item);
    await breathe();
  });
  const failure = (await Promise.allSettled(started)).find(({ status }) => status === 'rejected');
  if (failure?.status === 'rejected') throw failure.reason;
}
