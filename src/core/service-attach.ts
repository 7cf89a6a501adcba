/**
 * The application is another container's (`attach`): it is looked for, init takes hold of it, and from there it is `running` like one of our own. Its
 * end leads back to looking. It is never started, stopped or restarted here.
 *
 *   seeking ⇄ attaching → running → seeking …
 *
 * What must never happen: a guess between several; a process taken for the one that was found when it is a later one with its number (init compares the
 * start time); a wait of which nobody knows.
 */
import { exitCodes } from './exit-codes.ts';
import type { Note } from './notes.ts';
import type { ServiceEvent, ServicePolicy, ServiceStep, Told } from './service-state.ts';
import { type EventOf, type In, leave, prepare, readinessOf, to } from './service-steps.ts';
import type { Sight } from './sight.ts';

const lookMs = 1_000;
const remindMs = 300_000;

export function seeking(state: In<'seeking'>, event: ServiceEvent, _: ServicePolicy, id: number): ServiceStep | undefined {
  switch (event.kind) {
    case 'timeElapsed':
      if (state.step.kind !== 'waiting' || event.at < state.step.at) return undefined;
      return to({ ...state, step: { kind: 'looking', job: id } });
    case 'sought':
      return state.step.kind === 'looking' && state.step.job === event.id ? seen(state, event, id) : undefined;
    default:
      return left(event);
  }
}

export function attaching(state: In<'attaching'>, event: ServiceEvent, policy: ServicePolicy): ServiceStep | undefined {
  switch (event.kind) {
    case 'spawned':
      return attached(state, event, policy);
    case 'spawnFailed':
      return again(state, { kind: 'attach_failed', pid: state.found.pid, text: event.text }, event.at);
    default:
      return left(event);
  }
}

export function runningAttached(state: In<'running'>, event: ServiceEvent, policy: ServicePolicy, id: number): ServiceStep | undefined {
  if (event.kind !== 'lost') return left(event);
  const note: Note = { kind: 'target_ended', pid: state.pid, ranMs: Math.max(0, event.at - state.since) };
  return prepare(id, 0, 'change', event.at, policy, [note]);
}

/** Nobody else depends on us: there is nothing to stop first. */
function left(event: ServiceEvent): ServiceStep | undefined {
  if (event.kind === 'stopping') return leave(exitCodes.ok);
  return event.kind === 'leaveWanted' ? leave(event.code) : undefined;
}

function seen(state: In<'seeking'>, { sight, at }: EventOf<'sought'>, token: number): ServiceStep {
  switch (sight.kind) {
    case 'one': {
      const { since, told } = state;
      const { pid, startTicks } = sight.found;
      return to({ kind: 'attaching', token, since, found: sight.found, told }, [{ kind: 'attach', token, pid, startTicks }]);
    }
    case 'alone':
      return leave(exitCodes.usage, [{ kind: 'target_alone' }]);
    default:
      return again(state, awaited(sight, Math.max(0, at - state.since)), at);
  }
}

function awaited(sight: Extract<Sight, { kind: 'none' | 'several' }>, waitedMs: number): Note {
  if (sight.kind === 'several') return { kind: 'target_ambiguous', processes: sight.processes };
  return { kind: 'target_awaited', problem: sight.problem, waitedMs };
}

/** Told once, and again where it is something else, or was long ago. */
function again({ token, since, told }: In<'seeking' | 'attaching'>, note: Note, at: number): ServiceStep {
  const words = JSON.stringify({ ...note, waitedMs: undefined });
  const old = told !== undefined && told.words === words && at < told.at + remindMs;
  const step = { kind: 'waiting', at: at + lookMs } as const;
  return to({ kind: 'seeking', token, since, step, told: old ? told : ({ words, at } satisfies Told) }, [], old ? [] : [note]);
}

function attached(
  { token, since: published, found }: In<'attaching'>,
  { pid, at }: EventOf<'spawned'>,
  policy: ServicePolicy,
): ServiceStep {
  const { startedAt: since, permitted } = found;
  const notes: Note[] = [{ kind: 'attached', pid, ageMs: Math.max(0, at - since) }];
  if (!permitted && policy.reloads) notes.push({ kind: 'target_not_permitted', pid });
  return to({ kind: 'running', token, pid, attempt: 0, since, readiness: readinessOf(policy.ready, at), beside: undefined }, [], notes, [
    { kind: 'instanceFound', since, published, at },
  ]);
}
