import { describe, expect, test } from 'vitest';
import { ruleTransition } from '../../src/core/reload.ts';
import { holdsTurn, type Phase, type RuleCommand, type RuleEvent, type RulePolicy, type RuleState } from '../../src/core/rule.ts';
import { ruleDefaults } from '../fixtures/simulation.ts';

const reading = (hash: string) => ({ hash, files: new Map([['/f', hash]]) });
const [old, next, other] = [reading('old'), reading('next'), reading('other')];
const candidate = { reading: next, since: 10 };
const attempt = { by: 'reload', since: 100, count: 0 } as const;
const verdict = { kind: 'ended', end: { kind: 'code', code: 1 }, words: 'no' } as const;
const policy: RulePolicy = {
  ...ruleDefaults,
  validate: [['check'], ['lint']],
  settle: 300,
  confirm: 3_000,
  reload_after_start: 1_000,
  reload_signal: 1,
};
const id = 99;

const phases = {
  idle: { kind: 'idle' },
  settling: { kind: 'settling', last: 'next', readAt: 500, tries: 0 },
  rereading: { kind: 'rereading', last: 'next', tries: 0, read: 5 },
  checking: { kind: 'checking', candidate, read: 5 },
  validating: { kind: 'validating', candidate, step: 0, token: 6 },
  judging: { kind: 'judging', candidate, step: 0, verdict, read: 5 },
  queued: { kind: 'queued', candidate, held: false },
  rechecking: { kind: 'rechecking', candidate, attempt, read: 5 },
  signalling: { kind: 'signalling', candidate, attempt, id: 7 },
  retrying: { kind: 'retrying', candidate, attempt, at: 500 },
  confirming: { kind: 'confirming', candidate, by: 'reload', from: 100, until: 500 },
  restarting: { kind: 'restarting', candidate },
  down: { kind: 'down' },
  coming: { kind: 'coming', candidate, expected: 'next' },
  surveying: { kind: 'surveying', candidate, expected: 'next', startedAt: 100, read: 5 },
  over: { kind: 'over' },
} as const satisfies { [K in Phase['kind']]: Extract<Phase, { kind: K }> };

const events = {
  told: { kind: 'told', reading: other, at: 600 },
  read: { kind: 'read', id: 5, reading: next, at: 600 },
  validated: { kind: 'validated', token: 6, at: 600, refusal: undefined },
  turn: { kind: 'turn', at: 600 },
  heldBack: { kind: 'heldBack', by: 'x' },
  signalled: { kind: 'signalled', id: 7, result: 'sent', at: 600 },
  instanceOrdered: { kind: 'instanceOrdered' },
  instanceStarted: { kind: 'instanceStarted', at: 600 },
  instanceEnded: { kind: 'instanceEnded', ordered: false, end: { kind: 'code', code: 1 }, at: 600 },
  containerStops: { kind: 'containerStops' },
  timeElapsed: { kind: 'timeElapsed', at: 600 },
} as const satisfies { [K in RuleEvent['kind']]: Extract<RuleEvent, { kind: K }> };

const ruleIn = (phase: Phase, more: Partial<RuleState> = {}): RuleState => ({
  desired: next,
  seenAt: 10,
  applied: old,
  refused: undefined,
  deaths: 0,
  fallen: false,
  phase,
  ...more,
});

interface Row {
  readonly title: string;
  readonly in: Phase;
  readonly rule?: Partial<RuleState>;
  readonly when: RuleEvent;
  readonly to: Partial<Phase>;
  readonly leaves?: Partial<RuleState>;
  readonly commands?: readonly RuleCommand[];
  readonly notes?: readonly string[];
  readonly policy?: Partial<RulePolicy>;
}
const { in: _, ...none } = { in: 0, commands: [], notes: [] };
const settling = { kind: 'settling', last: 'other', readAt: 900, tries: 0 } as const;
const signal = { kind: 'signal', id, signo: 1, minAgeMs: 1_000 } as const;
const changed = { ...events.read, reading: other };
const unread = { ...events.read, reading: undefined };
const answer = (result: 'no_process' | 'not_yet' | 'ignored' | 'not_caught' | 'not_permitted' | 'stopping', at = 600) => ({
  ...events.signalled,
  result,
  at,
});

