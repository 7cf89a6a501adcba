/**
 * The whole of what the controller decides: one service, its watch rules, and what is being applied, joined. Pure: events in, a new state, commands and
 * notes out.
 *
 * What joins them: what happens to the application is told to what is being applied, and then to every rule; one change is applied at a time; a start
 * waits for something accepted; the standing orders follow from the state.
 */
import type { Config } from '../config/model.ts';
import { constants, type LinkEvent } from '../link/messages.ts';
import { problemOf } from './apply.ts';
import { type Batch, canFallBack, isUnconfirmed, type SignalResult } from './apply-state.ts';
import type { Refusal } from './notes.ts';
import { isOwned, policiesOf, type RulePolicy } from './policy.ts';
import { shortHash, shortOf } from './reading.ts';
import { adoptedRule, freshRule, isOnProbation, isRefused, type RuleState } from './rule.ts';
import {
  type Beginning,
  close,
  type Event,
  giveTurns,
  isMain,
  openRun,
  type Run,
  type State,
  type Step,
  servicePolicy,
  takeService,
  toAll,
  toApply,
  toRule,
  toRules,
  toService,
} from './run.ts';
import { firstStart } from './service.ts';
import type { Readiness, ServiceState } from './service-state.ts';
import { endOf, shellCode } from './wait-status.ts';
import { wordsOf } from './words.ts';

/** The first start of the container: the spawn (or what comes before it), and what the rules' files were before it. */
export function begin(config: Config, { readings, kept, key }: Beginning, at: number, token = 1): Step {
  const rules = policiesOf(config.services.main).map(({ name }): [string, RuleState] => {
    const good = kept[name]?.good;
    const rule = freshRule(readings[name], at);
    return [name, { ...rule, good: good === undefined ? undefined : { hash: good, files: undefined }, refused: kept[name]?.refused }];
  });
  const base = {
    nextId: token + 1,
    rules: Object.fromEntries(rules),
    apply: { kind: 'none' },
    lastSignalAt: 0,
    orders: undefined,
    key,
  } as const;
  const first = firstStart(token, at, servicePolicy({ service: config.services.main, policies: policiesOf(config.services.main) }));
  const run = openRun({ ...base, service: first.state }, config);
  takeService(run, first);
  // Owned rules do not wait for an instance: it is the instance that waits for them.
  for (const policy of run.policies) {
    const reading = readings[policy.name];
    if (isOwned(policy) && reading) toRule(run, policy.name, { kind: 'told', reading, foreign: true, at });
  }
  decideStart(run);
  return close(run);
}

/** The state of an earlier controller under today's configuration: rules that are gone are dropped, new ones adopted. Orders are given anew. */
export function resume(state: State, config: Config, { readings, key }: Beginning, at: number): Step {
  const running = state.service.kind === 'running';
  const fresh = (policy: RulePolicy): RuleState => (running ? adoptedRule : freshRule)(readings[policy.name], at, policy);
  const rules = policiesOf(config.services.main).map((policy): [string, RuleState] => {
    const known = state.rules[policy.name];
    // The watch begins anew: it tells again what stirs.
    return [policy.name, known ? { ...known, stirsSince: undefined } : fresh(policy)];
  });
  const { apply, rules: known } = withoutGone(state, Object.fromEntries(rules));
  const service = withoutProbe(state.service, config.services.main.ready !== undefined);
  return close(openRun({ ...state, service, rules: known, apply, orders: undefined, key: state.key ?? key }, config));
}

/** A probe that is no longer asked for cannot say no any more. */
function withoutProbe(service: ServiceState, probed: boolean): ServiceState {
  if (service.kind !== 'running' || probed) return service;
  const left = (readiness: Readiness): Readiness => (readiness.kind === 'probing' ? { kind: 'ready' } : readiness);
  const { beside } = service;
  return { ...service, readiness: left(service.readiness), beside: beside && { ...beside, readiness: left(beside.readiness) } };
}

/** A change of a rule that is gone is none any more: the others that it touches wait for their turn again. */
function withoutGone(state: State, rules: Readonly<Record<string, RuleState>>): Pick<State, 'apply' | 'rules'> {
  const { apply } = state;
  if (apply.kind === 'none' || touched(apply.batch).every((rule) => rules[rule] !== undefined)) return { apply, rules };
  const back = Object.entries(rules).map(([name, rule]): [string, RuleState] =>
    rule.phase.kind === 'applying'
      ? [name, { ...rule, phase: { kind: 'queued', candidate: rule.phase.candidate, held: 'no' } }]
      : [name, rule],
  );
  return { apply: { kind: 'none' }, rules: Object.fromEntries(back) };
}

