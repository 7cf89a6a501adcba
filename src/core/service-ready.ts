import { type ProbingEvent, probingTransition } from './probing.ts';
import type { ServiceCommand, ServiceEvent, ServicePolicy, ServiceStep } from './service-state.ts';
import { type In, ready, to } from './service-steps.ts';

export function readied(state: In<'running'>, event: ServiceEvent, policy: ServicePolicy, id: number): ServiceStep | undefined {
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

export const asks = (now: boolean, { ready: probe }: ServicePolicy, id: number): ServiceCommand[] =>
  now && probe?.check.kind === 'exec' ? [{ kind: 'probe', of: 'ready', token: id }] : [];

export function probingEventOf(event: ServiceEvent, token: number): (ProbingEvent & { readonly at: number }) | undefined {
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
