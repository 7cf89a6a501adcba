/**
 * The life of the application, as a pure machine. docs/protocol.md says what init answers to each command.
 *
 * What must never happen: two instances at once (a spawn only after `gone`); a spawn or a restart once the container stops; an end of the
 * application that nobody acts upon.
 */
import type { ServiceConfig } from '../config/model.ts';
import { backOffMs } from './back-off.ts';
import { exitCodes } from './exit-codes.ts';
import type { Note, StartReason } from './notes.ts';
import { sigterm } from './signals.ts';
import { containerCode, type End } from './wait-status.ts';

/** Times are CLOCK_BOOTTIME in ms; `attempt` counts the restarts by policy in a row. */
export type ServiceState =
  /** The spawn is ordered and not answered yet. */
  | {
      readonly kind: 'starting';
      readonly token: number;
      readonly attempt: number;
      readonly reason: StartReason;
      readonly orderedAt: number;
    }
  | { readonly kind: 'running'; readonly token: number; readonly pid: number; readonly attempt: number; readonly since: number }
  /** A restart: the application was told to end; the next instance starts when nothing of this one is left. */
  | { readonly kind: 'stopping'; readonly token: number; readonly since: number }
  /** The application ended by itself; what it left behind is being swept; the next instance may start at `next`. */
  | { readonly kind: 'sweeping'; readonly token: number; readonly attempt: number; readonly reason: StartReason; readonly next: number }
  | { readonly kind: 'backoff'; readonly token: number; readonly attempt: number; readonly until: number }
  /** The container stops: init has passed it on, and nothing but the end counts. */
  | { readonly kind: 'ending'; readonly token: number; readonly signo: number }
  | { readonly kind: 'ended'; readonly code: number };

export type ServiceEvent =
  | { readonly kind: 'spawned'; readonly token: number; readonly pid: number; readonly at: number }
  | {
      readonly kind: 'spawnFailed';
      readonly token: number;
      readonly stage: string;
      readonly text: string;
      readonly code: number;
      readonly at: number;
    }
  /** `rescue`: the end came right after a reload signal, so the application is started again, whatever the policy says. */
  | { readonly kind: 'exited'; readonly token: number; readonly end: End; readonly rescue: boolean; readonly at: number }
  | { readonly kind: 'gone'; readonly token: number; readonly killed: number; readonly at: number }
  | { readonly kind: 'stopping'; readonly signo: number }
  | { readonly kind: 'restartWanted'; readonly at: number }
  | { readonly kind: 'timeElapsed'; readonly at: number };

export type ServiceCommand =
  | { readonly kind: 'spawn'; readonly token: number }
  | { readonly kind: 'stop'; readonly token: number; readonly signo: number; readonly timeoutMs: number }
  | { readonly kind: 'exit'; readonly code: number };

export interface ServiceStep {
  readonly state: ServiceState;
  readonly commands: readonly ServiceCommand[];
  readonly notes: readonly Note[];
}

export type ServicePolicy = Pick<
  ServiceConfig,
  'stop_signal' | 'stop_timeout' | 'exit_codes' | 'restart' | 'restart_delay' | 'restart_max_delay' | 'restart_limit' | 'restart_reset'
>;

/** DESIGN 2: on a restart there is a limit always, since nobody else would end an application that does not. */
const restartStopMs = 30_000;

type In<K extends ServiceState['kind']> = Extract<ServiceState, { kind: K }>;
type Handler<K extends ServiceState['kind']> = (
  state: In<K>,
  event: ServiceEvent,
  policy: ServicePolicy,
  token: number,
) => ServiceStep | undefined;

/**
 * Pure. Undefined: the event means nothing in this state (a late timer, another token).
 *
 * @param token one that was never used, for a spawn
 */
export function serviceTransition(state: ServiceState, event: ServiceEvent, policy: ServicePolicy, token: number): ServiceStep | undefined {
  if ('token' in event && 'token' in state && event.token !== state.token) return undefined;
  const handler = handlers[state.kind] as Handler<ServiceState['kind']>;
  return handler(state, event, policy, token);
}

