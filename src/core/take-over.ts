/** How a controller begins. One that finds an application but no memo that it can read takes over what init tells it. Pure. */
import type { Config } from '../config/model.ts';
import { constants, type Hello, type Slot } from '../link/messages.ts';
import { decodeMemo } from './memo.ts';
import { adoptedRule, type RuleState } from './rule.ts';
import { close, openRun, type Readings, type Step, takeService } from './run.ts';
import type { ServiceCommand, ServiceState } from './service.ts';
import { sigterm } from './signals.ts';
import { begin, resume } from './supervisor.ts';

const { roles, slotStates } = constants;
/** Tokens that the former controller used and nobody knows of any more are far below. */
const idGap = 1_000;

/** The step with which any controller begins: from the memo, else from what init knows, else from nothing. */
export function takeOver(hello: Hello, slots: readonly Slot[], config: Config, readings: Readings): Step {
  const state = decodeMemo(hello.memo);
  return state ? resume(state, config, readings, hello.now_ms) : adopt(hello, slots, config, readings);
}

/** The rules whose files such a controller has to read before that: those of which the memo knows nothing. */
export function unknownRules(hello: Hello, config: Config): string[] {
  const state = decodeMemo(hello.memo);
  return config.services.main.watch.map(({ name }) => name).filter((name) => state?.rules[name] === undefined);
}

/** Without an instance it is a first start. */
function adopt(hello: Hello, slots: readonly Slot[], config: Config, readings: Readings): Step {
  const highest = Math.max(0, hello.main_token, ...slots.map(({ token }) => token));
  const main = slots.find(({ role }) => role === roles.values.main);
  if (!main) return begin(config, readings, hello.now_ms, highest === 0 ? 1 : highest + idGap);
  const rules = config.services.main.watch.map((rule): [string, RuleState] => [rule.name, adoptedRule(readings[rule.name], hello.now_ms)]);
  const { service, commands } = serviceOf(main, hello);
  const run = openRun(
    { nextId: highest + idGap, service, rules: Object.fromEntries(rules), lastSignalAt: hello.now_ms, orders: undefined },
    config,
  );
  takeService(run, { state: service, commands, notes: [] });
  return close(run);
}

function serviceOf({ token, pid, state, spawned_ms }: Slot, hello: Hello): { service: ServiceState; commands: readonly ServiceCommand[] } {
  if (hello.stop_signal !== 0) return { service: { kind: 'ending', token, signo: hello.stop_signal }, commands: [] };
  switch (state) {
    case slotStates.values.spawning:
      return { service: { kind: 'starting', token, attempt: 0, reason: 'policy', orderedAt: spawned_ms }, commands: [] };
    case slotStates.values.running:
      return { service: { kind: 'running', token, pid, attempt: 0, since: spawned_ms }, commands: [] };
    // It ended; whether its end was acted upon is not known. What is left of it goes, and the next instance starts.
    case slotStates.values.exited:
      return {
        service: { kind: 'stopping', token, since: hello.now_ms },
        commands: [{ kind: 'stop', token, signo: sigterm, timeoutMs: 0 }],
      };
    default:
      return { service: { kind: 'stopping', token, since: hello.now_ms }, commands: [] };
  }
}
