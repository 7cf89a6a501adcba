/**
 * The transaction, as a pure machine: hold while old workers drain → read again → publish → act → confirm → good, or back.
 *
 *   none → [gauging ⇄ draining] → rechecking → [publishing] → signalling ⇄ retrying | executing | calling | restarting → confirming → none
 *
 * What must never happen: an action for files that are no longer what was judged; published files that were refused, once the machine is back at none;
 * two rollbacks for one generation.
 */

import { confirm, confirmingAction, confirmingRestart, confirmingRestarted } from './apply-confirm.ts';
import { died, notPublished, restartFailed, sequelOf, settleFailure, unconfirmed } from './apply-failure.ts';
import type { ApplyEvent, ApplyPolicy, ApplyState, Batch, Saying, SignalResult } from './apply-state.ts';
import {
  type ApplyStep,
  act,
  dissolve,
  firstAttempt,
  type In,
  leaderHash,
  leaderOf,
  publish,
  recheck,
  succeed,
  telling,
  to,
} from './apply-steps.ts';
import type { Deafness } from './notes.ts';

/** How long an application may take to install its handler before the change is applied by restart (applications.md, 3: ~10 ms to seconds). */
const patienceMs = 10_000;

const retryMs = [50, 100, 200, 400, 800, 1000] as const;

const drainPollMs = 1_000;

type Handler<K extends ApplyState['kind']> = (state: In<K>, event: ApplyEvent, given: ApplyPolicy, id: number) => ApplyStep | undefined;

/**
 * Pure. Undefined: the event means nothing now.
 *
 * @param id one that was never used: for readings, a signal, a job or a token
 */
export function applyTransition(state: ApplyState, event: ApplyEvent, given: ApplyPolicy, id: number): ApplyStep | undefined {
  // What was begun without it was begun for another one.
  if (event.kind === 'instanceFound') return state.kind === 'none' ? undefined : dissolve(state.batch, undefined, undefined, event.at);
  if (event.kind === 'containerStops') return state.kind === 'none' ? undefined : to({ kind: 'none' });
  if (event.kind === 'instanceEnded' && !event.ordered) return state.kind === 'none' ? undefined : died(state, event, given);
  const handler = handlers[state.kind] as Handler<ApplyState['kind']>;
  return handler(state, event, given, id);
}

const handlers: { readonly [K in ApplyState['kind']]: Handler<K> } = {
  none(_, event, given, id) {
    if (event.kind !== 'begin') return undefined;
    const { batch, at } = event;
    const step =
      batch.action === 'restart' && !given.restartable ? untold(batch, 'killed_before', at, given, id) : gauge(batch, at, given, id);
    return { ...step, sayings: [...batch.members.map(({ rule }): Saying => ({ rule, event: { kind: 'chosen' } })), ...step.sayings] };
  },
  gauging({ batch, job, told }, event, given, id) {
    if (event.kind !== 'jobDone' || event.id !== job || event.result.kind !== 'counted') return undefined;
    const most = leaderOf(batch, given).max_draining ?? Number.POSITIVE_INFINITY;
    const { count } = event.result;
    if (count <= most) return recheck(batch, firstAttempt(event.at), given, id);
    const step = to({ kind: 'draining', batch, at: event.at + drainPollMs });
    return told ? step : telling(step, batch, { kind: 'draining', count, most });
  },
  draining({ batch, at }, event, _, id) {
    if (event.kind !== 'timeElapsed' || event.at < at) return undefined;
    return to({ kind: 'gauging', batch, job: id, told: true });
  },
  rechecking(state, event, given, id) {
    if (event.kind !== 'read' || event.id !== state.read || !state.left.includes(event.rule)) return undefined;
    const { batch } = state;
    const member = batch.members.find(({ rule }) => rule === event.rule);
    if (!member || event.reading?.hash !== member.candidate.reading.hash) return dissolve(batch, event.rule, event.reading, event.at);
    const left = state.left.filter((rule) => rule !== event.rule);
    return left.length > 0 ? to({ ...state, left }) : publish(batch, state.attempt, event.at, given, id);
  },
  publishing(state, event, given, id) {
    if (event.kind !== 'jobDone' || event.id !== state.job || event.result.kind !== 'done') return undefined;
    const batch = { ...state.batch, published: true };
    const { problem } = event.result;
    return problem === undefined ? act(batch, state.attempt, event.at, given, id) : notPublished(batch, problem, event.at, given);
  },
  signalling(state, event, given, id) {
    if (event.kind !== 'signalled' || event.id !== state.id) return undefined;
    return answered(state, event.result, event.at, given, id);
  },
  retrying({ batch, attempt, at }, event, given, id) {
    if (event.kind !== 'timeElapsed' || event.at < at) return undefined;
    return recheck(batch, attempt, given, id, event.at);
  },
  executing({ batch, step, token, from }, event, given, id) {
    if (event.kind !== 'executed' || event.token !== token) return undefined;
    const leader = leaderOf(batch, given);
    if (event.refusal) {
      const note = {
        kind: 'action_failed',
        hash: leaderHash(batch),
        how: 'exec',
        step,
        verdict: event.refusal,
        sequel: sequelOf(batch, given),
      } as const;
      return telling(unconfirmed(batch, event.at, given, id), batch, note);
    }
    if (step + 1 >= leader.exec.length) return confirm(batch, 'exec', from, event.at, given);
    return to({ kind: 'executing', batch, step: step + 1, token: id, from }, [
      { kind: 'execute', rule: batch.leader, token: id, step: step + 1 },
    ]);
  },
  calling({ batch, job, from }, event, given, id) {
    if (event.kind !== 'jobDone' || event.id !== job || event.result.kind !== 'done') return undefined;
    const { problem } = event.result;
    if (problem === undefined) return confirm(batch, 'http', from, event.at, given);
    const verdict = { kind: 'unusable', problem } as const;
    const note = { kind: 'action_failed', hash: leaderHash(batch), how: 'http', step: 0, verdict, sequel: sequelOf(batch, given) } as const;
    return telling(unconfirmed(batch, event.at, given, id), batch, note);
  },
  restarting({ batch }, event, given, id) {
    switch (event.kind) {
      case 'instanceStarted':
        if (event.proven) return succeed(batch, 'restart', given.ready, event.at);
        return to(confirmingRestart(batch, event.at, given));
      case 'besideFailed':
        return restartFailed(batch, event.problem, true, event.at, given, id);
      default:
        return undefined;
    }
  },
  confirming(state, event, given, id) {
    return state.how === 'restart' ? confirmingRestarted(state, event, given, id) : confirmingAction(state, event, given, id);
  },
};

