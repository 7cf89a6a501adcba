/** The steps that several states of the application's life share. */
import type { Attach, Probe } from '../config/model.ts';
import type { Note, StartReason } from './notes.ts';
import { startProbing } from './probing.ts';
import type { InstanceEvent } from './rule.ts';
import type { Readiness, ServiceCommand, ServiceEvent, ServicePolicy, ServiceState, ServiceStep } from './service-state.ts';
import { sigterm } from './signals.ts';

/** DESIGN 2: on a restart there is a limit always, since nobody else would end an application that does not. */
const restartStopMs = 30_000;

export type In<K extends ServiceState['kind']> = Extract<ServiceState, { kind: K }>;

export type EventOf<K extends ServiceEvent['kind']> = Extract<ServiceEvent, { kind: K }>;

export const ready: Readiness = { kind: 'ready' };

export const probingOf = (probe: Probe, at: number): Readiness => ({ kind: 'probing', probing: startProbing(probe, at) });

/** Of an instance that runs: it is asked, where there is something to ask. */
export const readinessOf = (probe: Probe | undefined, at: number): Readiness => (probe ? probingOf(probe, at) : ready);

export const to = (
  state: ServiceState,
  commands: readonly ServiceCommand[] = [],
  notes: readonly Note[] = [],
  facts: readonly InstanceEvent[] = [],
): ServiceStep => ({ state, commands, notes, facts });

export const ending = (token: number, signo: number, other?: number): ServiceStep =>
  to({ kind: 'ending', token, signo, ...(other !== undefined && { other }) }, [], [{ kind: 'container_stop', signo }]);

export const leave = (code: number, notes: readonly Note[] = []): ServiceStep =>
  to({ kind: 'ended', code }, [{ kind: 'exit', code }], [...notes, { kind: 'leaving', code }]);

export const swept = (killed: number): Note[] => (killed > 0 ? [{ kind: 'swept', killed }] : []);

/** Before each start: the sockets that it gets (held over all starts), and what it is to find. */
export function prepare(
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
  return start(base, at, policy, notes);
}

/** Nothing of the instance is left. */
export function startOrWait(
  { token }: In<'stopping' | 'sweeping'>,
  { reason, attempt, next }: NonNullable<In<'stopping'>['sequel']>,
  { killed, at }: EventOf<'gone'>,
  policy: ServicePolicy,
  id: number,
): ServiceStep {
  if (at >= next) return prepare(id, attempt, reason, at, policy, swept(killed));
  return to({ kind: 'backoff', token, attempt, until: next, ...(reason !== 'policy' && { reason }) }, [], swept(killed));
}

/** Sockets are asked for one after another, under their place in the list as id. */
export const listen = (index: number): ServiceCommand => ({ kind: 'listen', index });

export function start(
  { token, attempt, reason }: Omit<In<'preparing'>, 'step'>,
  at: number,
  policy: ServicePolicy,
  notes: readonly Note[] = [],
): ServiceStep {
  if (policy.attach) return attach(token, at, policy, notes);
  const state: ServiceState = { kind: 'starting', token, attempt, reason, orderedAt: at };
  return to(state, [{ kind: 'spawn', token }], notes, [{ kind: 'instanceOrdered', beside: false }]);
}

const hasTarget = ({ match, name, pid_file }: Attach): boolean => (match ?? name ?? pid_file) !== undefined;

/** Nothing is started: a process is looked for, at once; or, where none has to be known, the application is taken for one that runs. */
function attach(token: number, at: number, { attach: target, ready: probe }: ServicePolicy, notes: readonly Note[]): ServiceStep {
  if (target && hasTarget(target))
    return to({ kind: 'seeking', token, since: at, step: { kind: 'waiting', at }, told: undefined }, [], notes);
  const readiness = readinessOf(probe, at);
  const running = { kind: 'running', token, pid: 0, attempt: 0, since: at, readiness, beside: undefined } as const;
  return to(running, [], notes, [{ kind: 'instanceFound', since: undefined, published: at, at }]);
}

export function stopping(token: number, policy: ServicePolicy) {
  const signo = policy.stop_signal || sigterm;
  const timeoutMs = policy.stop_timeout ?? restartStopMs;
  return { signo, timeoutMs, stop: { kind: 'stop', token, signo, timeoutMs } as const };
}

/** The next one starts when nothing of this one is left. */
export function stopForRestart(state: In<'running'>, at: number, policy: ServicePolicy, sequel?: In<'stopping'>['sequel']): ServiceStep {
  const { stop, signo, timeoutMs } = stopping(state.token, policy);
  const note: Note = { kind: 'restarting', signo, timeoutMs };
  return to({ kind: 'stopping', token: state.token, since: at, leaveWith: undefined, ...(sequel && { sequel }) }, [stop], [note]);
}

export const givesUp = (attempt: number, { restart_limit }: ServicePolicy): boolean => restart_limit > 0 && attempt >= restart_limit;

export const sweepOf = (token: number): ServiceCommand => ({ kind: 'stop', token, signo: sigterm, timeoutMs: 0 });
