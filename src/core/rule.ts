/** What is known of one watch rule, and where it is on the way from a change to its application. */

import type { WatchRule } from '../config/model.ts';
import type { Refusal, RuleNote } from './notes.ts';
import type { Reading } from './reading.ts';
import type { End } from './wait-status.ts';

/**
 * Desired, applied and refused are three values; an event only says 'look'. Times are CLOCK_BOOTTIME in ms.
 */
export interface RuleState {
  /** What the files are, as far as known; undefined: not known yet. */
  readonly desired: Reading | undefined;
  /** When `desired` was learnt. */
  readonly seenAt: number;
  /** What the application runs with; undefined: not known. */
  readonly applied: Reading | undefined;
  /** The hash that was refused or failed last, until another one is applied. */
  readonly refused: string | undefined;
  /** Ends of the application right after a reload signal, since the last reload that went well. */
  readonly deaths: number;
  /** The application does not survive this reload signal: changes are applied by restart from here. */
  readonly fallen: boolean;
  readonly phase: Phase;
}

/** A reading on its way. */
export interface Candidate {
  readonly reading: Reading;
  readonly since: number;
}

/** One try after another to get a reload signal across. */
export interface Attempt {
  readonly by: 'reload' | 'restart';
  readonly since: number;
  readonly count: number;
}

/** A phase with a `read` waits for the reading with that id; other answers are late ones of former phases. */
export type Phase =
  /** Nothing to do: desired is applied, or refused. */
  | { readonly kind: 'idle' }
  /** A reading was not what it was to be: quiet until `readAt`… */
  | { readonly kind: 'settling'; readonly last: string | undefined; readonly readAt: number; readonly tries: number }
  /** …then read again; two readings alike are a new desired generation. */
  | { readonly kind: 'rereading'; readonly last: string | undefined; readonly tries: number; readonly read: number }
  /** Is it still the candidate, before the validators run? */
  | { readonly kind: 'checking'; readonly candidate: Candidate; readonly read: number }
  | { readonly kind: 'validating'; readonly candidate: Candidate; readonly step: number; readonly token: number }
  /** A validator said no. Was it still the candidate that it saw? */
  | { readonly kind: 'judging'; readonly candidate: Candidate; readonly step: number; readonly verdict: Refusal; readonly read: number }
  /** Valid; waits for its turn: one apply at a time over all rules. `held`: told already that another rule holds it back. */
  | { readonly kind: 'queued'; readonly candidate: Candidate; readonly held: boolean }
  /** Has the turn. Is it still the candidate, right before it is applied? */
  | { readonly kind: 'rechecking'; readonly candidate: Candidate; readonly attempt: Attempt; readonly read: number }
  /** The guarded signal is ordered and not answered. */
  | { readonly kind: 'signalling'; readonly candidate: Candidate; readonly attempt: Attempt; readonly id: number }
  /** The application does not take the signal yet: asked again at `at`. */
  | { readonly kind: 'retrying'; readonly candidate: Candidate; readonly attempt: Attempt; readonly at: number }
  /** Applied, if the application stays up until then. */
  | {
      readonly kind: 'confirming';
      readonly candidate: Candidate;
      readonly by: 'reload' | 'restart';
      readonly from: number;
      readonly until: number;
    }
  /** A restart for this candidate is under way. */
  | { readonly kind: 'restarting'; readonly candidate: Candidate }
  /** No instance runs. The next one finds whatever is there. */
  | { readonly kind: 'down' }
  /** A new instance is ordered, as the files were `expected` (a hash). With a candidate: for its sake. */
  | { readonly kind: 'coming'; readonly candidate: Candidate | undefined; readonly expected: string | undefined }
  /** It has started. If the files are still the expected ones, it has found those. */
  | {
      readonly kind: 'surveying';
      readonly candidate: Candidate | undefined;
      readonly expected: string | undefined;
      readonly startedAt: number;
      readonly read: number;
    }
  /** The container stops. */
  | { readonly kind: 'over' };

