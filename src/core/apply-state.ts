/** What is being applied, and how far it is. One at a time over all rules: docs/architecture.md says why. */
import type { JobResult } from './jobs.ts';
import type { Refusal } from './notes.ts';
import type { Action, RulePolicy } from './policy.ts';
import { isOwned } from './policy.ts';
import { type Probing, probingDeadline } from './probing.ts';
import type { Reading } from './reading.ts';
import type { Candidate, InstanceEvent, Verdict } from './rule.ts';
import { earliest } from './times.ts';

export interface Member {
  readonly rule: string;
  readonly candidate: Candidate;
  /** Of an owned rule: what to go back to. */
  readonly fallback: Reading | undefined;
}

/** One change: all that is queued together, by the strongest action of them. */
export interface Batch {
  /** The rule whose action and confirmation count; on the way back it need not be a member. */
  readonly leader: string;
  readonly action: Action;
  readonly members: readonly Member[];
  readonly since: number;
  /** How often the action was repeated for it was not confirmed. */
  readonly tries: number;
  /** The published files are those of this batch already. */
  readonly published: boolean;
  /** The members' candidates are generations to go back to. */
  readonly rollback: boolean;
}

/** One try after another to get a reload signal across. */
export interface Attempt {
  readonly since: number;
  readonly count: number;
}

export type ApplyState =
  | { readonly kind: 'none' }
  /** How many old workers are left? */
  | { readonly kind: 'gauging'; readonly batch: Batch; readonly job: number; readonly told: boolean }
  /** Too many: asked again at `at`. */
  | { readonly kind: 'draining'; readonly batch: Batch; readonly at: number }
  /** Are the files still the candidates, right before they are applied? `left`: rules whose reading is not there yet. */
  | {
      readonly kind: 'rechecking';
      readonly batch: Batch;
      readonly attempt: Attempt;
      readonly read: number;
      readonly left: readonly string[];
    }
  | { readonly kind: 'publishing'; readonly batch: Batch; readonly attempt: Attempt; readonly job: number }
  /** The guarded signal is ordered and not answered. */
  | { readonly kind: 'signalling'; readonly batch: Batch; readonly attempt: Attempt; readonly id: number }
  /** The application does not take the signal yet, or has not confirmed it: again at `at`. */
  | { readonly kind: 'retrying'; readonly batch: Batch; readonly attempt: Attempt; readonly at: number }
  /** `from`: when the action began. What the application does because of it is younger. */
  | { readonly kind: 'executing'; readonly batch: Batch; readonly step: number; readonly token: number; readonly from: number }
  | { readonly kind: 'calling'; readonly batch: Batch; readonly job: number; readonly from: number }
  | { readonly kind: 'restarting'; readonly batch: Batch }
  /** Done, if the application stays up until then, and, with a probe, confirms it until then. */
  | {
      readonly kind: 'confirming';
      readonly batch: Batch;
      readonly how: Exclude<Action, 'none'>;
      readonly from: number;
      readonly until: number;
      readonly probing: Probing | undefined;
    };

export type ApplyEvent =
  | { readonly kind: 'begin'; readonly batch: Batch; readonly at: number }
  | { readonly kind: 'read'; readonly rule: string; readonly id: number; readonly reading: Reading | undefined; readonly at: number }
  | { readonly kind: 'jobDone'; readonly id: number; readonly result: JobResult; readonly at: number }
  | { readonly kind: 'signalled'; readonly id: number; readonly result: SignalResult; readonly at: number }
  /** A program that init ran for us: a command of the action, or one that probes. */
  | { readonly kind: 'executed'; readonly token: number; readonly refusal: Refusal | undefined; readonly at: number }
  | { readonly kind: 'notified'; readonly states: number; readonly at: number }
  | InstanceEvent
  | { readonly kind: 'containerStops' }
  | { readonly kind: 'timeElapsed'; readonly at: number };

export type SignalResult = 'sent' | 'no_process' | 'not_yet' | 'ignored' | 'not_caught' | 'not_permitted' | 'stopping';

export type ApplyCommand =
  | { readonly kind: 'signal'; readonly id: number; readonly signo: number; readonly minAgeMs: number }
  | { readonly kind: 'execute'; readonly rule: string; readonly token: number; readonly step: number }
  | { readonly kind: 'probe'; readonly rule: string; readonly token: number }
  | { readonly kind: 'restart' };

/** To a rule of the batch. */
export interface Saying {
  readonly rule: string;
  readonly event: Verdict;
}

/** What of the configuration the machine asks for. */
export interface ApplyPolicy {
  policy(rule: string): RulePolicy;
  /** The service has a probe of its own for restarts (`ready`). */
  readonly ready: boolean;
  /** The application is ours to restart. */
  readonly restartable: boolean;
}

/** An end of the application now is a failed action. Before init's answer it is not: the signal, if sent, is answered first. */
export const isUnconfirmed = (apply: ApplyState): boolean => apply.kind === 'confirming' && apply.how !== 'restart';

/** A restart is under way, and there is something to go back to. */
export const canFallBack = (apply: ApplyState): boolean =>
  (apply.kind === 'restarting' || (apply.kind === 'confirming' && apply.how === 'restart')) &&
  apply.batch.members.some(({ fallback }) => fallback !== undefined) &&
  !apply.batch.rollback;

/** The application must not be lost while its end may be our doing: init keeps it for the controller. */
export const applyNeedsHold = (apply: ApplyState): boolean =>
  apply.kind === 'signalling' || apply.kind === 'executing' || apply.kind === 'calling' || isUnconfirmed(apply) || canFallBack(apply);

/** When the machine has to be woken up, if ever. */
export function applyDeadline(apply: ApplyState): number | undefined {
  switch (apply.kind) {
    case 'draining':
    case 'retrying':
      return apply.at;
    case 'confirming':
      return earliest([apply.until, apply.probing && probingDeadline(apply.probing)]);
    default:
      return undefined;
  }
}

export const isOwnedMember = (member: Member, { policy }: ApplyPolicy): boolean => isOwned(policy(member.rule));
