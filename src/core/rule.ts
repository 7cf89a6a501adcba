/** What is known of one watch rule, and where it is on the way from a change to a candidate that may be applied. */

import type { JobResult } from './jobs.ts';
import type { Refusal, RuleNote, Way } from './notes.ts';
import { isOwned, type RulePolicy } from './policy.ts';
import type { Reading } from './reading.ts';
import { earliest } from './times.ts';
import type { End } from './wait-status.ts';

/**
 * Desired, applied and refused are three values; an event only says 'look'. Times are CLOCK_BOOTTIME in ms.
 */
export interface RuleState {
  /** What the files are, as far as known; undefined: not known yet. */
  readonly desired: Reading | undefined;
  /** When `desired` was learnt. */
  readonly seenAt: number;
  /** Since when the files are that, as far as known: one who started later has found it. */
  readonly steadySince: number;
  /** Since when desired is not what is applied; undefined: it is. */
  readonly divergedAt: number | undefined;
  /** What the application runs with; undefined: not known. */
  readonly applied: Reading | undefined;
  /** Of an owned rule: what the application finds at its next start. */
  readonly published: Reading | undefined;
  /** The last generation that has proven itself. */
  readonly good: Reading | undefined;
  /** The good one before that: where somebody goes back to who does not want it. */
  readonly former: Reading | undefined;
  /** When `applied` has proven itself, if nothing happens before. */
  readonly goodAt: number | undefined;
  /** The hash that was refused or failed last, until another one is applied. */
  readonly refused: string | undefined;
  /** Ends of the application right after a reload signal, since the last reload that went well. */
  readonly deaths: number;
  /** The application does not survive this reload signal: changes are applied by restart from here. */
  readonly fallen: boolean;
  /** A burst of events is open: what it ends in is not known yet. */
  readonly stirsSince: number | undefined;
  /** When an action for this rule was over last; 0: never. */
  readonly actedAt: number;
  readonly echo: Echo;
  /** What is accepted waits until somebody takes the pin out. */
  readonly pinned: boolean;
  /** What the files were as an instance was started beside the one that runs. */
  readonly beside: string | undefined;
  readonly phase: Phase;
}

/** Changes right after our own actions: somebody may be writing because of them (loop-guard.ts). */
export interface Echo {
  /** So many in a row. Below zero: it was proven that somebody writes of their own accord. */
  readonly count: number;
  /** How often the rule was held for it. */
  readonly holds: number;
  readonly heldAt: number;
  /** 0: not held. */
  readonly heldUntil: number;
}

/**
 * What somebody has asked for: to take the candidate whatever the validators say, to go back to it, or only to hear what they say.
 */
export type Order = 'accept' | 'rollback' | 'validate';

/** A reading on its way. `tries`: how often circumstances, not the files, have kept it from being judged. */
export interface Candidate {
  readonly reading: Reading;
  readonly since: number;
  readonly tries: number;
  readonly order?: Order;
}

/** A phase with a `read` waits for the reading with that id, one with a `job` for that job; other answers are late ones of former phases. */
export type Phase =
  /** Nothing to do: desired is applied, or refused. */
  | { readonly kind: 'idle' }
  /** A reading was not what it was to be: quiet until `readAt`… */
  | { readonly kind: 'settling'; readonly last: string | undefined; readonly readAt: number; readonly tries: number }
  /** …then read again; two readings alike are a new desired generation. */
  | { readonly kind: 'rereading'; readonly last: string | undefined; readonly tries: number; readonly read: number }
  /** Is it still the candidate, before the validators run? */
  | { readonly kind: 'checking'; readonly candidate: Candidate; readonly read: number }
  /** A copy is being made: from here the candidate cannot change any more. */
  | { readonly kind: 'staging'; readonly candidate: Candidate; readonly job: number }
  | {
      readonly kind: 'validating';
      readonly candidate: Candidate;
      readonly step: number;
      readonly token: number;
      /** Of the copy, where there is one. */
      readonly directory: string | undefined;
    }
  /** A validator said no. Was it still the candidate that it saw? */
  | { readonly kind: 'judging'; readonly candidate: Candidate; readonly step: number; readonly verdict: Refusal; readonly read: number }
  /** Circumstances keep it from being judged or applied: tried again at `until`. */
  | { readonly kind: 'delayed'; readonly candidate: Candidate; readonly until: number }
  /**
   * Valid; waits for its turn: one apply at a time over all rules. `held`: another rule, whose files are refused, holds it back; that one was asked
   * again, and then it was told.
   */
  | { readonly kind: 'queued'; readonly candidate: Candidate; readonly held: 'no' | 'asked' | 'told' }
  /** Part of what is being applied (apply.ts), which says how it ends. */
  | { readonly kind: 'applying'; readonly candidate: Candidate }
  /** No instance runs. The next one finds whatever is there. */
  | { readonly kind: 'down' }
  /** A new instance is ordered, as the files were `expected` (a hash). */
  | { readonly kind: 'coming'; readonly expected: string | undefined }
  /** It has started. If the files are still the expected ones, it has found those. */
  | {
      readonly kind: 'surveying';
      readonly expected: string | undefined;
      readonly startedAt: number;
      readonly read: number;
      /** The application was ready before the survey was over: what it was ready with is known when that ends. */
      readonly success: Extract<Verdict, { kind: 'succeeded' }> | undefined;
    }
  /** The container stops. */
  | { readonly kind: 'over' };

