/**
 * Draws the two state machines by walking them: from the first state on, every event of a small set is tried in every state that is reached,
 * and each change of kind becomes an arrow. So the diagrams cannot say what the code does not do.
 *
 * Writes docs/reference/state-machines.md; `--check` fails where that is not what the code says.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import type { Reading } from '../src/core/reading.ts';
import { ruleTransition } from '../src/core/reload.ts';
import { freshRule, type RuleEvent, type RulePolicy, type RuleState } from '../src/core/rule.ts';
import { firstStart, type ServiceEvent, type ServicePolicy, type ServiceState, serviceTransition } from '../src/core/service.ts';

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

const policies: readonly ServicePolicy[] = (['no', 'on-failure'] as const).map((restart) => ({
  stop_signal: 0,
  stop_timeout: undefined,
  exit_codes: {},
  restart,
  restart_delay: 10,
  restart_max_delay: 10,
  restart_limit: 2,
  restart_reset: 1000,
}));

/** Late enough for every timer that is armed. */
const later = 1e9;

function serviceMoves(state: ServiceState): [string, ServiceState | undefined][] {
  const token = 'token' in state ? state.token : 0;
  const end = (code: number) => ({ kind: 'code', code }) as const;
  const events: [string, ServiceEvent][] = [
    ['spawned', { kind: 'spawned', token, pid: 2, at: 1 }],
    ['spawn failed', { kind: 'spawnFailed', token, stage: 'exec', text: '', code: 127, at: 1 }],
    ['ended by itself', { kind: 'exited', token, end: end(1), rescue: false, at: 1 }],
    ['ended right after a reload signal', { kind: 'exited', token, end: end(1), rescue: true, at: 1 }],
    ['nothing of it is left', { kind: 'gone', token, killed: 0, at: 0 }],
    ['nothing of it is left, no wait', { kind: 'gone', token, killed: 0, at: later }],
    ['the container stops', { kind: 'stopping', signo: 15 }],
    ['restart wanted', { kind: 'restartWanted', at: 1 }],
    ['time elapsed', { kind: 'timeElapsed', at: later }],
  ];
  const forget = (next: ServiceState | undefined): ServiceState | undefined => (next && 'token' in next ? { ...next, token: 1 } : next);
  return policies.flatMap((policy) =>
    events.map(([name, event]): [string, ServiceState | undefined] => [name, forget(serviceTransition(state, event, policy, 1)?.state)]),
  );
}

const reading = (hash: string): Reading => ({ hash, files: undefined });
const rulePolicies: readonly RulePolicy[] = (['reload', 'restart', 'none'] as const).map((on_change) => ({
  settle: 10,
  validate: [['true']],
  on_change,
  reload_signal: 1,
  reload_after_start: 10,
  confirm: 10,
}));

function ruleMoves(rule: RuleState): [string, RuleState | undefined][] {
  const { phase } = rule;
  const read = 'read' in phase ? phase.read : 0;
  const same = 'candidate' in phase && phase.candidate ? phase.candidate.reading : rule.desired;
  const events: [string, RuleEvent][] = [
    ['told: other files', { kind: 'told', reading: reading('b'), at: 1 }],
    ['told: the applied files', { kind: 'told', reading: reading('a'), at: 1 }],
    ['read: the same', { kind: 'read', id: read, reading: same, at: 1 }],
    ['read: others', { kind: 'read', id: read, reading: reading('c'), at: 1 }],
    ['read: none to be had', { kind: 'read', id: read, reading: undefined, at: 1 }],
    ['valid', { kind: 'validated', token: 'token' in phase ? phase.token : 0, at: 1, refusal: undefined }],
    [
      'refused',
      { kind: 'validated', token: 'token' in phase ? phase.token : 0, at: 1, refusal: { kind: 'timed_out', words: [] } as never },
    ],
    ['its turn', { kind: 'turn', at: 1 }],
    ['signal sent', { kind: 'signalled', id: 'id' in phase ? phase.id : 0, result: 'sent', at: 1 }],
    ['signal not taken yet', { kind: 'signalled', id: 'id' in phase ? phase.id : 0, result: 'not_yet', at: 1 }],
    ['signal never taken', { kind: 'signalled', id: 'id' in phase ? phase.id : 0, result: 'not_caught', at: later }],
    ['signal not permitted', { kind: 'signalled', id: 'id' in phase ? phase.id : 0, result: 'not_permitted', at: 1 }],
    ['no process', { kind: 'signalled', id: 'id' in phase ? phase.id : 0, result: 'no_process', at: 1 }],
    ['an instance is ordered', { kind: 'instanceOrdered' }],
    ['it has started', { kind: 'instanceStarted', at: 1 }],
    ['it was ended', { kind: 'instanceEnded', ordered: true, end: { kind: 'code', code: 0 }, at: 1 }],
    ['it ended by itself', { kind: 'instanceEnded', ordered: false, end: { kind: 'code', code: 1 }, at: 1 }],
    ['the container stops', { kind: 'containerStops' }],
    ['time elapsed', { kind: 'timeElapsed', at: later }],
  ];
  return rulePolicies.flatMap((policy) =>
    events.map(([name, event]): [string, RuleState | undefined] => [name, ruleTransition(rule, event, policy, 7)?.state]),
  );
}

function ruleKey({ phase, desired, applied, refused, fallen }: RuleState): string {
  const candidate = 'candidate' in phase ? phase.candidate?.reading.hash : undefined;
  const by = 'attempt' in phase ? phase.attempt.by : 'by' in phase ? phase.by : undefined;
  return JSON.stringify([phase.kind, candidate, by, desired?.hash, applied?.hash, refused, fallen]);
}

/** Arrows that leave every state the same way are said in words, once. */
function diagram(arrows: Arrows, first: string, everywhere: readonly string[]): string {
  const lines = [...arrows]
    .map(([arrow, names]) => [arrow, [...names].filter((name) => !everywhere.includes(name))] as const)
    .filter(([, names]) => names.length > 0)
    .map(([arrow, names]) => `  ${arrow}: ${names.sort().join(' · ').replaceAll(':', ' –')}`);
  return ['```mermaid', 'stateDiagram-v2', `  [*] --> ${first}`, ...lines.sort(), '```'].join('\n');
}

function page(): string {
  const service = walk<ServiceState>({
    starts: [firstStart(1, 0).state],
    kindOf: ({ kind }) => kind,
    moves: serviceMoves,
    key: (state) => JSON.stringify(state),
  });
  const rule = walk<RuleState>({ starts: [freshRule(reading('a'), 0)], kindOf: ({ phase }) => phase.kind, moves: ruleMoves, key: ruleKey });
  return [
    '<!-- Generated by scripts/gen-states.ts, which walks the machines of src/core: change those, then `npm run gen`. -->',
    '',
    '# State machines',
    '',
    'Each arrow was found by trying the event in the state. What has no arrow changes nothing.',
    '',
    '## The application (`src/core/service.ts`)',
    '',
    '`the container stops` leads from every state that runs or is about to run something to `ending`.',
    '',
    diagram(service, 'starting', ['the container stops']),
    '',
    '## A change of one rule (`src/core/reload.ts`)',
    '',
    '`the container stops` leads from every state to `over`; an instance that is ordered to `coming`; the end of the instance to `down`.',
    '',
    diagram(rule, 'down', ['the container stops', 'an instance is ordered', 'it was ended', 'it ended by itself']),
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
