/**
 * Draws the state machines by walking them: from the first state on, every event of a small set is tried in every state that is reached,
 * and each change of kind becomes an arrow. So the diagrams cannot say what the code does not do.
 *
 * Writes docs/reference/state-machines.md; `--check` fails where that is not what the code says.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { loadConfig } from '../src/config/load.ts';
import type { WatchRule } from '../src/config/model.ts';
import { applyTransition } from '../src/core/apply.ts';
import type { ApplyEvent, ApplyPolicy, ApplyState, Batch } from '../src/core/apply-state.ts';
import type { RulePolicy } from '../src/core/policy.ts';
import type { Reading } from '../src/core/reading.ts';
import { freshRule, type RuleEvent, type RuleState } from '../src/core/rule.ts';
import { ruleTransition } from '../src/core/rule-machine.ts';
import { firstStart, serviceTransition } from '../src/core/service.ts';
import type { ServiceEvent, ServicePolicy, ServiceState } from '../src/core/service-state.ts';

/** From, to → the events that lead there. */
type Arrows = Map<string, Set<string>>;

interface Machine<State> {
  readonly starts: readonly State[];
  readonly kindOf: (state: State) => string;
  /** What happens in this state, with a name each, and where it leads; undefined: nowhere. */
  readonly moves: (state: State) => readonly (readonly [name: string, next: State | undefined])[];
  /** States alike in this are explored once. */
  readonly key: (state: State) => string;
}

function walk<State>({ starts, kindOf, moves, key }: Machine<State>): Arrows {
  const arrows: Arrows = new Map();
  const seen = new Set(starts.map(key));
  const todo = [...starts];
  for (let state = todo.pop(); state !== undefined; state = todo.pop()) {
    for (const [name, next] of moves(state)) {
      if (next === undefined) continue;
      if (kindOf(next) !== kindOf(state)) label(arrows, `${kindOf(state)} --> ${kindOf(next)}`, name);
      if (seen.has(key(next))) continue;
      seen.add(key(next));
      todo.push(next);
    }
  }
  return arrows;
}

function label(arrows: Arrows, arrow: string, name: string): void {
  const names = arrows.get(arrow) ?? new Set();
  arrows.set(arrow, names.add(name));
}

const { main: defaultService } = loadConfig({
  argv: ['--watch', '/etc/app'],
  env: {},
  hasCommand: true,
  defaultFile: '/nonexistent',
}).services;
const [defaultRule] = defaultService.watch as readonly [WatchRule];

/** Late enough for every timer that is armed. */
const later = 1e9;
const probe = {
  check: { kind: 'exec', command: ['true'] },
  initial_delay: 0,
  period: 1,
  timeout: 1,
  success_threshold: 1,
  failure_threshold: 1,
} as const;
const sockets = [{ name: 's', address: { kind: 'tcp', host: '::1', port: 80 }, backlog: 1, reuse_port: false }] as const;

const servicePolicies: readonly ServicePolicy[] = (
  [
    {},
    { restart: 'on-failure' },
    { restart: 'on-failure', ready: probe, sockets, owned: true },
    { restart: 'on-failure', restart_order: 'start_first', ready: probe },
    { attach: { match: 'app', name: undefined, pid_file: undefined }, ready: probe },
  ] as const
).map((different) => ({
  ...defaultService,
  owned: false,
  reloads: true,
  restart: 'no',
  restart_delay: 10,
  restart_max_delay: 10,
  restart_limit: 2,
  restart_reset: 1000,
  ...different,
}));

