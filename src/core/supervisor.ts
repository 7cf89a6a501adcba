/**
 * The whole of what the controller decides: one service, its watch rules, and what is being applied, joined. Pure: events in, a new state, commands and
 * notes out.
 *
 * What joins them: what happens to the application is told to what is being applied, and then to every rule; one change is applied at a time; a start
 * waits for something accepted; the standing orders follow from the state.
 */
import type { Config } from '../config/model.ts';
import { constants, type LinkEvent } from '../link/messages.ts';
import { problemOf } from './apply-confirm.ts';
import { canFallBack, isUnconfirmed, type SignalResult } from './apply-state.ts';
import { decideStart } from './first-start.ts';
import type { Refusal } from './notes.ts';
import { isConfigOnTrial } from './own-config.ts';
import {
  close,
  giveTurns,
  isMain,
  isOnTrial,
  lookAgain,
  openRun,
  servicePolicy,
  toAll,
  toApply,
  toOwn,
  toRule,
  toRules,
  toService,
} from './run.ts';
import { troubleOf } from './service-care.ts';
import type { Event, Run, State, Step } from './state.ts';
import { endOf, shellCode } from './wait-status.ts';
import { wordsOf } from './words.ts';

/** Pure. An event that means nothing changes nothing. */
export function transition(state: State, event: Event, config: Config): Step {
  const run = openRun(state, config);
  const at = 'at_ms' in event ? event.at_ms : event.at;
  handle(run, event);
  tend(run, at);
  giveTurns(run, at);
  decideStart(run);
  lookAgain(run, at);
  return close(run, at);
}

function handle(run: Run, event: Event): void {
  switch (event.kind) {
    case 'told':
    case 'stirred':
    case 'calmed':
      toRule(run, event.rule, event);
      break;
    case 'read':
      toRule(run, event.rule, event);
      toApply(run, event);
      break;
    case 'stale':
      stale(run, event.rule, event.at);
      break;
    case 'configTold':
      toOwn(run, event);
      break;
    case 'jobDone':
      jobDone(run, event);
      break;
    case 'asked':
      for (const rule of event.rules) toRule(run, rule, { kind: 'asked', verb: event.verb, at: event.at });
      break;
    case 'askedRestart':
      askedRestart(run, event.at);
      break;
    case 'askedSignal':
      askedSignal(run, event.signo);
      break;
    case 'timeElapsed':
      toService(run, event);
      toApply(run, event);
      toRules(run, event);
      toOwn(run, event);
      break;
    case 'spawned':
      if (isMain(run, event.token)) toService(run, { kind: 'spawned', token: event.token, pid: event.pid, at: event.at_ms });
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
    case 'notified':
      notified(run, event);
      break;
    case 'listening':
      listening(run, event);
      break;
    case 'output_file':
      outputFile(run, event);
      break;
    case 'stopping':
      toService(run, { kind: 'stopping', signo: event.signo });
      toApply(run, { kind: 'containerStops' });
      toRules(run, { kind: 'containerStops' });
      break;
    case 'signal': // no signal is handed to the controller yet
      break;
    default:
      event satisfies never;
  }
}

type Link<K extends LinkEvent['kind']> = Extract<LinkEvent, { kind: K }>;

function spawnFailed(run: Run, event: Link<'spawn_failed'>): void {
  const [stage, text] = [wordsOf(event.stage, event.stage.length), wordsOf(event.text, event.text.length)];
  if (!isMain(run, event.token)) {
    helperEnded(run, event.token, { kind: 'not_started', stage, text }, event.at_ms);
    return;
  }
  const rescue = isConfigOnTrial(run.state.own);
  if (isFirst(run, event.token) && !run.service.attach)
    toAll(run, { kind: 'instanceEnded', ordered: false, end: undefined, at: event.at_ms });
  toService(run, { kind: 'spawnFailed', token: event.token, stage, text, code: event.exit_code, rescue, at: event.at_ms });
}

/** The instance that counts, and not the one beside it. */
const isFirst = ({ state: { service } }: Run, token: number): boolean => 'token' in service && service.token === token;

function exited(run: Run, event: Link<'exited'>): void {
  if (!isMain(run, event.token)) {
    helperEnded(run, event.token, refusalOf(event), event.at_ms);
    return;
  }
  if (run.service.attach) {
    toAll(run, { kind: 'instanceEnded', ordered: false, end: undefined, at: event.at_ms });
    toService(run, { kind: 'lost', token: event.token, at: event.at_ms });
    return;
  }
  const end = endOf(event.status);
  const { service } = run.state;
  const ordered = service.kind === 'stopping';
  const replaced = service.kind === 'running' && service.beside !== undefined;
  const rescue = isOfChange(run, shellCode(end) !== 0);
  // Before the service: a spawn that follows from this end finds the rules without an instance.
  if (isFirst(run, event.token) && !replaced) toAll(run, { kind: 'instanceEnded', ordered, end, at: event.at_ms });
  toService(run, { kind: 'exited', token: event.token, end, rescue, at: event.at_ms });
}

