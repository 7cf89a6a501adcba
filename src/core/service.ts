/**
 * The life of the application, as a pure machine. docs/protocol.md says what init answers to each command.
 *
 *   preparing → starting → running → (stopping | sweeping → backoff) → preparing …; running may hold a second instance `beside` (start_first).
 *   running → stopping → [backoff] → preparing … where it does not live, holds too much, or has run long enough (service-care.ts).
 *   preparing → seeking ⇄ attaching → running → preparing … where the application is another container's (service-attach.ts).
 *
 * What must never happen: two instances at once but for one beside (a spawn only after `gone`); a spawn or a restart once the container stops; an end of
 * the application that nobody acts upon; a start without what the application is to find (sockets, published files).
 */
import { backOffMs } from './back-off.ts';
import { exitCodes } from './exit-codes.ts';
import type { Note, StartReason } from './notes.ts';
import type { InstanceEvent } from './rule.ts';
import { attaching, runningAttached, seeking } from './service-attach.ts';
import { besideTransition, endedFirst, startBeside } from './service-beside.ts';
import { cared, troubled } from './service-care.ts';
import { readied } from './service-ready.ts';
import { type Beside, otherInstance, type ServiceEvent, type ServicePolicy, type ServiceState, type ServiceStep } from './service-state.ts';
import {
  type EventOf,
  ending,
  givesUp,
  type In,
  leave,
  listen,
  prepare,
  readinessOf,
  start,
  startOrWait,
  stopForRestart,
  stopping,
  sweepOf,
  swept,
  to,
} from './service-steps.ts';
import { containerCode } from './wait-status.ts';

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
  if ('token' in event && event.token === otherInstance(state)) return otherEnds(state, event);
  if ('token' in event && 'token' in state && event.token !== state.token) return undefined;
  const handler = handlers[state.kind] as Handler<ServiceState['kind']>;
  return handler(state, event, policy, id);
}

/** The container's code is the main one's; `exit` ends everything at once, so it waits for the other one. */
function lastBut(state: In<'ending'>, code: number, notes: readonly Note[] = []): ServiceStep {
  return state.other === undefined ? leave(code, notes) : to({ ...state, code }, [], notes);
}

function otherEnds(state: ServiceState, event: ServiceEvent): ServiceStep | undefined {
  if (event.kind !== 'exited' && event.kind !== 'spawnFailed' && event.kind !== 'gone') return undefined;
  if (state.kind === 'running') return to({ ...state, retiring: undefined });
  if (state.kind !== 'ending') return undefined;
  return state.code === undefined ? to({ ...state, other: undefined }) : leave(state.code);
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
        const readiness = readinessOf(policy.ready, event.at);
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
  seeking,
  attaching,
  running(state, event, policy, id) {
    if (policy.attach) return runningAttached(state, event, policy, id) ?? lookedAt(state, event, policy, id);
    switch (event.kind) {
      case 'exited':
        return state.beside ? endedFirst(state, state.beside, event, policy) : ended(state, event, policy);
      case 'stopping':
        return ending(state.token, event.signo, otherInstance(state));
      case 'restartWanted':
        if (state.beside) return undefined;
        return policy.restart_order === 'start_first'
          ? startBeside(state, event.reason ?? 'change', event.at, id)
          : restartFor(state, event, policy);
      case 'troubled':
        return troubled(state, event, policy, id);
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
        return startOrWait(state, state.sequel ?? { reason: 'change', attempt: 0, next: event.at }, event, policy, id);
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
      case 'gone':
        return startOrWait(state, state, event, policy, id);
      case 'restartWanted':
        return to({ ...state, reason: event.reason ?? 'change', next: event.at });
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
        return event.at >= state.until ? prepare(id, state.attempt, state.reason ?? 'policy', event.at, policy) : undefined;
      case 'restartWanted':
        return prepare(id, state.attempt, event.reason ?? 'change', event.at, policy);
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
        return lastBut(state, containerCode(event.end, policy.exit_codes), [
          { kind: 'ended', end: event.end, ranMs: undefined, ordered: true },
        ]);
      case 'spawnFailed':
        return lastBut(state, exitCodes.signalBase + state.signo);
      default:
        return undefined;
    }
  },
  ended: () => undefined,
};

function restartFor(state: In<'running'>, { reason, at }: EventOf<'restartWanted'>, policy: ServicePolicy): ServiceStep {
  return stopForRestart(state, at, policy, reason && { reason, attempt: 0, next: at });
}

/** What an end needs to know of the instance that ended. `since` is undefined where `spawned` was never seen. */
type Ending = { readonly token: number; readonly attempt: number; readonly since: number | undefined };

function listening(state: In<'preparing'>, event: EventOf<'listening'>, policy: ServicePolicy): ServiceStep | undefined {
  if (state.step.kind !== 'sockets' || state.step.index !== event.index) return undefined;
  const name = policy.sockets[event.index]?.name ?? '';
  if (event.failure) return leave(exitCodes.system, [{ kind: 'socket_failed', name, ...event.failure }]);
  const index = event.index + 1;
  if (index < policy.sockets.length) return to({ ...state, step: { kind: 'sockets', index } }, [listen(index)]);
  return policy.owned ? to({ ...state, step: { kind: 'deciding' } }) : start(state, event.at, policy);
}

function prepared(state: In<'preparing'>, { problem, at }: EventOf<'prepared'>, policy: ServicePolicy): ServiceStep {
  if (problem === undefined) return start(state, at, policy);
  if (state.reason === 'start') return leave(exitCodes.nothingAccepted, [{ kind: 'not_published', problem, retryMs: undefined }]);
  const retryMs = backOffMs(state.attempt, Math.max(1_000, policy.restart_delay), Math.max(1_000, policy.restart_max_delay));
  const { token, attempt } = state;
  return to({ kind: 'backoff', token, attempt: attempt + 1, until: at + retryMs }, [], [{ kind: 'not_published', problem, retryMs }]);
}

function stopToLeave(state: In<'running'>, { code, at }: EventOf<'leaveWanted'>, policy: ServicePolicy): ServiceStep {
  const beside = state.beside ? [stopping(state.beside.token, policy).stop] : [];
  return to({ kind: 'stopping', token: state.token, since: at, leaveWith: code }, [stopping(state.token, policy).stop, ...beside]);
}

/** Is it ready? Is it well? And the one beside? */
function lookedAt(state: In<'running'>, event: ServiceEvent, policy: ServicePolicy, id: number): ServiceStep | undefined {
  const asked = readied(state, event, policy, id) ?? cared(state, event, policy, id);
  return asked ?? (state.beside ? besideTransition(state, state.beside, event, policy, id) : undefined);
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

/** A command that cannot be started at the very first time will not be found later either; a later failure is the policy's. */
function startFailed(state: In<'starting'>, event: EventOf<'spawnFailed'>, policy: ServicePolicy): ServiceStep {
  const note: Note = { kind: 'start_failed', stage: event.stage, text: event.text, code: event.code };
  if (event.rescue) return to({ kind: 'backoff', token: state.token, attempt: 0, until: event.at }, [], [note]);
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