export type RuleEvent =
  /** The watch: the files have settled on this. `foreign`: nobody in the container has written it. */
  | { readonly kind: 'told'; readonly reading: Reading; readonly foreign: boolean; readonly at: number }
  /** The watch: something moves; and: it has come to nothing. */
  | { readonly kind: 'stirred'; readonly at: number }
  | { readonly kind: 'calmed'; readonly at: number }
  /** The answer to a phase's `read`; undefined: no consistent reading could be had. */
  | { readonly kind: 'read'; readonly id: number; readonly reading: Reading | undefined; readonly at: number }
  | { readonly kind: 'jobDone'; readonly id: number; readonly result: JobResult; readonly at: number }
  | { readonly kind: 'validated'; readonly token: number; readonly at: number; readonly refusal: Refusal | undefined }
  | { readonly kind: 'heldBack'; readonly by: string }
  /** What is refused holds back another rule, whose files are new. Its validators may have meant the old ones of that. */
  | { readonly kind: 'askedAgain'; readonly at: number }
  /** Somebody at the control socket wants something. */
  | { readonly kind: 'asked'; readonly verb: RuleVerb; readonly at: number }
  | Verdict
  | InstanceEvent
  | { readonly kind: 'containerStops' }
  | { readonly kind: 'timeElapsed'; readonly at: number };

/** What may be asked of a rule, whatever its files do. */
export type RuleVerb = 'reload' | 'pin' | 'unpin' | Order;

/** What the apply machine says to those that it applies. */
export type Verdict =
  /** It is their turn. */
  | { readonly kind: 'chosen' }
  /** The application finds this at its next start. */
  | { readonly kind: 'published'; readonly reading: Reading }
  /** The files are others by now (`reading`), or it came to nothing and they wait for their turn again. */
  | { readonly kind: 'dissolved'; readonly moved: { readonly reading: Reading | undefined } | undefined; readonly at: number }
  | {
      readonly kind: 'succeeded';
      readonly how: Way;
      readonly candidate: Candidate;
      /** The application itself has confirmed it. */
      readonly proven: boolean;
      readonly at: number;
    }
  | {
      readonly kind: 'failed';
      readonly candidate: Candidate;
      /** Why, where it is worth a line of this rule. */
      readonly note: RuleNote | undefined;
      /** Circumstances, not the files: tried again later. */
      readonly again: boolean;
      /** The application ended right after the signal; `byIt`: of it. */
      readonly death: { readonly byIt: boolean } | undefined;
      readonly at: number;
    }
  | { readonly kind: 'rolledBack'; readonly reading: Reading; readonly took: boolean; readonly note: RuleNote; readonly at: number };

