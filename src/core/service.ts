/**
 * The life of the application, as a pure machine. docs/protocol.md says what init answers to each command.
 *
 *   preparing → starting → running → (stopping | sweeping → backoff) → preparing …; running may hold a second instance `beside` (start_first).
 *
 * What must never happen: two instances at once but for one beside (a spawn only after `gone`); a spawn or a restart once the container stops; an end of
 * the application that nobody acts upon; a start without what the application is to find (sockets, published files).
 */
import type { Probe } from '../config/model.ts';
import { backOffMs } from './back-off.ts';
import { exitCodes } from './exit-codes.ts';
import type { Note, StartReason } from './notes.ts';
import { type ProbingEvent, probingTransition, startProbing } from './probing.ts';
import type { InstanceEvent } from './rule.ts';
import type {
  Beside,
  Instance,
  Readiness,
  ServiceCommand,
  ServiceEvent,
  ServicePolicy,
  ServiceState,
  ServiceStep,
} from './service-state.ts';
import { sigterm } from './signals.ts';
import { containerCode } from './wait-status.ts';

/** DESIGN 2: on a restart there is a limit always, since nobody else would end an application that does not. */
const restartStopMs = 30_000;
/** Without a probe, a new instance that has lived so long beside the old one takes over. */
const besideMs = 3_000;

type In<K extends ServiceState['kind']> = Extract<ServiceState, { kind: K }>;
type Handler<K extends ServiceState['kind']> = (
  state: In<K>,
  event: ServiceEvent,
  policy: ServicePolicy,
  id: number,
) => ServiceStep | undefined;

/**
 * Pure. Undefined: the event means nothing in this state (a late timer, another token).
 *
 * @param id one that was never used, for a token or a question
 */
export function serviceTransition(state: ServiceState, event: ServiceEvent, policy: ServicePolicy, id: number): ServiceStep | undefined {
  if (state.kind === 'running' && state.beside && isOf(state.beside, event))
    return besideTransition(state, state.beside, event, policy, id);
  if ('token' in event && 'token' in state && event.token !== state.token) return undefined;
  const handler = handlers[state.kind] as Handler<ServiceState['kind']>;
  return handler(state, event, policy, id);
}

const isOf = ({ token }: Beside, event: ServiceEvent): boolean => 'token' in event && event.token === token;

/** The first step of a first controller. */
export const firstStart = (token: number, at: number, policy: ServicePolicy): ServiceStep => prepare(token, 0, 'start', at, policy);

