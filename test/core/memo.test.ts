import { describe, expect, test } from 'vitest';
import { begin } from '../../src/core/first-start.ts';
import { decodeMemo, encodeMemo } from '../../src/core/memo.ts';
import { differenceOf, type Reading } from '../../src/core/reading.ts';
import type { Beginning, Readings, State } from '../../src/core/state.ts';
import { transition } from '../../src/core/supervisor.ts';
import { formerState, isFirst, takeOver as takeOverFrom, unknownRules } from '../../src/core/take-over.ts';
import { constants, type Hello, maxMemoBytes, type Slot } from '../../src/link/messages.ts';
import { configOf } from '../fixtures/simulation.ts';

const config = configOf({}, { name: 'r', validate: [['check', 'r']] });
const reading = (hash: string, count = 2): Reading => ({
  hash,
  files: new Map(
    Array.from({ length: count }, (_, n) => [`/etc/some/long/directory/file-${n}`, n === 1 ? null : `${hash}-${n}-0123456789abcdef`]),
  ),
});
const beginning = (readings: Readings, key?: string): Beginning => ({ readings, kept: {}, key });
const running = (found: Reading): State => {
  const first = begin(config, beginning({ r: found }), 10).state;
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
const takeOver = (from: Hello, ...rest: Rest) => takeOverFrom(formerState(from), from, ...rest);
type Rest = Parameters<typeof takeOverFrom> extends [unknown, Hello, ...infer R] ? R : never;
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

  test('what kept generations and copies are about comes back, too', () => {
    const known = running(reading('abc'));
    const unusable: Reading = { hash: 'bad', files: undefined, problem: 'line 3 has an open quote' };
    const rule = { ...known.rules.r, desired: unusable, published: { hash: 'p', files: undefined }, refused: 'bad', goodAt: 700 };
    const candidate = { reading: reading('c'), since: 5, tries: 2 };
    const batch = { leader: 'r', action: 'reload', members: [{ rule: 'r', candidate, fallback: reading('f') }] } as const;
    const state = {
      ...known,
      key: 'a1b2',
      rules: { r: { ...rule, phase: { kind: 'applying', candidate } } },
      apply: {
        kind: 'publishing',
        batch: { ...batch, since: 5, tries: 1, published: false, rollback: true },
        attempt: { since: 6, count: 2 },
        job: 9,
      },
    } as State;
    const back = decodeMemo(encodeMemo(state));
    expect(back).toMatchObject({
      key: 'a1b2',
      rules: { r: { desired: unusable, published: { hash: 'p' }, refused: 'bad', goodAt: 700, phase: { kind: 'applying' } } },
      apply: {
        kind: 'publishing',
        attempt: { since: 6, count: 2 },
        job: 9,
        batch: {
          tries: 1,
          rollback: true,
          members: [{ rule: 'r', candidate: { reading: { hash: 'c' }, tries: 2 }, fallback: { hash: 'f' } }],
        },
      },
    });
    expect(encodeMemo(back ?? state).equals(encodeMemo(state))).toBe(true);
  });

  test('the memo of another version is not read', () => {
    const { version, state } = JSON.parse(encodeMemo(running(reading('a'))).toString());
    expect(version).toBe(5);
    expect(decodeMemo(Buffer.from(JSON.stringify({ version: 4, state })))).toBeUndefined();
    expect(decodeMemo(Buffer.from(JSON.stringify({ version: 5, state })))).toBeDefined();
  });

  test('a problem of a reading is kept where its files do not fit', () => {
    const many = { ...reading('h', 10_000), problem: 'p' };
    const state = running(reading('a'));
    const memo = encodeMemo({
      ...state,
      rules: Object.fromEntries(
        Array.from({ length: 60 }, (_, n) => [`r${n}`, { ...state.rules.r, desired: { ...many, files: reading('h', 300).files } }]),
      ) as never,
    });
    expect(memo.length).toBeLessThanOrEqual(maxMemoBytes);
    expect(decodeMemo(memo)?.rules.r0?.desired).toEqual({ hash: 'h', files: undefined, problem: 'p' });
  });

  test.each(['', '{}', 'no JSON', '{"version":999,"state":{}}', 'null'])('%j is none of ours', (text) => {
    expect(decodeMemo(Buffer.from(text))).toBeUndefined();
  });
});