function serviceMoves(state: ServiceState): [string, ServiceState | undefined][] {
  const token = 'token' in state ? state.token : 0;
  const end = (code: number) => ({ kind: 'code', code }) as const;
  const events: [string, ServiceEvent][] = [
    ['socket bound', { kind: 'listening', index: 0, failure: undefined, at: 1 }],
    ['socket not bound', { kind: 'listening', index: 0, failure: { stage: 'bind', text: '' }, at: 1 }],
    ...preparing(state),
    ['spawned', { kind: 'spawned', token, pid: 2, at: 1 }],
    ['spawn failed', { kind: 'spawnFailed', token, stage: 'exec', text: '', code: 127, at: 1 }],
    ['ended by itself', { kind: 'exited', token, end: end(1), rescue: false, at: 1 }],
    ['ended of a change', { kind: 'exited', token, end: end(1), rescue: true, at: 1 }],
    ['nothing of it is left', { kind: 'gone', token, killed: 0, at: 0 }],
    ['nothing of it is left, no wait', { kind: 'gone', token, killed: 0, at: later }],
    ['the probe says yes', { kind: 'answered', id: 1, problem: undefined, at: 1 }],
    ['the probe says no', { kind: 'answered', id: 1, problem: 'no', at: 1 }],
    ['found', { kind: 'sought', id: 1, sight: { kind: 'one', found: { pid: 2, startTicks: 1, startedAt: 1, permitted: true } }, at: 1 }],
    ['not there, or several', { kind: 'sought', id: 1, sight: { kind: 'none', problem: undefined }, at: 1 }],
    ['nobody is there', { kind: 'sought', id: 1, sight: { kind: 'alone' }, at: 1 }],
    ['the other container’s has ended', { kind: 'lost', token, at: 1 }],
    ['it does not live', { kind: 'troubled', trouble: { kind: 'dead', problem: 'no' }, rescue: false, at: 1 }],
    [
      'it holds too much',
      { kind: 'troubled', trouble: { kind: 'heavy', weight: { bytes: 2, limit: 1, processes: 1 } }, rescue: false, at: 1 },
    ],
    ['it has run long enough', { kind: 'troubled', trouble: { kind: 'old' }, rescue: false, at: 1 }],
    ['the container stops', { kind: 'stopping', signo: 15 }],
    ['restart wanted', { kind: 'restartWanted', at: 1 }],
    ['leaving wanted', { kind: 'leaveWanted', code: 75, at: 1 }],
    ['time elapsed', { kind: 'timeElapsed', at: later }],
    ...besideEvents(state),
  ];
  return servicePolicies.flatMap((policy) =>
    events.map(([name, event]): [string, ServiceState | undefined] => [name, forget(serviceTransition(state, event, policy, 1)?.state)]),
  );
}

/** The answers to what a step of the preparation waits for. */
function preparing(state: ServiceState): [string, ServiceEvent][] {
  switch (state.kind === 'preparing' ? state.step.kind : undefined) {
    case 'deciding':
      return [
        ['accepted', { kind: 'publishes', id: 3 }],
        ['nothing accepted', { kind: 'nothingAccepted', rules: [] }],
      ];
    case 'publishing':
      return [
        ['published', { kind: 'prepared', id: 3, problem: undefined, at: 1 }],
        ['not published', { kind: 'prepared', id: 3, problem: 'no', at: 1 }],
      ];
    default:
      return [];
  }
}

function besideEvents(state: ServiceState): [string, ServiceEvent][] {
  if (state.kind !== 'running' || !state.beside) return [];
  const { token } = state.beside;
  return [
    ['the new one spawned', { kind: 'spawned', token, pid: 3, at: 1 }],
    ['the new one not spawned', { kind: 'spawnFailed', token, stage: 'exec', text: '', code: 127, at: 1 }],
    ['the new one ended', { kind: 'exited', token, end: { kind: 'code', code: 1 }, rescue: false, at: 1 }],
  ];
}

/** Tokens alone make no other state: the instance is 1, the one beside 2. */
function forget(next: ServiceState | undefined): ServiceState | undefined {
  if (!next || !('token' in next)) return next;
  return next.kind === 'running' && next.beside ? { ...next, token: 1, beside: { ...next.beside, token: 2 } } : { ...next, token: 1 };
}

/** What is seen of an application from outside. */
function serviceKind(state: ServiceState): string {
  if (state.kind === 'preparing') return `preparing_${state.step.kind}`;
  if (state.kind !== 'running') return state.kind;
  return state.beside ? 'running_beside' : state.readiness.kind === 'probing' ? 'running_unready' : 'running';
}

