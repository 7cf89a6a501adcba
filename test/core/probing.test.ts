import { describe, expect, test } from 'vitest';
import type { Probe } from '../../src/config/model.ts';
import { type Probing, type ProbingEvent, probingDeadline, probingTransition, problemSoFar, startProbing } from '../../src/core/probing.ts';
import { constants } from '../../src/link/messages.ts';

const probe: Probe = {
  check: { kind: 'tcp_socket', host: '127.0.0.1', port: 80 },
  initial_delay: 50,
  period: 200,
  timeout: 100,
  success_threshold: 2,
  failure_threshold: 3,
};
const { ready, reloading, stopping } = constants.notifyStates.values;
const id = 99;

const states = {
  waiting: { kind: 'waiting', at: 500, successes: 0, failures: 0 },
  asking: { kind: 'asking', id: 6, successes: 0, failures: 0 },
  listening: { kind: 'listening', until: 500, reloading: false },
} as const satisfies { [K in Probing['kind']]: Extract<Probing, { kind: K }> };

const events = {
  timeElapsed: { kind: 'timeElapsed', at: 600 },
  answered: { kind: 'answered', id: 6, problem: undefined, at: 600 },
  notified: { kind: 'notified', states: ready, at: 600 },
} as const satisfies { [K in ProbingEvent['kind']]: Extract<ProbingEvent, { kind: K }> };

interface Row {
  readonly title: string;
  readonly in: Probing;
  readonly when: ProbingEvent;
  readonly to: Probing;
  readonly asks?: true;
  /** A problem is a no. */
  readonly verdict?: 'yes' | RegExp;
}
const no = { ...events.answered, problem: 'connection refused' };

const rows: Row[] = [
  { title: 'asks', in: states.waiting, when: events.timeElapsed, to: { kind: 'asking', id, successes: 0, failures: 0 }, asks: true },
  {
    title: 'asks on with what it knows',
    in: { ...states.waiting, failures: 2 },
    when: events.timeElapsed,
    to: { kind: 'asking', id, successes: 0, failures: 2 },
    asks: true,
  },
  { title: 'one yes of two', in: states.asking, when: events.answered, to: { kind: 'waiting', at: 800, successes: 1, failures: 0 } },
  {
    title: 'the second yes',
    in: { ...states.asking, successes: 1 },
    when: events.answered,
    to: { kind: 'waiting', at: 800, successes: 2, failures: 0 },
    verdict: 'yes',
  },
  {
    title: 'a no ends a row of yes',
    in: { ...states.asking, successes: 1 },
    when: no,
    to: { kind: 'waiting', at: 800, successes: 0, failures: 1 },
  },
  {
    title: 'a yes ends a row of no',
    in: { ...states.asking, failures: 2 },
    when: events.answered,
    to: { kind: 'waiting', at: 800, successes: 1, failures: 0 },
  },
  {
    title: 'no often enough',
    in: { ...states.asking, failures: 2 },
    when: no,
    to: { kind: 'waiting', at: 800, successes: 0, failures: 3 },
    verdict: /^connection refused$/,
  },
  { title: 'it says READY', in: states.listening, when: events.notified, to: states.listening, verdict: 'yes' },
  {
    title: 'it says RELOADING: the next READY counts',
    in: states.listening,
    when: { ...events.notified, states: reloading },
    to: { ...states.listening, reloading: true },
  },
  {
    title: 'both at once: it is through',
    in: states.listening,
    when: { ...events.notified, states: reloading | ready },
    to: states.listening,
    verdict: 'yes',
  },
  {
    title: 'it said nothing in time',
    in: states.listening,
    when: events.timeElapsed,
    to: states.listening,
    verdict: /READY=1 did not come/,
  },
  {
    title: 'it began and did not end in time',
    in: { ...states.listening, reloading: true },
    when: events.timeElapsed,
    to: { ...states.listening, reloading: true },
    verdict: /RELOADING=1.*did not follow/,
  },
];

const taken: { readonly [K in Probing['kind']]: readonly ProbingEvent['kind'][] } = {
  waiting: ['timeElapsed'],
  asking: ['answered'],
  listening: ['timeElapsed', 'notified'],
};

describe('probing', () => {
  test.each(rows)('$in.kind: $title', ({ in: probing, when, to, asks = false, verdict }) => {
    const step = probingTransition(probing, when, probe, id);
    expect(step).toMatchObject({ probing: to, asks });
    if (verdict instanceof RegExp) expect(step?.verdict).toEqual({ kind: 'no', problem: expect.stringMatching(verdict) });
    else expect(step?.verdict).toEqual(verdict && { kind: verdict });
  });

  test.each(Object.values(states))('$kind takes what it must, ignores the rest, and has a row for each', (probing) => {
    const took = Object.values(events)
      .filter((event) => probingTransition(probing, event, probe, id) !== undefined)
      .map(({ kind }) => kind);
    expect(took).toEqual(taken[probing.kind]);
    const covered = rows.filter((row) => row.in.kind === probing.kind).map(({ when }) => when.kind);
    expect(new Set(covered)).toEqual(new Set(took));
  });

  test('too early, too late, or something else means nothing', () => {
    expect(probingTransition(states.waiting, { kind: 'timeElapsed', at: 499 }, probe, id)).toBeUndefined();
    expect(probingTransition(states.listening, { kind: 'timeElapsed', at: 499 }, probe, id)).toBeUndefined();
    expect(probingTransition(states.asking, { ...events.answered, id: 5 }, probe, id)).toBeUndefined();
    expect(probingTransition(states.listening, { ...events.notified, states: stopping }, probe, id)).toBeUndefined();
  });

  test('why there is no yes yet, for whoever waits no longer', () => {
    const step = probingTransition(states.asking, no, probe, id);
    expect(step && problemSoFar(step.probing)).toBe('connection refused');
    expect(problemSoFar(states.asking)).toBe('no answer yet');
    expect(problemSoFar(states.waiting)).toMatch(/initial_delay/);
    expect(problemSoFar({ ...states.waiting, successes: 1 })).toMatch(/success_threshold/);
    expect(problemSoFar(states.listening)).toMatch(/READY=1 did not come/);
    expect(problemSoFar({ ...states.listening, reloading: true })).toMatch(/did not follow/);
  });

  test('it begins after initial_delay; one that speaks by itself has as long as one that is asked', () => {
    expect(startProbing(probe, 1_000)).toEqual({ kind: 'waiting', at: 1_050, successes: 0, failures: 0 });
    const told = startProbing({ ...probe, check: { kind: 'notify' } }, 1_000);
    expect(told).toEqual({ kind: 'listening', until: 1_650, reloading: false });
    expect([...Object.values(states), told].map(probingDeadline)).toEqual([500, undefined, 500, 1_650]);
  });
});
