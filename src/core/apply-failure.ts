/** A change that has failed: again, by a restart, or back to the last good generation. */
import type { ApplyPolicy, ApplyState, Batch, Member, Saying } from './apply-state.ts';
import {
  type ApplyStep,
  dissolve,
  failures,
  firstAttempt,
  type In,
  leaderHash,
  leaderOf,
  publish,
  type Reason,
  recheck,
  telling,
  to,
} from './apply-steps.ts';
import { exitCodes } from './exit-codes.ts';
import type { RollbackReason, RuleNote, Sequel } from './notes.ts';
import { isOwned } from './policy.ts';
import { type Reading, shortHash } from './reading.ts';
import type { InstanceEvent } from './rule.ts';
import { shellCode } from './wait-status.ts';

/** Daemons lose the second of two close signals (applications.md, trap 5). */
const againMs = 1_000;

/** What `unconfirmed` is about to do. */
export function sequelOf(batch: Batch, given: ApplyPolicy): Sequel {
  const { reload_retries: most, on_failure: then } = leaderOf(batch, given);
  if (batch.tries < most) return 'again';
  if (batch.rollback) return 'keep';
  return then === 'rollback' && withFallback(batch).length === 0 ? 'keep' : then;
}

/** The action was done, and nothing says that the application has taken it. */
export function unconfirmed(batch: Batch, at: number, given: ApplyPolicy, id: number): ApplyStep {
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

export function restartFailed(batch: Batch, problem: string, beside: boolean, at: number, given: ApplyPolicy, id: number): ApplyStep {
  const note = (_: string, hash: string): RuleNote => ({ kind: 'restart_failed', hash: shortHash(hash), problem });
  // Beside another one it has cost nothing: that one runs with the old files, which have to be the published ones again.
  return settleFailure(batch, { kind: beside ? 'none' : 'restart', why: 'not_ready', note, again: false }, at, given, id);
}

interface Failure extends Reason {
  /** How the application is to take over what it goes back to; `none`: it finds that at its next start. */
  readonly kind: Batch['action'];
  readonly why: RollbackReason;
}

/** The members have failed; those that can go back do so. */
export function settleFailure(batch: Batch, failure: Failure, at: number, given: ApplyPolicy, id: number): ApplyStep {
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

/** The file system says no. What was published before is what the application finds. */
export function notPublished(batch: Batch, problem: string, at: number, given: ApplyPolicy): ApplyStep {
  const back = batch.members.flatMap(({ rule, fallback }): Saying[] =>
    fallback ? [{ rule, event: { kind: 'published', reading: fallback } }] : [],
  );
  if (batch.rollback) return telling(to({ kind: 'none' }), batch, { kind: 'rollback_failed', problem });
  const note = (rule: string, hash: string): RuleNote | undefined =>
    isOwned(given.policy(rule)) ? { kind: 'publish_failed', hash: shortHash(hash), problem } : undefined;
  return to({ kind: 'none' }, [], [...back, ...failures(batch, at, { again: true, note })]);
}

type Ended = Extract<InstanceEvent, { kind: 'instanceEnded' }>;

/** The application ended by itself. What it means depends on how far we were; what is published has to be accepted before it is started again. */
export function died(state: Exclude<ApplyState, { kind: 'none' }>, event: Ended, given: ApplyPolicy): ApplyStep {
  const { batch } = state;
  if (state.kind === 'confirming' && state.how !== 'restart') return diedOfAction(state, event, given);
  if (state.kind !== 'restarting' && state.kind !== 'confirming') return dissolve(batch, undefined, undefined, event.at);
  const note = (_: string, hash: string): RuleNote => ({ kind: 'restart_failed', hash: shortHash(hash), problem: event.problem });
  return fallBack(batch, failures(batch, event.at, { note, again: false }), event);
}

/** A handler proves nothing: Go and the JVM catch HUP and die of it (applications.md, trap 3). Such an application is not asked again. */
function diedOfAction({ batch, how, from }: In<'confirming'>, event: Ended, given: ApplyPolicy): ApplyStep {
  const signo = how === 'reload' ? leaderOf(batch, given).reload_signal : undefined;
  const byIt = event.end !== undefined && signo !== undefined && shellCode(event.end) === exitCodes.signalBase + signo;
  const afterMs = Math.max(0, event.at - from);
  const note = (rule: string, hash: string): RuleNote | undefined =>
    rule === batch.leader ? { kind: 'reload_failed', hash: shortHash(hash), signo, afterMs, problem: event.problem } : undefined;
  return fallBack(batch, failures(batch, event.at, { note, again: false }, how === 'reload' ? { byIt } : undefined), event);
}

/** The next instance finds what has proven itself: before it is started, that is published. */
function fallBack(batch: Batch, failed: readonly Saying[], { problem }: Ended): ApplyStep {
  if (batch.rollback) return telling(to({ kind: 'none' }), batch, { kind: 'rollback_failed', problem: undefined });
  const back = withFallback(batch);
  const sayings = back.map(({ rule, fallback }): Saying => ({ rule, event: { kind: 'published', reading: fallback } }));
  return {
    state: { kind: 'none' },
    commands: [],
    sayings: [...failed, ...sayings],
    notes: rollbackNotes(back, problem === undefined ? 'ended' : 'not_alive'),
  };
}

type Returning = Member & { readonly fallback: Reading };

const withFallback = ({ members }: Batch): Returning[] =>
  members.flatMap((member) => (member.fallback ? [{ ...member, fallback: member.fallback }] : []));

const rollbackNotes = (back: readonly Returning[], why: RollbackReason) =>
  back.map(({ rule, candidate, fallback }) => ({
    rule,
    note: { kind: 'rolled_back', from: shortHash(candidate.reading.hash), to: shortHash(fallback.hash), why } as const,
  }));
