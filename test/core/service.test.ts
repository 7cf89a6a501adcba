import { describe, expect, test } from 'vitest';
import { backOffMs } from '../../src/core/back-off.ts';
import {
  firstStart,
  type ServiceCommand,
  type ServiceEvent,
  type ServicePolicy,
  type ServiceState,
  serviceTransition,
} from '../../src/core/service.ts';
import { serviceDefaults } from '../fixtures/simulation.ts';

const policy: ServicePolicy = {
  ...serviceDefaults,
  restart: 'on-failure',
  restart_delay: 100,
  restart_max_delay: 1_000,
  restart_limit: 3,
  restart_reset: 10_000,
};
const token = 9;

const states = {
  starting: { kind: 'starting', token: 1, attempt: 0, reason: 'start', orderedAt: 50 },
  running: { kind: 'running', token: 1, pid: 7, attempt: 1, since: 100 },
  stopping: { kind: 'stopping', token: 1, since: 200 },
  sweeping: { kind: 'sweeping', token: 1, attempt: 2, reason: 'policy', next: 500 },
  backoff: { kind: 'backoff', token: 1, attempt: 2, until: 500 },
  ending: { kind: 'ending', token: 1, signo: 15 },
  ended: { kind: 'ended', code: 3 },
} as const satisfies { [K in ServiceState['kind']]: Extract<ServiceState, { kind: K }> };

const events = {
  spawned: { kind: 'spawned', token: 1, pid: 7, at: 60 },
  spawnFailed: { kind: 'spawnFailed', token: 1, stage: 'exec', text: 'no such file', code: 127, at: 60 },
  exited: { kind: 'exited', token: 1, end: { kind: 'code', code: 4 }, rescue: false, at: 300 },
  gone: { kind: 'gone', token: 1, killed: 0, at: 400 },
  stopping: { kind: 'stopping', signo: 2 },
  restartWanted: { kind: 'restartWanted', at: 300 },
  timeElapsed: { kind: 'timeElapsed', at: 600 },
} as const satisfies { [K in ServiceEvent['kind']]: Extract<ServiceEvent, { kind: K }> };

const sweep: ServiceCommand = { kind: 'stop', token: 1, signo: 15, timeoutMs: 0 };
type Row = [
  title: string,
  given: ServiceState,
  when: ServiceEvent,
  then: ServiceState,
  commands: readonly ServiceCommand[],
  policy?: Partial<ServicePolicy>,
];

const rows: Row[] = [
  ['a spawn that was answered runs', states.starting, events.spawned, { kind: 'running', token: 1, pid: 7, attempt: 0, since: 60 }, []],
  [
    'a first spawn that fails ends the container, whatever the policy',
    states.starting,
    events.spawnFailed,
    { kind: 'ended', code: 127 },
    [{ kind: 'exit', code: 127 }],
    { restart: 'always' },
  ],
  [
    'a later one waits longer and longer',
    { ...states.starting, reason: 'policy', attempt: 2 },
    events.spawnFailed,
    { kind: 'backoff', token: 1, attempt: 3, until: 460 },
    [],
  ],
  [
    'a later one without a policy ends',
    { ...states.starting, reason: 'change' },
    events.spawnFailed,
    { kind: 'ended', code: 127 },
    [{ kind: 'exit', code: 127 }],
    { restart: 'no' },
  ],
  [
    'a later one at the limit ends',
    { ...states.starting, reason: 'policy', attempt: 3 },
    events.spawnFailed,
    { kind: 'ended', code: 127 },
    [{ kind: 'exit', code: 127 }],
  ],
  [
    'an end before `spawned` was seen is an end',
    states.starting,
    events.exited,
    { kind: 'sweeping', token: 1, attempt: 1, reason: 'policy', next: 400 },
    [sweep],
  ],
  ['a stop during the start', states.starting, events.stopping, { kind: 'ending', token: 1, signo: 2 }, []],
  [
    'a failure is restarted after the delay, what was left first',
    states.running,
    events.exited,
    { kind: 'sweeping', token: 1, attempt: 2, reason: 'policy', next: 500 },
    [sweep],
  ],
  [
    'success is the end under on-failure',
    states.running,
    { ...events.exited, end: { kind: 'code', code: 0 } },
    { kind: 'ended', code: 0 },
    [{ kind: 'exit', code: 0 }],
  ],
  [
    'success is restarted under always',
    states.running,
    { ...events.exited, end: { kind: 'code', code: 0 } },
    { kind: 'sweeping', token: 1, attempt: 2, reason: 'policy', next: 500 },
    [sweep],
    { restart: 'always' },
  ],
  [
    'a mapped code counts as what it is mapped to',
    states.running,
    { ...events.exited, end: { kind: 'signal', signo: 15 } },
    { kind: 'ended', code: 0 },
    [{ kind: 'exit', code: 0 }],
    { exit_codes: { 143: 0 } },
  ],
  [
    'without a policy the container ends with the code',
    states.running,
    events.exited,
    { kind: 'ended', code: 4 },
    [{ kind: 'exit', code: 4 }],
    { restart: 'no' },
  ],
  [
    '128 + the signal',
    states.running,
    { ...events.exited, end: { kind: 'signal', signo: 9 } },
    { kind: 'ended', code: 137 },
    [{ kind: 'exit', code: 137 }],
    { restart: 'no' },
  ],
  [
    'a failed reload is started again at once, without a policy too',
    states.running,
    { ...events.exited, rescue: true },
    { kind: 'sweeping', token: 1, attempt: 1, reason: 'failed_reload', next: 300 },
    [sweep],
    { restart: 'no' },
  ],
  ['the limit ends it', { ...states.running, attempt: 3 }, events.exited, { kind: 'ended', code: 4 }, [{ kind: 'exit', code: 4 }]],
  [
    'running for long ends the row',
    { ...states.running, attempt: 3 },
    { ...events.exited, at: 10_100 },
    { kind: 'sweeping', token: 1, attempt: 1, reason: 'policy', next: 10_200 },
    [sweep],
  ],
  ['a stop of the container', states.running, events.stopping, { kind: 'ending', token: 1, signo: 2 }, []],
  [
    'a restart stops with the limit of 30 s',
    states.running,
    events.restartWanted,
    { kind: 'stopping', token: 1, since: 300 },
    [{ kind: 'stop', token: 1, signo: 15, timeoutMs: 30_000 }],
  ],
  [
    'or as configured',
    states.running,
    events.restartWanted,
    { kind: 'stopping', token: 1, since: 300 },
    [{ kind: 'stop', token: 1, signo: 3, timeoutMs: 5 }],
    { stop_signal: 3, stop_timeout: 5 },
  ],
  ['an end by order is not the policy’s', states.stopping, events.exited, states.stopping, [], { restart: 'no' }],
  [
    'the next instance starts when nothing is left',
    states.stopping,
    events.gone,
    { kind: 'starting', token, attempt: 0, reason: 'change', orderedAt: 400 },
    [{ kind: 'spawn', token }],
  ],
  ['a stop during a restart wins', states.stopping, events.stopping, { kind: 'ending', token: 1, signo: 2 }, []],
  ['swept before the delay is over: wait', states.sweeping, events.gone, { kind: 'backoff', token: 1, attempt: 2, until: 500 }, []],
  [
    'swept after it: start',
    states.sweeping,
    { ...events.gone, at: 500 },
    { kind: 'starting', token, attempt: 2, reason: 'policy', orderedAt: 500 },
    [{ kind: 'spawn', token }],
  ],
  [
    'a change does not wait for the delay',
    states.sweeping,
    events.restartWanted,
    { kind: 'sweeping', token: 1, attempt: 2, reason: 'change', next: 300 },
    [],
  ],
  ['a stop while sweeping', states.sweeping, events.stopping, { kind: 'ending', token: 1, signo: 2 }, []],
  [
    'the delay is over',
    states.backoff,
    events.timeElapsed,
    { kind: 'starting', token, attempt: 2, reason: 'policy', orderedAt: 600 },
    [{ kind: 'spawn', token }],
  ],
  [
    'a change ends the delay',
    states.backoff,
    events.restartWanted,
    { kind: 'starting', token, attempt: 2, reason: 'change', orderedAt: 300 },
    [{ kind: 'spawn', token }],
  ],
  ['a stop in the delay', states.backoff, events.stopping, { kind: 'ending', token: 1, signo: 2 }, []],
  ['the end of a stop', states.ending, events.exited, { kind: 'ended', code: 4 }, [{ kind: 'exit', code: 4 }]],
  [
    'the stop came before the spawn',
    states.ending,
    { ...events.spawnFailed, stage: 'stopping' },
    { kind: 'ended', code: 143 },
    [{ kind: 'exit', code: 143 }],
  ],
];

