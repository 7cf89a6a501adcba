import { describe, expect, test } from 'vitest';
import type { Probe, SocketSpec } from '../../src/config/model.ts';
import { backOffMs } from '../../src/core/back-off.ts';
import type { Care } from '../../src/core/care.ts';
import type { InstanceEvent } from '../../src/core/rule.ts';
import { firstStart, serviceTransition } from '../../src/core/service.ts';
import {
  type Beside,
  type ServiceCommand,
  type ServiceEvent,
  type ServicePolicy,
  type ServiceState,
  serviceDeadline,
} from '../../src/core/service-state.ts';
import type { Sight } from '../../src/core/sight.ts';
import { serviceDefaults } from '../fixtures/simulation.ts';

const policy: ServicePolicy = {
  ...serviceDefaults,
  restart: 'on-failure',
  restart_delay: 100,
  restart_max_delay: 1_000,
  restart_limit: 3,
  restart_reset: 10_000,
  owned: false,
  reloads: true,
};
const token = 9;
const ready: Probe = {
  check: { kind: 'exec', command: ['ok'] },
  initial_delay: 10,
  period: 200,
  timeout: 100,
  success_threshold: 1,
  failure_threshold: 2,
};
const socketOf = (name: string): SocketSpec => ({
  name,
  address: { kind: 'tcp', host: '::1', port: 80 },
  backlog: 10,
  reuse_port: false,
});
const sockets = [socketOf('web'), socketOf('admin')];

const states = {
  preparing: { kind: 'preparing', token: 1, attempt: 1, reason: 'policy', orderedAt: 50, step: { kind: 'publishing', job: 8 } },
  starting: { kind: 'starting', token: 1, attempt: 0, reason: 'start', orderedAt: 50 },
  running: { kind: 'running', token: 1, pid: 7, attempt: 1, since: 100, readiness: { kind: 'ready' }, beside: undefined },
  stopping: { kind: 'stopping', token: 1, since: 200, leaveWith: undefined },
  sweeping: { kind: 'sweeping', token: 1, attempt: 2, reason: 'policy', next: 500 },
  backoff: { kind: 'backoff', token: 1, attempt: 2, until: 500 },
  seeking: { kind: 'seeking', token: 1, since: 50, step: { kind: 'looking', job: 8 }, told: undefined },
  attaching: { kind: 'attaching', token: 1, since: 50, found: { pid: 7, startTicks: 4, startedAt: 40, permitted: true }, told: undefined },
  ending: { kind: 'ending', token: 1, signo: 15 },
  ended: { kind: 'ended', code: 3 },
} as const satisfies { [K in ServiceState['kind']]: Extract<ServiceState, { kind: K }> };

const events = {
  listening: { kind: 'listening', index: 0, failure: undefined, at: 60 },
  publishes: { kind: 'publishes', id: 8 },
  prepared: { kind: 'prepared', id: 8, problem: undefined, at: 60 },
  nothingAccepted: { kind: 'nothingAccepted', rules: ['p'] },
  spawned: { kind: 'spawned', token: 1, pid: 7, at: 60 },
  spawnFailed: { kind: 'spawnFailed', token: 1, stage: 'exec', text: 'no such file', code: 127, at: 60 },
  exited: { kind: 'exited', token: 1, end: { kind: 'code', code: 4 }, rescue: false, at: 300 },
  gone: { kind: 'gone', token: 1, killed: 0, at: 400 },
  answered: { kind: 'answered', id: 6, problem: undefined, at: 300 },
  notified: { kind: 'notified', token: 1, states: 1, at: 300 },
  weighed: { kind: 'weighed', id: 6, answer: { bytes: 9, limit: 8, processes: 1 }, at: 300 },
  troubled: { kind: 'troubled', trouble: { kind: 'dead', problem: 'refused' }, rescue: false, at: 300 },
  sought: { kind: 'sought', id: 8, sight: { kind: 'none', problem: undefined }, at: 300 },
  lost: { kind: 'lost', token: 1, at: 300 },
  stopping: { kind: 'stopping', signo: 2 },
  restartWanted: { kind: 'restartWanted', at: 300 },
  leaveWanted: { kind: 'leaveWanted', code: 75, at: 300 },
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
  facts?: readonly string[],
];
const deciding: ServiceState = { ...states.preparing, step: { kind: 'deciding' } };
const asking = { kind: 'probing', probing: { kind: 'asking', id: 6, successes: 0, failures: 0 } } as const;
const waiting = { kind: 'probing', probing: { kind: 'waiting', at: 500, successes: 0, failures: 0 } } as const;
const no = { ...events.answered, problem: 'refused' };
const beside: Beside = {
  token: 2,
  reason: 'asked',
  orderedAt: 150,
  instance: { pid: 17, since: 160 },
  readiness: { kind: 'surviving', until: 500 },
};
const both: ServiceState = { ...states.running, beside };
const bothAsked: ServiceState = { ...states.running, beside: { ...beside, readiness: asking } };
const stopOld: ServiceCommand = { kind: 'stop', token: 1, signo: 15, timeoutMs: 30_000 };
const exit = (code: number): ServiceCommand => ({ kind: 'exit', code });
const attach = { match: 'nginx: master', name: undefined, pid_file: undefined };
const waitingFor = (told: string | undefined, toldAt = 300): ServiceState => ({
  ...states.seeking,
  step: { kind: 'waiting', at: 1_300 },
  told: told === undefined ? undefined : { words: told, at: toldAt },
});
const unseen = JSON.stringify({ kind: 'target_awaited' });
const several = { kind: 'several', processes: ['7 (nginx)', '9 (nginx)'] } as const;
const targetRunning: ServiceState = { ...states.running, attempt: 0, since: 40, token: 1 };

