import { emptyHash } from './identity.ts';
import type { Generation } from './types.ts';

/** A timer may fire so much early; the files are as settled then. */
export const timerSlackMs = 1;

/** The times of a rule that decide when a change counts; all in ms. */
export interface SettlePolicy {
  readonly settle: number;
  readonly max_wait: number;
  readonly missing_grace: number;
}

/**
 * What is known between "something may have changed" and "this counts". A value: every function here returns a new one, and time (any
 * steady clock, ms) comes in as an argument.
 *
 * A sign is a hint (an event, a wish to look), or a reading that differs from the one before without a hint. A reading counts when it
 * began `settle` after the last sign; in a burst that does not end, `max_wait` after its first sign.
 */
export interface Settling {
  /** What the owner has. `files` is unknown where only a hash was given. */
  readonly told: { readonly hash: string; readonly files: ReadonlyMap<string, string | null> | undefined } | undefined;
  /** Hash of the last reading. */
  readonly seen: string | undefined;
  /** The first and the last sign of the burst that is not judged yet. */
  readonly burst: { readonly first: number; readonly last: number } | undefined;
  /** A sign of a change (not only a doubt) has been seen, and what came of it is not known yet. */
  readonly stirring: boolean;
  /** There was a hint since the last reading began. */
  readonly hinted: boolean;
  /** A change that no hint came before or after: events are missing. */
  readonly unannounced: boolean;
  /** When the last reading can count, should the next one be the same; undefined: it was judged. */
  readonly countsAt: number | undefined;
  /** Path → when it was first seen to be gone. */
  readonly absent: ReadonlyMap<string, number>;
  /** When the last reading began. */
  readonly readAt: number | undefined;
}

/** A reading, as far as it matters here. */
export interface Observation {
  /** When it began: what came later it may have missed. */
  readonly at: number;
  readonly generation: Generation;
  /** Whether a path that is gone is gone for good (kubelet removed the key), so that waiting for its return has no point. */
  readonly isGone: (path: string) => boolean;
}

export interface Verdict {
  readonly state: Settling;
  /** The generation counts now: tell it. `unannounced`: no event led to it. */
  readonly tell?: { readonly unannounced: boolean };
}

export function startSettling(known: string | undefined): Settling {
  const told = known === undefined ? undefined : { hash: known, files: undefined };
  return {
    told,
    seen: known,
    burst: undefined,
    stirring: false,
    hinted: false,
    unannounced: false,
    countsAt: undefined,
    absent: new Map(),
    readAt: undefined,
  };
}

/** Something may have changed at `at`. */
export function onHint(state: Settling, at: number): Settling {
  return { ...state, burst: { first: state.burst?.first ?? at, last: at }, stirring: true, hinted: true, unannounced: false };
}

/** Look again: the files are watched only from now on. A hint, but one that announces nothing. */
export function onDoubt(state: Settling, at: number): Settling {
  return { ...state, burst: { first: state.burst?.first ?? at, last: at }, hinted: true };
}

/** The files kept moving while they were read at `at`. */
export function onMoving(state: Settling, at: number): Settling {
  return { ...onDoubt(state, at), stirring: true };
}

/** Nothing can be read at present: whatever is going on, nobody need wait for it. */
export function onUnreachable(state: Settling): Settling {
  return { ...state, stirring: false };
}

export function onReading(state: Settling, seen: Observation, policy: SettlePolicy): Verdict {
  const { at, generation } = seen;
  const late = state.burst !== undefined && state.burst.last > at; // a hint came while it was read
  if (generation.hash === state.told?.hash) return { state: inStep(state, generation, at, late) };
  const surprise = generation.hash !== state.seen && !state.hinted;
  const burst = { first: state.burst?.first ?? at, last: surprise || state.burst === undefined ? at : state.burst.last };
  const absent = absentSince(state, seen);
  const countsAt = countTime(burst, absent, hasEmptied(state, generation), policy);
  const next: Settling = {
    ...state,
    seen: generation.hash,
    burst,
    absent,
    countsAt,
    stirring: true,
    hinted: late,
    readAt: at,
    unannounced: state.unannounced || (surprise && !late),
  };
  if (at < countsAt - timerSlackMs) return { state: next };
  const told = { hash: generation.hash, files: generation.files };
  const rest = late ? { first: burst.last, last: burst.last } : undefined;
  return {
    state: { ...next, told, burst: rest, stirring: late && state.stirring, absent: new Map(), countsAt: undefined, unannounced: false },
    tell: { unannounced: next.unannounced },
  };
}

/** When to read next; undefined: nothing is open. */
export function nextReading(state: Settling, policy: SettlePolicy): number | undefined {
  const { burst, hinted, countsAt, readAt } = state;
  if (burst === undefined) return undefined;
  if (!hinted && countsAt !== undefined) return countsAt;
  // In an endless burst one reading every max_wait, not one for each hint; and one as soon as a file has been empty or gone for long enough.
  const patience = countsAt !== undefined && countsAt > burst.first + policy.max_wait ? countsAt : Number.POSITIVE_INFINITY;
  return Math.min(burst.last + policy.settle, Math.max(burst.first, readAt ?? burst.first) + policy.max_wait, patience);
}

/** What is there is what the owner has: no change, whatever was seen in between. */
function inStep(state: Settling, generation: Generation, at: number, late: boolean): Settling {
  const { burst } = state;
  return {
    ...state,
    told: { hash: generation.hash, files: generation.files },
    seen: generation.hash,
    readAt: at,
    stirring: late && state.stirring,
    hinted: late,
    burst: late && burst !== undefined ? { first: burst.last, last: burst.last } : undefined,
    countsAt: undefined,
    unannounced: false,
    absent: new Map(),
  };
}

function countTime(
  burst: { first: number; last: number },
  absent: ReadonlyMap<string, number>,
  emptied: boolean,
  policy: SettlePolicy,
): number {
  const quiet = Math.min(burst.last + policy.settle, burst.first + policy.max_wait) + (emptied ? policy.settle : 0);
  return [...absent.values()].reduce((latest, since) => Math.max(latest, since + policy.missing_grace), quiet);
}

/** Paths that the owner's generation had and this one has not. Where the owner's files are unknown: those that are configured and missing. */
function absentSince(state: Settling, { at, generation, isGone }: Observation): ReadonlyMap<string, number> {
  if (state.told === undefined) return new Map();
  const had = state.told.files ?? new Map([...generation.files.keys()].map((path) => [path, 'unknown']));
  const absent = new Map<string, number>();
  for (const [path, hash] of had) {
    const gone = hash !== null && (generation.files.get(path) ?? null) === null;
    if (gone && !isGone(path)) absent.set(path, state.absent.get(path) ?? at);
  }
  return absent;
}

/** A file is empty that was not: most likely somebody has truncated it and is about to write. */
function hasEmptied(state: Settling, generation: Generation): boolean {
  const before = state.told?.files;
  if (before === undefined) return false;
  return [...before].some(([path, hash]) => hash !== null && hash !== emptyHash && generation.files.get(path) === emptyHash);
}