/** The first step of a first controller. */
export function firstStart(token: number, at: number): ServiceStep {
  return start(token, 0, 'start', at);
}

const handlers: { readonly [K in ServiceState['kind']]: Handler<K> } = {
  starting(state, event, policy) {
    switch (event.kind) {
      case 'spawned': {
        const note: Note = { kind: 'started', pid: event.pid, reason: state.reason, ms: Math.max(0, event.at - state.orderedAt) };
        return to({ kind: 'running', token: state.token, pid: event.pid, attempt: state.attempt, since: event.at }, [], [note]);
      }
      case 'spawnFailed':
        return startFailed(state, event, policy);
      case 'exited':
        return ended({ ...state, since: undefined }, event, policy);
      case 'stopping':
        return ending(state.token, event.signo);
      default:
        return undefined;
    }
  },
  running(state, event, policy) {
    switch (event.kind) {
      case 'exited':
        return ended(state, event, policy);
      case 'stopping':
        return ending(state.token, event.signo);
      case 'restartWanted':
        return stopForRestart(state, event.at, policy);
      default:
        return undefined;
    }
  },
  stopping(state, event, _, token) {
    switch (event.kind) {
      case 'exited':
        return to(state, [], [{ kind: 'ended', end: event.end, ranMs: undefined, ordered: true }]);
      case 'gone':
        return start(token, 0, 'change', event.at, swept(event.killed));
      case 'stopping':
        return ending(state.token, event.signo);
      default:
        return undefined;
    }
  },
  sweeping(state, event, _, token) {
    switch (event.kind) {
      case 'gone': {
        if (event.at >= state.next) return start(token, state.attempt, state.reason, event.at, swept(event.killed));
        return to({ kind: 'backoff', token: state.token, attempt: state.attempt, until: state.next }, [], swept(event.killed));
      }
      case 'restartWanted':
        return to({ ...state, reason: 'change', next: event.at });
      case 'stopping':
        return ending(state.token, event.signo);
      default:
        return undefined;
    }
  },
  backoff(state, event, _, token) {
    switch (event.kind) {
      case 'timeElapsed':
        return event.at >= state.until ? start(token, state.attempt, 'policy', event.at) : undefined;
      case 'restartWanted':
        return start(token, state.attempt, 'change', event.at);
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

const to = (state: ServiceState, commands: readonly ServiceCommand[] = [], notes: readonly Note[] = []): ServiceStep => ({
  state,
  commands,
  notes,
});
const ending = (token: number, signo: number): ServiceStep => to({ kind: 'ending', token, signo }, [], [{ kind: 'container_stop', signo }]);
const leave = (code: number, notes: readonly Note[] = []): ServiceStep =>
  to({ kind: 'ended', code }, [{ kind: 'exit', code }], [...notes, { kind: 'leaving', code }]);
const swept = (killed: number): Note[] => (killed > 0 ? [{ kind: 'swept', killed }] : []);

function start(token: number, attempt: number, reason: StartReason, at: number, notes: readonly Note[] = []): ServiceStep {
  return to({ kind: 'starting', token, attempt, reason, orderedAt: at }, [{ kind: 'spawn', token }], notes);
}

function stopForRestart(state: In<'running'>, at: number, policy: ServicePolicy): ServiceStep {
  const signo = policy.stop_signal || sigterm;
  const timeoutMs = policy.stop_timeout ?? restartStopMs;
  return to(
    { kind: 'stopping', token: state.token, since: at },
    [{ kind: 'stop', token: state.token, signo, timeoutMs }],
    [{ kind: 'restarting', signo, timeoutMs }],
  );
}

function ended(state: Ending, event: EventOf<'exited'>, policy: ServicePolicy): ServiceStep {
  const ranMs = state.since === undefined ? undefined : Math.max(0, event.at - state.since);
  const note: Note = { kind: 'ended', end: event.end, ranMs, ordered: false };
  if (event.rescue) return sweep(state.token, state.attempt, 'failed_reload', event.at, [note]);
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
  return to({ kind: 'sweeping', token, attempt, reason, next }, [{ kind: 'stop', token, signo: sigterm, timeoutMs: 0 }], notes);
}

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
