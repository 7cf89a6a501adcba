/** What the whole decides on, and what goes in and out of it: the types of one transition. */
import type { ServiceConfig } from '../config/model.ts';
import type { LinkEvent } from '../link/messages.ts';
import type { ApplyState } from './apply-state.ts';
import type { JobResult } from './jobs.ts';
import type { Note } from './notes.ts';
import type { OwnConfig } from './own-config.ts';
import type { RulePolicy } from './policy.ts';
import type { Reading } from './reading.ts';
import type { RuleState, RuleVerb } from './rule.ts';
import type { ServiceCommand, ServiceProbe, ServiceState } from './service-state.ts';

export interface State {
  /** For tokens, signal ids, readings and jobs: never used twice in a container's life. */
  readonly nextId: number;
  readonly service: ServiceState;
  readonly rules: Readonly<Record<string, RuleState>>;
  readonly apply: ApplyState;
  /** When the last reload signal was sent: daemons lose the second of two close ones (applications.md, trap 5). */
  readonly lastSignalAt: number;
  readonly orders: Orders | undefined;
  /** The signal that somebody has asked for last, until init has answered. */
  readonly askedSignal?: { readonly id: number; readonly signo: number } | undefined;
  /** Of the hashes of environments (hex): with another one the same variables would look like others. Undefined: there is no `env_from`. */
  readonly key: string | undefined;
  /** Undefined: there is no configuration file. */
  readonly own?: OwnConfig | undefined;
}

/** What of the standing orders changes with the state; the rest is configuration. */
export interface Orders {
  readonly token: number;
  readonly hold: boolean;
}

/** Whose probe: one of the service, or `confirm_by` of a rule. */
export type ProbeOf = { readonly service: ServiceProbe } | { readonly rule: string };

/** `environment`: the hash of the variables of `env_from`, undefined where there are none. */
export type Command =
  | Exclude<ServiceCommand, { kind: 'spawn' | 'probe' }>
  | { readonly kind: 'spawn'; readonly token: number; readonly environment: string | undefined }
  | { readonly kind: 'probe'; readonly token: number; readonly of: ProbeOf; readonly environment: string | undefined }
  | ({ readonly kind: 'orders' } & Orders)
  /** What becomes of the output of the application that runs. A spawn says so by itself. */
  | { readonly kind: 'output' }
  | {
      readonly kind: 'validate';
      readonly rule: string;
      readonly token: number;
      readonly step: number;
      readonly directory: string | undefined;
      readonly environment: string | undefined;
    }
  | {
      readonly kind: 'execute';
      readonly rule: string;
      readonly token: number;
      readonly step: number;
      readonly environment: string | undefined;
    }
  | { readonly kind: 'signal'; readonly id: number; readonly token: number; readonly signo: number; readonly minAgeMs: number }
  /** As somebody has asked for it, whatever the application does about it. */
  | { readonly kind: 'signalAnyway'; readonly id: number; readonly token: number; readonly signo: number };

export type Event =
  | LinkEvent
  | { readonly kind: 'told'; readonly rule: string; readonly reading: Reading; readonly foreign: boolean; readonly at: number }
  | { readonly kind: 'stirred' | 'calmed'; readonly rule: string; readonly at: number }
  /** The mount of the rule is proven stale: it will never change again. */
  | { readonly kind: 'stale'; readonly rule: string; readonly at: number }
  | { readonly kind: 'read'; readonly rule: string; readonly id: number; readonly reading: Reading | undefined; readonly at: number }
  /** The configuration file holds something else than was told last. */
  | { readonly kind: 'configTold'; readonly at: number }
  | { readonly kind: 'jobDone'; readonly id: number; readonly result: JobResult; readonly at: number }
  /** By somebody at the control socket. */
  | { readonly kind: 'asked'; readonly verb: RuleVerb; readonly rules: readonly string[]; readonly at: number }
  | { readonly kind: 'askedRestart'; readonly at: number }
  | { readonly kind: 'askedSignal'; readonly signo: number; readonly at: number }
  | { readonly kind: 'timeElapsed'; readonly at: number };

/** What the rules' files are, by the rule's name; undefined: not known. */
export type Readings = Readonly<Record<string, Reading | undefined>>;

/** What a first controller knows before anything has happened. */
export interface Beginning {
  readonly readings: Readings;
  readonly kept: Kept;
  readonly key: string | undefined;
  /** Since when the files of a rule are what they are, in ms of CLOCK_BOOTTIME, where that was asked for. */
  readonly steady?: Readonly<Record<string, number | undefined>>;
  /** Of a controller that finds no state. */
  readonly own?: OwnConfig | undefined;
}

/** What was known in the container's last life, by the rule's name (hashes). */
export type Kept = Readonly<Record<string, { readonly good: string | undefined; readonly refused: string | undefined }>>;

export interface Step {
  readonly state: State;
  readonly commands: readonly Command[];
  readonly notes: readonly Note[];
}

/** What one transition gathers on its way through the machines. */
export interface Run {
  readonly service: ServiceConfig;
  readonly policies: readonly RulePolicy[];
  readonly commands: Command[];
  readonly notes: Note[];
  state: State;
}