const weight = { bytes: 9, limit: 8, processes: 1 };
const noCare: Care = { liveness: undefined, aliveAt: 100, serving: undefined, weighing: undefined, renewAt: undefined, renewedAt: 0 };

const rows: Row[] = [
  [
    'one socket after another',
    { ...states.preparing, step: { kind: 'sockets', index: 0 } },
    events.listening,
    { ...states.preparing, step: { kind: 'sockets', index: 1 } },
    [{ kind: 'listen', index: 1 }],
    { sockets },
  ],
  [
    'the last socket: start',
    { ...states.preparing, step: { kind: 'sockets', index: 1 } },
    { ...events.listening, index: 1 },
    { kind: 'starting', token: 1, attempt: 1, reason: 'policy', orderedAt: 60 },
    [{ kind: 'spawn', token: 1 }],
    { sockets },
    ['instanceOrdered'],
  ],
  [
    'the last socket, and something is to be published',
    { ...states.preparing, step: { kind: 'sockets', index: 1 } },
    { ...events.listening, index: 1 },
    deciding,
    [],
    { sockets, owned: true },
  ],
  [
    'no start without its sockets',
    { ...states.preparing, step: { kind: 'sockets', index: 0 } },
    { ...events.listening, failure: { stage: 'bind', text: 'in use' } },
    { kind: 'ended', code: 111 },
    [exit(111)],
    { sockets },
  ],
  ['decided', deciding, events.publishes, states.preparing, []],
  [
    'published: start',
    states.preparing,
    events.prepared,
    { kind: 'starting', token: 1, attempt: 1, reason: 'policy', orderedAt: 60 },
    [{ kind: 'spawn', token: 1 }],
    { owned: true },
    ['instanceOrdered'],
  ],
  [
    'a first start that cannot find what was accepted ends',
    { ...states.preparing, reason: 'start' },
    { ...events.prepared, problem: 'no space left' },
    { kind: 'ended', code: 102 },
    [exit(102)],
  ],
  [
    'a later one waits, and longer each time',
    states.preparing,
    { ...events.prepared, problem: 'no space left' },
    { kind: 'backoff', token: 1, attempt: 2, until: 1_060 },
    [],
  ],
  ['nothing accepted is no start', deciding, events.nothingAccepted, { kind: 'ended', code: 102 }, [exit(102)]],
  ['a stop before anything runs', states.preparing, events.stopping, { kind: 'ended', code: 130 }, [exit(130)]],
  [
    'a spawn that was answered runs',
    states.starting,
    events.spawned,
    { kind: 'running', token: 1, pid: 7, attempt: 0, since: 60, readiness: { kind: 'ready' }, beside: undefined },
    [],
    {},
    ['instanceStarted'],
  ],
  [
    'and is asked if it is ready, where that is wanted',
    states.starting,
    events.spawned,
    { ...states.running, attempt: 0, since: 60, readiness: { kind: 'probing', probing: { ...waiting.probing, at: 70 } } },
    [],
    { ready },
    ['instanceStarted'],
  ],
  [
    'asks',
    { ...states.running, readiness: waiting },
    events.timeElapsed,
    { ...states.running, readiness: { ...asking, probing: { ...asking.probing, id: token } } },
    [{ kind: 'probe', of: 'ready', token }],
    { ready },
  ],
  [
    'what the controller asks itself is no command',
    { ...states.running, readiness: waiting },
    events.timeElapsed,
    { ...states.running, readiness: { ...asking, probing: { ...asking.probing, id: token } } },
    [],
    { ready: { ...ready, check: { kind: 'tcp_socket', host: '::1', port: 80 } } },
  ],
  ['ready', { ...states.running, readiness: asking }, events.answered, states.running, [], { ready }, ['instanceReady']],
  [
    'ready by its own word',
    { ...states.running, readiness: { kind: 'probing', probing: { kind: 'listening', until: 900, reloading: false } } },
    events.notified,
    states.running,
    [],
    { ready: { ...ready, check: { kind: 'notify' } } },
    ['instanceReady'],
  ],
  [
    'not ready yet',
    { ...states.running, readiness: asking },
    no,
    {
      ...states.running,
      readiness: { kind: 'probing', probing: { kind: 'waiting', at: 500, successes: 0, failures: 1, problem: 'refused' } },
    },
    [],
    { ready },
  ],
  [
    'never ready: left running, and told',
    { ...states.running, readiness: { kind: 'probing', probing: { ...asking.probing, failures: 1 } } },
    no,
    { ...states.running, readiness: { kind: 'unready' } },
    [],
    { ready },
    ['instanceUnready'],
  ],
  [
    'a restart with start_first starts a second one',
    states.running,
    events.restartWanted,
    { ...states.running, beside: { token, reason: 'change', orderedAt: 300, instance: undefined, readiness: { kind: 'ready' } } },
    [{ kind: 'spawn', token }],
    { restart_order: 'start_first' },
    ['instanceOrdered beside'],
  ],
  [
    'one that somebody has asked for is known as such',
    states.running,
    { ...events.restartWanted, reason: 'asked' },
    { ...states.running, beside: { token, reason: 'asked', orderedAt: 300, instance: undefined, readiness: { kind: 'ready' } } },
    [{ kind: 'spawn', token }],
    { restart_order: 'start_first' },
    ['instanceOrdered beside'],
  ],
  [
    'the second one runs: it has to live for a while',
    { ...states.running, beside: { token: 2, reason: 'asked', orderedAt: 150, instance: undefined, readiness: { kind: 'ready' } } },
    { ...events.spawned, token: 2, pid: 17, at: 160 },
    { ...states.running, beside: { ...beside, readiness: { kind: 'surviving', until: 3_160 } } },
    [],
  ],
  [
    'or it is asked',
    { ...states.running, beside: { token: 2, reason: 'asked', orderedAt: 150, instance: undefined, readiness: { kind: 'ready' } } },
    { ...events.spawned, token: 2, pid: 17, at: 160 },
    { ...states.running, beside: { ...beside, readiness: { kind: 'probing', probing: { ...waiting.probing, at: 170 } } } },
    [],
    { ready },
  ],
  [
    'it has lived: it takes over, and the old one is stopped',
    both,
    events.timeElapsed,
    { kind: 'running', token: 2, pid: 17, attempt: 0, since: 160, readiness: { kind: 'ready' }, beside: undefined, retiring: 1 },
    [stopOld],
    {},
    ['instanceStarted promoted proven'],
  ],
  [
    'it is ready: it takes over',
    bothAsked,
    events.answered,
    { kind: 'running', token: 2, pid: 17, attempt: 0, since: 160, readiness: { kind: 'ready' }, beside: undefined, retiring: 1 },
    [stopOld],
    { ready },
    ['instanceStarted promoted proven'],
  ],
  [
    'it is said to be ready on an address that the old one answers, too: it has to live for a while all the same',
    bothAsked,
    events.answered,
    { ...both, beside: { ...beside, readiness: { kind: 'surviving', until: 3_160 } } },
    [],
    { ready: { ...ready, check: { kind: 'tcp_socket', host: '::1', port: 80 } } },
  ],
  [
    'it says so itself',
    { ...both, beside: { ...beside, readiness: { kind: 'probing', probing: { kind: 'listening', until: 900, reloading: false } } } },
    { ...events.notified, token: 2 },
    { kind: 'running', token: 2, pid: 17, attempt: 0, since: 160, readiness: { kind: 'ready' }, beside: undefined, retiring: 1 },
    [stopOld],
    { ready: { ...ready, check: { kind: 'notify' } } },
    ['instanceStarted promoted proven'],
  ],
  [
    'it is asked once more',
    { ...both, beside: { ...beside, readiness: waiting } },
    events.timeElapsed,
    { ...both, beside: { ...beside, readiness: { ...asking, probing: { ...asking.probing, id: token } } } },
    [{ kind: 'probe', of: 'ready', token }],
    { ready },
  ],
  [
    'it is not ready in time: it goes, the old one stays',
    { ...both, beside: { ...beside, readiness: { kind: 'probing', probing: { ...asking.probing, failures: 1 } } } },
    no,
    states.running,
    [{ kind: 'stop', token: 2, signo: 15, timeoutMs: 30_000 }],
    { ready },
    ['besideFailed'],
  ],
  [
    'it ends: the old one stays, what the new one left goes',
    both,
    { ...events.exited, token: 2 },
    states.running,
    [{ kind: 'stop', token: 2, signo: 15, timeoutMs: 0 }],
    { restart: 'no' },
    ['besideFailed'],
  ],
  [
    'the old one ends after a yes that may have been its own: the new one is asked again',
    both,
    events.exited,
    {
      kind: 'running',
      token: 2,
      pid: 17,
      attempt: 0,
      since: 160,
      readiness: { ...waiting, probing: { ...waiting.probing, at: 310, successes: 0, failures: 0 } },
      beside: undefined,
    },
    [{ kind: 'stop', token: 1, signo: 15, timeoutMs: 0 }],
    { ready },
    ['instanceStarted promoted'],
  ],
  ['it cannot be started: the old one stays', both, { ...events.spawnFailed, token: 2 }, states.running, [], {}, ['besideFailed']],
  [
    'the old one ends first: the new one is the application',
    both,
    events.exited,
    { kind: 'running', token: 2, pid: 17, attempt: 0, since: 160, readiness: { kind: 'ready' }, beside: undefined },
    [sweep],
    { restart: 'no' },
    ['instanceStarted promoted'],
  ],
  [
    'the old one ends before the new one runs',
    { ...states.running, beside: { token: 2, reason: 'asked', orderedAt: 150, instance: undefined, readiness: { kind: 'ready' } } },
    events.exited,
    { kind: 'starting', token: 2, attempt: 0, reason: 'asked', orderedAt: 150 },
    [sweep],
  ],
  ['a stop of the container with two of them', both, events.stopping, { kind: 'ending', token: 1, signo: 2, other: 2 }, []],
  [
    'the main one has ended: the other one is waited for, since leaving would end it',
    { ...states.ending, other: 2 },
    events.exited,
    { kind: 'ending', token: 1, signo: 15, other: 2, code: 4 },
    [],
  ],
  [
    'and then the container ends with the code of the main one',
    { ...states.ending, other: 2, code: 3 },
    { ...events.exited, token: 2 },
    { kind: 'ended', code: 3 },
    [exit(3)],
  ],
  [
    'the other one has ended first',
    { ...states.ending, other: 2 },
    { ...events.exited, token: 2 },
    { kind: 'ending', token: 1, signo: 15, other: undefined },
    [],
  ],
  [
    'the one that was replaced has ended',
    { ...states.running, retiring: 5 },
    { ...events.gone, token: 5 },
    { ...states.running, retiring: undefined },
    [],
  ],
  ['a stop while it has not', { ...states.running, retiring: 5 }, events.stopping, { kind: 'ending', token: 1, signo: 2, other: 5 }, []],
  [
    'leaving stops the application first',
    states.running,
    events.leaveWanted,
    { kind: 'stopping', token: 1, since: 300, leaveWith: 75 },
    [stopOld],
  ],
  [
    'leaving stops both',
    both,
    events.leaveWanted,
    { kind: 'stopping', token: 1, since: 300, leaveWith: 75 },
    [stopOld, { ...stopOld, token: 2 }],
  ],
  ['leaving before there is anything', deciding, events.leaveWanted, { kind: 'ended', code: 75 }, [exit(75)]],
  ['leaving during the start', states.starting, events.leaveWanted, { ...states.starting, leaveWith: 75 }, []],
  [
    'it runs: it is stopped',
    { ...states.starting, leaveWith: 75 },
    events.spawned,
    { kind: 'stopping', token: 1, since: 60, leaveWith: 75 },
    [stopOld],
    {},
    ['instanceStarted'],
  ],
  ['it does not', { ...states.starting, leaveWith: 75 }, events.spawnFailed, { kind: 'ended', code: 75 }, [exit(75)]],
  ['it has ended already', { ...states.starting, leaveWith: 75 }, events.exited, { kind: 'ended', code: 75 }, [exit(75)]],
  ['leaving while the rest is swept', states.sweeping, events.leaveWanted, { kind: 'ended', code: 75 }, [exit(75)]],
  ['leaving in a restart', states.stopping, events.leaveWanted, { ...states.stopping, leaveWith: 75 }, []],
  [
    'it has stopped: the container ends with the code that was wanted',
    { ...states.stopping, leaveWith: 75 },
    events.gone,
    { kind: 'ended', code: 75 },
    [exit(75)],
  ],
  ['leaving in the delay', states.backoff, events.leaveWanted, { kind: 'ended', code: 75 }, [exit(75)]],
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
    'what ended of a change is started again at once, without a policy too',
    states.running,
    { ...events.exited, rescue: true },
    { kind: 'sweeping', token: 1, attempt: 1, reason: 'failed_change', next: 300 },
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
    { kind: 'stopping', token: 1, since: 300, leaveWith: undefined },
    [{ kind: 'stop', token: 1, signo: 15, timeoutMs: 30_000 }],
  ],
  [
    'or as configured',
    states.running,
    events.restartWanted,
    { kind: 'stopping', token: 1, since: 300, leaveWith: undefined },
    [{ kind: 'stop', token: 1, signo: 3, timeoutMs: 5 }],
    { stop_signal: 3, stop_timeout: 5 },
  ],
  [
    'one that does not live is stopped, and started again after the delay',
    states.running,
    events.troubled,
    { kind: 'stopping', token: 1, since: 300, leaveWith: undefined, sequel: { reason: 'liveness', attempt: 2, next: 500 } },
    [stopOld],
  ],
  [
    'without a policy the container ends',
    states.running,
    events.troubled,
    { kind: 'stopping', token: 1, since: 300, leaveWith: 104 },
    [stopOld],
    { restart: 'no' },
  ],
  [
    'unless a change is to blame: then it is started again at once',
    states.running,
    { ...events.troubled, rescue: true },
    { kind: 'stopping', token: 1, since: 300, leaveWith: undefined, sequel: { reason: 'failed_change', attempt: 1, next: 300 } },
    [stopOld],
    { restart: 'no' },
  ],
  [
    'at the limit the container ends, when it has stopped',
    { ...states.running, attempt: 3 },
    events.troubled,
    { kind: 'stopping', token: 1, since: 300, leaveWith: 104 },
    [stopOld],
  ],
  [
    'one that lived for long ends the row, however long it took to be seen',
    { ...states.running, attempt: 3, care: { ...noCare, aliveAt: 10_100 } },
    { ...events.troubled, at: 50_000 },
    { kind: 'stopping', token: 1, since: 50_000, leaveWith: undefined, sequel: { reason: 'liveness', attempt: 1, next: 50_100 } },
    [stopOld],
  ],
  [
    'one that never lived does not, however long it ran',
    { ...states.running, care: { ...noCare, aliveAt: 100 } },
    { ...events.troubled, at: 50_000 },
    { kind: 'stopping', token: 1, since: 50_000, leaveWith: undefined, sequel: { reason: 'liveness', attempt: 2, next: 50_200 } },
    [stopOld],
  ],
  [
    'one that holds too much is restarted, without a policy too',
    states.running,
    { ...events.troubled, trouble: { kind: 'heavy', weight } },
    { kind: 'stopping', token: 1, since: 300, leaveWith: undefined, sequel: { reason: 'memory', attempt: 1, next: 400 } },
    [stopOld],
    { restart: 'no', restart_reset: 0 },
  ],
  [
    'one that has run long enough is restarted at once, and begins a new row',
    { ...states.running, attempt: 3 },
    { ...events.troubled, trouble: { kind: 'old' } },
    { kind: 'stopping', token: 1, since: 300, leaveWith: undefined, sequel: { reason: 'uptime', attempt: 0, next: 300 } },
    [stopOld],
    { restart: 'no' },
  ],
  [
    'or the new one is started first',
    { ...states.running, care: noCare },
    { ...events.troubled, trouble: { kind: 'old' } },
    {
      ...states.running,
      care: { ...noCare, renewedAt: 300 },
      beside: { token, reason: 'uptime', orderedAt: 300, instance: undefined, readiness: { kind: 'ready' } },
    },
    [{ kind: 'spawn', token }],
    { restart_order: 'start_first' },
    ['instanceOrdered beside'],
  ],
  [
    'nothing is left of it before the delay is over: wait',
    { ...states.stopping, sequel: { reason: 'liveness', attempt: 2, next: 500 } },
    events.gone,
    { kind: 'backoff', token: 1, attempt: 2, until: 500, reason: 'liveness' },
    [],
  ],
  [
    'and after it: start',
    { ...states.stopping, sequel: { reason: 'memory', attempt: 2, next: 400 } },
    events.gone,
    { kind: 'starting', token, attempt: 2, reason: 'memory', orderedAt: 400 },
    [{ kind: 'spawn', token }],
  ],
  [
    'the delay for it is over',
    { ...states.backoff, reason: 'liveness' },
    events.timeElapsed,
    { kind: 'starting', token, attempt: 2, reason: 'liveness', orderedAt: 600 },
    [{ kind: 'spawn', token }],
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
    'the next instance waits for what it is to find; sockets are held already',
    states.stopping,
    events.gone,
    { kind: 'preparing', token, attempt: 0, reason: 'change', orderedAt: 400, step: { kind: 'deciding' } },
    [],
    { owned: true, sockets },
  ],
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
  [
    'attach: what is to be published comes first, then it is looked for',
    states.preparing,
    events.prepared,
    { kind: 'seeking', token: 1, since: 60, step: { kind: 'waiting', at: 60 }, told: undefined },
    [],
    { attach, owned: true },
  ],
  [
    'attach: no process has to be known',
    states.preparing,
    events.prepared,
    { ...targetRunning, pid: 0, since: 60 },
    [],
    { attach: { ...attach, match: undefined } },
    ['instanceFound'],
  ],
  [
    'attach: it is time to look',
    waitingFor(undefined),
    { ...events.timeElapsed, at: 1_300 },
    { ...states.seeking, step: { kind: 'looking', job: token } },
    [],
  ],
  ['attach: not there', states.seeking, events.sought, waitingFor(unseen), []],
  ['attach: still not there', { ...states.seeking, told: { words: unseen, at: 100 } }, events.sought, waitingFor(unseen, 100), []],
  [
    'attach: several',
    states.seeking,
    { ...events.sought, sight: several },
    waitingFor(JSON.stringify({ kind: 'target_ambiguous', processes: several.processes })),
    [],
  ],
  [
    'attach: nobody is there, nor will be',
    states.seeking,
    { ...events.sought, sight: { kind: 'alone' } },
    { kind: 'ended', code: 100 },
    [exit(100)],
  ],
  [
    'attach: it is there',
    states.seeking,
    { ...events.sought, sight: { kind: 'one', found: states.attaching.found } },
    { ...states.attaching, token },
    [{ kind: 'attach', token, pid: 7, startTicks: 4 }],
  ],
  ['attach: a stop while it is looked for', states.seeking, events.stopping, { kind: 'ended', code: 0 }, [exit(0)]],
  ['attach: leaving while it is looked for', states.seeking, events.leaveWanted, { kind: 'ended', code: 75 }, [exit(75)]],
  ['attach: init has it', states.attaching, events.spawned, targetRunning, [], {}, ['instanceFound']],
  [
    'attach: init has it, and it is not ready yet',
    states.attaching,
    events.spawned,
    {
      ...targetRunning,
      readiness: { kind: 'probing', probing: { kind: 'waiting', at: 70, successes: 0, failures: 0, problem: undefined } },
    },
    [],
    { ready },
    ['instanceFound'],
  ],
  [
    'attach: it has gone before init could have it',
    states.attaching,
    { ...events.spawnFailed, at: 300 },
    waitingFor(JSON.stringify({ kind: 'attach_failed', pid: 7, text: 'no such file' })),
    [],
  ],
  ['attach: a stop before init has it', states.attaching, events.stopping, { kind: 'ended', code: 0 }, [exit(0)]],
  ['attach: leaving before init has it', states.attaching, events.leaveWanted, { kind: 'ended', code: 75 }, [exit(75)]],
  [
    'attach: it has ended',
    targetRunning,
    events.lost,
    { kind: 'seeking', token, since: 300, step: { kind: 'waiting', at: 300 }, told: undefined },
    [],
    { attach },
  ],
  [
    'attach: it has ended, and is to find what is accepted',
    targetRunning,
    events.lost,
    { kind: 'preparing', token, attempt: 0, reason: 'change', orderedAt: 300, step: { kind: 'deciding' } },
    [],
    { attach, owned: true },
  ],
  ['attach: a stop leaves it alone', targetRunning, events.stopping, { kind: 'ended', code: 0 }, [exit(0)], { attach }],
  ['attach: so does leaving', targetRunning, events.leaveWanted, { kind: 'ended', code: 75 }, [exit(75)], { attach }],
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
const preparations = ['listening', 'publishes', 'prepared', 'nothingAccepted'] as const;
const ofTargets = ['sought', 'lost'] as const;
const ofCare = ['weighed', 'troubled'] as const;
const ignored: { readonly [K in ServiceState['kind']]: readonly ServiceEvent['kind'][] } = {
  preparing: [
    'listening',
    'spawned',
    'spawnFailed',
    'exited',
    'gone',
    'answered',
    'notified',
    ...ofCare,
    ...ofTargets,
    'restartWanted',
    'timeElapsed',
  ],
  starting: [...preparations, 'gone', 'answered', 'notified', ...ofCare, ...ofTargets, 'restartWanted', 'timeElapsed'],
  running: [...preparations, 'spawned', 'spawnFailed', 'gone', 'answered', 'notified', 'weighed', ...ofTargets, 'timeElapsed'],
  stopping: [...preparations, 'spawned', 'spawnFailed', 'answered', 'notified', ...ofCare, ...ofTargets, 'restartWanted', 'timeElapsed'],
  sweeping: [...preparations, 'spawned', 'spawnFailed', 'exited', 'answered', 'notified', ...ofCare, ...ofTargets, 'timeElapsed'],
  backoff: [...preparations, 'spawned', 'spawnFailed', 'exited', 'gone', 'answered', 'notified', ...ofCare, ...ofTargets],
  seeking: [
    ...preparations,
    'spawned',
    'spawnFailed',
    'exited',
    'gone',
    'answered',
    'notified',
    ...ofCare,
    'lost',
    'restartWanted',
    'timeElapsed',
  ],
  attaching: [...preparations, 'exited', 'gone', 'answered', 'notified', ...ofCare, ...ofTargets, 'restartWanted', 'timeElapsed'],
  ending: [
    ...preparations,
    'spawned',
    'gone',
    'answered',
    'notified',
    ...ofCare,
    ...ofTargets,
    'stopping',
    'restartWanted',
    'leaveWanted',
    'timeElapsed',
  ],
  ended: Object.keys(events) as ServiceEvent['kind'][],
};
const factOf = (fact: InstanceEvent): string => {
  if (fact.kind === 'instanceOrdered') return `${fact.kind}${fact.beside ? ' beside' : ''}`;
  if (fact.kind !== 'instanceStarted') return fact.kind;
  return `${fact.kind}${fact.promoted ? ' promoted' : ''}${fact.proven ? ' proven' : ''}`;
};