const rows: Row[] = [
  {
    title: 'a change is checked before it is validated',
    in: phases.idle,
    when: events.told,
    to: { kind: 'checking', read: id },
    notes: ['change_seen'],
  },
  {
    title: 'without a validator it waits for its turn',
    in: phases.idle,
    when: events.told,
    to: { kind: 'queued' },
    notes: ['change_seen'],
    policy: { validate: [] },
  },
  { title: 'what is applied is no change', in: phases.idle, when: { ...events.told, reading: old }, to: { kind: 'idle' } },
  {
    title: 'back to what is applied clears what was refused, and says so',
    in: phases.idle,
    rule: { refused: 'next' },
    when: { ...events.told, reading: old },
    to: { kind: 'idle' },
    leaves: { refused: undefined },
    notes: ['back'],
  },
  {
    title: 'what was refused is not tried again',
    in: phases.idle,
    rule: { refused: 'other' },
    when: events.told,
    to: { kind: 'idle' },
    leaves: { desired: other, refused: 'other' },
    notes: ['change_seen'],
  },
  { title: 'the watch’s word ends settling', in: phases.settling, when: events.told, to: { kind: 'checking' }, notes: ['change_seen'] },
  { title: 'quiet for long enough: read again', in: phases.settling, when: events.timeElapsed, to: { kind: 'rereading', read: id } },
  { title: 'two readings alike are settled', in: phases.rereading, when: events.read, to: { kind: 'checking' } },
  {
    title: 'two readings alike that are applied are none: what was told is over',
    in: phases.rereading,
    rule: { applied: next },
    when: events.read,
    to: { kind: 'idle' },
    notes: ['back'],
  },
  { title: 'still moving', in: phases.rereading, when: changed, to: settling },
  {
    title: 'unreadable: later, and later',
    in: { ...phases.rereading, tries: 3 },
    when: unread,
    to: { kind: 'settling', readAt: 600 + 4_800, tries: 4 },
  },
  {
    title: 'unreadable for long is told once',
    in: { ...phases.rereading, tries: 5 },
    when: unread,
    to: { kind: 'settling', tries: 6 },
    notes: ['unreadable'],
  },
  { title: 'a word while rereading', in: phases.rereading, when: events.told, to: { kind: 'checking' }, notes: ['change_seen'] },
  {
    title: 'still the candidate: validate',
    in: phases.checking,
    when: events.read,
    to: { kind: 'validating', step: 0, token: id },
    commands: [{ kind: 'validate', token: id, step: 0 }],
  },
  { title: 'changed before the validation', in: phases.checking, when: changed, to: settling, notes: ['unsettled'] },
  {
    title: 'unreadable before the validation',
    in: phases.checking,
    when: unread,
    to: { kind: 'settling', last: undefined },
    notes: ['unsettled'],
  },
  { title: 'told anew while checking', in: phases.checking, when: events.told, to: { kind: 'checking', read: id }, notes: ['change_seen'] },
  { title: 'told the same while checking', in: phases.checking, when: { ...events.told, reading: next }, to: phases.checking },
  {
    title: 'the next validator',
    in: phases.validating,
    when: events.validated,
    to: { kind: 'validating', step: 1, token: id },
    commands: [{ kind: 'validate', token: id, step: 1 }],
  },
  { title: 'the last validator', in: { ...phases.validating, step: 1 }, when: events.validated, to: { kind: 'queued' } },
  {
    title: 'a validator that says no',
    in: phases.validating,
    when: { ...events.validated, refusal: verdict },
    to: { kind: 'judging', verdict, read: id },
  },
  {
    title: 'told anew while validating: afterwards',
    in: phases.validating,
    when: events.told,
    to: phases.validating,
    leaves: { desired: other },
    notes: ['change_seen'],
  },
  {
    title: 'refused',
    in: phases.judging,
    when: events.read,
    to: { kind: 'idle' },
    leaves: { refused: 'next', applied: old },
    notes: ['refused'],
  },
  {
    title: 'refused, and another one is here already',
    in: phases.judging,
    rule: { desired: other },
    when: events.read,
    to: { kind: 'checking' },
    leaves: { refused: 'next' },
    notes: ['refused'],
  },
  {
    title: 'the validator saw something else',
    in: phases.judging,
    when: changed,
    to: settling,
    leaves: { refused: undefined },
    notes: ['unsettled'],
  },
  {
    title: 'told anew while judging',
    in: phases.judging,
    when: events.told,
    to: phases.judging,
    leaves: { desired: other },
    notes: ['change_seen'],
  },
  {
    title: 'its turn: read again',
    in: phases.queued,
    when: events.turn,
    to: { kind: 'rechecking', attempt: { by: 'reload', since: 600, count: 0 }, read: id },
  },
  {
    title: 'its turn, by restart',
    in: phases.queued,
    when: events.turn,
    to: { kind: 'rechecking', attempt: { by: 'restart', since: 600, count: 0 } },
    policy: { on_change: 'restart' },
  },
  {
    title: 'its turn, after the signal has proved deadly',
    in: phases.queued,
    rule: { fallen: true },
    when: events.turn,
    to: { kind: 'rechecking', attempt: { by: 'restart', since: 600, count: 0 } },
    notes: ['falls_to_restart'],
  },
  { title: 'held back is told', in: phases.queued, when: events.heldBack, to: { kind: 'queued', held: true }, notes: ['held_back'] },
  { title: 'told anew while queued', in: phases.queued, when: events.told, to: { kind: 'checking' }, notes: ['change_seen'] },
  {
    title: 'withdrawn while queued, and says so',
    in: phases.queued,
    when: { ...events.told, reading: old },
    to: { kind: 'idle' },
    notes: ['back'],
  },
  { title: 'told the same while queued', in: phases.queued, when: { ...events.told, reading: next }, to: phases.queued },
  {
    title: 'right before the signal it is still the candidate',
    in: phases.rechecking,
    when: events.read,
    to: { kind: 'signalling', id },
    commands: [signal],
  },
  { title: 'right before the signal it is not', in: phases.rechecking, when: changed, to: settling, notes: ['unsettled'] },
  {
    title: 'right before the restart',
    in: { ...phases.rechecking, attempt: { ...attempt, by: 'restart' } },
    when: events.read,
    to: { kind: 'restarting' },
    commands: [{ kind: 'restart' }],
  },
  {
    title: 'an application that watches by itself',
    in: phases.rechecking,
    when: events.read,
    to: { kind: 'idle' },
    leaves: { applied: next },
    notes: ['applied'],
    policy: { on_change: 'none' },
  },
  {
    title: 'told anew while rechecking',
    in: phases.rechecking,
    when: events.told,
    to: phases.rechecking,
    leaves: { desired: other },
    notes: ['change_seen'],
  },
  {
    title: 'sent',
    in: phases.signalling,
    when: events.signalled,
    to: { kind: 'confirming', by: 'reload', from: 600, until: 3_600 },
    notes: ['signalled'],
  },
  {
    title: 'too young: again, told once',
    in: phases.signalling,
    when: answer('not_yet'),
    to: { kind: 'retrying', at: 650, attempt: { ...attempt, count: 1 } },
    notes: ['signal_waits'],
  },
  {
    title: 'ignored: again',
    in: { ...phases.signalling, attempt: { ...attempt, count: 9 } },
    when: answer('ignored'),
    to: { kind: 'retrying', at: 1_600 },
  },
  {
    title: 'never caught: by restart',
    in: phases.signalling,
    when: answer('not_caught', 11_100),
    to: { kind: 'rechecking', attempt: { ...attempt, by: 'restart' }, read: id },
    notes: ['falls_to_restart'],
  },
  {
    title: 'not permitted: told, and not tried again',
    in: phases.signalling,
    when: answer('not_permitted'),
    to: { kind: 'idle' },
    leaves: { refused: 'next' },
    notes: ['signal_refused'],
  },
  { title: 'the process is gone: its end will tell', in: phases.signalling, when: answer('no_process'), to: { kind: 'queued' } },
  { title: 'the container stops: its event will tell', in: phases.signalling, when: answer('stopping'), to: { kind: 'queued' } },
  {
    title: 'told anew while signalling',
    in: phases.signalling,
    when: events.told,
    to: phases.signalling,
    leaves: { desired: other },
    notes: ['change_seen'],
  },
  {
    title: 'an end before the answer is not the signal’s doing',
    in: phases.signalling,
    when: events.instanceEnded,
    to: { kind: 'down' },
    leaves: { deaths: 0, refused: undefined },
  },
  { title: 'again, and read again before', in: phases.retrying, when: events.timeElapsed, to: { kind: 'rechecking', attempt, read: id } },
  {
    title: 'told anew while retrying',
    in: phases.retrying,
    when: events.told,
    to: phases.retrying,
    leaves: { desired: other },
    notes: ['change_seen'],
  },
  {
    title: 'it stayed up: applied',
    in: phases.confirming,
    rule: { deaths: 1 },
    when: events.timeElapsed,
    to: { kind: 'idle' },
    leaves: { applied: next, deaths: 0 },
    notes: ['applied'],
  },
  {
    title: 'applied, and the next one is here already',
    in: phases.confirming,
    rule: { desired: other },
    when: events.timeElapsed,
    to: { kind: 'checking', candidate: { reading: other, since: 10 } },
    leaves: { applied: next },
    notes: ['applied'],
  },
  {
    title: 'told anew while confirming',
    in: phases.confirming,
    when: events.told,
    to: phases.confirming,
    leaves: { desired: other },
    notes: ['change_seen'],
  },
  {
    title: 'an end after the signal is a failed reload',
    in: phases.confirming,
    when: events.instanceEnded,
    to: { kind: 'down' },
    leaves: { deaths: 1, fallen: false, refused: 'next' },
    notes: ['reload_failed'],
  },
  {
    title: 'two in a row: by restart from now on',
    in: phases.confirming,
    rule: { deaths: 1 },
    when: events.instanceEnded,
    to: { kind: 'down' },
    leaves: { deaths: 2, fallen: true },
    notes: ['reload_failed'],
  },
  {
    title: 'an end by the very signal: by restart from now on',
    in: phases.confirming,
    when: { ...events.instanceEnded, end: { kind: 'code', code: 129 } },
    to: { kind: 'down' },
    leaves: { fallen: true },
    notes: ['reload_failed'],
  },
  {
    title: 'an end after a restart',
    in: { ...phases.confirming, by: 'restart' },
    when: events.instanceEnded,
    to: { kind: 'down' },
    leaves: { refused: 'next', deaths: 0 },
    notes: ['restart_failed'],
  },
  { title: 'the ordered end of a restart', in: phases.restarting, when: { ...events.instanceEnded, ordered: true }, to: {} },
  {
    title: 'told anew while restarting',
    in: phases.restarting,
    when: events.told,
    to: phases.restarting,
    leaves: { desired: other },
    notes: ['change_seen'],
  },
  {
    title: 'the next instance is ordered',
    in: phases.restarting,
    when: events.instanceOrdered,
    to: { kind: 'coming', candidate, expected: 'next' },
  },
  {
    title: 'the next instance is ordered on something newer',
    in: phases.restarting,
    rule: { desired: other },
    when: events.instanceOrdered,
    to: { kind: 'coming', candidate: undefined, expected: 'other' },
  },
  {
    title: 'a change while nothing runs does not wait for the back-off',
    in: phases.down,
    when: events.told,
    to: phases.down,
    leaves: { desired: other },
    commands: [{ kind: 'restart' }],
    notes: ['change_seen'],
  },
  {
    title: 'an instance after an end',
    in: phases.down,
    when: events.instanceOrdered,
    to: { kind: 'coming', candidate: undefined, expected: 'next' },
  },
  {
    title: 'it has started: survey',
    in: phases.coming,
    when: events.instanceStarted,
    to: { kind: 'surveying', candidate, expected: 'next', startedAt: 600, read: id },
  },
  {
    title: 'it could not be started',
    in: phases.coming,
    when: { ...events.instanceEnded, end: undefined },
    to: { kind: 'down' },
    leaves: { refused: 'next' },
    notes: ['restart_failed'],
  },
  {
    title: 'told anew while it comes',
    in: phases.coming,
    when: events.told,
    to: phases.coming,
    leaves: { desired: other },
    notes: ['change_seen'],
  },
  {
    title: 'it found what was expected, for this change',
    in: phases.surveying,
    when: events.read,
    to: { kind: 'confirming', by: 'restart', from: 100, until: 3_100 },
    leaves: { applied: next },
  },
  {
    title: 'it found what was expected',
    in: { ...phases.surveying, candidate: undefined },
    when: events.read,
    to: { kind: 'idle' },
    leaves: { applied: next },
  },
  {
    title: 'it came up on what had been refused',
    in: { ...phases.surveying, candidate: undefined },
    rule: { refused: 'next' },
    when: events.read,
    to: { kind: 'idle' },
    leaves: { applied: next, refused: undefined },
    notes: ['came_up_on_refused'],
  },
  {
    title: 'it found what was expected, which is no longer wanted',
    in: { ...phases.surveying, candidate: undefined },
    rule: { desired: other },
    when: events.read,
    to: { kind: 'checking' },
    leaves: { applied: next },
  },
  {
    title: 'the files changed while it started: nobody knows',
    in: phases.surveying,
    when: changed,
    to: settling,
    leaves: { applied: undefined },
    notes: ['unsettled'],
  },
  {
    title: 'told anew while surveying',
    in: phases.surveying,
    when: events.told,
    to: phases.surveying,
    leaves: { desired: other },
    notes: ['change_seen'],
  },
  {
    title: 'it ended before the survey',
    in: phases.surveying,
    when: events.instanceEnded,
    to: { kind: 'down' },
    leaves: { refused: 'next' },
    notes: ['restart_failed'],
  },
];