/** What happens to the application, as far as rules and the apply machine are concerned. */
export type InstanceEvent =
  /** A spawn is ordered. `beside`: while another instance runs and stays the one that counts. */
  | { readonly kind: 'instanceOrdered'; readonly beside: boolean }
  /** `promoted`: the one beside has taken over; `proven`: as it was to be, ready or having lived for a while. */
  | { readonly kind: 'instanceStarted'; readonly promoted: boolean; readonly proven: boolean; readonly at: number }
  /**
   * Somebody else has started it, at `since` (undefined: nobody knows). What is published is there from `published` on, as far as it was not changed since.
   */
  | { readonly kind: 'instanceFound'; readonly since: number | undefined; readonly published: number; readonly at: number }
  | { readonly kind: 'instanceReady'; readonly at: number }
  /** It runs, and does not become ready. */
  | { readonly kind: 'instanceUnready'; readonly problem: string; readonly at: number }
  /** The one beside did not come up; the other one goes on. */
  | { readonly kind: 'besideFailed'; readonly problem: string; readonly at: number }
  /**
   * The instance has ended, or could not be started (no `end`). `ordered`: a restart did it. `problem`: it runs, and is as good as ended: it does not
   * answer, and is about to be stopped for it.
   */
  | {
      readonly kind: 'instanceEnded';
      readonly ordered: boolean;
      readonly end: End | undefined;
      readonly problem?: string | undefined;
      readonly at: number;
    };

export type RuleCommand = { readonly kind: 'validate'; readonly token: number; readonly step: number } | { readonly kind: 'restart' };

export interface RuleStep {
  readonly state: RuleState;
  readonly commands: readonly RuleCommand[];
  readonly notes: readonly RuleNote[];
}

/** Before the first instance; `reading` is what the files are as it starts. */
export const freshRule = (reading: Reading | undefined, at: number, steadySince = at): RuleState => ({
  desired: reading,
  seenAt: at,
  steadySince,
  divergedAt: at,
  applied: undefined,
  published: undefined,
  good: undefined,
  former: undefined,
  goodAt: undefined,
  refused: undefined,
  deaths: 0,
  fallen: false,
  stirsSince: undefined,
  actedAt: 0,
  echo: { count: 0, holds: 0, heldAt: 0, heldUntil: 0 },
  pinned: false,
  beside: undefined,
  phase: { kind: 'down' },
});

/** A rule that is new to a running application: what it finds is taken for what the application runs with, unless that is only what is published. */
export const adoptedRule = (reading: Reading | undefined, at: number, policy: RulePolicy): RuleState => ({
  ...freshRule(reading, at),
  divergedAt: isOwned(policy) ? at : undefined,
  applied: isOwned(policy) ? undefined : reading,
  phase: { kind: 'idle' },
});

/** Applying another rule now would make the application read files of this one that are refused, or not judged yet. */
export function holdsOthersBack(rule: RuleState, policy: RulePolicy): boolean {
  if (policy.on_change === 'none' || isOwned(policy)) return false;
  // Refused files that it runs with already are nothing new to it.
  return isJudging(rule) || (isRefused(rule) && rule.refused !== rule.applied?.hash);
}

export const isJudging = ({ phase: { kind } }: RuleState): boolean =>
  kind === 'checking' || kind === 'staging' || kind === 'validating' || kind === 'judging';

export const isRefused = (rule: RuleState): boolean => rule.desired !== undefined && rule.desired.hash === rule.refused;

/** What somebody goes back to: from what has not proven itself to what has, else to what did before. */
export const formerOf = ({ applied, good, former }: RuleState): Reading | undefined =>
  good && applied?.hash !== good.hash ? good : former;

/** Something will come of it soon, and may be the other half of the same change. */
export const isUnderWay = (rule: RuleState): boolean =>
  rule.stirsSince !== undefined || isJudging(rule) || rule.phase.kind === 'settling' || rule.phase.kind === 'rereading';

/** The application runs with what has not proven itself, and there is something to go back to. */
export const isOnProbation = (rule: RuleState, policy: RulePolicy): boolean =>
  isOwned(policy) && rule.good !== undefined && rule.applied !== undefined && rule.applied.hash !== rule.good.hash;

/** When this rule has to be woken up, if ever. */
export const ruleDeadline = ({ phase, goodAt }: RuleState): number | undefined =>
  phase.kind === 'over' ? undefined : earliest([phaseDeadline(phase), goodAt]);

function phaseDeadline(phase: Phase): number | undefined {
  switch (phase.kind) {
    case 'settling':
      return phase.readAt;
    case 'delayed':
      return phase.until;
    default:
      return undefined;
  }
}