/** What means nothing, by state; the rest has to be a row above. */
const ignored: { readonly [K in ServiceState['kind']]: readonly ServiceEvent['kind'][] } = {
  starting: ['gone', 'restartWanted', 'timeElapsed'],
  running: ['spawned', 'spawnFailed', 'gone', 'timeElapsed'],
  stopping: ['spawned', 'spawnFailed', 'restartWanted', 'timeElapsed'],
  sweeping: ['spawned', 'spawnFailed', 'exited', 'timeElapsed'],
  backoff: ['spawned', 'spawnFailed', 'exited', 'gone'],
  ending: ['spawned', 'gone', 'stopping', 'restartWanted', 'timeElapsed'],
  ended: ['spawned', 'spawnFailed', 'exited', 'gone', 'stopping', 'restartWanted', 'timeElapsed'],
};

describe('service', () => {
  test.each(rows)('%s', (_, given, when, then, commands, changed = {}) => {
    const step = serviceTransition(given, when, { ...policy, ...changed }, token);
    expect(step).toMatchObject({ state: then, commands });
  });

  test.each(Object.values(states))('$kind ignores only what it must, and has a row for the rest', (state) => {
    const none = Object.values(events)
      .filter((event) => serviceTransition(state, event, policy, token) === undefined)
      .map(({ kind }) => kind);
    expect(none).toEqual(ignored[state.kind]);
    const acted = rows.filter(([, given]) => given.kind === state.kind).map(([, , when]) => when.kind);
    expect(new Set([...acted, ...none])).toEqual(new Set(Object.keys(events)));
  });

  test('what is about another token is nobody’s', () => {
    for (const state of Object.values(states)) {
      for (const event of Object.values(events)) {
        if ('token' in event) expect(serviceTransition(state, { ...event, token: 77 }, policy, token)).toBeUndefined();
      }
    }
  });

  test('a late timer changes nothing', () => {
    expect(serviceTransition(states.backoff, { kind: 'timeElapsed', at: 499 }, policy, token)).toBeUndefined();
  });

  test('the first start spawns', () => {
    expect(firstStart(1, 5).commands).toEqual([{ kind: 'spawn', token: 1 }]);
  });
});

test.each([
  [0, 100],
  [1, 200],
  [2, 400],
  [3, 800],
  [4, 1_000],
  [5_000, 1_000],
])('back-off before attempt %d is %d ms', (attempt, ms) => expect(backOffMs(attempt, 100, 1_000)).toBe(ms));
