/** One transition of the whole: what it gathers on its way through the machines, and how they reach each other. */
import type { Config, ServiceConfig } from '../config/model.ts';
import type { LinkEvent } from '../link/messages.ts';
import { applyTransition } from './apply.ts';
import { type ApplyCommand, type ApplyEvent, type ApplyPolicy, type ApplyState, applyNeedsHold } from './apply-state.ts';
import type { ApplyStep } from './apply-steps.ts';
import type { JobResult } from './jobs.ts';
import type { Note } from './notes.ts';
import { environmentRule, isOwned, policiesOf, type RulePolicy, ruleNamed } from './policy.ts';
import type { Reading } from './reading.ts';
import { type InstanceEvent, isOnProbation, type RuleCommand, type RuleEvent, type RuleState, type RuleVerb } from './rule.ts';
import { ruleTransition } from './rule-machine.ts';
import { serviceTransition } from './service.ts';
import { attended } from './service-care.ts';
import {
  otherInstance,
  type ServiceCommand,
  type ServiceEvent,
  type ServicePolicy,
  type ServiceProbe,
  type ServiceState,
  type ServiceStep,
} from './service-state.ts';
import { nextTurn } from './turns.ts';

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

export const openRun = (state: State, config: Config): Run => ({
  service: config.services.main,
  policies: policiesOf(config.services.main),
  commands: [],
  notes: [],
  state,
});

/** Orders go first: what follows in the same commit already counts under them. */
export function close(run: Run, at: number): Step {
  run.state = { ...run.state, service: attended(run.state.service, at, servicePolicy(run)) };
  const orders = ordersOf(run);
  const same = !orders || (run.state.orders?.token === orders.token && run.state.orders.hold === orders.hold);
  if (same) return { state: run.state, commands: run.commands, notes: run.notes };
  return { state: { ...run.state, orders }, commands: [{ kind: 'orders', ...orders }, ...run.commands], notes: run.notes };
}

/** Undefined: nothing is left to order. */
function ordersOf(run: Run): Orders | undefined {
  const { service, apply } = run.state;
  const policy = run.service;
  if (service.kind === 'ending' || service.kind === 'ended') return undefined;
  const first = (service.kind === 'starting' || service.kind === 'preparing') && service.reason === 'start';
  const restarting = service.kind !== 'running' ? !first : service.beside !== undefined;
  const hold = !policy.attach && (policy.restart !== 'no' || restarting || applyNeedsHold(apply) || isOnTrial(run));
  return { token: service.token, hold };
}

/** The application runs with what has not proven itself: its end may be that one's fault. */
export const isOnTrial = ({ policies, state: { rules } }: Run): boolean =>
  policies.some((policy) => {
    const rule = rules[policy.name];
    return rule !== undefined && isOnProbation(rule, policy);
  });

export const isMain = ({ state: { service } }: Run, token: number): boolean =>
  ('token' in service && service.token === token) || otherInstance(service) === token;

export const servicePolicy = ({ service, policies }: Pick<Run, 'service' | 'policies'>): ServicePolicy => ({
  ...service,
  owned: policies.some(isOwned),
  reloads: policies.some(({ on_change }) => on_change === 'reload'),
});

export function toService(run: Run, event: ServiceEvent): void {
  const step = serviceTransition(run.state.service, event, servicePolicy(run), run.state.nextId);
  if (!step) return;
  run.state = { ...run.state, nextId: run.state.nextId + 1, service: step.state };
  takeService(run, step);
}

export function takeService(run: Run, step: ServiceStep): void {
  run.notes.push(...step.notes);
  for (const command of step.commands) run.commands.push(serviceCommand(run, command));
  for (const fact of step.facts) toAll(run, fact);
}

function serviceCommand(run: Run, command: ServiceCommand): Command {
  switch (command.kind) {
    case 'spawn':
      return { ...command, environment: environmentOf(run) };
    case 'probe':
      return { ...command, of: { service: command.of }, environment: environmentOf(run) };
    default:
      return command;
  }
}

