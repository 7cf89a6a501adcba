/** The steps of a transaction that several of its states share: from the look at the files to the action, and how it is over. */
import {
  type ApplyCommand,
  type ApplyPolicy,
  type ApplyState,
  type Attempt,
  type Batch,
  isOwnedMember,
  type Saying,
} from './apply-state.ts';
import type { RuleNote } from './notes.ts';
import type { Action, RulePolicy } from './policy.ts';
import { type Reading, shortHash } from './reading.ts';

export interface ApplyStep {
  readonly state: ApplyState;
  readonly commands: readonly ApplyCommand[];
  /** To the members, in this order. */
  readonly sayings: readonly Saying[];
  readonly notes: readonly { readonly rule: string; readonly note: RuleNote }[];
}

export type In<K extends ApplyState['kind']> = Extract<ApplyState, { kind: K }>;

export const to = (state: ApplyState, commands: readonly ApplyCommand[] = [], sayings: readonly Saying[] = []): ApplyStep => ({
  state,
  commands,
  sayings,
  notes: [],
});

export const telling = (step: ApplyStep, { leader }: Batch, note: RuleNote): ApplyStep => ({
  ...step,
  notes: [{ rule: leader, note }, ...step.notes],
});

export const firstAttempt = (at: number): Attempt => ({ since: at, count: 0 });

export const leaderOf = ({ leader }: Batch, { policy }: ApplyPolicy): RulePolicy => policy(leader);

export const leaderHash = ({ leader, members }: Batch): string =>
  shortHash((members.find(({ rule }) => rule === leader) ?? members[0])?.candidate.reading.hash ?? '');

/** Copies cannot have changed; files can. */
export function recheck(batch: Batch, attempt: Attempt, given: ApplyPolicy, id: number, at = attempt.since): ApplyStep {
  const left = batch.members.filter((member) => !isOwnedMember(member, given)).map(({ rule }) => rule);
  return left.length > 0 ? to({ kind: 'rechecking', batch, attempt, read: id, left }) : publish(batch, attempt, at, given, id);
}

export function publish(batch: Batch, attempt: Attempt, at: number, given: ApplyPolicy, id: number): ApplyStep {
  const owned = batch.members.filter((member) => isOwnedMember(member, given));
  if (batch.published || owned.length === 0) return act(batch, attempt, at, given, id);
  const sayings = owned.map(({ rule, candidate }): Saying => ({ rule, event: { kind: 'published', reading: candidate.reading } }));
  return to({ kind: 'publishing', batch, attempt, job: id }, [], sayings);
}

export function act(batch: Batch, attempt: Attempt, at: number, given: ApplyPolicy, id: number): ApplyStep {
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

export function succeed(batch: Batch, how: Action, proven: boolean, at: number): ApplyStep {
  const sayings = batch.members.map(({ rule, candidate }): Saying => {
    if (!batch.rollback) return { rule, event: { kind: 'succeeded', how, candidate, proven, at } };
    const note = { kind: 'back_on_good', hash: shortHash(candidate.reading.hash), how } as const;
    return { rule, event: { kind: 'rolledBack', reading: candidate.reading, took: how !== 'none', note, at } };
  });
  return to({ kind: 'none' }, [], sayings);
}

export function dissolve(batch: Batch, moved: string | undefined, reading: Reading | undefined, at: number): ApplyStep {
  const sayings = batch.members.map(
    ({ rule }): Saying => ({ rule, event: { kind: 'dissolved', moved: rule === moved ? { reading } : undefined, at } }),
  );
  return to({ kind: 'none' }, [], batch.rollback ? [] : sayings);
}

/** Why the members have failed, each in its own words, and whether the same files are worth another try. */
export interface Reason {
  readonly note: (rule: string, hash: string) => RuleNote | undefined;
  readonly again: boolean;
}

type Death = { readonly byIt: boolean };

export function failures(batch: Batch, at: number, failure: Reason, death?: Death): Saying[] {
  return batch.members.map(({ rule, candidate }): Saying => {
    const note = failure.note(rule, candidate.reading.hash);
    const event = { kind: 'failed', candidate, note, again: failure.again, death: rule === batch.leader ? death : undefined, at } as const;
    return { rule, event };
  });
}
