/**
 * A probe, asked until it is known: a small machine that `ready` and `confirm_by` share. Whoever embeds it has the question asked (`asks`) and
 * brings the answers. Times are CLOCK_BOOTTIME in ms.
 */
import type { Probe } from '../config/model.ts';
import { constants } from '../link/messages.ts';

/** `problem`: what the last answer said, where it was a no. */
interface Row {
  readonly successes: number;
  readonly failures: number;
  readonly problem?: string | undefined;
}

export type Probing =
  | ({ readonly kind: 'waiting'; readonly at: number } & Row)
  | ({ readonly kind: 'asking'; readonly id: number } & Row)
  /** The application says so itself. `reloading`: it has said that it is at it, so that what counts is the next READY. */
  | { readonly kind: 'listening'; readonly until: number; readonly reloading: boolean };

export type ProbingEvent =
  | { readonly kind: 'timeElapsed'; readonly at: number }
  | { readonly kind: 'answered'; readonly id: number; readonly problem: string | undefined; readonly at: number }
  | { readonly kind: 'notified'; readonly states: number; readonly at: number };

export interface ProbingStep {
  readonly probing: Probing;
  /** The question has to be asked now, under the id of `probing`. */
  readonly asks: boolean;
  readonly verdict: { readonly kind: 'yes' } | { readonly kind: 'no'; readonly problem: string } | undefined;
}

const { ready, reloading } = constants.notifyStates.values;

export function startProbing(probe: Probe, at: number): Probing {
  if (probe.check.kind === 'notify') {
    return { kind: 'listening', until: at + probe.initial_delay + probe.period * probe.failure_threshold, reloading: false };
  }
  return { kind: 'waiting', at: at + probe.initial_delay, successes: 0, failures: 0 };
}

/**
 * As a new controller goes on with it, whose configuration may be another one. A question that is under way may have been put another way, so that
 * nobody would ever answer it now: it is put again, and an answer to the former one is none.
 */
export function resumedProbing(probing: Probing, probe: Probe, at: number): Probing {
  if ((probe.check.kind === 'notify') !== (probing.kind === 'listening')) return startProbing(probe, at);
  if (probing.kind !== 'asking') return probing;
  const { successes, failures, problem } = probing;
  return { kind: 'waiting', at, successes, failures, problem };
}

/** Pure. Undefined: the event means nothing now. */
export function probingTransition(probing: Probing, event: ProbingEvent, probe: Probe, id: number): ProbingStep | undefined {
  switch (probing.kind) {
    case 'waiting':
      if (event.kind !== 'timeElapsed' || event.at < probing.at) return undefined;
      return { probing: asking(probing, id), asks: true, verdict: undefined };
    case 'asking':
      return event.kind === 'answered' && event.id === probing.id ? answered(probing, event, probe) : undefined;
    case 'listening':
      return heard(probing, event);
    default:
      return probing satisfies never;
  }
}

const asking = ({ successes, failures, problem }: Row, id: number): Probing => ({ kind: 'asking', id, successes, failures, problem });

/** Why there is no yes yet, for people: the time of whoever waits is over. */
export function problemSoFar(probing: Probing): string {
  switch (probing.kind) {
    case 'waiting':
      if (probing.problem !== undefined) return probing.problem;
      return probing.successes > 0 ? 'it has not said yes often enough (success_threshold)' : 'it was not asked in time (initial_delay)';
    case 'asking':
      return probing.problem ?? 'no answer yet';
    case 'listening':
      return silence(probing);
    default:
      return probing satisfies never;
  }
}

export function probingDeadline(probing: Probing): number | undefined {
  switch (probing.kind) {
    case 'waiting':
      return probing.at;
    case 'listening':
      return probing.until;
    default:
      return undefined;
  }
}

function answered(
  probing: Extract<Probing, { kind: 'asking' }>,
  { problem, at }: Extract<ProbingEvent, { kind: 'answered' }>,
  probe: Probe,
): ProbingStep {
  const successes = problem === undefined ? probing.successes + 1 : 0;
  const failures = problem === undefined ? 0 : probing.failures + 1;
  const next: Probing = { kind: 'waiting', at: at + probe.period, successes, failures, problem };
  if (successes >= probe.success_threshold) return { probing: next, asks: false, verdict: { kind: 'yes' } };
  const given = problem !== undefined && failures >= probe.failure_threshold;
  return { probing: next, asks: false, verdict: given ? { kind: 'no', problem } : undefined };
}

const silence = ({ reloading }: { readonly reloading: boolean }): string =>
  reloading ? 'it has told RELOADING=1, and READY=1 did not follow' : 'READY=1 did not come (sd_notify)';

function heard(probing: Extract<Probing, { kind: 'listening' }>, event: ProbingEvent): ProbingStep | undefined {
  if (event.kind === 'timeElapsed' && event.at >= probing.until) {
    return { probing, asks: false, verdict: { kind: 'no', problem: silence(probing) } };
  }
  if (event.kind !== 'notified') return undefined;
  if ((event.states & ready) !== 0) return { probing, asks: false, verdict: { kind: 'yes' } };
  if ((event.states & reloading) === 0) return undefined;
  return { probing: { ...probing, reloading: true }, asks: false, verdict: undefined };
}