describe('service', () => {
  test.each(rows)('%s', (_, given, when, then, commands, changed = {}, facts = undefined) => {
    const step = serviceTransition(given, when, { ...policy, ...changed }, token);
    expect(step?.state).toEqual(then);
    expect(step?.commands).toEqual(commands);
    const spawns = then.kind === 'starting' && commands.some(({ kind }) => kind === 'spawn');
    expect(step?.facts.map(factOf)).toEqual(facts ?? (spawns ? ['instanceOrdered'] : []));
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

  test('two instances: what is about neither of them is nobody’s, and no third one is started', () => {
    const policy2 = { ...policy, ready, restart_order: 'start_first' } as const;
    for (const state of [both, bothAsked]) {
      for (const event of Object.values(events)) {
        if ('token' in event) expect(serviceTransition(state, { ...event, token: 77 }, policy2, token)).toBeUndefined();
      }
      expect(serviceTransition(state, events.restartWanted, policy2, token)).toBeUndefined();
      expect(serviceTransition(state, { ...events.answered, id: 77 }, policy2, token)).toBeUndefined();
      expect(serviceTransition(state, { ...events.timeElapsed, at: 499 }, policy2, token)).toBeUndefined();
    }
  });

  test('answers to another question, or about another socket, are nobody’s', () => {
    const socket: ServiceState = { ...states.preparing, step: { kind: 'sockets', index: 1 } };
    expect(serviceTransition(socket, events.listening, { ...policy, sockets }, token)).toBeUndefined();
    expect(serviceTransition(states.preparing, { ...events.prepared, id: 7 }, policy, token)).toBeUndefined();
    expect(serviceTransition({ ...states.running, readiness: asking }, { ...no, id: 7 }, { ...policy, ready }, token)).toBeUndefined();
  });

  test('attach: a wait is told once, and again now and then, or when it is another one', () => {
    const waits = (told: string, toldAt: number, sight: Sight) =>
      serviceTransition(
        { ...states.seeking, told: { words: told, at: toldAt } },
        { ...events.sought, sight, at: 400_000 },
        { ...policy, attach },
        token,
      )?.notes;
    expect(waits(unseen, 399_000, { kind: 'none', problem: undefined })).toEqual([]);
    expect(waits(unseen, 100_000, { kind: 'none', problem: undefined })).toEqual([
      { kind: 'target_awaited', problem: undefined, waitedMs: 399_950 },
    ]);
    expect(waits(unseen, 399_000, several)).toEqual([{ kind: 'target_ambiguous', processes: several.processes }]);
  });

  test('start_first: a start that counts as one says why it was, whichever of the two ends first', () => {
    const takenOver = serviceTransition(both, events.timeElapsed, policy, token)?.notes;
    expect(takenOver).toEqual([{ kind: 'took_over', pid: 17, reason: 'asked', ms: expect.any(Number) }]);
    const left = serviceTransition(both, events.exited, policy, token)?.notes;
    expect(left).toEqual([expect.objectContaining({ kind: 'ended' }), { kind: 'started', pid: 17, reason: 'asked', ms: 10 }]);
  });

  test('attach: one that may not be signalled is told of where it would be', () => {
    const taken = { ...states.attaching, found: { ...states.attaching.found, permitted: false } };
    const kinds = (reloads: boolean) =>
      serviceTransition(taken, events.spawned, { ...policy, attach, reloads }, token)?.notes.map(({ kind }) => kind);
    expect(kinds(true)).toEqual(['attached', 'target_not_permitted']);
    expect(kinds(false)).toEqual(['attached']);
  });

  test('the first start: sockets, then what it is to find, then the spawn', () => {
    expect(firstStart(1, 5, policy).commands).toEqual([{ kind: 'spawn', token: 1 }]);
    expect(firstStart(1, 5, { ...policy, owned: true })).toMatchObject({ state: { step: { kind: 'deciding' } }, commands: [] });
    expect(firstStart(1, 5, { ...policy, owned: true, sockets })).toMatchObject({
      state: { kind: 'preparing', step: { kind: 'sockets', index: 0 } },
      commands: [{ kind: 'listen', index: 0 }],
    });
  });

  test('it wakes up for a back-off and for questions, of both instances', () => {
    expect(Object.values(states).map(serviceDeadline)).toEqual([...Array(5).fill(undefined), 500, ...Array(4).fill(undefined)]);
    expect(serviceDeadline(waitingFor(undefined))).toBe(1_300);
    expect(serviceDeadline({ ...states.running, readiness: waiting })).toBe(500);
    expect(serviceDeadline({ ...states.running, readiness: asking })).toBeUndefined();
    expect(serviceDeadline(both)).toBe(500);
    expect(serviceDeadline({ ...both, readiness: { kind: 'probing', probing: { ...waiting.probing, at: 400 } } })).toBe(400);
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
