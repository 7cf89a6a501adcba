import type { End } from './wait-status.ts';

/** Why an instance is started. */
export type StartReason = 'start' | 'change' | 'policy' | 'failed_reload';

/** How a run of a validator ended. `words` is what it printed, bounded and cleaned. */
export type Verdict =
  | { readonly kind: 'accepted' }
  | { readonly kind: 'ended'; readonly end: End; readonly words: string }
  | { readonly kind: 'timed_out'; readonly words: string }
  | { readonly kind: 'not_started'; readonly stage: string; readonly text: string };
export type Refusal = Exclude<Verdict, { kind: 'accepted' }>;

/** Which files differ, for people: at most five names, and how many more. */
export interface Difference {
  readonly files: readonly string[];
  readonly more: number;
}

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
  | ({ readonly rule: string } & RuleNote);

export type RuleNote =
  | { readonly kind: 'change_seen'; readonly from: string | undefined; readonly to: string; readonly difference: Difference | undefined }
  | { readonly kind: 'back'; readonly hash: string }
  | {
      readonly kind: 'refused';
      readonly hash: string;
      readonly running: string | undefined;
      readonly step: number;
      readonly verdict: Refusal;
    }
  | { readonly kind: 'applied'; readonly hash: string; readonly how: 'reload' | 'restart' | 'none'; readonly ms: number }
  | { readonly kind: 'signalled'; readonly signo: number; readonly hash: string }
  | { readonly kind: 'signal_waits'; readonly signo: number; readonly why: 'not_yet' | 'ignored' | 'not_caught' }
  | { readonly kind: 'signal_refused'; readonly signo: number; readonly hash: string }
  | { readonly kind: 'falls_to_restart'; readonly signo: number; readonly why: 'ignored' | 'not_caught' | 'not_yet' | 'killed_before' }
  | { readonly kind: 'reload_failed'; readonly hash: string; readonly signo: number; readonly afterMs: number }
  | { readonly kind: 'restart_failed'; readonly hash: string }
  | { readonly kind: 'came_up_on_refused'; readonly hash: string }
  | { readonly kind: 'held_back'; readonly hash: string; readonly by: string }
  | { readonly kind: 'unsettled' }
  | { readonly kind: 'unreadable' };