describe('take over', () => {
  test('nothing known: a first start, orders first', () => {
    const step = takeOver(hello({ main_token: 0, slots: 0 }), [], config, beginning({ r: reading('a') }));
    expect(step.commands).toEqual([
      { kind: 'orders', token: 1, hold: false },
      { kind: 'spawn', token: 1 },
    ]);
    expect(unknownRules(formerState(hello({})), config)).toEqual(['r']);
  });

  test('a running application without a readable memo is adopted, with what the files are', () => {
    const step = takeOver(
      hello({}),
      [slot('running'), slot('running', { token: 8, role: constants.roles.values.helper })],
      config,
      beginning({ r: reading('a') }),
    );
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
    const step = takeOver(hello({ stop_signal }), [slot(state)], config, beginning({}));
    expect(step.state.service.kind).toBe(kind);
    expect(step.commands.map((command) => command.kind).filter((name) => name !== 'orders')).toEqual(commands);
  });

  test('with a memo: orders anew, known rules as they were, new ones adopted, old ones dropped', () => {
    const memo = encodeMemo(running(reading('a')));
    const changed = configOf({}, { name: 'r' }, { name: 'new' });
    expect(unknownRules(formerState(hello({ memo })), changed)).toEqual(['new']);
    const step = takeOver(hello({ memo }), [slot('running', { token: 1 })], changed, beginning({ new: reading('n') }));
    expect(step.commands).toEqual([{ kind: 'orders', token: 1, hold: false }]);
    expect(step.state.rules.r?.applied?.hash).toBe('a');
    expect(step.state.rules.new?.applied?.hash).toBe('n');
    const without = takeOver(hello({ memo }), [slot('running', { token: 1 })], configOf({}), beginning({}));
    expect(without.state.rules).toEqual({});
  });

  test('the key of the environments’ hashes: the one of the memo, and else the one that was found', () => {
    const state = { ...running(reading('a')), key: 'a1' };
    const memo = encodeMemo(state);
    expect(formerState(hello({ memo }))?.key).toBe('a1');
    expect(formerState(hello({}))?.key).toBeUndefined();
    const slots = [slot('running', { token: 1 })];
    expect(takeOver(hello({ memo }), slots, config, beginning({}, 'b2')).state.key).toBe('a1');
    expect(takeOver(hello({ memo: encodeMemo({ ...state, key: undefined }) }), slots, config, beginning({}, 'b2')).state.key).toBe('b2');
    expect(takeOver(hello({}), slots, config, beginning({}, 'b2')).state.key).toBe('b2');
    expect(takeOver(hello({ main_token: 0 }), [], config, beginning({}, 'b2')).state.key).toBe('b2');
  });

  test('the first controller of a container, and only that, asks what was kept', () => {
    expect(isFirst(formerState(hello({ main_token: 0, slots: 0 })), [])).toBe(true);
    expect(isFirst(formerState(hello({})), [slot('running')])).toBe(false);
    expect(isFirst(formerState(hello({ memo: encodeMemo(running(reading('a'))) })), [])).toBe(false);
    const kept = { r: { good: 'g', refused: 'x' } };
    const first = takeOver(hello({ main_token: 0 }), [], config, { readings: { r: reading('a') }, kept, key: undefined });
    expect(first.state.rules.r).toMatchObject({ good: { hash: 'g' }, refused: 'x' });
  });

  test('of two instances of which nobody knows anything the one of the orders stays', () => {
    const step = takeOver(hello({}), [slot('running', { token: 5 }), slot('running')], config, beginning({ r: reading('a') }));
    expect(step.state.service).toMatchObject({ kind: 'running', token: 3 });
    expect(step.commands.filter(({ kind }) => kind === 'stop')).toEqual([{ kind: 'stop', token: 5, signo: 15, timeoutMs: 0 }]);
  });

  test('a change of a rule that is gone is none any more: the others wait for their turn again', () => {
    const candidate = { reading: reading('n'), since: 5, tries: 0 };
    const rule = { ...running(reading('a')).rules.r, phase: { kind: 'applying', candidate } } as const;
    const member = (name: string) => ({ rule: name, candidate, fallback: undefined });
    const batch = {
      leader: 'r',
      action: 'reload',
      members: [member('r'), member('s')],
      since: 5,
      tries: 0,
      published: false,
      rollback: false,
    } as const;
    const state = {
      ...running(reading('a')),
      rules: { r: rule, s: rule },
      apply: { kind: 'retrying', batch, attempt: { since: 5, count: 1 }, at: 50 },
    } as State;
    const slots = [slot('running', { token: 1 })];
    const both = takeOver(hello({ memo: encodeMemo(state) }), slots, configOf({}, { name: 'r' }, { name: 's' }), beginning({}));
    expect(both.state.apply.kind).toBe('retrying');
    const less = takeOver(hello({ memo: encodeMemo(state) }), slots, configOf({}, { name: 'r' }), beginning({}));
    expect(less.state.apply.kind).toBe('none');
    expect(less.state.rules).toMatchObject({ r: { phase: { kind: 'queued', candidate: { reading: { hash: 'n' } } } } });
    expect(Object.keys(less.state.rules)).toEqual(['r']);
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