/** What the application of this moment has, or will have, for variables. */
const environmentOf = ({ state, policies }: Run): string | undefined =>
  policies.some(({ source }) => source === 'environment') ? state.rules[environmentRule]?.published?.hash : undefined;

/** What is applied is judged first: what an end means for its rules is said before they see the end. */
export function toAll(run: Run, event: InstanceEvent): void {
  toApply(run, event);
  toRules(run, event);
}

export function toRules(run: Run, event: RuleEvent): void {
  for (const name of Object.keys(run.state.rules)) toRule(run, name, event);
}

export function toRule(run: Run, name: string, event: RuleEvent): void {
  const policy = run.policies.find((rule) => rule.name === name);
  const rule = run.state.rules[name];
  if (!policy || !rule) return;
  const step = ruleTransition(rule, event, policy, run.state.nextId);
  if (!step) return;
  run.state = { ...run.state, nextId: run.state.nextId + 1, rules: { ...run.state.rules, [name]: step.state } };
  run.notes.push(...step.notes.map((note) => ({ rule: name, ...note })));
  for (const command of step.commands) takeRule(run, policy, command, 'at' in event ? event.at : 0);
}

function takeRule(run: Run, policy: RulePolicy, command: RuleCommand, at: number): void {
  if (command.kind === 'restart') {
    toService(run, { kind: 'restartWanted', at });
    return;
  }
  const phase = run.state.rules[policy.name]?.phase;
  if (phase?.kind !== 'validating') return; // it has just been entered
  const { candidate, directory } = phase;
  // Variables have no directory: they are checked in the environment that they would make.
  const found =
    policy.source === 'environment'
      ? { directory: undefined, environment: candidate.reading.hash }
      : { directory, environment: environmentOf(run) };
  run.commands.push({ rule: policy.name, ...command, ...found });
}

export function toApply(run: Run, event: ApplyEvent): void {
  const step = applyTransition(run.state.apply, event, applyPolicy(run), run.state.nextId);
  if (!step) return;
  run.state = { ...run.state, nextId: run.state.nextId + 1, apply: step.state };
  takeApply(run, step, 'at' in event ? event.at : 0);
}

const applyPolicy = ({ policies, service }: Run): ApplyPolicy => ({
  restartable: service.attach === undefined,
  policy: (name) => ruleNamed(policies, name),
  ready: service.ready !== undefined,
});

function takeApply(run: Run, { sayings, notes, commands }: ApplyStep, at: number): void {
  run.notes.push(...notes.map(({ rule, note }) => ({ rule, ...note })));
  for (const { rule, event } of sayings) toRule(run, rule, event);
  for (const command of commands) takeApplyCommand(run, command, at);
}

function takeApplyCommand(run: Run, command: ApplyCommand, at: number): void {
  switch (command.kind) {
    case 'signal': {
      const { service } = run.state;
      if ('token' in service) run.commands.push({ token: service.token, ...command });
      return;
    }
    case 'execute':
      run.commands.push({ ...command, environment: environmentOf(run) });
      return;
    case 'probe':
      run.commands.push({ kind: 'probe', token: command.token, of: { rule: command.rule }, environment: environmentOf(run) });
      return;
    case 'restart':
      toService(run, { kind: 'restartWanted', at });
      return;
    default:
      command satisfies never;
  }
}

/**
 * A validator may read the files of several rules (`nginx -t` reads certificates, too): what one rule was refused for can be what the other one has
 * brought meanwhile. So a refusal holds back others only after it was given again.
 */
function askAgain(run: Run, at: number): void {
  for (const { rule, by } of nextTurn(run.state, run.policies, at).heldBack) {
    const phase = run.state.rules[rule]?.phase;
    if (phase?.kind !== 'queued' || phase.held !== 'no') continue;
    toRule(run, rule, { kind: 'heldBack', by });
    toRule(run, by, { kind: 'askedAgain', at });
  }
}

export function giveTurns(run: Run, at: number): void {
  askAgain(run, at);
  const { batch, heldBack } = nextTurn(run.state, run.policies, at);
  for (const { rule, by } of heldBack) toRule(run, rule, { kind: 'heldBack', by });
  if (batch) toApply(run, { kind: 'begin', batch, at });
}
