/**
 * The whole of what the controller decides: one service and its watch rules, joined. Pure: events in, a new state, commands and notes out.
 *
 * What joins them: an end right after a reload signal is a failed reload; a start tells every rule to survey what the application found;
 * one apply at a time over all rules; the standing orders follow from the state.
 */
import type { Config, ServiceConfig } from '../config/model.ts';
import { constants, type LinkEvent } from '../link/messages.ts';
import type { Note, Refusal } from './notes.ts';
import type { Reading } from './reading.ts';
import { ruleTransition } from './reload.ts';
import {
  adoptedRule,
  freshRule,
  isUnconfirmedReload,
  needsHold,
  type RuleCommand,
  type RuleEvent,
  type RuleState,
  type SignalResult,
} from './rule.ts';
import { firstStart, type ServiceCommand, type ServiceEvent, type ServiceState, type ServiceStep, serviceTransition } from './service.ts';
import { nextTurns } from './turns.ts';
import { endOf } from './wait-status.ts';
import { wordsOf } from './words.ts';

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

/** The first start of the container: the spawn, and what the rules' files were before it. */
export function begin(config: Config, readings: Readings, at: number, token = 1): Step {
  const rules = config.services.main.watch.map((rule): [string, RuleState] => [rule.name, freshRule(readings[rule.name], at)]);
  const first = firstStart(token, at);
  const run = openRun(
    { nextId: token + 1, service: first.state, rules: Object.fromEntries(rules), lastSignalAt: 0, orders: undefined },
    config,
  );
  takeService(run, first);
  return close(run);
}

/** The state of an earlier controller under today's configuration: rules that are gone are dropped, new ones adopted. Orders are given anew. */
export function resume(state: State, config: Config, readings: Readings, at: number): Step {
  const running = state.service.kind === 'running';
  const rules = config.services.main.watch.map((rule): [string, RuleState] => {
    const known = state.rules[rule.name];
    return [rule.name, known ?? (running ? adoptedRule : freshRule)(readings[rule.name], at)];
  });
  return close(openRun({ ...state, rules: Object.fromEntries(rules), orders: undefined }, config));
}

/** Pure. An event that means nothing changes nothing. */
export function transition(state: State, event: Event, config: Config): Step {
  const run = openRun(state, config);
  handle(run, event);
  giveTurns(run, 'at_ms' in event ? event.at_ms : event.at);
  return close(run);
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

function handle(run: Run, event: Event): void {
  switch (event.kind) {
    case 'told':
    case 'read':
      toRule(run, event.rule, event);
      break;
    case 'timeElapsed':
      toService(run, event);
      toRules(run, event);
      break;
    case 'spawned':
      if (isMain(run, event.token)) spawned(run, event);
      break;
    case 'spawn_failed':
      spawnFailed(run, event);
      break;
    case 'exited':
      exited(run, event);
      break;
    case 'gone':
      toService(run, { kind: 'gone', token: event.token, killed: event.killed, at: event.at_ms });
      break;
    case 'signalled':
      signalled(run, event);
      break;
    case 'stopping':
      toService(run, { kind: 'stopping', signo: event.signo });
      toRules(run, { kind: 'containerStops' });
      break;
    case 'signal': // no signal is handed to the controller yet
      break;
    default:
      event satisfies never;
  }
}

type Link<K extends LinkEvent['kind']> = Extract<LinkEvent, { kind: K }>;

function spawned(run: Run, event: Link<'spawned'>): void {
  toService(run, { kind: 'spawned', token: event.token, pid: event.pid, at: event.at_ms });
  toRules(run, { kind: 'instanceStarted', at: event.at_ms });
}

function spawnFailed(run: Run, event: Link<'spawn_failed'>): void {
  const [stage, text] = [wordsOf(event.stage, event.stage.length), wordsOf(event.text, event.text.length)];
  if (!isMain(run, event.token)) {
    toRules(run, { kind: 'validated', token: event.token, at: event.at_ms, refusal: { kind: 'not_started', stage, text } });
    return;
  }
  toRules(run, { kind: 'instanceEnded', ordered: false, end: undefined, at: event.at_ms });
  toService(run, { kind: 'spawnFailed', token: event.token, stage, text, code: event.exit_code, at: event.at_ms });
}

function exited(run: Run, event: Link<'exited'>): void {
  if (!isMain(run, event.token)) {
    toRules(run, { kind: 'validated', token: event.token, at: event.at_ms, refusal: refusalOf(event) });
    return;
  }
  const end = endOf(event.status);
  const ordered = run.state.service.kind === 'stopping';
  const rescue = Object.values(run.state.rules).some(isUnconfirmedReload);
  // The rules first: a spawn that follows from this end finds them without an instance.
  toRules(run, { kind: 'instanceEnded', ordered, end, at: event.at_ms });
  toService(run, { kind: 'exited', token: event.token, end, rescue, at: event.at_ms });
}

function refusalOf(event: Link<'exited'>): Refusal | undefined {
  const end = endOf(event.status);
  const words = wordsOf(event.output, event.output_total);
  if (event.cause === constants.exitCauses.values.timeout) return { kind: 'timed_out', words };
  return end.kind === 'code' && end.code === 0 ? undefined : { kind: 'ended', end, words };
}

const resultNames = new Map<number, SignalResult>(
  Object.entries(constants.signalResults.values).map(([name, value]) => [value, name as SignalResult]),
);

function signalled(run: Run, event: Link<'signalled'>): void {
  const result = resultNames.get(event.result) ?? 'not_permitted';
  if (result === 'sent') run.state = { ...run.state, lastSignalAt: event.at_ms };
  toRules(run, { kind: 'signalled', id: event.id, result, at: event.at_ms });
}

const isMain = ({ state: { service } }: Run, token: number): boolean => 'token' in service && service.token === token;

function toService(run: Run, event: ServiceEvent): void {
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

function toRules(run: Run, event: RuleEvent): void {
  for (const name of Object.keys(run.state.rules)) toRule(run, name, event);
}

function toRule(run: Run, name: string, event: RuleEvent): void {
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

function giveTurns(run: Run, at: number): void {
  for (const { rule, event } of nextTurns(run.state, run.service.watch, at)) toRule(run, rule, event);
}
