/**
 * Metrics for Prometheus. What is counted is kept here, from this controller's begin on, as a restarted program's counters are; what is so is told
 * anew at each scrape.
 */
import { Histogram } from 'prom-client';
import type { Controller } from '../control/control.ts';
import { historyOf } from '../control/history.ts';
import { reportOf } from '../control/report.ts';
import { policiesOf } from '../core/policy.ts';
import type { Entry } from '../journal/journal.ts';
import type { Counted } from '../link/messages.ts';
import { counters, countOf, countsAtRest } from './counts.ts';
import { type Exposition, expose, type Form, type Point } from './exposition.ts';
import { gauges, samplesOf } from './gauges.ts';
import { createStopwatch } from './stopwatch.ts';
import { createTally } from './tally.ts';
import type { Usage, Used } from './usage.ts';

export interface Metrics {
  scrape(form: Form): Promise<Exposition>;
}

/** From a signal that is taken at once to a restart that drains; settling and waiting for others are in it. */
const reloadBuckets = [0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300];
const validationBuckets = [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];

export function createMetrics(controller: Controller, usage: Usage): Metrics {
  const { config, journal, reinit } = controller;
  const rules = policiesOf(config.services.main);
  const policyOf = (name: string) => rules.find((rule) => rule.name === name);
  const tally = createTally(countsAtRest(rules));
  const reloads = durations(
    'reinit_reload_duration_seconds',
    'From a change that is seen to the application that runs with it.',
    reloadBuckets,
  );
  const validations = durations('reinit_validation_duration_seconds', 'How long the validators of a change take.', validationBuckets);

  function count(entry: Entry): void {
    const { event, rule, ms } = entry;
    const one = countOf(entry, policyOf);
    if (one) tally.add(one);
    if (event === 'applied' && rule !== undefined && typeof ms === 'number') reloads.observe({ rule }, ms / 1000);
  }
  // What a former controller has said is in the journal, too.
  for (const entry of journal.entries) if (entry.time >= reinit.since) count(entry);
  journal.subscribe(count);
  const stopwatch = createStopwatch((rule, ms) => validations.observe({ rule }, ms / 1000));
  controller.onStep(() => stopwatch(controller.state(), controller.now()));

  return {
    async scrape(form) {
      const [used, init] = await Promise.all([usage(), controller.count()]);
      const generations = historyOf(journal.entries);
      const now = samplesOf(reportOf(controller, Date.now(), generations), generations);
      const points: readonly Point[] = [
        ...now.map((sample): Point => ({ kind: 'gauge', help: gauges[sample.name], ...sample })),
        ...tally.sums.map((sum): Point => ({ kind: 'counter', help: counters[sum.name], ...sum })),
        { kind: 'counter', ...controllerRestarts, labels: {}, value: reinit.controller_generation },
        ...(init ? initPoints(init) : []),
        ...(used ? usagePoints(used) : []),
      ];
      return expose(points, [reloads, validations], form);
    },
  };
}

const durations = (name: string, help: string, buckets: number[]) =>
  new Histogram({ name, help, buckets, labelNames: ['rule'], registers: [] });

const controllerRestarts = {
  name: 'reinit_controller_restarts_total',
  help: 'Controllers that there were before this one. The application noticed none of their ends.',
} as const;

const initPoints = ({ orphans, forwarded }: Pick<Counted, 'orphans' | 'forwarded'>): Point[] => [
  {
    kind: 'counter',
    name: 'reinit_orphans_reaped_total',
    help: 'Processes that had lost their parent, and that init has collected.',
    labels: {},
    value: orphans,
  },
  {
    kind: 'counter',
    name: 'reinit_signals_forwarded_total',
    help: 'Signals from outside that init has passed on to the application.',
    labels: {},
    value: forwarded,
  },
];

const usagePoints = ({ cpuSeconds, memory, processes }: Used): Point[] => [
  {
    kind: 'counter',
    name: 'reinit_application_cpu_seconds_total',
    help: 'CPU time of the application and its descendants, as far as they were there at a scrape.',
    labels: {},
    value: cpuSeconds,
  },
  { kind: 'gauge', name: 'reinit_application_memory_bytes', help: 'Resident memory of these, added up.', labels: {}, value: memory },
  { kind: 'gauge', name: 'reinit_application_processes', help: 'How many they are.', labels: {}, value: processes },
];
