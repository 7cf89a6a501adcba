/** One transition of the whole: what it gathers on its way through the machines, and how they reach each other. */
import type { Config } from '../config/model.ts';
import { applyTransition } from './apply.ts';
import { type ApplyCommand, type ApplyEvent, type ApplyPolicy, applyNeedsHold } from './apply-state.ts';
import type { ApplyStep } from './apply-steps.ts';
import { type OwnEvent, ownTransition, withRuleChanges } from './own-config.ts';
import { environmentRule, isOwned, policiesOf, type RulePolicy, ruleNamed } from './policy.ts';
import { type InstanceEvent, isOnProbation, type RuleCommand, type RuleEvent } from './rule.ts';
import { ruleTransition } from './rule-machine.ts';
import { serviceTransition } from './service.ts';
import { attended } from './service-care.ts';
import { otherInstance, type ServiceCommand, type ServiceEvent, type ServicePolicy, type ServiceStep } from './service-state.ts';
import { startSettingsOf } from './start-settings.ts';
import type { Command, Orders, Run, State, Step } from './state.ts';
import { nextTurn } from './turns.ts';

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
  for (const command of step.commands) {
    run.commands.push(serviceCommand(run, command));
    if (command.kind === 'spawn') toOwn(run, { kind: 'instanceSpawned', settings: startSettingsOf(run.service) });
  }
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
  toOwn(run, event);
}

export function toOwn(run: Run, event: OwnEvent): void {
  const { own, service, nextId } = run.state;
  if (!own || service.kind === 'ending' || service.kind === 'ended') return;
  const step = ownTransition(own, event, nextId, isQuiet(run.state));
  if (!step) return;
  run.state = { ...run.state, nextId: nextId + 1, own: step.own, rules: withRuleChanges(run.state.rules, step.rules) };
  run.notes.push(...step.notes);
}

/** Nothing is on its way that another configuration would find half done. What only waits (old workers drain, a pause) may wait for long. */
const isQuiet = ({ service, apply }: State): boolean =>
  (apply.kind === 'none' || apply.kind === 'gauging') &&
  (service.kind === 'backoff' || service.kind === 'seeking' || (service.kind === 'running' && service.beside === undefined));

/** What could not be taken over as it was seen. */
export function lookAgain(run: Run, at: number): void {
  const { own } = run.state;
  if (own?.waits && own.checking === undefined && !own.trial && isQuiet(run.state)) toOwn(run, { kind: 'configTold', at });
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