const reading = (hash: string): Reading => ({ hash, files: undefined });
const publish = { to: '/p', mode: 'flip', keep: 0 } as const;
const rulePolicies: readonly RulePolicy[] = [{}, { snapshot: true }, { publish }].flatMap((different) =>
  (['reload', 'none'] as const).map(
    (on_change): RulePolicy => ({ ...defaultRule, source: 'files', validate: [['true']], on_change, ...different }),
  ),
);

function ruleMoves(rule: RuleState): [string, RuleState | undefined][] {
  const { phase } = rule;
  const read = 'read' in phase ? phase.read : 0;
  const candidate = 'candidate' in phase ? phase.candidate : { reading: reading('b'), since: 1, tries: 0 };
  const same = 'candidate' in phase ? phase.candidate.reading : rule.desired;
  const token = 'token' in phase ? phase.token : 0;
  const job = 'job' in phase ? phase.job : 0;
  const failed = { kind: 'failed', candidate, note: undefined, death: undefined, at: 1 } as const;
  const events: [string, RuleEvent][] = [
    ['told: other files', { kind: 'told', reading: reading('b'), foreign: false, at: 1 }],
    ['told: the applied files', { kind: 'told', reading: reading('a'), foreign: false, at: 1 }],
    ['read: the same', { kind: 'read', id: read, reading: same, at: 1 }],
    ['read: others', { kind: 'read', id: read, reading: reading('c'), at: 1 }],
    ['read: none to be had', { kind: 'read', id: read, reading: undefined, at: 1 }],
    ['copied', { kind: 'jobDone', id: job, result: { kind: 'staged', directory: '/c' }, at: 1 }],
    ['copied: others by now', { kind: 'jobDone', id: job, result: { kind: 'moved' }, at: 1 }],
    ['not copied', { kind: 'jobDone', id: job, result: { kind: 'done', problem: 'no' }, at: 1 }],
    ['valid', { kind: 'validated', token, at: 1, refusal: undefined }],
    ['refused', { kind: 'validated', token, at: 1, refusal: { kind: 'ended', end: { kind: 'code', code: 1 }, words: '' } }],
    ['no verdict', { kind: 'validated', token, at: 1, refusal: { kind: 'timed_out', words: '' } }],
    ['its turn', { kind: 'chosen' }],
    ['it came to nothing', { kind: 'dissolved', moved: undefined, at: 1 }],
    ['the files are others by now', { kind: 'dissolved', moved: { reading: reading('c') }, at: 1 }],
    ['succeeded', { kind: 'succeeded', how: 'reload', candidate, proven: true, at: 1 }],
    ['failed', { ...failed, again: false }],
    ['failed for now', { ...failed, again: true }],
    ['published', { kind: 'published', reading: candidate.reading }],
    ['an instance is ordered', { kind: 'instanceOrdered', beside: false }],
    ['one beside is ordered', { kind: 'instanceOrdered', beside: true }],
    ['it has started', { kind: 'instanceStarted', promoted: false, proven: false, at: 1 }],
    ['the one beside has taken over', { kind: 'instanceStarted', promoted: true, proven: true, at: 1 }],
    ['it was ended', { kind: 'instanceEnded', ordered: true, end: { kind: 'code', code: 0 }, at: 1 }],
    ['it ended by itself', { kind: 'instanceEnded', ordered: false, end: { kind: 'code', code: 1 }, at: 1 }],
    ['the container stops', { kind: 'containerStops' }],
    ['time elapsed', { kind: 'timeElapsed', at: later }],
  ];
  return rulePolicies.flatMap((policy) =>
    events.map(([name, event]): [string, RuleState | undefined] => [name, ruleTransition(rule, event, policy, 7)?.state]),
  );
}

function ruleKey({ phase, desired, applied, published, good, refused, fallen }: RuleState): string {
  const candidate = 'candidate' in phase ? phase.candidate.reading.hash : undefined;
  const copy = 'directory' in phase && phase.directory !== undefined;
  return JSON.stringify([phase.kind, candidate, copy, desired?.hash, applied?.hash, published?.hash, good?.hash, refused, fallen]);
}

