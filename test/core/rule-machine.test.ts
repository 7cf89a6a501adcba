import { describe, expect, test } from 'vitest';
import type { RulePolicy } from '../../src/core/policy.ts';
import { bare } from '../../src/core/reading.ts';
import {
  adoptedRule,
  freshRule,
  holdsOthersBack,
  isOnProbation,
  isUnderWay,
  type Phase,
  type RuleCommand,
  type RuleEvent,
  type RuleState,
  ruleDeadline,
} from '../../src/core/rule.ts';
import { ruleTransition } from '../../src/core/rule-machine.ts';
import { ruleDefaults } from '../fixtures/simulation.ts';
import { instanceEvents } from './instance-events.ts';

const reading = (hash: string) => ({ hash, files: new Map([['/f', hash]]) });
const [old, next, other] = [reading('old'), reading('next'), reading('other')];
const candidate = { reading: next, since: 10, tries: 0 };
const verdict = { kind: 'ended', end: { kind: 'code', code: 1 }, words: 'no' } as const;
const hung = { kind: 'timed_out', words: '' } as const;
const policy: RulePolicy = {
  ...ruleDefaults,
  source: 'files',
  validate: [['check'], ['lint']],
  settle: 300,
  max_wait: 5_000,
  good_after: 30_000,
};
const owned = { publish: { to: '/run/p', mode: 'flip', keep: 1 } } as const;
const id = 99;

const phases = {
  idle: { kind: 'idle' },
  settling: { kind: 'settling', last: 'next', readAt: 500, tries: 0 },
  rereading: { kind: 'rereading', last: 'next', tries: 0, read: 5 },
  checking: { kind: 'checking', candidate, read: 5 },
  staging: { kind: 'staging', candidate, job: 8 },
  validating: { kind: 'validating', candidate, step: 0, token: 6, directory: undefined },
  judging: { kind: 'judging', candidate, step: 0, verdict, read: 5 },
  delayed: { kind: 'delayed', candidate, until: 500 },
  queued: { kind: 'queued', candidate, held: 'no' },
  applying: { kind: 'applying', candidate },
  down: { kind: 'down' },
  coming: { kind: 'coming', expected: 'next' },
  surveying: { kind: 'surveying', expected: 'next', startedAt: 100, read: 5, success: undefined },
  over: { kind: 'over' },
} as const satisfies { [K in Phase['kind']]: Extract<Phase, { kind: K }> };

const events = {
  told: { kind: 'told', reading: other, foreign: false, at: 600 },
  stirred: { kind: 'stirred', at: 600 },
  calmed: { kind: 'calmed', at: 600 },
  read: { kind: 'read', id: 5, reading: next, at: 600 },
  jobDone: { kind: 'jobDone', id: 8, result: { kind: 'staged', directory: '/copy' }, at: 600 },
  validated: { kind: 'validated', token: 6, at: 600, refusal: undefined },
  heldBack: { kind: 'heldBack', by: 'x' },
  asked: { kind: 'asked', verb: 'reload', at: 600 },
  askedAgain: { kind: 'askedAgain', at: 600 },
  chosen: { kind: 'chosen' },
  published: { kind: 'published', reading: next },
  dissolved: { kind: 'dissolved', moved: undefined, at: 600 },
  succeeded: { kind: 'succeeded', how: 'reload', candidate, proven: false, at: 600 },
  failed: { kind: 'failed', candidate, note: undefined, again: false, death: undefined, at: 600 },
  rolledBack: { kind: 'rolledBack', reading: old, took: true, note: { kind: 'back_on_good', hash: 'old', how: 'reload' }, at: 600 },
  ...instanceEvents,
  containerStops: { kind: 'containerStops' },
  timeElapsed: { kind: 'timeElapsed', at: 600 },
} as const satisfies { [K in RuleEvent['kind']]: Extract<RuleEvent, { kind: K }> };

const ruleIn = (phase: Phase, more: Partial<RuleState> = {}): RuleState => ({
  ...freshRule(next, 10),
  divergedAt: 10,
  applied: old,
  phase,
  ...more,
});

interface Row {
  readonly title: string;
  readonly in: Phase;
  readonly rule?: Partial<RuleState>;
  readonly when: RuleEvent;
  /** `nothing`: the event means nothing here. */
  readonly to: Readonly<Record<string, unknown>> | 'nothing';
  readonly leaves?: Partial<RuleState>;
  readonly commands?: readonly RuleCommand[];
  readonly notes?: readonly string[];
  readonly policy?: Partial<RulePolicy>;
}

const settling = { kind: 'settling', last: 'other', readAt: 900, tries: 0 } as const;
const changed = { ...events.read, reading: other };
const unread = { ...events.read, reading: undefined };
const refused = { ...events.validated, refusal: verdict };
const done = (problem: string) => ({ ...events.jobDone, result: { kind: 'done', problem } }) as const;
const inCopy = { ...phases.validating, directory: '/copy' };
const note = { kind: 'reload_failed', hash: 'next', signo: 1, afterMs: 5 } as const;