const touched = ({ leader, members }: Batch): string[] => [leader, ...members.map(({ rule }) => rule)];

/** Pure. An event that means nothing changes nothing. */
export function transition(state: State, event: Event, config: Config): Step {
  const run = openRun(state, config);
  const at = 'at_ms' in event ? event.at_ms : event.at;
  handle(run, event);
  giveTurns(run, at);
  decideStart(run);
  return close(run);
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
    case 'jobDone':
      jobDone(run, event);
      break;
    case 'timeElapsed':
      toService(run, event);
      toApply(run, event);
      toRules(run, event);
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
  if (isFirst(run, event.token)) toAll(run, { kind: 'instanceEnded', ordered: false, end: undefined, at: event.at_ms });
  toService(run, { kind: 'spawnFailed', token: event.token, stage, text, code: event.exit_code, at: event.at_ms });
}

/** The instance that counts, and not the one beside it. */
const isFirst = ({ state: { service } }: Run, token: number): boolean => 'token' in service && service.token === token;

function exited(run: Run, event: Link<'exited'>): void {
  if (!isMain(run, event.token)) {
    helperEnded(run, event.token, refusalOf(event), event.at_ms);
    return;
  }
  const end = endOf(event.status);
  const { service, apply } = run.state;
  const ordered = service.kind === 'stopping';
  const replaced = service.kind === 'running' && service.beside !== undefined;
  const rescue = isUnconfirmed(apply) || canFallBack(apply) || (shellCode(end) !== 0 && isOnTrial(run));
  // Before the service: a spawn that follows from this end finds the rules without an instance.
  if (isFirst(run, event.token) && !replaced) toAll(run, { kind: 'instanceEnded', ordered, end, at: event.at_ms });
  toService(run, { kind: 'exited', token: event.token, end, rescue, at: event.at_ms });
}

const isOnTrial = ({ policies, state }: Run): boolean =>
  policies.some((policy) => {
    const rule = state.rules[policy.name];
    return rule !== undefined && isOnProbation(rule, policy);
  });

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
  if (result === 'sent') run.state = { ...run.state, lastSignalAt: event.at_ms };
  toApply(run, { kind: 'signalled', id: event.id, result, at: event.at_ms });
}

function notified(run: Run, { token, state: states, at_ms: at }: Link<'notified'>): void {
  if (isFirst(run, token)) toApply(run, { kind: 'notified', states, at });
  toService(run, { kind: 'notified', token, states, at });
}

function listening(run: Run, { id, error, stage, text, at_ms: at }: Link<'listening'>): void {
  const failure = error === 0 ? undefined : { stage: wordsOf(stage, stage.length), text: wordsOf(text, text.length) };
  toService(run, { kind: 'listening', index: id, failure, at });
}

function jobDone(run: Run, event: Extract<Event, { kind: 'jobDone' }>): void {
  toRules(run, event);
  toApply(run, event);
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

/** The application waits for something accepted: what was just judged, or what has proven itself before. Then it is published, and the spawn follows. */
function decideStart(run: Run): void {
  const { service } = run.state;
  if (service.kind !== 'preparing' || service.step.kind !== 'deciding') return;
  const owned = run.policies.filter(isOwned).map(({ name }) => name);
  for (const name of owned) settleOn(run, name);
  const left = owned.filter((name) => run.state.rules[name]?.published === undefined);
  if (left.length === 0) {
    const id = run.state.nextId;
    run.state = { ...run.state, nextId: id + 1 };
    toService(run, { kind: 'publishes', id });
    return;
  }
  const refused = left.filter((name) => isRejected(run.state.rules[name]));
  if (refused.length > 0) toService(run, { kind: 'nothingAccepted', rules: refused });
}

function settleOn(run: Run, name: string): void {
  const rule = run.state.rules[name];
  if (!rule || rule.published) return;
  const reading = rule.phase.kind === 'queued' ? rule.phase.candidate.reading : isRejected(rule) ? rule.good : undefined;
  if (!reading) return;
  if (rule.phase.kind !== 'queued') {
    run.notes.push({ rule: name, kind: 'starts_on_good', hash: shortHash(reading.hash), refused: shortOf(rule.desired) });
  }
  toRule(run, name, { kind: 'published', reading });
}

const isRejected = (rule: RuleState | undefined): boolean => rule !== undefined && (isRefused(rule) || rule.phase.kind === 'delayed');
