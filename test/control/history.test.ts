import { expect, test } from 'vitest';
import { historyOf } from '../../src/control/history.ts';
import { isQuiet, outcomeOf } from '../../src/control/outcome.ts';
import type { State } from '../../src/core/state.ts';
import type { Entry } from '../../src/journal/journal.ts';

let clock = 0;
const entry = (event: string, fields: object = {}): Entry => {
  clock += 1;
  return { time: `t${clock}`, level: 'info', msg: `${event} was said`, event, rule: 'r', ...fields };
};
const seen = (to: string, from = 'a') => entry('change_seen', { from, to, files: [`/etc/${to}`], more: 1 });
const fates = (entries: readonly Entry[]) => historyOf(entries).map(({ hash, fate }) => `${hash} ${fate}`);

test('a generation from seen to good', () => {
  clock = 0;
  expect(historyOf([seen('b'), entry('applied', { hash: 'b', how: 'reload', ms: 7 }), entry('good', { hash: 'b' })])).toEqual([
    {
      rule: 'r',
      hash: 'b',
      seen_at: 't1',
      files: ['/etc/b'],
      more: 1,
      fate: 'applied',
      decided_at: 't2',
      how: 'reload',
      ms: 7,
      reason: null,
      output: null,
      good: true,
    },
  ]);
});

test('refused, with what the validator said; then accepted all the same', () => {
  const refused = [seen('b'), entry('refused', { hash: 'b', output: 'line 3' })];
  expect(historyOf(refused)[0]).toMatchObject({ fate: 'refused', reason: 'refused was said', output: 'line 3' });
  expect(fates([...refused, entry('asked', { verb: 'accept' }), entry('applied', { hash: 'b', how: 'reload', ms: 1 })])).toEqual([
    'b applied',
  ]);
});

test('what comes before anything was decided takes its place; the same again is another one', () => {
  expect(fates([seen('b'), seen('c', 'b'), entry('applied', { hash: 'c' }), seen('b', 'c')])).toEqual([
    'b superseded',
    'c applied',
    'b seen',
  ]);
});

test('rolled back', () => {
  expect(fates([seen('b'), entry('rolled_back', { from: 'b', to: 'a' }), entry('back_on_good', { hash: 'a', how: 'reload' })])).toEqual([
    'b rolled_back',
    'a applied',
  ]);
});

test('several rules do not mix, and what has no hash is no generation', () => {
  const other = { ...seen('b'), rule: 's' };
  expect(historyOf([seen('b'), other, entry('stale', {}), { time: 't', level: 'info', msg: 'm' }]).map(({ rule }) => rule)).toEqual([
    'r',
    's',
  ]);
});

const state = (rule: object, more: object = {}): State =>
  ({
    rules: { r: { stirsSince: undefined, pinned: false, ...rule } },
    apply: { kind: 'none' },
    service: { kind: 'running', readiness: { kind: 'ready' } },
    ...more,
  }) as unknown as State;

test.each([
  ['idle', state({ phase: { kind: 'idle' } }), true],
  ['a file event', state({ phase: { kind: 'idle' }, stirsSince: 1 }), false],
  ['under validation', state({ phase: { kind: 'validating' } }), false],
  ['queued', state({ phase: { kind: 'queued', held: 'no' } }), false],
  ['pinned', state({ phase: { kind: 'queued', held: 'no' }, pinned: true }), true],
  ['held back', state({ phase: { kind: 'queued', held: 'told' } }), true],
  ['something is applied', state({ phase: { kind: 'idle' } }, { apply: { kind: 'signalling' } }), false],
  ['starting', state({ phase: { kind: 'down' } }, { service: { kind: 'starting' } }), false],
  ['waiting for the next start', state({ phase: { kind: 'down' } }, { service: { kind: 'backoff' } }), true],
])('quiet or not: %s', (_, given, quiet) => expect(isQuiet(given, ['r'])).toBe(quiet));

test('an outcome', () => {
  expect(outcomeOf([entry('applied')], true)).toBe('done');
  expect(outcomeOf([entry('applied')], false)).toBe('pending');
  expect(outcomeOf([entry('refused')], false)).toBe('refused');
  expect(outcomeOf([entry('not_published')], true), 'the application that was to be started anew is down').toBe('refused');
  expect(outcomeOf([entry('checked', { valid: false })], true)).toBe('refused');
});
