/** The time to stop, against the engine's, which nobody inside of the container can see. */
import type { ServiceConfig } from '../../config/model.ts';
import { formatDuration } from '../../core/durations.ts';
import { type Finding, ok, warn } from '../finding.ts';

/** Unless it is told otherwise, so long an engine waits before it kills. */
const graces = {
  kubernetes: { ms: 30_000, engine: 'Kubernetes', setting: (seconds: number) => `terminationGracePeriodSeconds: ${seconds} in the pod` },
  docker: {
    ms: 10_000,
    engine: 'Docker',
    setting: (seconds: number) => `docker run --stop-timeout ${seconds}, or stop_grace_period: ${seconds}s in compose`,
  },
} as const;

/** For KILL to come from reinit, and the last lines to be written. */
const spareMs = 2_000;

export function stopFindings({ attach, stop_timeout: timeout }: ServiceConfig, kubernetes: boolean): Finding[] {
  if (attach !== undefined) return [];
  const { ms, engine, setting } = graces[kubernetes ? 'kubernetes' : 'docker'];
  const assumed = `${engine} waits ${formatDuration(ms)} unless it is told otherwise, which cannot be seen from here`;
  if (timeout === undefined)
    return [ok('stop.timeout', `no stop_timeout: on a stop of the container the engine's grace rules (${assumed})`)];
  if (timeout + spareMs <= ms)
    return [ok('stop.timeout', `stop_timeout ${formatDuration(timeout)} is within the engine's grace (${assumed})`)];
  return [
    warn('stop.timeout', `stop_timeout is ${formatDuration(timeout)}, and the engine may kill the container before`, {
      detail: `${assumed}; a preStop hook takes its share of that.`,
      remedy: `Give it ${Math.ceil((timeout + spareMs) / 1000)} s or more: ${setting(Math.ceil((timeout + spareMs) / 1000))}. If that is so already, this is as it should be.`,
    }),
  ];
}