const handlers: { readonly [K in ServiceState['kind']]: Handler<K> } = {
  preparing(state, event, policy) {
    switch (event.kind) {
      case 'listening':
        return listening(state, event, policy);
      case 'publishes':
        return to({ ...state, step: { kind: 'publishing', job: event.id } });
      case 'prepared':
        return state.step.kind === 'publishing' && state.step.job !== event.id ? undefined : prepared(state, event, policy);
      case 'nothingAccepted':
        return leave(exitCodes.nothingAccepted, [{ kind: 'nothing_accepted', rules: event.rules }]);
      case 'leaveWanted':
        return leave(event.code);
      case 'stopping':
        return leave(exitCodes.signalBase + event.signo);
      default:
        return undefined;
    }
  },
  starting(state, event, policy) {
    switch (event.kind) {
      case 'spawned': {
        const { token, attempt, reason, orderedAt } = state;
        const note: Note = { kind: 'started', pid: event.pid, reason, ms: Math.max(0, event.at - orderedAt) };
        const readiness = policy.ready ? probingOf(policy.ready, event.at) : ready;
        const running = { kind: 'running', token, pid: event.pid, attempt, since: event.at, readiness, beside: undefined } as const;
        const facts: InstanceEvent[] = [{ kind: 'instanceStarted', promoted: false, proven: false, at: event.at }];
        if (state.leaveWith === undefined) return to(running, [], [note], facts);
        const leaving = stopToLeave(running, { kind: 'leaveWanted', code: state.leaveWith, at: event.at }, policy);
        return { ...leaving, notes: [note], facts };
      }
      case 'spawnFailed':
        return state.leaveWith === undefined ? startFailed(state, event, policy) : leave(state.leaveWith);
      case 'exited':
        return state.leaveWith === undefined ? ended({ ...state, since: undefined }, event, policy) : leave(state.leaveWith);
      case 'leaveWanted':
        return to({ ...state, leaveWith: event.code });
      case 'stopping':
        return ending(state.token, event.signo);
      default:
        return undefined;
    }
  },
  running(state, event, policy, id) {
    switch (event.kind) {
      case 'exited':
        return state.beside ? endedFirst(state, state.beside, event) : ended(state, event, policy);
      case 'stopping':
        return ending(state.token, event.signo);
      case 'restartWanted':
        if (state.beside) return undefined;
        return policy.restart_order === 'start_first' ? startBeside(state, event.at, id) : stopForRestart(state, event.at, policy);
      case 'leaveWanted':
        return stopToLeave(state, event, policy);
      default:
        return lookedAt(state, event, policy, id);
    }
  },
  stopping(state, event, policy, id) {
    switch (event.kind) {
      case 'exited':
        return to(state, [], [{ kind: 'ended', end: event.end, ranMs: undefined, ordered: true }]);
      case 'gone':
        if (state.leaveWith !== undefined) return leave(state.leaveWith, swept(event.killed));
        return prepare(id, 0, 'change', event.at, policy, swept(event.killed));
      case 'leaveWanted':
        return to({ ...state, leaveWith: event.code });
      case 'stopping':
        return ending(state.token, event.signo);
      default:
        return undefined;
    }
  },
  sweeping(state, event, policy, id) {
    switch (event.kind) {
      case 'gone': {
        if (event.at >= state.next) return prepare(id, state.attempt, state.reason, event.at, policy, swept(event.killed));
        return to({ kind: 'backoff', token: state.token, attempt: state.attempt, until: state.next }, [], swept(event.killed));
      }
      case 'restartWanted':
        return to({ ...state, reason: 'change', next: event.at });
      case 'leaveWanted':
        return leave(event.code);
      case 'stopping':
        return ending(state.token, event.signo);
      default:
        return undefined;
    }
  },
  backoff(state, event, policy, id) {
    switch (event.kind) {
      case 'timeElapsed':
        return event.at >= state.until ? prepare(id, state.attempt, 'policy', event.at, policy) : undefined;
      case 'restartWanted':
        return prepare(id, state.attempt, 'change', event.at, policy);
      case 'leaveWanted':
        return leave(event.code);
      case 'stopping':
        return ending(state.token, event.signo);
      default:
        return undefined;
    }
  },
  ending(state, event, policy) {
    switch (event.kind) {
      case 'exited':
        return leave(containerCode(event.end, policy.exit_codes), [{ kind: 'ended', end: event.end, ranMs: undefined, ordered: true }]);
      case 'spawnFailed':
        return leave(exitCodes.signalBase + state.signo);
      default:
        return undefined;
    }
  },
  ended: () => undefined,
};

type EventOf<K extends ServiceEvent['kind']> = Extract<ServiceEvent, { kind: K }>;
/** What an end needs to know of the instance that ended. `since` is undefined where `spawned` was never seen. */
type Ending = { readonly token: number; readonly attempt: number; readonly since: number | undefined };

const ready: Readiness = { kind: 'ready' };
const probingOf = (probe: Probe, at: number): Readiness => ({ kind: 'probing', probing: startProbing(probe, at) });

const to = (
  state: ServiceState,
  commands: readonly ServiceCommand[] = [],
  notes: readonly Note[] = [],
  facts: readonly InstanceEvent[] = [],
): ServiceStep => ({ state, commands, notes, facts });
const ending = (token: number, signo: number): ServiceStep => to({ kind: 'ending', token, signo }, [], [{ kind: 'container_stop', signo }]);
const leave = (code: number, notes: readonly Note[] = []): ServiceStep =>
  to({ kind: 'ended', code }, [{ kind: 'exit', code }], [...notes, { kind: 'leaving', code }]);
const swept = (killed: number): Note[] => (killed > 0 ? [{ kind: 'swept', killed }] : []);

