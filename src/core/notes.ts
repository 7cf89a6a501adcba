import type { SignalResult } from './apply-state.ts';
import type { Action } from './policy.ts';
import type { RuleVerb } from './rule.ts';
import type { End } from './wait-status.ts';

/** Why an instance is started. `failed_change`: the last one ended of a change that was just applied. */
export type StartReason = 'start' | 'change' | 'policy' | 'failed_change' | 'liveness' | 'memory' | 'uptime' | 'asked';

/** By what a change reached the application. `start`: it found it as it started. */
export type Way = Action | 'start';

/** Why a generation is taken back: the application ended, was not ready, did not live on, did not confirm, or could not be signalled. */
export type RollbackReason = 'ended' | 'not_ready' | 'not_alive' | 'unconfirmed' | 'refused';

/** What follows an action that failed or was not confirmed. */
export type Sequel = 'again' | 'keep' | 'restart' | 'rollback';

/** How a run of a validator ended. `words` is what it printed, bounded and cleaned. */
export type Verdict =
  | { readonly kind: 'accepted' }
  | { readonly kind: 'ended'; readonly end: End; readonly words: string }
  | { readonly kind: 'timed_out'; readonly words: string }
  | { readonly kind: 'not_started'; readonly stage: string; readonly text: string }
  /** No validator was needed to see it. */
  | { readonly kind: 'unusable'; readonly problem: string };
export type Refusal = Exclude<Verdict, { kind: 'accepted' }>;

/** Which files differ, for people: at most five names, and how many more. */
export interface Difference {
  readonly files: readonly string[];
  readonly more: number;
}

/** Why an application cannot be reloaded by its signal. */
export type Deafness = 'ignored' | 'not_caught' | 'not_yet' | 'killed_before';

/** Every notable fact, once. What is written about it is decided in src/log. Hashes are short ones; undefined: not known. */
export type Note =
  | { readonly kind: 'started'; readonly pid: number; readonly reason: StartReason; readonly ms: number }
  | { readonly kind: 'start_failed'; readonly stage: string; readonly text: string; readonly code: number }
  | { readonly kind: 'ended'; readonly end: End; readonly ranMs: number | undefined; readonly ordered: boolean }
  | { readonly kind: 'swept'; readonly killed: number }
  | { readonly kind: 'restart_scheduled'; readonly delayMs: number; readonly attempt: number }
  | { readonly kind: 'gave_up'; readonly attempts: number }
  | { readonly kind: 'restarting'; readonly signo: number; readonly timeoutMs: number }
  | { readonly kind: 'container_stop'; readonly signo: number }
  | { readonly kind: 'leaving'; readonly code: number }
  | { readonly kind: 'socket_failed'; readonly name: string; readonly stage: string; readonly text: string }
  /** The application's output goes to stdout and stderr; undefined: to its file again. */
  | { readonly kind: 'output_file'; readonly trouble: { readonly stage: string; readonly text: string } | undefined }
  /** The application may not be started: nothing that was accepted is there to start it with. */
  | { readonly kind: 'nothing_accepted'; readonly rules: readonly string[] }
  | { readonly kind: 'not_published'; readonly problem: string; readonly retryMs: number | undefined }
  | { readonly kind: 'ready'; readonly ms: number }
  | { readonly kind: 'not_ready'; readonly problem: string; readonly ms: number }
  /** It has not said for `silentMs` that it lives. `rescue`: it is started again, for the change before it is at fault; `give_up`: it was, too often. */
  | {
      readonly kind: 'not_alive';
      readonly problem: string;
      readonly silentMs: number;
      readonly sequel: 'restart' | 'leave' | 'rescue' | 'give_up';
    }
  | {
      readonly kind: 'over_memory';
      readonly bytes: number;
      readonly limit: number;
      readonly processes: number;
      readonly ranMs: number;
      readonly sequel: 'restart' | 'give_up';
    }
  | { readonly kind: 'memory_unknown'; readonly problem: string }
  /** It has run long enough (`max_uptime`). */
  | { readonly kind: 'renewing'; readonly ranMs: number }
  /** `readiness` has changed its mind; `ms`: after how long. */
  | { readonly kind: 'serving'; readonly ms: number }
  | { readonly kind: 'not_serving'; readonly problem: string; readonly ms: number }
  | { readonly kind: 'starting_beside' }
  | { readonly kind: 'took_over'; readonly pid: number; readonly reason: StartReason; readonly ms: number }
  | { readonly kind: 'beside_failed'; readonly problem: string }
  | { readonly kind: 'target_awaited'; readonly problem: string | undefined; readonly waitedMs: number }
  | { readonly kind: 'target_ambiguous'; readonly processes: readonly string[] }
  | { readonly kind: 'target_alone' }
  | { readonly kind: 'attach_failed'; readonly pid: number; readonly text: string }
  | { readonly kind: 'attached'; readonly pid: number; readonly ageMs: number }
  | { readonly kind: 'target_not_permitted'; readonly pid: number }
  | { readonly kind: 'asked_of_application'; readonly verb: ServiceVerb; readonly signo: number | undefined }
  /** What became of a signal that was asked for. */
  | { readonly kind: 'asked_signal'; readonly signo: number; readonly result: SignalResult }
  | { readonly kind: 'target_ended'; readonly pid: number; readonly ranMs: number }
  /** reinit's own configuration file. `restart`: settings that the running application does not have. */
  | { readonly kind: 'config_changed'; readonly from: string; readonly to: string; readonly restart: readonly string[] }
  | { readonly kind: 'config_refused'; readonly hash: string; readonly running: string; readonly words: string }
  | { readonly kind: 'config_back'; readonly hash: string }
  | {
      readonly kind: 'config_taken_over';
      readonly hash: string;
      readonly restart: readonly string[];
      readonly when: 'now' | 'next_start';
    }
  /** `problem`: what the application did; undefined: it was the controller that ended. */
  | { readonly kind: 'config_went_back'; readonly from: string; readonly to: string; readonly problem: string | undefined }
  | ({ readonly rule: string } & RuleNote);

