/** Events on their way to one target: equal ones become one with a count, and the same is not told again too soon. Bounded. Pure. */
import type { NotifyEvent } from './events.ts';

/** Times in ms since the epoch. */
export interface Gathered {
  readonly event: NotifyEvent;
  readonly first: number;
  readonly last: number;
  readonly count: number;
  /** How many of them have been told. */
  readonly told: number;
  readonly notBefore: number;
}

export interface Gathering {
  readonly byKey: ReadonlyMap<string, Gathered>;
  /** Events that were lost since, for want of room. */
  readonly dropped: number;
}

export const nothingGathered: Gathering = { byKey: new Map(), dropped: 0 };

/** Different events that are remembered. */
const most = 64;
/** Before that, the same again is only counted. */
const repeatMs = 5 * 60_000;

const keyOf = ({ kind, reason, rule, hash }: NotifyEvent): string => JSON.stringify([kind, reason, rule, hash]);
const isWaiting = ({ count, told }: Gathered): boolean => count > told;

export function gather({ byKey, dropped }: Gathering, event: NotifyEvent, now: number): Gathering {
  const key = keyOf(event);
  const known = byKey.get(key);
  const fresh = !known || (!isWaiting(known) && now >= known.notBefore);
  const entry = fresh
    ? { event, first: now, last: now, count: 1, told: 0, notBefore: now }
    : { ...known, event, last: now, count: known.count + 1 };
  const next = new Map(byKey);
  next.delete(key);
  next.set(key, entry);
  if (next.size <= most) return { byKey: next, dropped };
  const [oldest = key] = [...next].find(([, one]) => !isWaiting(one)) ?? [...next][0] ?? [];
  const lost = next.get(oldest);
  next.delete(oldest);
  return { byKey: next, dropped: dropped + (lost && isWaiting(lost) ? 1 : 0) };
}

/** What is to be told next, if it is time. */
export const nextDue = ({ byKey }: Gathering, now: number): Gathered | undefined =>
  [...byKey.values()].filter((one) => isWaiting(one) && one.notBefore <= now).sort((a, b) => a.notBefore - b.notBefore)[0];

/** When that is. */
export function dueAt({ byKey }: Gathering): number | undefined {
  const times = [...byKey.values()].filter(isWaiting).map(({ notBefore }) => notBefore);
  return times.length === 0 ? undefined : Math.min(...times);
}

/** It was told, or could not be; what has come meanwhile waits. */
export function toldOf({ byKey, dropped }: Gathering, { event, count }: Gathered, now: number): Gathering {
  const key = keyOf(event);
  const known = byKey.get(key);
  return known ? { byKey: new Map(byKey).set(key, { ...known, told: count, notBefore: now + repeatMs }), dropped } : { byKey, dropped };
}
