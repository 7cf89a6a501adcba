/** What each verb does. */
import { type Objection, objectionTo, rulesMeant } from '../core/asked.ts';
import { policiesOf } from '../core/policy.ts';
import type { RuleVerb } from '../core/rule.ts';
import { parseSignal, signalName, sigterm } from '../core/signals.ts';
import type { Entry } from '../journal/journal.ts';
import type { Controller } from './control.ts';
import { historyOf } from './history.ts';
import { isQuiet, outcomeOf } from './outcome.ts';
import type { Outcome, Problem, Request } from './protocol.ts';
import { reportOf } from './report.ts';

type Done = { readonly result: unknown } | { readonly error: Problem };

/** Who asks: where to send what comes one by one, and until when. */
export interface Asker {
  entry(entry: Entry): void;
  onGone(call: () => void): void;
}

const waitMs = 60_000;

/** Rejects never. */
export async function handle(request: Request, controller: Controller, asker: Asker): Promise<Done> {
  switch (request.verb) {
    case 'status':
      return { result: reportOf(controller, Date.now()) };
    case 'history':
      return { result: { generations: historyOf(controller.journal.entries).filter(({ rule }) => isMeant(rule, request.rules)) } };
    case 'events':
      return events(request, controller, asker);
    case 'stop': {
      const signo = controller.config.services.main.container_stop_signals[0] ?? sigterm;
      controller.stop(signo);
      return { result: { signal: signalName(signo) } };
    }
    case 'signal':
      return signal(request.signal, controller);
    case 'restart':
      return restart(request.wait_ms ?? waitMs, controller, asker);
    case 'rescan':
      return ofRules(
        request,
        controller,
        (rules) => {
          for (const rule of rules) controller.look(rule);
          return undefined;
        },
        asker,
      );
    default: {
      const { verb } = request;
      return ofRules(request, controller, (rules) => ask(verb, rules, controller), asker);
    }
  }
}

const isMeant = (rule: string, rules: readonly string[] | undefined): boolean => !rules || rules.length === 0 || rules.includes(rule);
const refuse = ({ code, message, hint }: Objection): Done => ({ error: { code, message, ...(hint && { hint }) } });

function ask(verb: RuleVerb, rules: readonly string[], { state, config, dispatch, now }: Controller): Objection | undefined {
  const objection = objectionTo(verb, rules, state(), config);
  if (!objection) dispatch([{ kind: 'asked', verb, rules, at: now() }]);
  return objection;
}

interface Asked {
  readonly rules?: readonly string[];
  readonly wait_ms?: number;
}

async function ofRules(
  { rules: names = [], wait_ms: wait = waitMs }: Asked,
  controller: Controller,
  begin: (rules: readonly string[]) => Objection | undefined,
  asker: Asker,
): Promise<Done> {
  const meant = rulesMeant(names, controller.config);
  if ('objection' in meant) return refuse(meant.objection);
  return follow(meant.rules, wait, controller, () => begin(meant.rules), asker);
}

async function restart(wait: number, controller: Controller, asker: Asker): Promise<Done> {
  const { state, config, dispatch, now } = controller;
  if (config.services.main.attach) {
    return refuse({ code: 'attached', message: 'the application is run by another container', hint: 'Restart it there.' });
  }
  const end = now() + wait;
  // A change that is being applied has the application first.
  await until(controller, () => state().apply.kind === 'none', wait, asker);
  if (state().apply.kind !== 'none')
    return refuse({ code: 'not_now', message: 'a change is being applied', hint: 'Look at `reinit status`.' });
  return follow(
    policiesOf(config.services.main).map(({ name }) => name),
    Math.max(0, end - now()),
    controller,
    () => {
      dispatch([{ kind: 'askedRestart', at: now() }]);
      return undefined;
    },
    asker,
  );
}

async function signal(name: string, { state, dispatch, now }: Controller): Promise<Done> {
  const signo = parseSignal(name);
  if (signo === undefined) return { error: { code: 'unknown_signal', message: `there is no signal ${name}` } };
  if (state().service.kind !== 'running') return refuse({ code: 'not_running', message: 'the application does not run' });
  dispatch([{ kind: 'askedSignal', signo, at: now() }]);
  return { result: { signal: signalName(signo) } };
}

/** Begins something and says what became of it. */
async function follow(
  rules: readonly string[],
  wait: number,
  controller: Controller,
  begin: () => Objection | undefined,
  asker: Asker,
): Promise<Done> {
  const entries: Entry[] = [];
  const unsubscribe = controller.journal.subscribe((entry) => {
    if (entry.level !== 'debug' && (entry.rule === undefined || rules.includes(entry.rule))) entries.push(entry);
  });
  try {
    const objection = begin();
    if (objection) return refuse(objection);
    await settled();
    await until(controller, () => isQuiet(controller.state(), rules), wait, asker);
    const quiet = isQuiet(controller.state(), rules);
    return { result: { outcome: outcomeOf(entries, quiet), entries, status: reportOf(controller, Date.now()) } satisfies Outcome };
  } finally {
    unsubscribe();
  }
}

/** What was dispatched is handled in a microtask of its own. */
const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

function until(controller: Controller, condition: () => boolean, ms: number, asker: Asker): Promise<void> {
  if (condition()) return Promise.resolve();
  return new Promise((resolve) => {
    const end = (): void => {
      clearTimeout(timer);
      unsubscribe();
      resolve();
    };
    const timer = setTimeout(end, ms);
    const unsubscribe = controller.onStep(() => {
      if (condition()) end();
    });
    asker.onGone(end);
  });
}

/** What is known, then what comes, until whoever asks has gone. */
function events({ follow = false, last }: Extract<Request, { verb: 'events' }>, { journal }: Controller, asker: Asker): Promise<Done> {
  const { entries } = journal;
  for (const entry of last === undefined ? entries : entries.slice(Math.max(0, entries.length - last))) asker.entry(entry);
  if (!follow) return Promise.resolve({ result: {} });
  return new Promise((resolve) => {
    const unsubscribe = journal.subscribe(asker.entry);
    asker.onGone(() => {
      unsubscribe();
      resolve({ result: {} });
    });
  });
}