/** Before each start: the sockets that it gets (held over all starts), and what it is to find. */
function prepare(
  token: number,
  attempt: number,
  reason: StartReason,
  at: number,
  policy: ServicePolicy,
  notes: readonly Note[] = [],
): ServiceStep {
  const base = { kind: 'preparing', token, attempt, reason, orderedAt: at } as const;
  if (policy.sockets.length > 0 && reason === 'start') return to({ ...base, step: { kind: 'sockets', index: 0 } }, [listen(0)], notes);
  if (policy.owned) return to({ ...base, step: { kind: 'deciding' } }, [], notes);
  return start(base, at, notes);
}

/** Sockets are asked for one after another, under their place in the list as id. */
const listen = (index: number): ServiceCommand => ({ kind: 'listen', index });

function listening(state: In<'preparing'>, event: EventOf<'listening'>, policy: ServicePolicy): ServiceStep | undefined {
  if (state.step.kind !== 'sockets' || state.step.index !== event.index) return undefined;
  const name = policy.sockets[event.index]?.name ?? '';
  if (event.failure) return leave(exitCodes.system, [{ kind: 'socket_failed', name, ...event.failure }]);
  const index = event.index + 1;
  if (index < policy.sockets.length) return to({ ...state, step: { kind: 'sockets', index } }, [listen(index)]);
  return policy.owned ? to({ ...state, step: { kind: 'deciding' } }) : start(state, event.at);
}

function prepared(state: In<'preparing'>, { problem, at }: EventOf<'prepared'>, policy: ServicePolicy): ServiceStep {
  if (problem === undefined) return start(state, at);
  if (state.reason === 'start') return leave(exitCodes.nothingAccepted, [{ kind: 'not_published', problem, retryMs: undefined }]);
  const retryMs = backOffMs(state.attempt, Math.max(1_000, policy.restart_delay), Math.max(1_000, policy.restart_max_delay));
  const { token, attempt } = state;
  return to({ kind: 'backoff', token, attempt: attempt + 1, until: at + retryMs }, [], [{ kind: 'not_published', problem, retryMs }]);
}

function start({ token, attempt, reason }: Omit<In<'preparing'>, 'step'>, at: number, notes: readonly Note[] = []): ServiceStep {
  const state: ServiceState = { kind: 'starting', token, attempt, reason, orderedAt: at };
  return to(state, [{ kind: 'spawn', token }], notes, [{ kind: 'instanceOrdered', beside: false }]);
}

function stopForRestart(state: In<'running'>, at: number, policy: ServicePolicy): ServiceStep {
  const { stop, signo, timeoutMs } = stopping(state.token, policy);
  const note: Note = { kind: 'restarting', signo, timeoutMs };
  return to({ kind: 'stopping', token: state.token, since: at, leaveWith: undefined }, [stop], [note]);
}

function stopToLeave(state: In<'running'>, { code, at }: EventOf<'leaveWanted'>, policy: ServicePolicy): ServiceStep {
  const beside = state.beside ? [stopping(state.beside.token, policy).stop] : [];
  return to({ kind: 'stopping', token: state.token, since: at, leaveWith: code }, [stopping(state.token, policy).stop, ...beside]);
}

function stopping(token: number, policy: ServicePolicy) {
  const signo = policy.stop_signal || sigterm;
  const timeoutMs = policy.stop_timeout ?? restartStopMs;
  return { signo, timeoutMs, stop: { kind: 'stop', token, signo, timeoutMs } as const };
}

/** Is it ready? And the one beside? */
function lookedAt(state: In<'running'>, event: ServiceEvent, policy: ServicePolicy, id: number): ServiceStep | undefined {
  return readied(state, event, policy, id) ?? (state.beside ? besideTransition(state, state.beside, event, policy, id) : undefined);
}

