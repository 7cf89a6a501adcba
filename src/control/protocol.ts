/**
 * What goes over the control socket: lines of JSON, a request or an answer each (docs/reference/control.md). Both ends import this; it knows nothing
 * else of either.
 */
import type { RuleVerb } from '../core/rule.ts';
import type { Entry } from '../journal/journal.ts';
import type { Report } from './report.ts';

export const controlVersion = 1;
/** A longer request is no request. */
export const longestLine = 64 * 1024;

export const ruleVerbs = ['reload', 'accept', 'validate', 'rollback', 'pin', 'unpin'] as const satisfies readonly RuleVerb[];

export type Request =
  | { readonly verb: 'status' }
  | { readonly verb: RuleVerb | 'rescan'; readonly rules?: readonly string[]; readonly wait_ms?: number }
  | { readonly verb: 'restart'; readonly wait_ms?: number }
  | { readonly verb: 'stop' }
  | { readonly verb: 'signal'; readonly signal: string }
  | { readonly verb: 'history'; readonly rules?: readonly string[] }
  /** What is known, and with `follow` what comes, each in an answer of its own. */
  | { readonly verb: 'events'; readonly follow?: boolean; readonly last?: number };

export type Verb = Request['verb'];
export const verbs: readonly Verb[] = ['status', ...ruleVerbs, 'rescan', 'restart', 'stop', 'signal', 'history', 'events'];

/** What became of something that was asked for. */
export interface Outcome {
  /** `done`: as asked; `refused`: it was tried, and failed or was refused; `pending`: nothing has come of it in the time. */
  readonly outcome: 'done' | 'refused' | 'pending';
  /** What was said on the way. */
  readonly entries: readonly Entry[];
  readonly status: Report;
}

export interface Problem {
  readonly code: string;
  readonly message: string;
  readonly hint?: string;
}

/** What of reinit itself is worth knowing. */
export interface ReinitStatus {
  /** Of the container: the name of the pod, where it has one. */
  readonly host: string;
  readonly version: string;
  readonly pid: number;
  /** How many controllers there were before this one. */
  readonly controller_generation: number;
  readonly since: string;
}

export type Answer =
  | { readonly v: number; readonly id: number; readonly ok: true; readonly result: unknown }
  /** One of several; the last of them is an `ok` one, unless whoever asked has left before. */
  | { readonly v: number; readonly id: number; readonly entry: Entry }
  | { readonly v: number; readonly id: number; readonly ok: false; readonly error: Problem };
