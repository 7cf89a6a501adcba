/** Why the signal of `within` was aborted, if its time was over. */
export class Expired extends Error {}

/**
 * Runs with a signal that is aborted after `ms`, or as `outer` is. When it has run nothing of that is left: AbortSignal.timeout() and any()
 * would keep timers and the garbage collector busy long after an answer that took a millisecond.
 */
export async function within<T>(ms: number, outer: AbortSignal | undefined, run: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const controller = new AbortController();
  const expire = setTimeout(() => controller.abort(new Expired()), ms);
  const abort = (): void => controller.abort(outer?.reason);
  outer?.addEventListener('abort', abort, { once: true });
  if (outer?.aborted) abort();
  try {
    return await run(controller.signal);
  } finally {
    clearTimeout(expire);
    outer?.removeEventListener('abort', abort);
  }
}

export const isExpired = (signal: AbortSignal): boolean => signal.reason instanceof Expired;