function readied(state: In<'running'>, event: ServiceEvent, policy: ServicePolicy, id: number): ServiceStep | undefined {
  const asked = probingEventOf(event, state.token);
  if (!asked || state.readiness.kind !== 'probing' || !policy.ready) return undefined;
  const step = probingTransition(state.readiness.probing, asked, policy.ready, id);
  if (!step) return undefined;
  const ms = Math.max(0, asked.at - state.since);
  switch (step.verdict?.kind) {
    case 'yes':
      return to({ ...state, readiness: ready }, [], [{ kind: 'ready', ms }], [{ kind: 'instanceReady', at: asked.at }]);
    case 'no': {
      const { problem } = step.verdict;
      const fact = { kind: 'instanceUnready', problem, at: asked.at } as const;
      return to({ ...state, readiness: { kind: 'unready' } }, [], [{ kind: 'not_ready', problem, ms }], [fact]);
    }
    default:
      return to({ ...state, readiness: { kind: 'probing', probing: step.probing } }, asks(step.asks, policy, id));
  }
}

const asks = (now: boolean, { ready: probe }: ServicePolicy, id: number): ServiceCommand[] =>
  now && probe?.check.kind === 'exec' ? [{ kind: 'probeReady', token: id }] : [];

function probingEventOf(event: ServiceEvent, token: number): (ProbingEvent & { readonly at: number }) | undefined {
  switch (event.kind) {
    case 'timeElapsed':
    case 'answered':
      return event;
    case 'notified':
      return event.token === token ? { kind: 'notified', states: event.states, at: event.at } : undefined;
    default:
      return undefined;
  }
}

function startBeside(state: In<'running'>, at: number, token: number): ServiceStep {
  const beside: Beside = { token, orderedAt: at, instance: undefined, readiness: ready };
  return to({ ...state, beside }, [{ kind: 'spawn', token }], [{ kind: 'starting_beside' }], [{ kind: 'instanceOrdered', beside: true }]);
}

/** The instance beside: up, ready, and then the one that counts; or gone, and the old one has never noticed. */
function besideTransition(
  state: In<'running'>,
  beside: Beside,
  event: ServiceEvent,
  policy: ServicePolicy,
  id: number,
): ServiceStep | undefined {
  switch (event.kind) {
    case 'spawned': {
      const instance: Instance = { pid: event.pid, since: event.at };
      const readiness: Readiness = policy.ready ? probingOf(policy.ready, event.at) : { kind: 'surviving', until: event.at + besideMs };
      return to({ ...state, beside: { ...beside, instance, readiness } });
    }
    case 'spawnFailed':
      return besideFailed(state, `cannot be started: ${event.text} (stage: ${event.stage})`, event.at, []);
    case 'exited': {
      const how = event.end.kind === 'code' ? `exit code ${event.end.code}` : `signal ${event.end.signo}`;
      return besideFailed(state, `ended before it was ready: ${how}`, event.at, [sweepOf(beside.token)]);
    }
    default:
      return besideReadied(state, beside, event, policy, id);
  }
}

function besideReadied(
  state: In<'running'>,
  beside: Beside,
  event: ServiceEvent,
  policy: ServicePolicy,
  id: number,
): ServiceStep | undefined {
  const { readiness, instance } = beside;
  if (!instance) return undefined;
  if (readiness.kind === 'ready') return promote(state, beside, instance, 'at' in event ? event.at : instance.since, policy);
  if (readiness.kind === 'surviving') {
    if (event.kind !== 'timeElapsed' || event.at < readiness.until) return undefined;
    return promote(state, beside, instance, event.at, policy);
  }
  const asked = probingEventOf(event, beside.token);
  if (!asked || readiness.kind !== 'probing' || !policy.ready) return undefined;
  const step = probingTransition(readiness.probing, asked, policy.ready, id);
  if (!step) return undefined;
  if (step.verdict?.kind === 'yes') {
    // On a shared port the old one answers, too: then a yes proves nothing, and the new one has to live for a while all the same.
    const until = instance.since + (isShared(policy.ready) ? besideMs : 0);
    if (asked.at >= until) return promote(state, beside, instance, asked.at, policy);
    return to({ ...state, beside: { ...beside, readiness: { kind: 'surviving', until } } });
  }
  if (step.verdict) {
    return besideFailed(state, `was not ready in time: ${step.verdict.problem}`, asked.at, [stopping(beside.token, policy).stop]);
  }
  return to({ ...state, beside: { ...beside, readiness: { kind: 'probing', probing: step.probing } } }, asks(step.asks, policy, id));
}

const isShared = ({ check }: Probe): boolean => check.kind === 'http_get' || check.kind === 'tcp_socket';

