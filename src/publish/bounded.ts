import { createBreather } from './calls.ts';

/** More than any lane lets through: how many operations are under way is the lanes' business. */
const workers = 16;

/**
 * Does `work` for all items, several at a time. Begins no more after the first failure, and fails only when nothing is under way any
 * more: then what was begun can be removed.
 */
export async function eachBounded<T>(items: readonly T[], work: (item: T) => Promise<unknown>): Promise<void> {
  let next = 0;
  const breathe = createBreather();
  let failure: { readonly error: unknown } | undefined;
  const worker = async () => {
    while (next < items.length && failure === undefined) {
      const item = items[next++];
      if (item === undefined) continue;
      await work(item).catch((error: unknown) => {
        failure ??= { error };
      });
      await breathe();
    }
  };
  await Promise.all(Array.from({ length: Math.min(workers, items.length) }, worker));
  if (failure !== undefined) throw failure.error;
}
