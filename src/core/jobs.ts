/**
 * What the machines wait for and the controller itself does (init does the rest). Like readings, jobs follow from the state: a new controller
 * begins those again that the last one did not end. So each must be safe to do twice. Types only.
 */
import type { Check, MemoryLimit } from '../config/model.ts';
import type { Weight } from './care.ts';
import type { Sight } from './sight.ts';

export type Job =
  /** Copies the rule's files, as they are now, into a directory of our own, if they are this generation. Answer: `staged`. */
  | { readonly kind: 'stage'; readonly id: number; readonly rule: string; readonly hash: string }
  /** Makes the application find these generations (rule → hash): published files, and variables for the next spawn. Answer: `done`. */
  | { readonly kind: 'publish'; readonly id: number; readonly hashes: Readonly<Record<string, string>> }
  /** Asks once. `pid`: the main process; `since`: workers have to be younger than this. Answer: `done`. */
  | {
      readonly kind: 'probe';
      readonly id: number;
      readonly check: Check;
      readonly timeoutMs: number;
      readonly pid: number;
      readonly since: number;
    }
  /** The rule's `http` action with its retries. Answer: `done`. */
  | { readonly kind: 'call'; readonly id: number; readonly rule: string }
  /** Looks once for the process that is attached to. Answer: `sought`. */
  | { readonly kind: 'seek'; readonly id: number }
  /** How much memory the process and its descendants hold, and how much they may. Answer: `weighed`. */
  | { readonly kind: 'weigh'; readonly id: number; readonly pid: number; readonly limit: MemoryLimit }
  /** Counts children of the process that are older than `since`. Answer: `counted`. */
  | { readonly kind: 'count'; readonly id: number; readonly pid: number; readonly since: number };

export type JobResult =
  | { readonly kind: 'staged'; readonly directory: string }
  /** The files are others by now, or cannot be read. */
  | { readonly kind: 'moved' }
  /** `problem` is for people, and names the setting; undefined: it went well. */
  | { readonly kind: 'done'; readonly problem: string | undefined }
  | { readonly kind: 'counted'; readonly count: number }
  /** A text: it cannot be known, and why. */
  | { readonly kind: 'weighed'; readonly answer: Weight | string }
  | { readonly kind: 'sought'; readonly sight: Sight };