const applyPolicies: readonly Partial<RulePolicy>[] = [
  { on_failure: 'keep' },
  { on_failure: 'restart', confirm_by: probe },
  { on_failure: 'rollback', confirm_by: probe, reload_retries: 1, max_draining: 0 },
];
const files: RulePolicy = { ...defaultRule, name: 'files', source: 'files', exec: [['true']] };
const copies: RulePolicy = { ...files, name: 'copies', publish };
const batches: readonly Batch[] = [files, copies].flatMap(({ name }) =>
  (['reload', 'restart', 'exec', 'http', 'none'] as const).map((action): Batch => {
    const candidate = { reading: reading('b'), since: 1, tries: 0 };
    const fallback = name === copies.name ? reading('a') : undefined;
    return { leader: name, action, members: [{ rule: name, candidate, fallback }], since: 1, tries: 0, published: false, rollback: false };
  }),
);

function applyMoves(state: ApplyState): [string, ApplyState | undefined][] {
  const id = 'job' in state ? state.job : 'id' in state ? state.id : 'token' in state ? state.token : 'read' in state ? state.read : 7;
  const asked = state.kind === 'confirming' && state.probing?.kind === 'asking' ? state.probing.id : id;
  const rule = state.kind === 'none' ? '' : state.batch.leader;
  const events: [string, ApplyEvent][] = [
    ...batches.map((batch): [string, ApplyEvent] => ['its turn', { kind: 'begin', batch, at: 1 }]),
    ['read: the same', { kind: 'read', rule, id, reading: reading('b'), at: 1 }],
    ['read: others', { kind: 'read', rule, id, reading: reading('c'), at: 1 }],
    ['few old workers', { kind: 'jobDone', id, result: { kind: 'counted', count: 0 }, at: 1 }],
    ['too many old workers', { kind: 'jobDone', id, result: { kind: 'counted', count: 1 }, at: 1 }],
    ['done', { kind: 'jobDone', id: asked, result: { kind: 'done', problem: undefined }, at: 1 }],
    ['not done', { kind: 'jobDone', id: asked, result: { kind: 'done', problem: 'no' }, at: 1 }],
    ['signal sent', { kind: 'signalled', id, result: 'sent', at: 1 }],
    ['signal not taken yet', { kind: 'signalled', id, result: 'not_yet', at: 1 }],
    ['signal never taken', { kind: 'signalled', id, result: 'not_caught', at: later }],
    ['signal not permitted', { kind: 'signalled', id, result: 'not_permitted', at: 1 }],
    ['no process', { kind: 'signalled', id, result: 'no_process', at: 1 }],
    ['done', { kind: 'executed', token: asked, refusal: undefined, at: 1 }],
    ['not done', { kind: 'executed', token: asked, refusal: { kind: 'timed_out', words: '' }, at: 1 }],
    ['it has started', { kind: 'instanceStarted', promoted: false, proven: false, at: 1 }],
    ['the one beside has taken over', { kind: 'instanceStarted', promoted: true, proven: true, at: 1 }],
    ['ready', { kind: 'instanceReady', at: 1 }],
    ['not ready', { kind: 'instanceUnready', problem: 'no', at: 1 }],
    ['the one beside failed', { kind: 'besideFailed', problem: 'no', at: 1 }],
    ['it ended by itself', { kind: 'instanceEnded', ordered: false, end: { kind: 'code', code: 1 }, at: 1 }],
    ['the container stops', { kind: 'containerStops' }],
    ['time elapsed', { kind: 'timeElapsed', at: 1 }],
    ['time elapsed', { kind: 'timeElapsed', at: later }],
  ];
  return applyPolicies.flatMap((different) =>
    [false, true].flatMap((ready) => {
      const given: ApplyPolicy = {
        policy: (name) => ({ ...(name === copies.name ? copies : files), ...different }),
        ready,
        restartable: true,
      };
      return events.map(([name, event]): [string, ApplyState | undefined] => [name, due(applyTransition(state, event, given, 7)?.state)]);
    }),
  );
}

/** What is tried again is tried, however late it has become in the walk. */
const due = (state: ApplyState | undefined): ApplyState | undefined => (state?.kind === 'retrying' ? { ...state, at: later } : state);