/** What somebody at the control socket may ask for that concerns the application itself. */
export type ServiceVerb = 'restart' | 'signal';

export type RuleNote =
  | { readonly kind: 'asked'; readonly verb: RuleVerb }
  /** A validator was asked, and nothing else. */
  | { readonly kind: 'checked'; readonly hash: string; readonly step: number; readonly verdict: Verdict }
  | { readonly kind: 'change_seen'; readonly from: string | undefined; readonly to: string; readonly difference: Difference | undefined }
  | { readonly kind: 'back'; readonly hash: string }
  | {
      readonly kind: 'refused';
      readonly hash: string;
      readonly running: string | undefined;
      readonly step: number;
      readonly verdict: Refusal;
    }
  | { readonly kind: 'applied'; readonly hash: string; readonly how: Way; readonly ms: number }
  | { readonly kind: 'signalled'; readonly signo: number; readonly hash: string }
  | { readonly kind: 'signal_waits'; readonly signo: number; readonly why: 'not_yet' | 'ignored' | 'not_caught' }
  | { readonly kind: 'signal_refused'; readonly signo: number; readonly hash: string }
  | { readonly kind: 'falls_to_restart'; readonly signo: number; readonly why: Deafness }
  /** As `falls_to_restart`, of an application that somebody else runs. */
  | {
      readonly kind: 'not_signalled';
      readonly signo: number;
      readonly hash: string;
      readonly why: Deafness;
    }
  /** `signo`: undefined where the action was no signal. */
  | {
      readonly kind: 'reload_failed';
      readonly hash: string;
      readonly signo: number | undefined;
      readonly afterMs: number;
      /** What the application did; undefined: it ended. */
      readonly problem?: string | undefined;
    }
  /** `problem`: what the application did, as in `was not ready in time`; undefined: it ended. */
  | { readonly kind: 'restart_failed'; readonly hash: string; readonly problem: string | undefined }
  | {
      readonly kind: 'unconfirmed';
      readonly hash: string;
      readonly how: Way;
      readonly problem: string;
      readonly ms: number;
      readonly sequel: Sequel;
    }
  | {
      readonly kind: 'action_failed';
      readonly hash: string;
      readonly how: 'exec' | 'http';
      readonly step: number;
      readonly verdict: Refusal;
      readonly sequel: Sequel;
    }
  | { readonly kind: 'restarts_instead'; readonly hash: string }
  | { readonly kind: 'rolled_back'; readonly from: string; readonly to: string; readonly why: RollbackReason }
  | { readonly kind: 'back_on_good'; readonly hash: string; readonly how: Way }
  | { readonly kind: 'rollback_failed'; readonly problem: string | undefined }
  | { readonly kind: 'good'; readonly hash: string }
  | { readonly kind: 'starts_on_good'; readonly hash: string; readonly refused: string | undefined }
  | { readonly kind: 'not_staged'; readonly hash: string; readonly problem: string }
  | { readonly kind: 'publish_failed'; readonly hash: string; readonly problem: string }
  | { readonly kind: 'draining'; readonly count: number; readonly most: number }
  | { readonly kind: 'loop_held'; readonly times: number; readonly forMs: number }
  | { readonly kind: 'loop_over' }
  | { readonly kind: 'stale'; readonly code: number }
  | { readonly kind: 'came_up_on_refused'; readonly hash: string }
  | { readonly kind: 'held_back'; readonly hash: string; readonly by: string }
  | { readonly kind: 'unsettled' }
  | { readonly kind: 'unreadable' };
