/** How a controller begins. One that finds an application but no memo that it can read takes over what init tells it. Pure. */
import type { Config } from '../config/model.ts';
import { constants, type Hello, type Slot } from '../link/messages.ts';
import { begin } from './first-start.ts';
import { decodeMemo } from './memo.ts';
import { beginOwn, withRuleChanges } from './own-config.ts';
import { policiesOf } from './policy.ts';
import { resume } from './resume.ts';
import { adoptedRule, type RuleState } from './rule.ts';
import { close, openRun, takeService, toRule } from './run.ts';
import type { ServiceCommand, ServiceState } from './service-state.ts';
import { sigterm } from './signals.ts';
import type { Beginning, State, Step } from './state.ts';

const { roles, slotStates } = constants;
const isHelper = ({ role }: Slot): boolean => role === roles.values.helper;
/** Tokens that the former controller used and nobody knows of any more are far below. */
const idGap = 1_000;

/** What the former controller left, as this one begins with it; decoded once, for everything that a beginning asks of it. Undefined: nothing that can be read. */
export function formerState({ memo, generation }: Hello): State | undefined {
  const state = decodeMemo(memo);
  if (!state?.own) return state;
  const { own, rules } = beginOwn(state.own, generation);
  return { ...state, own, rules: withRuleChanges(state.rules, rules) };
}

/** The step with which any controller begins: from the memo, else from what init knows, else from nothing. */
export const takeOver = (former: State | undefined, hello: Hello, slots: readonly Slot[], config: Config, beginning: Beginning): Step =>
  former ? resume(former, config, beginning, hello.now_ms) : adopt(hello, slots, config, beginning);

/** The rules whose files such a controller has to read before that: those of which the memo knows nothing. */
export const unknownRules = (former: State | undefined, config: Config): string[] =>
  policiesOf(config.services.main)
    .map(({ name }) => name)
    .filter((name) => former?.rules[name] === undefined);

/** Nothing is known of a former controller, nor of an instance. */
export const isFirst = (former: State | undefined, slots: readonly Slot[]): boolean => former === undefined && slots.every(isHelper);

/** Without an instance it is a first start. */
function adopt(hello: Hello, slots: readonly Slot[], config: Config, beginning: Beginning): Step {
  const { readings, key, own } = beginning;
  const highest = Math.max(0, hello.main_token, ...slots.map(({ token }) => token));
  const mains = slots.filter((slot) => !isHelper(slot));
  const main = mains.find(({ token }) => token === hello.main_token) ?? mains[0];
  if (!main) return begin(config, beginning, hello.now_ms, highest === 0 ? 1 : highest + idGap);
  const policies = policiesOf(config.services.main);
  const rules = policies.map((policy): [string, RuleState] => [policy.name, adoptedRule(readings[policy.name], hello.now_ms, policy)]);
  const { service, commands } = serviceOf(main, hello);
  const base = { nextId: highest + idGap, rules: Object.fromEntries(rules), apply: { kind: 'none' }, orders: undefined, key, own } as const;
  const run = openRun({ ...base, service, lastSignalAt: hello.now_ms }, config);
  // An instance that was to take over: nobody knows what came of it.
  const others = mains.filter((one) => one !== main).map(({ token }): ServiceCommand => stopNow(token));
  takeService(run, { state: service, commands: [...others, ...commands], notes: [], facts: [] });
  for (const { name } of policies) {
    const reading = readings[name];
    if (reading) toRule(run, name, { kind: 'told', reading, foreign: true, at: hello.now_ms });
  }
  return close(run, hello.now_ms);
}

const stopNow = (token: number): ServiceCommand => ({ kind: 'stop', token, signo: sigterm, timeoutMs: 0 });

function serviceOf({ token, pid, state, spawned_ms }: Slot, hello: Hello): { service: ServiceState; commands: readonly ServiceCommand[] } {
  if (hello.stop_signal !== 0) return { service: { kind: 'ending', token, signo: hello.stop_signal }, commands: [] };
  switch (state) {
    case slotStates.values.spawning:
      return { service: { kind: 'starting', token, attempt: 0, reason: 'policy', orderedAt: spawned_ms }, commands: [] };
    case slotStates.values.running:
      return {
        service: { kind: 'running', token, pid, attempt: 0, since: spawned_ms, readiness: { kind: 'ready' }, beside: undefined },
        commands: [],
      };
    // It ended; whether its end was acted upon is not known. What is left of it goes, and the next instance starts.
    case slotStates.values.exited:
      return { service: { kind: 'stopping', token, since: hello.now_ms, leaveWith: undefined }, commands: [stopNow(token)] };
    default:
      return { service: { kind: 'stopping', token, since: hello.now_ms, leaveWith: undefined }, commands: [] };
  }
}
