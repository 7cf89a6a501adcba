/**
 * The whole of what the controller decides: one service and its watch rules, joined. Pure: events in, a new state, commands and notes out.
 *
 * What joins them: an end right after a reload signal is a failed reload; a start tells every rule to survey what the application found;
 * one apply at a time over all rules; the standing orders follow from the state.
 */
import type { Config } from '../config/model.ts';
import { constants, type LinkEvent } from '../link/messages.ts';
import type { Refusal } from './notes.ts';
import { adoptedRule, freshRule, isUnconfirmedReload, type RuleState, type SignalResult } from './rule.ts';
import {
  close,
  type Event,
  giveTurns,
  isMain,
  openRun,
  type Readings,
  type Run,
  type State,
  type Step,
  takeService,
  toRule,
  toRules,
  toService,
} from './run.ts';
import { firstStart } from './service.ts';
import { endOf } from './wait-status.ts';
import { wordsOf } from './words.ts';

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