const rows: Row[] = [
  {
    title: 'a change is checked before it is validated',
    in: phases.idle,
    when: events.told,
    to: { kind: 'checking', read: id },
    leaves: { divergedAt: 10, seenAt: 600 },
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
  {
    title: 'what is published is copied first, with or without a validator',
    in: phases.idle,
    when: events.told,
    to: { kind: 'staging', job: id },
    notes: ['change_seen'],
    policy: { ...owned, validate: [] },
  },
  {
    title: 'so is what a validator is to see as a copy',
    in: phases.idle,
    when: events.told,
    to: { kind: 'staging', job: id },
    notes: ['change_seen'],
    policy: { validate: [['check', '-c', '{{snapshot}}/app.conf']] },
  },
  {
    title: 'an application that watches by itself has it already',
    in: phases.idle,
    when: events.told,
    to: { kind: 'idle' },
    leaves: { applied: other, actedAt: 0 },
    notes: ['change_seen', 'applied'],
    policy: { validate: [], on_change: 'none' },
  },
  {
    title: 'what is unusable is refused without a validator',
    in: phases.idle,
    when: { ...events.told, reading: { ...other, problem: 'line 3 has an open quote' } },
    to: { kind: 'idle' },
    leaves: { refused: 'other' },
    notes: ['change_seen', 'refused'],
  },
  {
    title: 'what is applied is no change',
    in: phases.idle,
    when: { ...events.told, reading: old },
    to: { kind: 'idle' },
    leaves: { divergedAt: undefined },
  },
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
  {
    title: 'a change right after our own action counts as an echo',
    in: phases.idle,
    rule: { actedAt: 500 },
    when: events.told,
    to: { kind: 'checking' },
    leaves: { echo: { count: 1, holds: 0, heldAt: 0, heldUntil: 0 } },
    notes: ['change_seen'],
  },
  {
    title: 'a tenth one in a row is told',
    in: phases.idle,
    rule: { actedAt: 500, echo: { count: 9, holds: 0, heldAt: 0, heldUntil: 0 } },
    when: events.told,
    to: { kind: 'checking' },
    leaves: { echo: { count: 9, holds: 1, heldAt: 600, heldUntil: 10_600 } },
    notes: ['change_seen', 'loop_held'],
  },
  {
    title: 'but not what nobody in the container can have written',
    in: phases.idle,
    rule: { actedAt: 500, echo: { count: 9, holds: 0, heldAt: 0, heldUntil: 0 } },
    when: { ...events.told, foreign: true },
    to: { kind: 'checking' },
    leaves: { echo: { count: 9, holds: 0, heldAt: 0, heldUntil: 0 } },
    notes: ['change_seen'],
  },
  {
    title: 'nor where loop_guard is off',
    in: phases.idle,
    rule: { actedAt: 500, echo: { count: 9, holds: 0, heldAt: 0, heldUntil: 0 } },
    when: events.told,
    to: { kind: 'checking' },
    leaves: { echo: { count: 9, holds: 0, heldAt: 0, heldUntil: 0 } },
    notes: ['change_seen'],
    policy: { loop_guard: false },
  },
  {
    title: 'a change during our own action is an echo, too',
    in: phases.applying,
    when: events.told,
    to: phases.applying,
    leaves: { echo: { count: 1, holds: 0, heldAt: 0, heldUntil: 0 } },
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
    title: 'moving for longer than max_wait: the newest is tried',
    in: phases.rereading,
    when: { ...changed, at: 5_010 },
    to: { kind: 'checking', candidate: { reading: other, since: 5_010, tries: 0 } },
    notes: ['change_seen'],
  },
  {
    title: 'unreadable: later, and later',
    in: { ...phases.rereading, tries: 3 },
    when: unread,
    to: { kind: 'settling', readAt: 600 + 4_800, tries: 4 },
  },
  {
    title: 'unreadable is never overdue',
    in: phases.rereading,
    when: { ...unread, at: 9_000 },
    to: { kind: 'settling', last: undefined },
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
    to: { kind: 'validating', step: 0, token: id, directory: undefined },
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
    title: 'the copy is there: validate it',
    in: phases.staging,
    when: events.jobDone,
    to: { kind: 'validating', step: 0, token: id, directory: '/copy' },
    commands: [{ kind: 'validate', token: id, step: 0 }],
  },
  {
    title: 'the copy is there, and nobody is to judge it',
    in: phases.staging,
    when: events.jobDone,
    to: { kind: 'queued', candidate },
    policy: { ...owned, validate: [] },
  },
  {
    title: 'the files moved while they were copied',
    in: phases.staging,
    when: { ...events.jobDone, result: { kind: 'moved' } },
    to: { kind: 'settling', last: undefined, readAt: 900 },
    leaves: { refused: undefined },
    notes: ['unsettled'],
  },
  {
    title: 'no copy can be made: told once, and tried later',
    in: phases.staging,
    when: done('no space left'),
    to: { kind: 'delayed', until: 10_600, candidate: { ...candidate, tries: 1 } },
    leaves: { refused: 'next' },
    notes: ['not_staged'],
  },
  {
    title: 'still none: later and later, and silent',
    in: { ...phases.staging, candidate: { ...candidate, tries: 2 } },
    when: done('no space left'),
    to: { kind: 'delayed', until: 40_600, candidate: { ...candidate, tries: 3 } },
  },
  {
    title: 'told anew while copying: afterwards',
    in: phases.staging,
    when: events.told,
    to: phases.staging,
    leaves: { desired: other },
    notes: ['change_seen'],
  },
  {
    title: 'the next validator',
    in: inCopy,
    when: events.validated,
    to: { kind: 'validating', step: 1, token: id, directory: '/copy' },
    commands: [{ kind: 'validate', token: id, step: 1 }],
  },
  { title: 'the last validator', in: { ...phases.validating, step: 1 }, when: events.validated, to: { kind: 'queued', held: 'no' } },
  {
    title: 'the last validator of one who takes it over by itself',
    in: { ...phases.validating, step: 1 },
    when: events.validated,
    to: { kind: 'idle' },
    leaves: { applied: next },
    notes: ['applied'],
    policy: { on_change: 'none' },
  },
  {
    title: 'what is published needs its turn for that, though nobody is told of it',
    in: { ...phases.validating, step: 1 },
    when: events.validated,
    to: { kind: 'queued' },
    policy: { ...owned, on_change: 'none' },
  },
  { title: 'a validator that says no', in: phases.validating, when: refused, to: { kind: 'judging', verdict, read: id } },
  {
    title: 'a copy has not changed: refused at once',
    in: inCopy,
    when: refused,
    to: { kind: 'idle' },
    leaves: { refused: 'next', applied: old },
    notes: ['refused'],
  },
  {
    title: 'a validator that gives no verdict is asked again',
    in: inCopy,
    when: { ...events.validated, refusal: hung },
    to: { kind: 'delayed', until: 10_600, candidate: { ...candidate, tries: 1 } },
    leaves: { refused: 'next' },
    notes: ['refused'],
  },
  {
    title: 'without a line each time',
    in: { ...inCopy, candidate: { ...candidate, tries: 9 } },
    when: { ...events.validated, refusal: hung },
    to: { kind: 'delayed', until: 300_600 },
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
    title: 'tried again',
    in: { ...phases.delayed, candidate: { ...candidate, tries: 3 } },
    when: events.timeElapsed,
    to: { kind: 'checking', candidate: { ...candidate, tries: 3 } },
  },
  { title: 'told the same while delayed: it waits on', in: phases.delayed, when: { ...events.told, reading: next }, to: phases.delayed },
  {
    title: 'other files do not wait',
    in: phases.delayed,
    when: events.told,
    to: { kind: 'checking', candidate: { reading: other, since: 600, tries: 0 } },
    notes: ['change_seen'],
  },
  { title: 'its turn', in: phases.queued, when: events.chosen, to: { kind: 'applying', candidate } },
  { title: 'held back: the other one is asked again', in: phases.queued, when: events.heldBack, to: { kind: 'queued', held: 'asked' } },
  {
    title: 'held back all the same is told',
    in: { ...phases.queued, held: 'asked' },
    when: events.heldBack,
    to: { kind: 'queued', held: 'told' },
    notes: ['held_back'],
  },
  { title: 'and told once', in: { ...phases.queued, held: 'told' }, when: events.heldBack, to: 'nothing' },
  {
    title: 'refused, and asked again for another rule has changed',
    in: phases.idle,
    rule: { refused: 'next' },
    when: events.askedAgain,
    to: { kind: 'checking', candidate: { reading: next, tries: 0 }, read: id },
  },
  { title: 'nothing is refused', in: phases.idle, when: events.askedAgain, to: 'nothing' },
  {
    title: 'failed, without validators',
    in: phases.idle,
    rule: { refused: 'next' },
    when: events.askedAgain,
    to: 'nothing',
    policy: { validate: [] },
  },
  {
    title: 'refused again by the same validator: that was told',
    in: phases.judging,
    rule: { refused: 'next' },
    when: events.read,
    to: { kind: 'idle' },
    leaves: { refused: 'next' },
  },
  {
    title: 'found valid when it was asked again',
    in: { ...phases.validating, step: 1 },
    rule: { refused: 'next' },
    when: events.validated,
    to: { kind: 'queued', held: 'no' },
    leaves: { refused: undefined },
  },
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
    title: 'a copy that is valid gives way to newer files',
    in: phases.queued,
    when: events.told,
    to: { kind: 'staging' },
    notes: ['change_seen'],
    policy: owned,
  },
  {
    title: 'but not for longer than max_wait',
    in: phases.queued,
    when: { ...events.told, at: 5_010 },
    to: phases.queued,
    leaves: { desired: other },
    notes: ['change_seen'],
    policy: owned,
  },
  {
    title: 'told anew while it is applied: afterwards',
    in: phases.applying,
    when: events.told,
    to: phases.applying,
    leaves: { desired: other },
    notes: ['change_seen'],
  },
  {
    title: 'it came to nothing: it waits for its turn again',
    in: phases.applying,
    when: events.dissolved,
    to: { kind: 'queued', candidate, held: 'no' },
  },
  {
    title: 'it came to nothing, and there are newer files',
    in: phases.applying,
    rule: { desired: other },
    when: events.dissolved,
    to: { kind: 'checking', candidate: { reading: other, since: 10, tries: 0 } },
  },
  {
    title: 'a valid copy that came to nothing waits all the same',
    in: phases.applying,
    rule: { desired: other },
    when: events.dissolved,
    to: { kind: 'queued', candidate },
    policy: owned,
  },
  {
    title: 'right before the action the files are others',
    in: phases.applying,
    when: { ...events.dissolved, moved: { reading: other } },
    to: settling,
    notes: ['unsettled'],
  },
  {
    title: 'applied',
    in: phases.applying,
    rule: { deaths: 1, refused: 'x' },
    when: events.succeeded,
    to: { kind: 'idle' },
    leaves: { applied: next, deaths: 0, refused: undefined, good: undefined, goodAt: 30_600, actedAt: 600, divergedAt: undefined },
    notes: ['applied'],
  },
  {
    title: 'only a reload that went well proves that the signal is survived',
    in: phases.applying,
    rule: { deaths: 1 },
    when: { ...events.succeeded, how: 'restart' },
    to: { kind: 'idle' },
    leaves: { deaths: 1 },
    notes: ['applied'],
  },
  {
    title: 'confirmed by the application: good at once',
    in: phases.applying,
    rule: { goodAt: 700 },
    when: { ...events.succeeded, proven: true },
    to: { kind: 'idle' },
    leaves: { applied: next, good: bare(next), goodAt: undefined },
    notes: ['applied'],
  },
  {
    title: 'good_after: 0',
    in: phases.applying,
    when: events.succeeded,
    to: { kind: 'idle' },
    leaves: { good: bare(next), goodAt: undefined },
    notes: ['applied'],
    policy: { good_after: 0 },
  },
  {
    title: 'back on the good one: nothing has to be proven',
    in: phases.applying,
    rule: { good: next, goodAt: 700 },
    when: events.succeeded,
    to: { kind: 'idle' },
    leaves: { good: next, goodAt: undefined },
    notes: ['applied'],
  },
  {
    title: 'applied, and the next one is here already',
    in: phases.applying,
    rule: { desired: other },
    when: events.succeeded,
    to: { kind: 'checking', candidate: { reading: other, since: 10, tries: 0 } },
    leaves: { applied: next },
    notes: ['applied'],
  },
  {
    title: 'a restart for it went well, as the survey has found',
    in: phases.idle,
    rule: { applied: next, refused: 'next' },
    when: { ...events.succeeded, how: 'restart', proven: true },
    to: { kind: 'idle' },
    leaves: { good: bare(next), refused: undefined, actedAt: 600 },
    notes: ['applied'],
  },
  {
    title: 'a restart for it went well, on something else',
    in: phases.idle,
    when: { ...events.succeeded, how: 'restart' },
    to: 'nothing',
  },
  {
    title: 'failed: refused, and told',
    in: phases.applying,
    rule: { goodAt: 700 },
    when: { ...events.failed, note },
    to: { kind: 'idle' },
    leaves: { refused: 'next', applied: old, goodAt: undefined, actedAt: 600, deaths: 0, fallen: false },
    notes: ['reload_failed'],
  },
  {
    title: 'failed, and another one is here already',
    in: phases.applying,
    rule: { desired: other },
    when: events.failed,
    to: { kind: 'checking' },
    leaves: { refused: 'next' },
  },
  {
    title: 'an instance that was started on it, and is not ready, runs with it: failed all the same',
    in: phases.applying,
    rule: { applied: next },
    when: events.failed,
    to: { kind: 'idle' },
    leaves: { refused: 'next', applied: next },
    policy: owned,
  },
  {
    title: 'circumstances: tried again later',
    in: phases.applying,
    when: { ...events.failed, again: true },
    to: { kind: 'delayed', until: 10_600, candidate: { ...candidate, tries: 1 } },
    leaves: { refused: 'next' },
  },
  {
    title: 'an end after the signal',
    in: phases.applying,
    when: { ...events.failed, death: { byIt: false } },
    to: { kind: 'idle' },
    leaves: { deaths: 1, fallen: false, refused: 'next' },
  },
  {
    title: 'two in a row: by restart from now on',
    in: phases.applying,
    rule: { deaths: 1 },
    when: { ...events.failed, death: { byIt: false } },
    to: { kind: 'idle' },
    leaves: { deaths: 2, fallen: true },
  },
  {
    title: 'an end by the very signal: by restart from now on',
    in: phases.applying,
    when: { ...events.failed, death: { byIt: true } },
    to: { kind: 'idle' },
    leaves: { fallen: true },
  },
  {
    title: 'failed while nothing runs: the next instance is judged by itself',
    in: phases.down,
    when: { ...events.failed, note },
    to: phases.down,
    leaves: { refused: 'next' },
    notes: ['reload_failed'],
  },
  {
    title: 'gone back, and the application has taken it',
    in: phases.idle,
    rule: { applied: next, good: old },
    when: events.rolledBack,
    to: phases.idle,
    leaves: { applied: old },
    notes: ['back_on_good'],
  },
  {
    title: 'gone back, for the next start',
    in: phases.idle,
    rule: { applied: next },
    when: { ...events.rolledBack, took: false },
    to: phases.idle,
    leaves: { applied: next },
    notes: ['back_on_good'],
  },
  {
    title: 'what is published is kept without its files',
    in: phases.applying,
    when: events.published,
    to: phases.applying,
    leaves: { published: bare(next) },
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
  { title: 'no change is none while nothing runs', in: phases.down, when: { ...events.told, reading: next }, to: phases.down },
  {
    title: 'what the next instance finds only once it is published is judged before',
    in: phases.down,
    when: events.told,
    to: { kind: 'staging' },
    notes: ['change_seen'],
    policy: owned,
  },
  {
    title: 'another container’s, started on what the files are since before',
    in: phases.down,
    when: events.instanceFound,
    to: { kind: 'surveying', expected: 'next', startedAt: 500 },
  },
  {
    title: 'another container’s, started before the files were that: nobody knows what it has found',
    in: phases.idle,
    rule: { steadySince: 501 },
    when: events.instanceFound,
    to: { kind: 'surveying', expected: undefined, startedAt: 500 },
  },
  {
    title: 'another container’s, of whose start nothing is known: it is taken for one that has found what is there',
    in: phases.down,
    rule: { steadySince: 501 },
    when: { ...events.instanceFound, since: undefined },
    to: { kind: 'surveying', expected: 'next', startedAt: 600 },
  },
  { title: 'an instance after an end', in: phases.down, when: events.instanceOrdered, to: { kind: 'coming', expected: 'next' } },
  {
    title: 'an instance on something newer than what it is for',
    in: phases.applying,
    rule: { desired: other },
    when: events.instanceOrdered,
    to: { kind: 'coming', expected: 'other' },
  },
  {
    title: 'one beside changes nothing yet',
    in: phases.applying,
    when: { ...events.instanceOrdered, beside: true },
    to: phases.applying,
    leaves: { beside: 'next' },
  },
  {
    title: 'it finds what the files are, of a rule that is not applied',
    in: phases.idle,
    rule: { desired: other },
    when: { ...events.instanceOrdered, beside: true },
    to: phases.idle,
    leaves: { beside: 'other' },
  },
  {
    title: 'the one beside did not come up',
    in: phases.applying,
    rule: { beside: 'next' },
    when: events.besideFailed,
    to: phases.applying,
    leaves: { beside: undefined },
  },
  {
    title: 'the one beside took over: what did it find?',
    in: phases.applying,
    rule: { beside: 'next', desired: other },
    when: { ...events.instanceStarted, promoted: true, proven: true },
    to: { kind: 'surveying', expected: 'next', startedAt: 600, read: id },
    leaves: { beside: undefined },
  },
  {
    title: 'the one beside is the only one, and has started',
    in: phases.applying,
    rule: { beside: 'next' },
    when: events.instanceStarted,
    to: { kind: 'surveying', expected: 'next', startedAt: 600, read: id },
    leaves: { beside: undefined },
  },
  {
    title: 'it has started: survey',
    in: phases.coming,
    when: events.instanceStarted,
    to: { kind: 'surveying', expected: 'next', startedAt: 600, read: id },
  },
  { title: 'it could not be started', in: phases.coming, when: { ...events.instanceEnded, end: undefined }, to: { kind: 'down' } },
  {
    title: 'told anew while it comes',
    in: phases.coming,
    when: events.told,
    to: phases.coming,
    leaves: { desired: other },
    notes: ['change_seen'],
  },
  {
    title: 'it found what was expected',
    in: phases.surveying,
    when: events.read,
    to: { kind: 'idle' },
    leaves: { applied: next, goodAt: 30_100, divergedAt: undefined },
  },
  {
    title: 'it was ready before the survey was over',
    in: phases.surveying,
    when: { ...events.succeeded, how: 'restart', proven: true },
    to: { kind: 'surveying', success: { proven: true } },
    leaves: { applied: old },
  },
  {
    title: 'it found what it was ready with: that is proven',
    in: { ...phases.surveying, success: { ...events.succeeded, how: 'restart', proven: true } },
    when: events.read,
    to: { kind: 'idle' },
    leaves: { applied: next, good: bare(next), goodAt: undefined },
    notes: ['applied'],
  },
  {
    title: 'it found what it was ready with, which is no longer wanted',
    in: { ...phases.surveying, success: { ...events.succeeded, how: 'restart', proven: true } },
    rule: { desired: other },
    when: events.read,
    to: { kind: 'checking' },
    leaves: { applied: next, good: bare(next) },
    notes: ['applied'],
  },
  {
    title: 'it came up on what had been refused',
    in: phases.surveying,
    rule: { refused: 'next' },
    when: events.read,
    to: { kind: 'idle' },
    leaves: { applied: next, refused: undefined },
    notes: ['came_up_on_refused'],
  },
  {
    title: 'it found what was expected, which is no longer wanted',
    in: phases.surveying,
    rule: { desired: other },
    when: events.read,
    to: { kind: 'checking' },
    leaves: { applied: next },
  },
  {
    title: 'the files changed while it started: nobody knows, and nothing can become good',
    in: phases.surveying,
    rule: { goodAt: 700 },
    when: changed,
    to: settling,
    leaves: { applied: undefined, goodAt: undefined },
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
    title: 'it ended before the survey: nothing has to prove itself',
    in: phases.surveying,
    rule: { goodAt: 700 },
    when: events.instanceEnded,
    to: { kind: 'down' },
    leaves: { goodAt: undefined },
  },
  { title: 'the ordered end of a restart', in: phases.applying, when: { ...events.instanceEnded, ordered: true }, to: 'nothing' },
  {
    title: 'the ordered end of another rule’s restart',
    in: phases.idle,
    when: { ...events.instanceEnded, ordered: true },
    to: phases.down,
  },
];

/** Rules whose files the application finds only once they are published. */
const askedRows: Row[] = [
  {
    title: 'reload: what was refused is checked again, and told again',
    in: phases.idle,
    rule: { refused: 'next' },
    when: events.asked,
    to: { kind: 'checking', candidate: { reading: next, since: 600, tries: 0 } },
    leaves: { refused: undefined },
    notes: ['asked'],
  },
  {
    title: 'reload: what is applied is applied again',
    in: phases.idle,
    rule: { applied: next },
    when: events.asked,
    to: { kind: 'queued' },
    notes: ['asked'],
    policy: { validate: [] },
  },
  { title: 'reload does not wait for a back-off', in: phases.delayed, when: events.asked, to: { kind: 'checking' }, notes: ['asked'] },
  { title: 'reload of what waits', in: phases.queued, when: events.asked, to: { kind: 'checking' }, notes: ['asked'] },
  {
    title: 'accept passes the validators over',
    in: phases.idle,
    rule: { refused: 'next' },
    when: { ...events.asked, verb: 'accept' },
    to: { kind: 'queued', candidate: { order: 'accept' } },
    notes: ['asked'],
  },
  { title: 'accept of what is not refused', in: phases.idle, when: { ...events.asked, verb: 'accept' }, to: 'nothing' },
  {
    title: 'accept: a copy is made, and not validated',
    in: { ...phases.staging, candidate: { ...candidate, order: 'accept' } },
    when: events.jobDone,
    to: { kind: 'queued' },
    policy: owned,
  },
  {
    title: 'validate only asks',
    in: phases.idle,
    rule: { applied: next },
    when: { ...events.asked, verb: 'validate' },
    to: { kind: 'checking', candidate: { order: 'validate' } },
    notes: ['asked'],
  },
  {
    title: 'validate: a yes is told, and nothing is applied',
    in: { ...phases.validating, step: 1, candidate: { ...candidate, order: 'validate' } },
    rule: { applied: next },
    when: events.validated,
    to: phases.idle,
    notes: ['checked'],
  },
  {
    title: 'validate: a no is told, and refuses nothing',
    in: { ...inCopy, candidate: { ...candidate, order: 'validate' } },
    rule: { applied: next },
    when: refused,
    to: phases.idle,
    leaves: { refused: undefined },
    notes: ['checked'],
  },
  {
    title: 'pin',
    in: phases.idle,
    when: { ...events.asked, verb: 'pin' },
    to: phases.idle,
    leaves: { pinned: true },
    notes: ['asked'],
  },
  {
    title: 'unpin',
    in: phases.queued,
    rule: { pinned: true },
    when: { ...events.asked, verb: 'unpin' },
    to: phases.queued,
    leaves: { pinned: false },
    notes: ['asked'],
  },
  {
    title: 'rollback: to what was good before, and the files count as refused',
    in: phases.idle,
    rule: { applied: next, good: bare(next), former: bare(old) },
    when: { ...events.asked, verb: 'rollback' },
    to: { kind: 'queued', candidate: { reading: bare(old), order: 'rollback' } },
    leaves: { refused: 'next' },
    notes: ['asked'],
    policy: owned,
  },
  {
    title: 'rollback from what has not proven itself',
    in: phases.idle,
    rule: { applied: next, good: bare(old), former: bare(other) },
    when: { ...events.asked, verb: 'rollback' },
    to: { kind: 'queued', candidate: { reading: bare(old) } },
    notes: ['asked'],
    policy: owned,
  },
  {
    title: 'rollback without anything to go back to',
    in: phases.idle,
    rule: { applied: next, good: bare(next) },
    when: { ...events.asked, verb: 'rollback' },
    to: 'nothing',
    policy: owned,
  },
  {
    title: 'rollback of files that the application reads itself',
    in: phases.idle,
    rule: { applied: next, good: bare(old) },
    when: { ...events.asked, verb: 'rollback' },
    to: 'nothing',
  },
  {
    title: 'gone back: what the files hold stays refused, and what was good is what to go forward to',
    in: { ...phases.applying, candidate: { ...candidate, reading: old, order: 'rollback' } },
    rule: { applied: next, good: bare(next), former: bare(old), refused: 'next' },
    when: { ...events.succeeded, candidate: { ...candidate, reading: old, order: 'rollback' } },
    to: phases.idle,
    leaves: { applied: old, good: bare(old), former: bare(next), refused: 'next' },
    notes: ['applied'],
    policy: owned,
  },
];

const ownedRows: Row[] = [
  { title: 'a start is no news before anything is published', in: phases.staging, when: events.instanceStarted, to: 'nothing' },
  { title: 'an order of an instance is none', in: phases.idle, when: events.instanceOrdered, to: 'nothing' },
  {
    title: 'the instance has started on what waited for it',
    in: phases.queued,
    rule: { applied: undefined, published: bare(next) },
    when: events.instanceStarted,
    to: { kind: 'idle' },
    leaves: { applied: next, goodAt: 30_600 },
    notes: ['applied'],
  },
  {
    title: 'the instance has started on what was published before',
    in: phases.queued,
    rule: { published: bare(old) },
    when: events.instanceStarted,
    to: phases.queued,
    leaves: { applied: old },
  },
  {
    title: 'another container’s, started on what was published before it',
    in: phases.idle,
    rule: { applied: undefined, published: bare(next) },
    when: events.instanceFound,
    to: { kind: 'idle' },
    leaves: { applied: next, goodAt: 30_500 },
  },
  {
    title: 'another container’s, started before that was published: it is applied',
    in: phases.idle,
    rule: { published: bare(next), actedAt: 501 },
    when: events.instanceFound,
    to: { kind: 'staging' },
    leaves: { applied: undefined },
  },
  {
    title: 'another container’s, while something is under way',
    in: phases.queued,
    rule: { published: bare(next) },
    when: events.instanceFound,
    to: phases.queued,
    leaves: { applied: undefined },
  },
  {
    title: 'its time of probation begins anew with each instance',
    in: phases.idle,
    rule: { applied: next, published: bare(next), goodAt: 700 },
    when: events.instanceStarted,
    to: { kind: 'idle' },
    leaves: { applied: next, goodAt: 30_600 },
  },
  {
    title: 'it started on the good one, and the newest was refused',
    in: phases.down,
    rule: { applied: undefined, published: bare(old), good: bare(old), refused: 'next' },
    when: events.instanceStarted,
    to: { kind: 'idle' },
    leaves: { applied: bare(old), refused: 'next', goodAt: undefined },
  },
  {
    title: 'an end on probation takes it back',
    in: phases.idle,
    rule: { applied: next, published: bare(next), good: bare(old), goodAt: 700 },
    when: events.instanceEnded,
    to: { kind: 'idle' },
    leaves: { applied: undefined, published: bare(old), refused: 'next', goodAt: undefined },
    notes: ['rolled_back'],
  },
  {
    title: 'and what is under way goes on',
    in: phases.staging,
    rule: { applied: old, published: bare(old), good: bare(next) },
    when: events.instanceEnded,
    to: phases.staging,
    leaves: { published: bare(next), refused: 'old' },
    notes: ['rolled_back'],
  },
  {
    title: 'an ordered end says nothing against it',
    in: phases.idle,
    rule: { applied: next, published: bare(next), good: bare(old) },
    when: { ...events.instanceEnded, ordered: true },
    to: 'nothing',
  },
  {
    title: 'an end on the good one is none of the files’',
    in: phases.idle,
    rule: { applied: old, published: bare(old), good: bare(old) },
    when: events.instanceEnded,
    to: 'nothing',
  },
].map((row): Row => ({ ...row, policy: owned }) as Row);

/** Beside these every phase takes what the application and the apply machine tell; `over` takes nothing. */
const everywhere: readonly RuleEvent['kind'][] = [
  'told',
  'stirred',
  'published',
  'failed',
  'rolledBack',
  'instanceOrdered',
  'instanceFound',
  'instanceEnded',
  'containerStops',
];
const taken: { readonly [K in Phase['kind']]: readonly RuleEvent['kind'][] } = {
  idle: [...everywhere, 'asked'],
  settling: [...everywhere, 'timeElapsed'],
  rereading: [...everywhere, 'read'],
  checking: [...everywhere, 'read'],
  staging: [...everywhere, 'jobDone'],
  validating: [...everywhere, 'validated'],
  judging: [...everywhere, 'read'],
  delayed: [...everywhere, 'asked', 'timeElapsed'],
  queued: [...everywhere, 'asked', 'chosen', 'heldBack'],
  applying: [...everywhere, 'dissolved', 'succeeded'],
  down: everywhere.filter((kind) => kind !== 'instanceEnded'),
  coming: [...everywhere, 'instanceStarted'],
  surveying: [...everywhere, 'read', 'succeeded'],
  over: [],
};
/** What means nearly the same everywhere has a row in one phase at least. */
const wholesale: readonly RuleEvent['kind'][] = everywhere.filter((kind) => kind !== 'told');

describe('rule', () => {
  test.each([...rows, ...ownedRows, ...askedRows])(
    '$in.kind: $title',
    ({ in: phase, rule, when, to, leaves = {}, commands = [], notes = [], policy: different }) => {
      const step = ruleTransition(ruleIn(phase, rule), when, { ...policy, ...different }, id);
      if (to === 'nothing') return expect(step).toBeUndefined();
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
    const own = taken[kind].filter((event) => !wholesale.includes(event));
    const covered = [...rows, ...askedRows].filter((row) => row.in.kind === kind).map(({ when }) => when.kind);
    expect(covered).toEqual(expect.arrayContaining(own));
  });

  test('every event has a row, but those that mean nothing to any rule and the few below', () => {
    const covered = new Set([...rows, ...ownedRows, ...askedRows].map(({ when }) => when.kind));
    const without = Object.keys(events).filter((kind) => !covered.has(kind as RuleEvent['kind']));
    expect(without).toEqual(['stirred', 'calmed', 'instanceReady', 'instanceUnready', 'containerStops']);
  });

  test('ready: what it has started with is good at once, but nothing that is being applied or not compared yet', () => {
    const onProbation = { applied: reading('a'), good: undefined, goodAt: 30_000 };
    for (const phase of Object.values(phases).filter(({ kind }) => kind !== 'over')) {
      const step = ruleTransition(ruleIn(phase, onProbation), events.instanceReady, policy, id);
      if (['applying', 'coming', 'surveying'].includes(phase.kind)) expect(step).toBeUndefined();
      else {
        expect(step?.state).toMatchObject({ good: { hash: onProbation.applied.hash }, goodAt: undefined, phase });
        expect(step?.notes.map(({ kind }) => kind)).toEqual(['good']);
      }
    }
  });

  test('a burst of events is remembered from its begin until it is over', () => {
    for (const phase of Object.values(phases).filter(({ kind }) => kind !== 'over')) {
      const stirring = ruleTransition(ruleIn(phase), events.stirred, policy, id)?.state ?? ruleIn(phase);
      expect(stirring).toEqual(ruleIn(phase, { stirsSince: 600 }));
      expect(isUnderWay(stirring)).toBe(true);
      expect(ruleTransition(stirring, { ...events.stirred, at: 700 }, policy, id)).toBeUndefined();
      expect(ruleTransition(stirring, events.calmed, policy, id)?.state).toEqual(ruleIn(phase));
      expect(ruleTransition(stirring, events.told, policy, id)?.state.stirsSince).toBeUndefined();
    }
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

  test('late answers of former phases are nobody’s', () => {
    for (const phase of Object.values(phases)) {
      expect(ruleTransition(ruleIn(phase), { ...events.read, id: 4 }, policy, id)).toBeUndefined();
      expect(ruleTransition(ruleIn(phase), { ...events.validated, token: 4 }, policy, id)).toBeUndefined();
      expect(ruleTransition(ruleIn(phase), { ...events.jobDone, id: 4 }, policy, id)).toBeUndefined();
      expect(ruleTransition(ruleIn(phase), { ...events.timeElapsed, at: 499 }, policy, id)).toBeUndefined();
    }
  });

  test('the time of probation passes in whatever phase, and once', () => {
    for (const phase of Object.values(phases).filter(({ kind }) => kind !== 'over')) {
      const rule = ruleIn(phase, { goodAt: 600 });
      expect(ruleTransition(rule, { ...events.timeElapsed, at: 499 }, policy, id)).toBeUndefined();
      const step = ruleTransition(rule, events.timeElapsed, policy, id);
      expect(step?.state).toMatchObject({ good: bare(old), goodAt: undefined });
    }
    expect(ruleTransition(ruleIn(phases.idle, { goodAt: 600 }), events.timeElapsed, policy, id)?.notes).toEqual([
      { kind: 'good', hash: 'old' },
    ]);
  });

  test('it wakes up for what it waits for, and for its probation', () => {
    const at = (phase: Phase, goodAt?: number) => ruleDeadline(ruleIn(phase, { goodAt }));
    expect([at(phases.idle), at(phases.settling), at(phases.delayed), at(phases.queued)]).toEqual([undefined, 500, 500, undefined]);
    expect([at(phases.idle, 400), at(phases.settling, 400), at(phases.delayed, 700), at(phases.over, 400)]).toEqual([
      400,
      400,
      500,
      undefined,
    ]);
  });
});

describe('what one rule means to others', () => {
  const kindsOf = (holds: (rule: RuleState) => boolean, more: Partial<RuleState> = {}) =>
    Object.values(phases)
      .filter((phase) => holds(ruleIn(phase, more)))
      .map(({ kind }) => kind);

  test('its files are not judged yet, or refused: applying another one would make the application read them', () => {
    expect(kindsOf((rule) => holdsOthersBack(rule, policy))).toEqual(['checking', 'staging', 'validating', 'judging']);
    expect(kindsOf((rule) => holdsOthersBack(rule, policy), { refused: 'next' })).toEqual(Object.keys(phases));
  });

  test('refused files that it runs with already are nothing new to it', () => {
    expect(kindsOf((rule) => holdsOthersBack(rule, policy), { refused: 'next', applied: next })).toEqual([
      'checking',
      'staging',
      'validating',
      'judging',
    ]);
  });

  test('not if the application does not read them: published ones, or those of which nothing is applied', () => {
    expect(kindsOf((rule) => holdsOthersBack(rule, { ...policy, ...owned }), { refused: 'next' })).toEqual([]);
    expect(kindsOf((rule) => holdsOthersBack(rule, { ...policy, on_change: 'none' }), { refused: 'next' })).toEqual([]);
    expect(kindsOf((rule) => holdsOthersBack(rule, { ...policy, source: 'environment' }), { refused: 'next' })).toEqual([]);
  });

  test('something may come of it soon', () => {
    expect(kindsOf(isUnderWay)).toEqual(['settling', 'rereading', 'checking', 'staging', 'validating', 'judging']);
  });

  test('on probation: it runs with what has not proven itself, and there is something to go back to', () => {
    const probation = (more: Partial<RuleState>, different: Partial<RulePolicy> = owned) =>
      isOnProbation(ruleIn(phases.idle, more), { ...policy, ...different });
    expect(probation({ applied: next, good: old })).toBe(true);
    expect(probation({ applied: next, good: next })).toBe(false);
    expect(probation({ applied: next, good: undefined })).toBe(false);
    expect(probation({ applied: undefined, good: old })).toBe(false);
    expect(probation({ applied: next, good: old }, {})).toBe(false);
  });

  test('a rule that is new to a running application takes what it finds for what runs, unless that is only what is published', () => {
    expect(adoptedRule(next, 5, policy)).toMatchObject({ applied: next, divergedAt: undefined, phase: { kind: 'idle' } });
    expect(adoptedRule(next, 5, { ...policy, ...owned })).toMatchObject({ applied: undefined, divergedAt: 5, phase: { kind: 'idle' } });
  });
});
