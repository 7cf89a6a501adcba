/** More than any lane lets through: how many operations are under way is the lanes' business. */
const workers = 16;

/**
 * Does `work` for all items, several at a time; begins no more after the first failure. One promise a worker, which fails with its item: whether
 * what is under way then is waited for is the caller's business.
 */
export function startBounded<T>(items: readonly T[], work: (item: T, index: number) => Promise<unknown>): Promise<void>[] {
  let next = 0;
  let failed = false;
  const worker = async () => {
    while (next < items.length && !failed) {
      const index = next++;
      const item = items[index];
      if (item !== undefined) await work(item, index);
    }
  };
  return Array.from({ length: Math.min(workers, items.length) }, () =>
    worker().catch((error: unknown) => {
      failed = true;
      throw error;
    }),
  );
}

/** Stops at the first failure. */
export async function mapBounded<T, R>(items: readonly T[], work: (item: T) => Promise<R>): Promise<R[]> {
  const results: R[] = new Array(items.length);
  await Promise.all(
    startBounded(items, async (item, index) => {
      results[index] = await work(item);
    }),
  );
  return results;
}
