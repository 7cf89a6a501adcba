/** What the controller has to do for the state: it follows from the state alone, so that a new controller begins it again. Pure. */
import type { Config, Probe } from '../config/model.ts';
import type { Job } from './jobs.ts';
import { isOwned, policiesOf } from './policy.ts';
import type { Probing } from './probing.ts';
import type { Instance, Readiness, ServiceState } from './service-state.ts';
import type { State } from './state.ts';

/** Readings that are waited for. */
export function pendingReads({ rules, apply }: Pick<State, 'rules' | 'apply'>): { readonly rule: string; readonly id: number }[] {
  const own = Object.entries(rules).flatMap(([rule, { phase }]) => ('read' in phase ? [{ rule, id: phase.read }] : []));
  return apply.kind === 'rechecking' ? [...own, ...apply.left.map((rule) => ({ rule, id: apply.read }))] : own;
}

export function pendingJobs(state: State, config: Config): Job[] {
  return [...rulesJobs(state), ...serviceJobs(state, config), ...applyJobs(state, config), ...ownJobs(state)];
}

const ownJobs = ({ own }: State): Job[] => (own?.checking === undefined ? [] : [{ kind: 'check', id: own.checking }]);

function rulesJobs({ rules }: State): Job[] {
  return Object.entries(rules).flatMap(([rule, { phase }]): Job[] =>
    phase.kind === 'staging' ? [{ kind: 'stage', id: phase.job, rule, hash: phase.candidate.reading.hash }] : [],
  );
}

function serviceJobs(state: State, config: Config): Job[] {
  const { service } = state;
  if (service.kind === 'preparing') return service.step.kind === 'publishing' ? [publishJob(state, config, service.step.job)] : [];
  if (service.kind === 'seeking') return service.step.kind === 'looking' ? [{ kind: 'seek', id: service.step.job }] : [];
  if (service.kind !== 'running') return [];
  return [...readyJobs(service, config), ...careJobs(service, config)];
}

type Running = Extract<ServiceState, { kind: 'running' }>;

function readyJobs(service: Running, config: Config): Job[] {
  const { ready } = config.services.main;
  if (!ready) return [];
  const asked: readonly (readonly [Readiness, Instance | undefined])[] = [
    [service.readiness, service],
    ...(service.beside ? ([[service.beside.readiness, service.beside.instance]] as const) : []),
  ];
  return asked.flatMap(([readiness, instance]) =>
    readiness.kind === 'probing' && instance ? probeJob(readiness.probing, ready, instance.pid, instance.since) : [],
  );
}

/** Only of the one that counts. */
function careJobs({ care, pid, since }: Running, config: Config): Job[] {
  if (!care) return [];
  const { liveness, readiness, memory_limit: limit } = config.services.main;
  const { step } = care.weighing ?? {};
  return [
    ...(care.liveness && liveness ? probeJob(care.liveness, liveness, pid, since) : []),
    ...(care.serving && readiness ? probeJob(care.serving.probing, readiness, pid, since) : []),
    ...(step?.kind === 'asking' && limit ? [{ kind: 'weigh', id: step.id, pid, limit } as const] : []),
  ];
}

function applyJobs(state: State, config: Config): Job[] {
  const { apply, service, lastSignalAt } = state;
  switch (apply.kind) {
    case 'gauging':
      if (service.kind !== 'running') return [];
      return [{ kind: 'count', id: apply.job, pid: service.pid, since: Math.max(service.since, lastSignalAt) }];
    case 'publishing':
      return [publishJob(state, config, apply.job)];
    case 'calling':
      return [{ kind: 'call', id: apply.job, rule: apply.batch.leader }];
    case 'confirming': {
      const probe = policiesOf(config.services.main).find(({ name }) => name === apply.batch.leader)?.confirm_by;
      return probe && apply.probing && service.kind === 'running' ? probeJob(apply.probing, probe, service.pid, apply.from) : [];
    }
    default:
      return [];
  }
}

/** Everything that the application is to find: what is there already costs a look. */
function publishJob({ rules }: State, config: Config, id: number): Job {
  const hashes = policiesOf(config.services.main).flatMap((policy): [string, string][] => {
    const published = rules[policy.name]?.published;
    return isOwned(policy) && published ? [[policy.name, published.hash]] : [];
  });
  return { kind: 'publish', id, hashes: Object.fromEntries(hashes) };
}

/** Commands are run by init, and what the application says itself needs no question. */
function probeJob(probing: Probing, { check, timeout }: Probe, pid: number, since: number): Job[] {
  if (probing.kind !== 'asking' || check.kind === 'exec' || check.kind === 'notify') return [];
  return [{ kind: 'probe', id: probing.id, check, timeoutMs: timeout, pid, since }];
}