/** An end now is what is being applied, or what has not proven itself yet, to blame for. */
const isOfChange = (run: Run, failure: boolean): boolean =>
  isUnconfirmed(run.state.apply) || canFallBack(run.state.apply) || (failure && (isOnTrial(run) || isConfigOnTrial(run.state.own)));

/** An application that does not live has failed before it has ended: what is being applied, and the rules, are told so at once. */
function tend(run: Run, at: number): void {
  const { service, apply } = run.state;
  const trouble = troubleOf(service, at, servicePolicy(run), apply.kind !== 'none');
  if (!trouble) return;
  const rescue = trouble.kind === 'dead' && isOfChange(run, true);
  if (trouble.kind === 'dead') {
    const problem = `did not answer its liveness probe: ${trouble.problem}`;
    toAll(run, { kind: 'instanceEnded', ordered: false, end: undefined, problem, at });
  }
  toService(run, { kind: 'troubled', trouble, rescue, at });
}

/** A program of ours: whoever waits for its token knows it. */
function helperEnded(run: Run, token: number, refusal: Refusal | undefined, at: number): void {
  toRules(run, { kind: 'validated', token, at, refusal });
  toApply(run, { kind: 'executed', token, refusal, at });
  toService(run, { kind: 'answered', id: token, problem: refusal && problemOf(refusal), at });
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
  const { askedSignal: asked } = run.state;
  if (asked?.id === event.id) {
    run.state = { ...run.state, askedSignal: undefined };
    run.notes.push({ kind: 'asked_signal', signo: asked.signo, result });
    return;
  }
  if (result === 'sent') run.state = { ...run.state, lastSignalAt: event.at_ms };
  toApply(run, { kind: 'signalled', id: event.id, result, at: event.at_ms });
}

/** While a change is applied a restart would be taken for its doing: whoever asks waits until that is over. */
function askedRestart(run: Run, at: number): void {
  if (run.state.apply.kind !== 'none' || run.service.attach) return;
  run.notes.push({ kind: 'asked_of_application', verb: 'restart', signo: undefined });
  toService(run, { kind: 'restartWanted', reason: 'asked', at });
}

function askedSignal(run: Run, signo: number): void {
  const { service, nextId: id } = run.state;
  if (service.kind !== 'running') return;
  run.state = { ...run.state, nextId: id + 1, askedSignal: { id, signo } };
  run.commands.push({ kind: 'signalAnyway', id, token: service.token, signo });
  run.notes.push({ kind: 'asked_of_application', verb: 'signal', signo });
}

function notified(run: Run, { token, state: states, at_ms: at }: Link<'notified'>): void {
  if (isFirst(run, token)) toApply(run, { kind: 'notified', states, at });
  toService(run, { kind: 'notified', token, states, at });
}

function listening(run: Run, { id, error, stage, text, at_ms: at }: Link<'listening'>): void {
  const failure = error === 0 ? undefined : { stage: wordsOf(stage, stage.length), text: wordsOf(text, text.length) };
  toService(run, { kind: 'listening', index: id, failure, at });
}

function outputFile(run: Run, { error, stage, text }: Link<'output_file'>): void {
  const trouble = error === 0 ? undefined : { stage: wordsOf(stage, stage.length), text: wordsOf(text, text.length) };
  run.notes.push({ kind: 'output_file', trouble });
}

function jobDone(run: Run, event: Extract<Event, { kind: 'jobDone' }>): void {
  toRules(run, event);
  toApply(run, event);
  if (event.result.kind === 'checked') toOwn(run, { kind: 'configChecked', id: event.id, verdict: event.result.verdict, at: event.at });
  if (event.result.kind === 'weighed') toService(run, { kind: 'weighed', id: event.id, answer: event.result.answer, at: event.at });
  if (event.result.kind === 'sought') toService(run, { kind: 'sought', id: event.id, sight: event.result.sight, at: event.at });
  if (event.result.kind !== 'done') return;
  const { problem } = event.result;
  const kind = run.state.service.kind === 'preparing' ? 'prepared' : 'answered';
  toService(run, { kind, id: event.id, problem, at: event.at });
}

/** Content that can never change again is worth a new container, where that is wanted. */
function stale(run: Run, rule: string, at: number): void {
  const policy = run.policies.find(({ name }) => name === rule);
  if (policy?.on_stale_mount !== 'exit') return;
  const { kind } = run.state.service;
  if (kind === 'ending' || kind === 'ended') return;
  run.notes.push({ rule, kind: 'stale', code: policy.stale_exit_code });
  toService(run, { kind: 'leaveWanted', code: policy.stale_exit_code, at });
}
