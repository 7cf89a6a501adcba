/** When a stop's signals are due, as init has it (src/init/instance.c). Pure. */

/** Daemons lose or garble a stop signal that comes in their reload. */
const afterReloadMs = 250;
/** On a busy machine a reload takes that long: a stop signal in it is sent once more. */
const inReloadMs = 1_000;
const againMs = 2_000;

export interface StopTimes {
  readonly sendAt: number;
  /** Once more; undefined: not. */
  readonly againAt: number | undefined;
  /** Undefined: never. */
  readonly killAt: number | undefined;
}

/** @param reloadAt when the last reload signal was sent; @param timeoutMs 0: no KILL */
export function stopTimes(now: number, reloadAt: number | undefined, timeoutMs: number): StopTimes {
  const since = reloadAt === undefined ? Number.POSITIVE_INFINITY : now - reloadAt;
  const again = [...(timeoutMs > 0 ? [now + timeoutMs - timeoutMs / 4] : []), ...(since < inReloadMs ? [now + againMs] : [])];
  return {
    sendAt: since < afterReloadMs ? now - since + afterReloadMs : now,
    againAt: again.length > 0 ? Math.min(...again) : undefined,
    killAt: timeoutMs > 0 ? now + timeoutMs : undefined,
  };
}
