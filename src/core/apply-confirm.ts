/** The action was done: has the application taken it over? */

import { restartFailed, sequelOf, unconfirmed } from './apply-failure.ts';
import type { ApplyCommand, ApplyEvent, ApplyPolicy, Batch } from './apply-state.ts';
import { type ApplyStep, type In, leaderHash, leaderOf, succeed, telling, to } from './apply-steps.ts';
import type { Refusal } from './notes.ts';
import type { Action } from './policy.ts';
import { type ProbingEvent, probingTransition, problemSoFar, startProbing } from './probing.ts';

export function confirm(batch: Batch, how: Exclude<Action, 'none' | 'restart'>, from: number, at: number, given: ApplyPolicy): ApplyStep {
  const { confirm_by: probe, confirm: ms } = leaderOf(batch, given);
  return to({ kind: 'confirming', batch, how, from, until: at + ms, probing: probe && startProbing(probe, at) });
}

export function confirmingAction(state: In<'confirming'>, event: ApplyEvent, given: ApplyPolicy, id: number): ApplyStep | undefined {
  const { batch, how, until, probing } = state;
  const probe = leaderOf(batch, given).confirm_by;
  const over = event.kind === 'timeElapsed' && event.at >= until;
  if (!probe || !probing) {
    if (over) return succeed(batch, how, false, event.at);
    // The probe was taken out of the configuration meanwhile.
    return probing && event.kind === 'timeElapsed' ? to({ ...state, probing: undefined }) : undefined;
  }
  const asked = probingEvent(event);
  const step = asked && probingTransition(probing, asked, probe, id);
  if (step?.verdict?.kind === 'yes') return succeed(batch, how, true, asked?.at ?? until);
  if (over || step?.verdict) {
    const at = asked?.at ?? until;
    const problem = step?.verdict?.problem ?? problemSoFar(probing);
    const note = {
      kind: 'unconfirmed',
      hash: leaderHash(batch),
      how,
      problem,
      ms: over ? leaderOf(batch, given).confirm : Math.max(0, at - state.from),
      sequel: sequelOf(batch, given),
    } as const;
    return telling(unconfirmed(batch, at, given, id), batch, note);
  }
  if (!step) return undefined;
  const commands: ApplyCommand[] = step.asks && probe.check.kind === 'exec' ? [{ kind: 'probe', rule: batch.leader, token: id }] : [];
  return to({ ...state, probing: step.probing }, commands);
}

function probingEvent(event: ApplyEvent): (ProbingEvent & { readonly at: number }) | undefined {
  switch (event.kind) {
    case 'timeElapsed':
    case 'notified':
      return event;
    case 'jobDone':
      return event.result.kind === 'done' ? { kind: 'answered', id: event.id, problem: event.result.problem, at: event.at } : undefined;
    case 'executed':
      return { kind: 'answered', id: event.token, problem: event.refusal && problemOf(event.refusal), at: event.at };
    default:
      return undefined;
  }
}

/** The last words of a command that probes. */
export function problemOf(refusal: Refusal): string {
  switch (refusal.kind) {
    case 'ended': {
      const how = refusal.end.kind === 'code' ? `ended with ${refusal.end.code}` : `was ended by signal ${refusal.end.signo}`;
      return `the command ${how}${refusal.words === '' ? '' : `: ${refusal.words.split('\n').at(-1)}`}`;
    }
    case 'timed_out':
      return 'the command took too long and was killed';
    case 'not_started':
      return `the command cannot be started: ${refusal.text} (stage: ${refusal.stage})`;
    case 'unusable':
      return refusal.problem;
    default:
      return refusal satisfies never;
  }
}

export const confirmingRestart = (batch: Batch, at: number, given: ApplyPolicy): In<'confirming'> => {
  // With a probe of the service's own the word is the service's: it says ready or not, in its time.
  const until = given.ready ? Number.MAX_SAFE_INTEGER : at + leaderOf(batch, given).confirm;
  return { kind: 'confirming', batch, how: 'restart', from: at, until, probing: undefined };
};

export function confirmingRestarted(state: In<'confirming'>, event: ApplyEvent, given: ApplyPolicy, id: number): ApplyStep | undefined {
  const { batch } = state;
  switch (event.kind) {
    case 'timeElapsed':
      return event.at >= state.until ? succeed(batch, 'restart', false, event.at) : undefined;
    case 'instanceReady':
      return given.ready ? succeed(batch, 'restart', true, event.at) : undefined;
    case 'instanceUnready':
      return restartFailed(batch, `was not ready in time: ${event.problem}`, false, event.at, given, id);
    default:
      return undefined;
  }
}