/** Times and numbers alone make no other state. */
function applyKey(state: ApplyState): string {
  if (state.kind === 'none') return state.kind;
  const { leader, action, tries, published, rollback } = state.batch;
  const probing = state.kind === 'confirming' ? [state.how, state.probing?.kind] : [];
  return JSON.stringify([state.kind, leader, action, tries, published, rollback, ...probing]);
}

/** On the way back it is a state of its own, for what may follow is less. */
const applyKind = (state: ApplyState): string => (state.kind === 'none' || !state.batch.rollback ? state.kind : `${state.kind}_back`);

/** Arrows that leave every state the same way are said in words, once. */
function diagram(arrows: Arrows, first: readonly string[], everywhere: readonly string[]): string {
  const lines = [...arrows]
    .map(([arrow, names]) => [arrow, [...names].filter((name) => !everywhere.includes(name))] as const)
    .filter(([, names]) => names.length > 0)
    .map(([arrow, names]) => `  ${arrow}: ${names.sort().join(' · ').replaceAll(':', ' –')}`);
  return ['```mermaid', 'stateDiagram-v2', ...first.map((kind) => `  [*] --> ${kind}`), ...lines.sort(), '```'].join('\n');
}

function page(): string {
  const service = walk<ServiceState>({
    starts: servicePolicies.map((policy) => firstStart(1, 0, policy).state),
    kindOf: serviceKind,
    moves: serviceMoves,
    // Attempts beyond the limit make no other state.
    key: (state) => JSON.stringify(state, (name, value) => (name === 'attempt' ? Math.min(value, 3) : value)),
  });
  const rule = walk<RuleState>({ starts: [freshRule(reading('a'), 0)], kindOf: ({ phase }) => phase.kind, moves: ruleMoves, key: ruleKey });
  const apply = walk<ApplyState>({ starts: [{ kind: 'none' }], kindOf: applyKind, moves: applyMoves, key: applyKey });
  return [
    '<!-- Generated by scripts/gen-states.ts, which walks the machines of src/core: change those, then `npm run gen`. -->',
    '',
    '# State machines',
    '',
    'Each arrow was found by trying the event in the state. What has no arrow changes nothing.',
    '',
    '## The application (`src/core/service.ts`)',
    '',
    'It is `preparing` before each start, as far as there is something to prepare. `running_unready`: its probe (`ready`) has not said yes or no yet; `running_beside`: a second instance is coming up (`restart_order: start_first`). While it runs it is asked over and over, as far as that is configured (`src/core/care.ts`): `it does not live`, `it holds too much`, `it has run long enough` are what may come of it.',
    '',
    '`the container stops` leads from every state that runs or is about to run something to `ending`, before there was anything to `ended`.',
    '',
    diagram(service, ['preparing_sockets', 'preparing_deciding', 'starting'], ['the container stops']),
    '',
    '## A change of one rule (`src/core/rule-machine.ts`)',
    '',
    '`the container stops` leads from every state to `over`. Of a rule whose files the application reads itself: an instance that is ordered leads to `coming`, the end of the instance to `down`, and one beside that has taken over to `surveying`.',
    '',
    diagram(
      rule,
      ['down'],
      ['the container stops', 'an instance is ordered', 'the one beside has taken over', 'it was ended', 'it ended by itself'],
    ),
    '',
    '## What is being applied (`src/core/apply.ts`)',
    '',
    'One at a time over all rules. `…_back`: on the way back to the last good generation. `the container stops` leads from every state to `none`, and so does an end of the application: before it was told anything the rules wait for their turn again, after it the change has failed.',
    '',
    diagram(apply, ['none'], ['the container stops', 'it ended by itself']),
    '',
  ].join('\n');
}

const file = new URL('../docs/reference/state-machines.md', import.meta.url);
const text = page();
if (!process.argv.includes('--check')) writeFileSync(file, text);
else if (readFileSync(file, 'utf8') !== text) {
  process.stderr.write('docs/reference/state-machines.md is not what the code says: npm run gen\n');
  process.exitCode = 1;
}
