/** A second instance beside the one that runs (`restart_order: start_first`): up, ready, and then the one that counts; or gone, at no cost. */
import type { Probe } from '../config/model.ts';
import type { Note, StartReason } from './notes.ts';
import { probingTransition } from './probing.ts';
import type { InstanceEvent } from './rule.ts';
import { asks, probingEventOf } from './service-ready.ts';
import type { Beside, Instance, Readiness, ServiceCommand, ServiceEvent, ServicePolicy, ServiceStep } from './service-state.ts';
import { type EventOf, type In, probingOf, readinessOf, ready, stopping, sweepOf, to } from './service-steps.ts';
import { endWords } from './wait-status.ts';

/** Without a probe, a new instance that has lived so long beside the old one takes over. */
const besideMs = 3_000;

export function startBeside(state: In<'running'>, reason: StartReason, at: number, token: number): ServiceStep {
  const beside: Beside = { token, reason, orderedAt: at, instance: undefined, readiness: ready };
  return to({ ...state, beside }, [{ kind: 'spawn', token }], [{ kind: 'starting_beside' }], [{ kind: 'instanceOrdered', beside: true }]);
}

/** The instance beside: up, ready, and then the one that counts; or gone, and the old one has never noticed. */
export function besideTransition(
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
    case 'exited':
      return besideFailed(state, `ended before it was ready: ${endWords(event.end)}`, event.at, [sweepOf(beside.token)]);
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
    { kind: 'running', token: beside.token, pid, attempt: 0, since, readiness: ready, beside: undefined, retiring: state.token },
    [stopping(state.token, policy).stop],
    [{ kind: 'took_over', pid, reason: beside.reason, ms: Math.max(0, at - beside.orderedAt) }],
    [{ kind: 'instanceStarted', promoted: true, proven: true, at }],
  );
}

function besideFailed(state: In<'running'>, problem: string, at: number, commands: readonly ServiceCommand[]): ServiceStep {
  return to({ ...state, beside: undefined }, commands, [{ kind: 'beside_failed', problem }], [{ kind: 'besideFailed', problem, at }]);
}

/** The old one ends while the new one is coming up: that one is the application now, ready or not. */
export function endedFirst(
  state: In<'running'>,
  { token, reason, orderedAt, instance, readiness }: Beside,
  event: EventOf<'exited'>,
  policy: ServicePolicy,
): ServiceStep {
  const note: Note = { kind: 'ended', end: event.end, ranMs: Math.max(0, event.at - state.since), ordered: false };
  const sweep = [sweepOf(state.token)];
  if (!instance) return to({ kind: 'starting', token, attempt: 0, reason, orderedAt }, sweep, [note]);
  const { pid, since } = instance;
  const started: Note = { kind: 'started', pid, reason, ms: Math.max(0, since - orderedAt) };
  // A yes that the old one may have given is asked for again: now there is only one to give it.
  const asked = readinessOf(policy.ready, event.at);
  const left = readiness.kind === 'probing' ? readiness : asked;
  const facts: InstanceEvent[] = [{ kind: 'instanceStarted', promoted: true, proven: false, at: event.at }];
  return to({ kind: 'running', token, pid, attempt: 0, since, readiness: left, beside: undefined }, sweep, [note, started], facts);
}
