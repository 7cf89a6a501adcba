import { describe, expect, test } from 'vitest';
import { decodeMemo, encodeMemo } from '../../src/core/memo.ts';
import { differenceOf, type Reading } from '../../src/core/reading.ts';
import type { State } from '../../src/core/run.ts';
import { begin, transition } from '../../src/core/supervisor.ts';
import { takeOver, unknownRules } from '../../src/core/take-over.ts';
import { constants, type Hello, maxMemoBytes, type Slot } from '../../src/link/messages.ts';
import { configOf } from '../fixtures/simulation.ts';

const config = configOf({}, { name: 'r', validate: [['check', 'r']] });
const reading = (hash: string, count = 2): Reading => ({
  hash,
  files: new Map(
    Array.from({ length: count }, (_, n) => [`/etc/some/long/directory/file-${n}`, n === 1 ? null : `${hash}-${n}-0123456789abcdef`]),
  ),
});
const running = (found: Reading): State => {
  const first = begin(config, { r: found }, 10).state;
  const up = transition(first, { kind: 'spawned', seq: 1, at_ms: 20, token: 1, pid: 7 }, config).state;
  const phase = up.rules.r?.phase;
  return transition(up, { kind: 'read', rule: 'r', id: phase && 'read' in phase ? phase.read : 0, reading: found, at: 21 }, config).state;
};
const hello = (more: Partial<Hello>): Hello => ({
  kind: 'hello',
  flags: 0,
  generation: 1,
  now_ms: 500,
  next_seq: 4,
  main_token: 3,
  stop_signal: 0,
  slots: 1,
  command: [],
  memo: Buffer.alloc(0),
  ...more,
});
const slot = (state: keyof typeof constants.slotStates.values, more: Partial<Slot> = {}): Slot => ({
  kind: 'slot',
  token: 3,
  role: constants.roles.values.main,
  state: constants.slotStates.values[state],
  pid: 77,
  spawned_ms: 400,
  ...more,
});

describe('memo', () => {
  test('a state comes back as it was, with files by short hashes', () => {
    const state = running(reading('abcdefghijklmnop'));
    const back = decodeMemo(encodeMemo(state));
    expect(back?.service).toEqual(state.service);
    expect(back?.rules.r?.phase).toEqual({ kind: 'idle' });
    expect(back?.rules.r?.applied?.hash).toBe('abcdefghijklmnop');
    expect(differenceOf(back?.rules.r?.applied, reading('abcdefghijklmnop'))).toEqual({ files: [], more: 0 });
  });

  test.each([300, 380, 10_000])('%d files: what does not fit is left out, the hash never', (count) => {
    const memo = encodeMemo(running(reading('h', count)));
    expect(memo.length).toBeLessThanOrEqual(maxMemoBytes);
    expect(decodeMemo(memo)?.rules.r?.applied?.hash).toBe('h');
  });

  test.each(['', '{}', 'no JSON', '{"version":999,"state":{}}', 'null'])('%j is none of ours', (text) => {
    expect(decodeMemo(Buffer.from(text))).toBeUndefined();
  });
});

describe('take over', () => {
  test('nothing known: a first start, orders first', () => {
    const step = takeOver(hello({ main_token: 0, slots: 0 }), [], config, { r: reading('a') });
    expect(step.commands).toEqual([
      { kind: 'orders', token: 1, hold: false },
      { kind: 'spawn', token: 1 },
    ]);
    expect(unknownRules(hello({}), config)).toEqual(['r']);
  });

  test('a running application without a readable memo is adopted, with what the files are', () => {
    const step = takeOver(hello({}), [slot('running'), slot('running', { token: 8, role: constants.roles.values.helper })], config, {
      r: reading('a'),
    });
    expect(step.commands).toEqual([{ kind: 'orders', token: 3, hold: false }]);
    expect(step.state.service).toMatchObject({ kind: 'running', token: 3, pid: 77, since: 400 });
    expect(step.state.rules.r).toMatchObject({ applied: { hash: 'a' }, phase: { kind: 'idle' } });
    expect(step.state.nextId).toBeGreaterThan(8);
  });

  test.each([
    ['spawning', 0, 'starting', []],
    ['sweeping', 0, 'stopping', []],
    ['exited', 0, 'stopping', ['stop']],
    ['running', 15, 'ending', []],
  ] as const)('%s, stop signal %d → %s', (state, stop_signal, kind, commands) => {
    const step = takeOver(hello({ stop_signal }), [slot(state)], config, {});
    expect(step.state.service.kind).toBe(kind);
    expect(step.commands.map((command) => command.kind).filter((name) => name !== 'orders')).toEqual(commands);
  });

  test('with a memo: orders anew, known rules as they were, new ones adopted, old ones dropped', () => {
    const memo = encodeMemo(running(reading('a')));
    const changed = configOf({}, { name: 'r' }, { name: 'new' });
    expect(unknownRules(hello({ memo }), changed)).toEqual(['new']);
    const step = takeOver(hello({ memo }), [slot('running', { token: 1 })], changed, { new: reading('n') });
    expect(step.commands).toEqual([{ kind: 'orders', token: 1, hold: false }]);
    expect(step.state.rules.r?.applied?.hash).toBe('a');
    expect(step.state.rules.new?.applied?.hash).toBe('n');
    const without = takeOver(hello({ memo }), [slot('running', { token: 1 })], configOf({}), {});
    expect(without.state.rules).toEqual({});
  });
});

test('a difference names five files and counts the rest', () => {
  const before = { hash: 'a', files: new Map(Array.from({ length: 8 }, (_, n) => [`/f${n}`, 'x'])) };
  const after = {
    hash: 'b',
    files: new Map([...Array.from({ length: 8 }, (_, n): [string, string] => [`/f${n}`, n === 0 ? 'x' : 'y']), ['/new', 'z'] as const]),
  };
  expect(differenceOf(before, after)).toEqual({ files: ['/f1', '/f2', '/f3', '/f4', '/f5'], more: 3 });
  expect(differenceOf({ hash: 'a', files: undefined }, after)).toBeUndefined();
});
