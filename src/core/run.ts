/** One transition of the whole: what it gathers on its way through the machines, and how they reach each other. */
import type { Config, ServiceConfig } from '../config/model.ts';
import type { LinkEvent } from '../link/messages.ts';
import type { Note } from './notes.ts';
import type { Reading } from './reading.ts';
import { ruleTransition } from './reload.ts';
import { needsHold, type RuleCommand, type RuleEvent, type RuleState } from './rule.ts';
import { type ServiceCommand, type ServiceEvent, type ServiceState, type ServiceStep, serviceTransition } from './service.ts';
import { nextTurns } from './turns.ts';

export interface State {
  /** For tokens, signal ids and readings: never used twice in a container's life. */
  readonly nextId: number;
  readonly service: ServiceState;
  readonly rules: Readonly<Record<string, RuleState>>;
  /** When the last reload signal was sent: daemons lose the second of two close ones (applications.md, trap 5). */
  readonly lastSignalAt: number;
  readonly orders: Orders | undefined;
}

/** What of the standing orders changes with the state; the rest is configuration. */
export interface Orders {
  readonly token: number;
  readonly hold: boolean;
}

export type Command =
  | ServiceCommand
  | ({ readonly kind: 'orders' } & Orders)
  | { readonly kind: 'validate'; readonly rule: string; readonly token: number; readonly step: number }
  | { readonly kind: 'signal'; readonly id: number; readonly token: number; readonly signo: number; readonly minAgeMs: number };

export type Event =
  | LinkEvent
  | { readonly kind: 'told'; readonly rule: string; readonly reading: Reading; readonly at: number }
  | { readonly kind: 'read'; readonly rule: string; readonly id: number; readonly reading: Reading | undefined; readonly at: number }
  | { readonly kind: 'timeElapsed'; readonly at: number };

/** What the rules' files are, by the rule's name; undefined: not known. */
export type Readings = Readonly<Record<string, Reading | undefined>>;

export interface Step {
  readonly state: State;
  readonly commands: readonly Command[];
  readonly notes: readonly Note[];
}

/** What one transition gathers on its way through the machines. */
export interface Run {
  readonly service: ServiceConfig;
  readonly commands: Command[];
  readonly notes: Note[];
  state: State;
}

export const openRun = (state: State, config: Config): Run => ({ service: config.services.main, commands: [], notes: [], state });

/** Orders go first: what follows in the same commit already counts under them. */
export function close(run: Run): Step {
  const orders = ordersOf(run.state, run.service);
  const same = !orders || (run.state.orders?.token === orders.token && run.state.orders.hold === orders.hold);
  if (same) return { state: run.state, commands: run.commands, notes: run.notes };
  return { state: { ...run.state, orders }, commands: [{ kind: 'orders', ...orders }, ...run.commands], notes: run.notes };
}

/** Undefined: nothing is left to order. */
function ordersOf({ service, rules }: State, policy: ServiceConfig): Orders | undefined {
  if (service.kind === 'ending' || service.kind === 'ended') return undefined;
  const restarting = service.kind !== 'running' && !(service.kind === 'starting' && service.reason === 'start');
  return { token: service.token, hold: policy.restart !== 'no' || restarting || Object.values(rules).some(needsHold) };
}

export const isMain = ({ state: { service } }: Run, token: number): boolean => 'token' in service && service.token === token;

export function toService(run: Run, event: ServiceEvent): void {
  const step = serviceTransition(run.state.service, event, run.service, run.state.nextId);
  if (!step) return;
  run.state = { ...run.state, nextId: run.state.nextId + 1, service: step.state };
  takeService(run, step);
}

export function takeService(run: Run, step: ServiceStep): void {
  run.commands.push(...step.commands);
  run.notes.push(...step.notes);
  if (step.commands.some(({ kind }) => kind === 'spawn')) toRules(run, { kind: 'instanceOrdered' });
}

export function toRules(run: Run, event: RuleEvent): void {
  for (const name of Object.keys(run.state.rules)) toRule(run, name, event);
}

export function toRule(run: Run, name: string, event: RuleEvent): void {
  const policy = run.service.watch.find((rule) => rule.name === name);
  const rule = run.state.rules[name];
  if (!policy || !rule) return;
  const step = ruleTransition(rule, event, policy, run.state.nextId);
  if (!step) return;
  run.state = { ...run.state, nextId: run.state.nextId + 1, rules: { ...run.state.rules, [name]: step.state } };
  run.notes.push(...step.notes.map((note) => ({ rule: name, ...note })));
  for (const command of step.commands) takeRule(run, name, command, event);
}

function takeRule(run: Run, rule: string, command: RuleCommand, event: RuleEvent): void {
  switch (command.kind) {
    case 'validate':
      run.commands.push({ rule, ...command });
      return;
    case 'signal': {
      const { service } = run.state;
      if ('token' in service) run.commands.push({ token: service.token, ...command });
      return;
    }
    case 'restart':
      toService(run, { kind: 'restartWanted', at: 'at' in event ? event.at : 0 });
      return;
    default:
      command satisfies never;
  }
}

export function giveTurns(run: Run, at: number): void {
  for (const { rule, event } of nextTurns(run.state, run.service.watch, at)) toRule(run, rule, event);
}