function promote(state: In<'running'>, beside: Beside, { pid, since }: Instance, at: number, policy: ServicePolicy): ServiceStep {
  return to(
    { kind: 'running', token: beside.token, pid, attempt: 0, since, readiness: ready, beside: undefined },
    [stopping(state.token, policy).stop],
    [{ kind: 'took_over', pid, ms: Math.max(0, at - beside.orderedAt) }],
    [{ kind: 'instanceStarted', promoted: true, proven: true, at }],
  );
}

function besideFailed(state: In<'running'>, problem: string, at: number, commands: readonly ServiceCommand[]): ServiceStep {
  return to({ ...state, beside: undefined }, commands, [{ kind: 'beside_failed', problem }], [{ kind: 'besideFailed', problem, at }]);
}

/** The old one ends while the new one is coming up: that one is the application now, ready or not. */
function endedFirst(state: In<'running'>, { token, orderedAt, instance, readiness }: Beside, event: EventOf<'exited'>): ServiceStep {
  const note: Note = { kind: 'ended', end: event.end, ranMs: Math.max(0, event.at - state.since), ordered: false };
  const sweep = [sweepOf(state.token)];
  if (!instance) return to({ kind: 'starting', token, attempt: 0, reason: 'change', orderedAt }, sweep, [note]);
  const { pid, since } = instance;
  const left = readiness.kind === 'probing' ? readiness : ready;
  const facts: InstanceEvent[] = [{ kind: 'instanceStarted', promoted: true, proven: false, at: event.at }];
  return to({ kind: 'running', token, pid, attempt: 0, since, readiness: left, beside: undefined }, sweep, [note], facts);
}

function ended(state: Ending, event: EventOf<'exited'>, policy: ServicePolicy): ServiceStep {
  const ranMs = state.since === undefined ? undefined : Math.max(0, event.at - state.since);
  const note: Note = { kind: 'ended', end: event.end, ranMs, ordered: false };
  if (event.rescue) return sweep(state.token, state.attempt, 'failed_change', event.at, [note]);
  const code = containerCode(event.end, policy.exit_codes);
  if (policy.restart === 'no' || (policy.restart === 'on-failure' && code === 0)) return leave(code, [note]);
  const attempt = (ranMs ?? 0) >= policy.restart_reset ? 0 : state.attempt;
  if (givesUp(attempt, policy)) return leave(code, [note, { kind: 'gave_up', attempts: attempt }]);
  const delayMs = backOffMs(attempt, policy.restart_delay, policy.restart_max_delay);
  return sweep(state.token, attempt + 1, 'policy', event.at + delayMs, [
    note,
    { kind: 'restart_scheduled', delayMs, attempt: attempt + 1 },
  ]);
}

/** What the instance left behind goes first: `stop` of a token that has exited is that sweep (protocol.md). */
function sweep(token: number, attempt: number, reason: StartReason, next: number, notes: readonly Note[]): ServiceStep {
  return to({ kind: 'sweeping', token, attempt, reason, next }, [sweepOf(token)], notes);
}
const sweepOf = (token: number): ServiceCommand => ({ kind: 'stop', token, signo: sigterm, timeoutMs: 0 });

/** A command that cannot be started at the very first time will not be found later either; a later failure is the policy's. */
function startFailed(state: In<'starting'>, event: EventOf<'spawnFailed'>, policy: ServicePolicy): ServiceStep {
  const note: Note = { kind: 'start_failed', stage: event.stage, text: event.text, code: event.code };
  if (state.reason === 'start' || policy.restart === 'no') return leave(event.code, [note]);
  if (givesUp(state.attempt, policy)) return leave(event.code, [note, { kind: 'gave_up', attempts: state.attempt }]);
  const delayMs = backOffMs(state.attempt, policy.restart_delay, policy.restart_max_delay);
  const attempt = state.attempt + 1;
  return to(
    { kind: 'backoff', token: state.token, attempt, until: event.at + delayMs },
    [],
    [note, { kind: 'restart_scheduled', delayMs, attempt }],
  );
}

const givesUp = (attempt: number, policy: ServicePolicy): boolean => policy.restart_limit > 0 && attempt >= policy.restart_limit;