export type RuleEvent =
  /** The watch: the files have settled on this. */
  | { readonly kind: 'told'; readonly reading: Reading; readonly at: number }
  /** The answer to a phase's `read`; undefined: no consistent reading could be had. */
  | { readonly kind: 'read'; readonly id: number; readonly reading: Reading | undefined; readonly at: number }
  | { readonly kind: 'validated'; readonly token: number; readonly at: number; readonly refusal: Refusal | undefined }
  /** This rule may apply now. */
  | { readonly kind: 'turn'; readonly at: number }
  | { readonly kind: 'heldBack'; readonly by: string }
  | { readonly kind: 'signalled'; readonly id: number; readonly result: SignalResult; readonly at: number }
  | { readonly kind: 'instanceOrdered' }
  | { readonly kind: 'instanceStarted'; readonly at: number }
  /** The instance has ended, or could not be started (no `end`). `ordered`: a restart did it. */
  | { readonly kind: 'instanceEnded'; readonly ordered: boolean; readonly end: End | undefined; readonly at: number }
  | { readonly kind: 'containerStops' }
  | { readonly kind: 'timeElapsed'; readonly at: number };

export type SignalResult = 'sent' | 'no_process' | 'not_yet' | 'ignored' | 'not_caught' | 'not_permitted' | 'stopping';

export type RuleCommand =
  | { readonly kind: 'validate'; readonly token: number; readonly step: number }
  | { readonly kind: 'signal'; readonly id: number; readonly signo: number; readonly minAgeMs: number }
  | { readonly kind: 'restart' };

export interface RuleStep {
  readonly state: RuleState;
  readonly commands: readonly RuleCommand[];
  readonly notes: readonly RuleNote[];
}

export type RulePolicy = Pick<WatchRule, 'settle' | 'validate' | 'on_change' | 'reload_signal' | 'reload_after_start' | 'confirm'>;

/** Before the first instance; `reading` is what the files are as it starts. */
export const freshRule = (reading: Reading | undefined, at: number): RuleState => ({
  desired: reading,
  seenAt: at,
  applied: undefined,
  refused: undefined,
  deaths: 0,
  fallen: false,
  phase: { kind: 'down' },
});

/** A rule that is new to a running application: what it finds is taken for what the application runs with. */
export const adoptedRule = (reading: Reading | undefined, at: number): RuleState => ({
  ...freshRule(reading, at),
  applied: reading,
  phase: { kind: 'idle' },
});

/** While a rule is in one of these no other one may apply. */
export function holdsTurn({ phase }: RuleState): boolean {
  switch (phase.kind) {
    case 'rechecking':
    case 'signalling':
    case 'retrying':
    case 'confirming':
    case 'restarting':
      return true;
    case 'coming':
    case 'surveying':
      return phase.candidate !== undefined;
    default:
      return false;
  }
}

/** An end of the application now is a failed reload. Before init's answer it is not: the signal, if sent, is answered first. */
export const isUnconfirmedReload = ({ phase }: RuleState): boolean => phase.kind === 'confirming' && phase.by === 'reload';

/** The application must not be lost while its end may be our doing: init keeps it for the controller. */
export const needsHold = (rule: RuleState): boolean => rule.phase.kind === 'signalling' || isUnconfirmedReload(rule);

/** Applying another rule now would make the application read files of this one that are refused, or not judged yet. */
export function holdsOthersBack(rule: RuleState, policy: Pick<RulePolicy, 'on_change'>): boolean {
  if (policy.on_change === 'none') return false;
  if (rule.phase.kind === 'checking' || rule.phase.kind === 'validating' || rule.phase.kind === 'judging') return true;
  return isRefused(rule);
}

export const isRefused = (rule: RuleState): boolean => rule.desired !== undefined && rule.desired.hash === rule.refused;

/** When this rule has to be woken up, if ever. */
export function ruleDeadline({ phase }: RuleState): number | undefined {
  switch (phase.kind) {
    case 'settling':
      return phase.readAt;
    case 'retrying':
      return phase.at;
    case 'confirming':
      return phase.until;
    default:
      return undefined;
  }
}
