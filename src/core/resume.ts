/** How a controller goes on where the former one was killed, under a configuration that may be another one by now. Pure. */
import type { Config, ServiceConfig } from '../config/model.ts';
import type { Batch } from './apply-state.ts';
import { type Care, careFor } from './care.ts';
import { decideStart } from './first-start.ts';
import { hasTakenOver, proveFrom } from './own-config.ts';
import { policiesOf, type RulePolicy } from './policy.ts';
import { resumedProbing } from './probing.ts';
import { shortHash } from './reading.ts';
import { adoptedRule, freshRule, type RuleState } from './rule.ts';
import { close, openRun, toService } from './run.ts';
import type { Readiness, ServiceState } from './service-state.ts';
import type { In } from './service-steps.ts';
import { needsRestart, startSettingsOf } from './start-settings.ts';
import type { Beginning, Run, State, Step } from './state.ts';

/** The state of an earlier controller under today's configuration: rules that are gone are dropped, new ones adopted. Orders are given anew. */
export function resume(state: State, config: Config, { readings, key, own }: Beginning, at: number): Step {
  const running = state.service.kind === 'running';
  const fresh = (policy: RulePolicy): RuleState =>
    running ? adoptedRule(readings[policy.name], at, policy) : freshRule(readings[policy.name], at);
  const rules = policiesOf(config.services.main).map((policy): [string, RuleState] => {
    const known = state.rules[policy.name];
    // The watch begins anew: it tells again what stirs.
    return [policy.name, known ? { ...known, stirsSince: undefined } : fresh(policy)];
  });
  const { apply, rules: known } = withoutGone(state, Object.fromEntries(rules));
  const service = withProbes(state.service, config.services.main, at);
  const run = openRun({ ...state, service, rules: known, apply, orders: undefined, key: state.key ?? key, own: own ?? state.own }, config);
  beginOnOwn(run, at);
  return close(run, at);
}

/** The configuration may be one that was just taken over: what it asks of the application, and how it has to prove itself. */
function beginOnOwn(run: Run, at: number): void {
  const { own, service } = run.state;
  if (!own) return;
  const { on_config_change: when } = run.service;
  const differ = own.started ? needsRestart(own.started, startSettingsOf(run.service)) : [];
  if (hasTakenOver(own)) {
    const hash = shortHash(own.source.hash);
    run.notes.push({ kind: 'config_taken_over', hash, restart: differ, when: when === 'restart' ? 'now' : 'next_start' });
  }
  const { wentBack } = own;
  if (wentBack)
    run.notes.push({ kind: 'config_went_back', from: shortHash(wentBack.from), to: shortHash(own.source.hash), problem: wentBack.problem });
  if (differ.length > 0 && when === 'restart') toService(run, { kind: 'restartWanted', at });
  if (wentBack && own.started && !differ.includes('output')) outputAgain(run);
  decideStart(run);
  // One that did not run before proves nothing if it does not run now.
  const restarted = service.kind === 'running' && run.state.service !== service;
  run.state = { ...run.state, own: run.state.own && { ...proveFrom(run.state.own, restarted, at), wentBack: undefined } };
}

/** The instance that failed was started with another `output`, which counts for all that run: the one that was left has its own again. */
function outputAgain(run: Run): void {
  if (run.service.output && run.state.service.kind === 'running') run.commands.push({ kind: 'output' });
}

/** What is asked of the application: a probe that is gone cannot say no any more, and the others are put as they stand now. */
function withProbes(service: ServiceState, main: ServiceConfig, at: number): ServiceState {
  if (service.kind !== 'running') return service;
  const { ready, liveness, readiness } = main;
  const left = (now: Readiness): Readiness => {
    if (now.kind !== 'probing') return now;
    return ready ? { kind: 'probing', probing: resumedProbing(now.probing, ready, at) } : { kind: 'ready' };
  };
  const { beside, care = notCaredFor(service, main, at) } = service;
  const alive = care?.liveness && liveness && resumedProbing(care.liveness, liveness, at);
  const serving = care?.serving && readiness && { ...care.serving, probing: resumedProbing(care.serving.probing, readiness, at) };
  return {
    ...service,
    readiness: left(service.readiness),
    beside: beside && { ...beside, readiness: left(beside.readiness) },
    ...(care && { care: { ...care, liveness: alive, serving } }),
  };
}

/** The former configuration asked nothing: who was not asked was not silent. */
function notCaredFor({ readiness, since }: In<'running'>, main: ServiceConfig, at: number): Care | undefined {
  const care = readiness.kind === 'probing' ? undefined : careFor(undefined, since, at, main);
  return care && { ...care, aliveAt: at };
}

/** A change of a rule that is gone is none any more: the others that it touches wait for their turn again. */
function withoutGone(state: State, rules: Readonly<Record<string, RuleState>>): Pick<State, 'apply' | 'rules'> {
  const { apply } = state;
  if (apply.kind === 'none' || touched(apply.batch).every((rule) => rules[rule] !== undefined && state.rules[rule] !== undefined))
    return { apply, rules };
  const back = Object.entries(rules).map(([name, rule]): [string, RuleState] =>
    rule.phase.kind === 'applying'
      ? [name, { ...rule, phase: { kind: 'queued', candidate: rule.phase.candidate, held: 'no' } }]
      : [name, rule],
  );
  return { apply: { kind: 'none' }, rules: Object.fromEntries(back) };
}

const touched = ({ leader, members }: Batch): string[] => [leader, ...members.map(({ rule }) => rule)];
