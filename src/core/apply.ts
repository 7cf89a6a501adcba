/**
 * The transaction, as a pure machine: hold while old workers drain → read again → publish → act → confirm → good, or back.
 *
 *   none → [gauging ⇄ draining] → rechecking → [publishing] → signalling ⇄ retrying | executing | calling | restarting → confirming → none
 *
 * What must never happen: an action for files that are no longer what was judged; published files that were refused, once the machine is back at none;
 * two rollbacks for one generation.
 */

import {
  type ApplyCommand,
  type ApplyEvent,
  type ApplyPolicy,
  type ApplyState,
  type Attempt,
  type Batch,
  isOwnedMember,
  type Member,
  type Saying,
  type SignalResult,
} from './apply-state.ts';
import { exitCodes } from './exit-codes.ts';
import type { Refusal, RollbackReason, RuleNote, Sequel } from './notes.ts';
import { isOwned, type RulePolicy } from './policy.ts';
import { type ProbingEvent, probingTransition, problemSoFar, startProbing } from './probing.ts';
import { type Reading, shortHash } from './reading.ts';
import type { InstanceEvent } from './rule.ts';
import { shellCode } from './wait-status.ts';

export interface ApplyStep {
  readonly state: ApplyState;
  readonly commands: readonly ApplyCommand[];
  /** To the members, in this order. */
  readonly sayings: readonly Saying[];
  readonly notes: readonly { readonly rule: string; readonly note: RuleNote }[];
}

/** How long an application may take to install its handler before the change is applied by restart (applications.md, 3: ~10 ms to seconds). */
const patienceMs = 10_000;
const retryMs = [50, 100, 200, 400, 800, 1000] as const;
/** Daemons lose the second of two close signals (applications.md, trap 5). */
const againMs = 1_000;
const drainPollMs = 1_000;

type In<K extends ApplyState['kind']> = Extract<ApplyState, { kind: K }>;
type Handler<K extends ApplyState['kind']> = (state: In<K>, event: ApplyEvent, given: ApplyPolicy, id: number) => ApplyStep | undefined;

/**
 * Pure. Undefined: the event means nothing now.
 *
 * @param id one that was never used: for readings, a signal, a job or a token
 */
export function applyTransition(state: ApplyState, event: ApplyEvent, given: ApplyPolicy, id: number): ApplyStep | undefined {
  if (event.kind === 'containerStops') return state.kind === 'none' ? undefined : to({ kind: 'none' });
  if (event.kind === 'instanceEnded' && !event.ordered) return state.kind === 'none' ? undefined : died(state, event, given);
  const handler = handlers[state.kind] as Handler<ApplyState['kind']>;
  return handler(state, event, given, id);
}

const handlers: { readonly [K in ApplyState['kind']]: Handler<K> } = {
  none(_, event, given, id) {
    if (event.kind !== 'begin') return undefined;
    const { batch, at } = event;
    const step = gauge(batch, at, given, id);
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

const to = (state: ApplyState, commands: readonly ApplyCommand[] = [], sayings: readonly Saying[] = []): ApplyStep => ({
  state,
  commands,
  sayings,
  notes: [],
});
const telling = (step: ApplyStep, { leader }: Batch, note: RuleNote): ApplyStep => ({
  ...step,
  notes: [{ rule: leader, note }, ...step.notes],
});
const firstAttempt = (at: number): Attempt => ({ since: at, count: 0 });
const leaderOf = ({ leader }: Batch, { policy }: ApplyPolicy): RulePolicy => policy(leader);
const leaderHash = ({ leader, members }: Batch): string =>
  shortHash((members.find(({ rule }) => rule === leader) ?? members[0])?.candidate.reading.hash ?? '');

function gauge(batch: Batch, at: number, given: ApplyPolicy, id: number): ApplyStep {
  if (batch.action === 'reload' && !batch.rollback && leaderOf(batch, given).max_draining !== undefined) {
    return to({ kind: 'gauging', batch, job: id, told: false });
  }
  return recheck(batch, firstAttempt(at), given, id, at);
}

/** Copies cannot have changed; files can. */
function recheck(batch: Batch, attempt: Attempt, given: ApplyPolicy, id: number, at = attempt.since): ApplyStep {
  const left = batch.members.filter((member) => !isOwnedMember(member, given)).map(({ rule }) => rule);
  return left.length > 0 ? to({ kind: 'rechecking', batch, attempt, read: id, left }) : publish(batch, attempt, at, given, id);
}

function publish(batch: Batch, attempt: Attempt, at: number, given: ApplyPolicy, id: number): ApplyStep {
  const owned = batch.members.filter((member) => isOwnedMember(member, given));
  if (batch.published || owned.length === 0) return act(batch, attempt, at, given, id);
  const sayings = owned.map(({ rule, candidate }): Saying => ({ rule, event: { kind: 'published', reading: candidate.reading } }));
  return to({ kind: 'publishing', batch, attempt, job: id }, [], sayings);
}

function act(batch: Batch, attempt: Attempt, at: number, given: ApplyPolicy, id: number): ApplyStep {
  const leader = leaderOf(batch, given);
  switch (batch.action) {
    case 'none':
      return succeed(batch, 'none', false, at);
    case 'reload':
      return to({ kind: 'signalling', batch, attempt, id }, [
        { kind: 'signal', id, signo: leader.reload_signal, minAgeMs: leader.reload_after_start },
      ]);
    case 'exec':
      return to({ kind: 'executing', batch, step: 0, token: id, from: at }, [{ kind: 'execute', rule: batch.leader, token: id, step: 0 }]);
    case 'http':
      return to({ kind: 'calling', batch, job: id, from: at });
    case 'restart':
      return to({ kind: 'restarting', batch }, [{ kind: 'restart' }]);
    default:
      return batch.action satisfies never;
  }
}

/** The file system says no. What was published before is what the application finds. */
function notPublished(batch: Batch, problem: string, at: number, given: ApplyPolicy): ApplyStep {
  const back = batch.members.flatMap(({ rule, fallback }): Saying[] =>
    fallback ? [{ rule, event: { kind: 'published', reading: fallback } }] : [],
  );
  if (batch.rollback) return telling(to({ kind: 'none' }), batch, { kind: 'rollback_failed', problem });
  const note = (rule: string, hash: string): RuleNote | undefined =>
    isOwned(given.policy(rule)) ? { kind: 'publish_failed', hash: shortHash(hash), problem } : undefined;
  return to({ kind: 'none' }, [], [...back, ...failures(batch, at, { again: true, note })]);
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
        const step = recheck({ ...batch, action: 'restart' }, { ...attempt, count: 0 }, given, id, at);
        return telling(step, batch, { kind: 'falls_to_restart', signo, why: result });
      }
      const wait = retryMs[Math.min(attempt.count, retryMs.length - 1)] ?? 1000;
      const step = to({ kind: 'retrying', batch, attempt: { ...attempt, count: attempt.count + 1 }, at: at + wait });
      return attempt.count === 0 ? telling(step, batch, { kind: 'signal_waits', signo, why: result }) : step;
    }
  }
}