/** There is no way to make it read its files again. One that does not take the signal yet may do so later; one that dies of it is not asked again. */
function untold(batch: Batch, why: Deafness, at: number, given: ApplyPolicy, id: number): ApplyStep {
  const note = { kind: 'not_signalled', signo: leaderOf(batch, given).reload_signal, hash: leaderHash(batch), why } as const;
  return settleFailure(batch, { kind: 'none', why: 'refused', note: () => note, again: why !== 'killed_before' }, at, given, id);
}

function gauge(batch: Batch, at: number, given: ApplyPolicy, id: number): ApplyStep {
  if (batch.action === 'reload' && !batch.rollback && leaderOf(batch, given).max_draining !== undefined) {
    return to({ kind: 'gauging', batch, job: id, told: false });
  }
  return recheck(batch, firstAttempt(at), given, id, at);
}

/** init's answer to the guarded signal. */
function answered({ batch, attempt }: In<'signalling'>, result: SignalResult, at: number, given: ApplyPolicy, id: number): ApplyStep {
  const leader = leaderOf(batch, given);
  const signo = leader.reload_signal;
  switch (result) {
    case 'sent':
      return telling(confirm(batch, 'reload', at, at, given), batch, { kind: 'signalled', signo, hash: leaderHash(batch) });
    case 'no_process': // its end is on the way to us, and is not the signal's doing
    case 'stopping':
      return dissolve(batch, undefined, undefined, at);
    case 'not_permitted': {
      const note = { kind: 'signal_refused', signo, hash: leaderHash(batch) } as const;
      return settleFailure(batch, { kind: 'none', why: 'refused', note: () => note, again: false }, at, given, id);
    }
    default: {
      if (at - attempt.since >= patienceMs + leader.reload_after_start) {
        if (!given.restartable) return untold(batch, result, at, given, id);
        const step = recheck({ ...batch, action: 'restart' }, { ...attempt, count: 0 }, given, id, at);
        return telling(step, batch, { kind: 'falls_to_restart', signo, why: result });
      }
      const wait = retryMs[Math.min(attempt.count, retryMs.length - 1)] ?? 1000;
      const step = to({ kind: 'retrying', batch, attempt: { ...attempt, count: attempt.count + 1 }, at: at + wait });
      return attempt.count === 0 ? telling(step, batch, { kind: 'signal_waits', signo, why: result }) : step;
    }
  }
}
