/**
 * What follows where an application that runs does not live, holds too much memory, or has run long enough: it is told to end, and the next one is
 * started; or the container ends.
 *
 * What must never happen: a tight loop of restarts (one that comes right after the start waits longer each time, and counts for `restart_limit`; how
 * long it was well counts, not how long it ran); a restart for memory or age while a change is being applied, or while two instances run.
 */
import { backOffMs } from './back-off.ts';
import { careFor, careTransition, deadOf, heavyOf, type Trouble } from './care.ts';
import { exitCodes } from './exit-codes.ts';
import type { Note, StartReason } from './notes.ts';
import { problemSoFar } from './probing.ts';
import { startBeside } from './service-beside.ts';
import { probingEventOf } from './service-ready.ts';
import { otherInstance, type ServiceEvent, type ServicePolicy, type ServiceState, type ServiceStep } from './service-state.ts';
import { type EventOf, givesUp, type In, stopForRestart, stopping, to } from './service-steps.ts';

/** What is asked follows from the state and the configuration, whichever way it came to them. */
export function attended(service: ServiceState, at: number, policy: ServicePolicy): ServiceState {
  if (service.kind !== 'running') return service;
  const { care: former, ...running } = service;
  const care = service.readiness.kind === 'probing' ? undefined : careFor(former, service.since, at, policy);
  return care ? { ...running, care } : running;
}

export function cared(state: In<'running'>, event: ServiceEvent, policy: ServicePolicy, id: number): ServiceStep | undefined {
  const asked = event.kind === 'weighed' ? event : probingEventOf(event, state.token);
  const step = asked && state.care && careTransition(state.care, asked, policy, isPaused(state), id);
  if (!step) return undefined;
  const { asks, care, notes } = step;
  const exec = asks !== undefined && policy[asks]?.check.kind === 'exec';
  return to({ ...state, care }, exec ? [{ kind: 'probe', of: asks, token: id }] : [], notes);
}

const isPaused = ({ beside }: In<'running'>): boolean => beside !== undefined;

/** What has to be done about it now. `busy`: a change is being applied. */
export function troubleOf(service: ServiceState, at: number, policy: ServicePolicy, busy: boolean): Trouble | undefined {
  if (service.kind !== 'running' || !service.care || isPaused(service)) return undefined;
  const dead = deadOf(service.care, policy);
  if (dead || busy || otherInstance(service) !== undefined) return dead;
  return heavyOf(service.care) ?? (at >= (service.care.renewAt ?? Number.POSITIVE_INFINITY) ? { kind: 'old' } : undefined);
}

/** When it will have run long enough. Of no account while a change is being applied. */
export const renewalDeadline = (service: ServiceState): number | undefined =>
  service.kind === 'running' && otherInstance(service) === undefined ? service.care?.renewAt : undefined;

export function troubled(state: In<'running'>, event: EventOf<'troubled'>, policy: ServicePolicy, id: number): ServiceStep {
  const { trouble } = event;
  switch (trouble.kind) {
    case 'dead':
      return dead(state, trouble.problem, event, policy);
    case 'heavy': {
      const ranMs = Math.max(0, event.at - state.since);
      const wellUntil = state.care?.weighing?.over?.since ?? event.at;
      return again(state, 'memory', wellUntil, event.at, policy, (sequel) => ({ kind: 'over_memory', ...trouble.weight, ranMs, sequel }));
    }
    case 'old':
      return renew(state, event.at, policy, id);
    default:
      return trouble satisfies never;
  }
}

function dead(state: In<'running'>, problem: string, { rescue, at }: EventOf<'troubled'>, policy: ServicePolicy): ServiceStep {
  const silentMs = Math.max(0, at - (state.care?.aliveAt ?? at));
  const note = (sequel: Extract<Note, { kind: 'not_alive' }>['sequel']): Note => ({ kind: 'not_alive', problem, silentMs, sequel });
  if (rescue) return stopThen(state, { reason: 'failed_change', attempt: state.attempt, next: at }, at, policy, [note('rescue')]);
  if (policy.restart === 'no') return stopThen(state, undefined, at, policy, [note('leave')]);
  return again(state, 'liveness', state.care?.aliveAt ?? at, at, policy, note);
}

/** One by policy: paced, counted, and given up where that is so. */
function again(
  state: In<'running'>,
  reason: StartReason,
  wellUntil: number,
  at: number,
  policy: ServicePolicy,
  note: (sequel: 'restart' | 'give_up') => Note,
): ServiceStep {
  const attempt = wellUntil - state.since >= policy.restart_reset ? 0 : state.attempt;
  if (givesUp(attempt, policy)) return stopThen(state, undefined, at, policy, [note('give_up'), { kind: 'gave_up', attempts: attempt }]);
  const delayMs = backOffMs(attempt, policy.restart_delay, policy.restart_max_delay);
  const scheduled: Note = { kind: 'restart_scheduled', delayMs, attempt: attempt + 1 };
  return stopThen(state, { reason, attempt: attempt + 1, next: at + delayMs }, at, policy, [note('restart'), scheduled]);
}

/** @param sequel undefined: the container ends */
function stopThen(
  state: In<'running'>,
  sequel: In<'stopping'>['sequel'],
  at: number,
  policy: ServicePolicy,
  notes: readonly Note[],
): ServiceStep {
  if (!sequel) {
    const leaving: ServiceState = { kind: 'stopping', token: state.token, since: at, leaveWith: exitCodes.unwell };
    return to(leaving, [stopping(state.token, policy).stop], notes);
  }
  const step = stopForRestart(state, at, policy, sequel);
  return { ...step, notes: [...notes, ...step.notes] };
}

/** As for a change, without one. */
function renew(state: In<'running'>, at: number, policy: ServicePolicy, id: number): ServiceStep {
  const note: Note = { kind: 'renewing', ranMs: Math.max(0, at - state.since) };
  if (policy.restart_order !== 'start_first') return stopThen(state, { reason: 'uptime', attempt: 0, next: at }, at, policy, [note]);
  const step = startBeside(state.care ? { ...state, care: { ...state.care, renewedAt: at } } : state, 'uptime', at, id);
  return { ...step, notes: [note, ...step.notes] };
}

/** Whether it serves, as far as anybody knows: for status, `/readyz` and metrics. `since`: from when on that is so. */
export interface Served {
  readonly serves: boolean;
  readonly since: number | undefined;
  readonly problem: string | undefined;
}

export function servedOf(service: ServiceState): Served {
  if (service.kind !== 'running') return { serves: false, since: undefined, problem: 'it does not run' };
  const { readiness, care, since } = service;
  if (readiness.kind === 'probing') return { serves: false, since, problem: problemSoFar(readiness.probing) };
  if (care?.serving) return care.serving;
  if (readiness.kind === 'unready') return { serves: false, since, problem: 'it was not ready in time (ready)' };
  return { serves: true, since, problem: undefined };
}