function confirm(batch: Batch, how: 'reload' | 'exec' | 'http', from: number, at: number, given: ApplyPolicy): ApplyStep {
  const { confirm_by: probe, confirm: ms } = leaderOf(batch, given);
  return to({ kind: 'confirming', batch, how, from, until: at + ms, probing: probe && startProbing(probe, at) });
}

function confirmingAction(state: In<'confirming'>, event: ApplyEvent, given: ApplyPolicy, id: number): ApplyStep | undefined {
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

const confirmingRestart = (batch: Batch, at: number, given: ApplyPolicy): In<'confirming'> => {
  // With a probe of the service's own the word is the service's: it says ready or not, in its time.
  const until = given.ready ? Number.MAX_SAFE_INTEGER : at + leaderOf(batch, given).confirm;
  return { kind: 'confirming', batch, how: 'restart', from: at, until, probing: undefined };
};

function confirmingRestarted(state: In<'confirming'>, event: ApplyEvent, given: ApplyPolicy, id: number): ApplyStep | undefined {
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

function succeed(batch: Batch, how: 'none' | 'reload' | 'restart' | 'exec' | 'http', proven: boolean, at: number): ApplyStep {
  const sayings = batch.members.map(({ rule, candidate }): Saying => {
    if (!batch.rollback) return { rule, event: { kind: 'succeeded', how, candidate, proven, at } };
    const note = { kind: 'back_on_good', hash: shortHash(candidate.reading.hash), how } as const;
    return { rule, event: { kind: 'rolledBack', reading: candidate.reading, took: how !== 'none', note, at } };
  });
  return to({ kind: 'none' }, [], sayings);
}

function dissolve(batch: Batch, moved: string | undefined, reading: Reading | undefined, at: number): ApplyStep {
  const sayings = batch.members.map(
    ({ rule }): Saying => ({ rule, event: { kind: 'dissolved', moved: rule === moved ? { reading } : undefined, at } }),
  );
  return to({ kind: 'none' }, [], batch.rollback ? [] : sayings);
}

/** What `unconfirmed` is about to do. */
function sequelOf(batch: Batch, given: ApplyPolicy): Sequel {
  const { reload_retries: most, on_failure: then } = leaderOf(batch, given);
  if (batch.tries < most) return 'again';
  if (batch.rollback) return 'keep';
  return then === 'rollback' && withFallback(batch).length === 0 ? 'keep' : then;
}

/** The action was done, and nothing says that the application has taken it. */
function unconfirmed(batch: Batch, at: number, given: ApplyPolicy, id: number): ApplyStep {
  const sequel = sequelOf(batch, given);
  if (sequel === 'again') {
    return to({ kind: 'retrying', batch: { ...batch, tries: batch.tries + 1 }, attempt: firstAttempt(at), at: at + againMs });
  }
  if (sequel === 'restart') {
    const step = recheck({ ...batch, action: 'restart' }, firstAttempt(at), given, id, at);
    return telling(step, batch, { kind: 'restarts_instead', hash: leaderHash(batch) });
  }
  const action = sequel === 'rollback' ? batch.action : 'none';
  return settleFailure(batch, { kind: action, why: 'unconfirmed', note: () => undefined, again: false }, at, given, id);
}

function restartFailed(batch: Batch, problem: string, beside: boolean, at: number, given: ApplyPolicy, id: number): ApplyStep {
  const note = (_: string, hash: string): RuleNote => ({ kind: 'restart_failed', hash: shortHash(hash), problem });
  // Beside another one it has cost nothing: that one runs with the old files, which have to be the published ones again.
  return settleFailure(batch, { kind: beside ? 'none' : 'restart', why: 'not_ready', note, again: false }, at, given, id);
}

interface Failure {
  /** How the application is to take over what it goes back to; `none`: it finds that at its next start. */
  readonly kind: Batch['action'];
  readonly why: RollbackReason;
  readonly note: (rule: string, hash: string) => RuleNote | undefined;
  readonly again: boolean;
}

/** The members have failed; those that can go back do so. */
function settleFailure(batch: Batch, failure: Failure, at: number, given: ApplyPolicy, id: number): ApplyStep {
  if (batch.rollback) return telling(to({ kind: 'none' }), batch, { kind: 'rollback_failed', problem: undefined });
  const failed = failures(batch, at, failure);
  const back = withFallback(batch);
  if (back.length === 0) return to({ kind: 'none' }, [], failed);
  const rollback: Batch = {
    // By the very action that brought it there, although the rule that it is of may have nothing to go back to.
    leader: batch.leader,
    action: failure.kind,
    members: back.map(({ rule, fallback }) => ({ rule, candidate: { reading: fallback, since: at, tries: 0 }, fallback: undefined })),
    since: at,
    tries: 0,
    published: false,
    rollback: true,
  };
  const step = publish(rollback, firstAttempt(at), at, given, id);
  return { ...step, sayings: [...failed, ...step.sayings], notes: rollbackNotes(back, failure.why) };
}

type Death = { readonly byIt: boolean };
function failures(batch: Batch, at: number, failure: Pick<Failure, 'note' | 'again'>, death?: Death): Saying[] {
  return batch.members.map(({ rule, candidate }): Saying => {
    const note = failure.note(rule, candidate.reading.hash);
    const event = { kind: 'failed', candidate, note, again: failure.again, death: rule === batch.leader ? death : undefined, at } as const;
    return { rule, event };
  });
}

/** The application ended by itself. What it means depends on how far we were; what is published has to be accepted before it is started again. */
function died(state: Exclude<ApplyState, { kind: 'none' }>, event: Ended, given: ApplyPolicy): ApplyStep {
  const { batch } = state;
  if (state.kind === 'confirming' && state.how !== 'restart') return diedOfAction(state, event, given);
  if (state.kind !== 'restarting' && state.kind !== 'confirming') return dissolve(batch, undefined, undefined, event.at);
  const note = (_: string, hash: string): RuleNote => ({ kind: 'restart_failed', hash: shortHash(hash), problem: undefined });
  return fallBack(batch, failures(batch, event.at, { note, again: false }));
}
type Ended = Extract<InstanceEvent, { kind: 'instanceEnded' }>;

/** A handler proves nothing: Go and the JVM catch HUP and die of it (applications.md, trap 3). Such an application is not asked again. */
function diedOfAction({ batch, how, from }: In<'confirming'>, event: Ended, given: ApplyPolicy): ApplyStep {
  const signo = how === 'reload' ? leaderOf(batch, given).reload_signal : undefined;
  const byIt = event.end !== undefined && signo !== undefined && shellCode(event.end) === exitCodes.signalBase + signo;
  const afterMs = Math.max(0, event.at - from);
  const note = (rule: string, hash: string): RuleNote | undefined =>
    rule === batch.leader ? { kind: 'reload_failed', hash: shortHash(hash), signo, afterMs } : undefined;
  return fallBack(batch, failures(batch, event.at, { note, again: false }, how === 'reload' ? { byIt } : undefined));
}

/** The next instance finds what has proven itself: before it is started, that is published. */
function fallBack(batch: Batch, failed: readonly Saying[]): ApplyStep {
  if (batch.rollback) return telling(to({ kind: 'none' }), batch, { kind: 'rollback_failed', problem: undefined });
  const back = withFallback(batch);
  const sayings = back.map(({ rule, fallback }): Saying => ({ rule, event: { kind: 'published', reading: fallback } }));
  return { state: { kind: 'none' }, commands: [], sayings: [...failed, ...sayings], notes: rollbackNotes(back, 'ended') };
}

type Returning = Member & { readonly fallback: Reading };
const withFallback = ({ members }: Batch): Returning[] =>
  members.flatMap((member) => (member.fallback ? [{ ...member, fallback: member.fallback }] : []));

const rollbackNotes = (back: readonly Returning[], why: RollbackReason) =>
  back.map(({ rule, candidate, fallback }) => ({
    rule,
    note: { kind: 'rolled_back', from: shortHash(candidate.reading.hash), to: shortHash(fallback.hash), why } as const,
  }));