/** Beside these every phase takes containerStops, instanceOrdered and (but down) instanceEnded; `over` takes nothing. */
const everywhere: readonly RuleEvent['kind'][] = ['told', 'instanceOrdered', 'instanceEnded', 'containerStops'];
const taken: { readonly [K in Phase['kind']]: readonly RuleEvent['kind'][] } = {
  idle: everywhere,
  settling: [...everywhere, 'timeElapsed'],
  rereading: [...everywhere, 'read'],
  checking: [...everywhere, 'read'],
  validating: [...everywhere, 'validated'],
  judging: [...everywhere, 'read'],
  queued: [...everywhere, 'turn', 'heldBack'],
  rechecking: [...everywhere, 'read'],
  signalling: [...everywhere, 'signalled'],
  retrying: [...everywhere, 'timeElapsed'],
  confirming: [...everywhere, 'timeElapsed'],
  restarting: everywhere,
  down: ['told', 'instanceOrdered', 'containerStops'],
  coming: [...everywhere, 'instanceStarted'],
  surveying: [...everywhere, 'read'],
  over: [],
};

describe('reload', () => {
  test.each(rows)(
    '$in.kind: $title',
    ({ in: phase, rule, when, to, leaves = {}, commands = none.commands, notes = none.notes, policy: different }) => {
      const given = ruleIn(phase, rule);
      const step = ruleTransition(given, when, { ...policy, ...different }, id);
      if (Object.keys(to).length === 0) return expect(step).toBeUndefined();
      expect(step?.state.phase).toMatchObject(to);
      expect(step?.state).toMatchObject(leaves);
      expect(step?.commands).toEqual(commands);
      return expect(step?.notes.map(({ kind }) => kind)).toEqual(notes);
    },
  );

  test.each(Object.values(phases))('$kind takes what it must and ignores the rest', (phase) => {
    const took = Object.values(events)
      .filter((event) => ruleTransition(ruleIn(phase), event, policy, id) !== undefined)
      .map(({ kind }) => kind);
    expect(new Set(took)).toEqual(new Set(taken[phase.kind]));
  });

  test.each(Object.values(phases).filter(({ kind }) => kind !== 'over'))('$kind: each event of its own has a row', ({ kind }) => {
    const own = taken[kind].filter((event) => !['instanceOrdered', 'instanceEnded', 'containerStops'].includes(event));
    const covered = rows.filter((row) => row.in.kind === kind).map(({ when }) => when.kind);
    expect(covered).toEqual(expect.arrayContaining(own));
  });

  test('the container’s stop is the end of it, from everywhere', () => {
    for (const phase of Object.values(phases).filter(({ kind }) => kind !== 'over')) {
      expect(ruleTransition(ruleIn(phase), events.containerStops, policy, id)).toMatchObject({
        state: { phase: { kind: 'over' } },
        commands: [],
        notes: [],
      });
    }
  });

  test('from the last reading to the confirmation no other rule may apply', () => {
    const held = Object.values(phases)
      .filter((phase) => holdsTurn(ruleIn(phase)))
      .map(({ kind }) => kind);
    expect(held).toEqual(['rechecking', 'signalling', 'retrying', 'confirming', 'restarting', 'coming', 'surveying']);
    expect(holdsTurn(ruleIn({ ...phases.coming, candidate: undefined }))).toBe(false);
    expect(holdsTurn(ruleIn({ ...phases.surveying, candidate: undefined }))).toBe(false);
  });

  test('late answers of former phases are nobody’s', () => {
    for (const phase of Object.values(phases)) {
      expect(ruleTransition(ruleIn(phase), { ...events.read, id: 4 }, policy, id)).toBeUndefined();
      expect(ruleTransition(ruleIn(phase), { ...events.validated, token: 4 }, policy, id)).toBeUndefined();
      expect(ruleTransition(ruleIn(phase), { ...events.signalled, id: 4 }, policy, id)).toBeUndefined();
      expect(ruleTransition(ruleIn(phase), { ...events.timeElapsed, at: 499 }, policy, id)).toBeUndefined();
    }
  });
});
