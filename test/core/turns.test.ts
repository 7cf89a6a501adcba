import { describe, expect, test } from 'vitest';
import type { RulePolicy } from '../../src/core/policy.ts';
import { type Candidate, freshRule, type RuleState } from '../../src/core/rule.ts';
import type { ServiceState } from '../../src/core/service-state.ts';
import { actionOf, nextDeadline, nextTurn, type Turns } from '../../src/core/turns.ts';
import { ruleDefaults } from '../fixtures/simulation.ts';

const reading = (hash: string) => ({ hash, files: undefined });
const [old, next] = [reading('old'), reading('next')];
const publish = { to: '/run/p', mode: 'flip', keep: 1 } as const;
const running: Extract<ServiceState, { kind: 'running' }> = {
  kind: 'running',
  token: 1,
  pid: 7,
  attempt: 0,
  since: 1_000,
  readiness: { kind: 'ready' },
  beside: undefined,
};
const long = 1_000_000;

const candidateOf = (since: number): Candidate => ({ reading: next, since, tries: 0 });
const queued = (since = 2_000, more: Partial<RuleState> = {}): RuleState => ({
  ...freshRule(next, since),
  applied: old,
  phase: { kind: 'queued', candidate: candidateOf(since), held: 'no' },
  ...more,
});
const resting = (more: Partial<RuleState> = {}): RuleState => ({ ...freshRule(old, 0), applied: old, phase: { kind: 'idle' }, ...more });
const policyOf = (name: string, more: Partial<RulePolicy> = {}): RulePolicy => ({
  ...ruleDefaults,
  source: 'files',
  name,
  reload_after_start: 0,
  max_wait: 5_000,
  ...more,
});
type Given = Readonly<Record<string, readonly [RuleState, Partial<RulePolicy>?]>>;

function given(rules: Given, turns: Partial<Turns> = {}) {
  const state: Turns = {
    service: running,
    apply: { kind: 'none' },
    lastSignalAt: 0,
    ...turns,
    rules: Object.fromEntries(Object.entries(rules).map(([name, [rule]]) => [name, rule])),
  };
  const policies = Object.entries(rules).map(([name, [, more]]) => policyOf(name, more));
  return {
    at: (at: number) => nextTurn(state, policies, at),
    wakes: nextDeadline(state, policies),
  };
}
/** When it is its turn: asked right before and then. */
function expectTurnAt(rules: Given, at: number, turns: Partial<Turns> = {}): void {
  const one = given(rules, turns);
  expect(one.wakes).toBe(at);
  expect(one.at(at - 1).batch).toBeUndefined();
  expect(one.at(at).batch?.leader).toBe('r');
}
const membersOf = (batch: ReturnType<typeof nextTurn>['batch']) => batch?.members.map(({ rule }) => rule);

describe('what is applied together', () => {
  test('the strongest action leads, and weaker ones ride along', () => {
    const strengths = [
      ['a', 'none'],
      ['b', 'exec'],
      ['c', 'reload'],
      ['d', 'restart'],
    ] as const;
    for (let count = 1; count <= strengths.length; count += 1) {
      const some = strengths.slice(0, count);
      const rules = Object.fromEntries(some.map(([name, on_change]) => [name, [queued(), { on_change, publish }] as const]));
      const { batch } = given(rules).at(long);
      expect(batch).toMatchObject({ leader: some.at(-1)?.[0], action: some.at(-1)?.[1], tries: 0, published: false, rollback: false });
      expect(new Set(membersOf(batch))).toEqual(new Set(some.map(([name]) => name)));
    }
  });

  test('of equals the one that waits longest leads', () => {
    const { batch } = given({ r: [queued(2_000)], s: [queued(1_500)] }).at(long);
    expect([batch?.leader, membersOf(batch)]).toEqual(['s', ['s', 'r']]);
  });

  test.each([
    ['the same signal', { reload_signal: 1 }, { reload_signal: 1 }, 2],
    ['different signals', { reload_signal: 1 }, { reload_signal: 10 }, 1],
    ['restarts', { on_change: 'restart' }, { on_change: 'restart', reload_signal: 10 }, 2],
    ['the same commands', { on_change: 'exec', exec: [['a']] }, { on_change: 'exec', exec: [['a']] }, 2],
    ['different commands', { on_change: 'exec', exec: [['a']] }, { on_change: 'exec', exec: [['b']] }, 1],
    ['commands and a call', { on_change: 'exec' }, { on_change: 'http' }, 1],
  ] as const)('of equals those ride along that mean the very same: %s', (_, r, s, count) => {
    expect(membersOf(given({ r: [queued(), r], s: [queued(), s] }).at(long).batch)).toHaveLength(count);
  });

  test('a rule whose signal has proved deadly is restarted', () => {
    const rules: Given = { r: [queued(2_000, { fallen: true })], s: [queued(1_000)] };
    expect(given(rules).at(long).batch).toMatchObject({ leader: 'r', action: 'restart' });
    expect(actionOf(policyOf('r', { on_change: 'exec' }), { fallen: true })).toBe('exec');
  });

  test('one that is not due by itself rides along all the same, but not one that is held for a loop', () => {
    const restart = { on_change: 'restart' } as const;
    expect(membersOf(given({ r: [queued(), restart], s: [queued(), { splay: 60_000 }] }).at(3_000).batch)).toEqual(['r', 's']);
    const looping = queued(2_000, { echo: { count: 4, holds: 1, heldAt: 0, heldUntil: 90_000 } });
    expect(membersOf(given({ r: [queued(), restart], s: [looping] }).at(3_000).batch)).toEqual(['r']);
  });

  test('what a published rule may go back to: the last good one, else what it has run with', () => {
    const fallback = (more: Partial<RuleState>, own: Partial<RulePolicy> = { publish }) =>
      given({ r: [queued(2_000, more), own] }).at(long).batch?.members[0]?.fallback?.hash;
    expect(fallback({ good: reading('good') })).toBe('good');
    expect(fallback({})).toBe('old');
    expect(fallback({ good: next })).toBeUndefined();
    expect(fallback({ applied: undefined })).toBeUndefined();
    expect(fallback({ good: reading('good') }, {})).toBeUndefined();
  });
});

describe('when', () => {
  test('one at a time', () => {
    const apply: Turns['apply'] = { kind: 'calling', batch: {} as never, job: 3, from: 0 };
    const busy = given({ r: [queued()] }, { apply });
    expect([busy.at(long).batch, busy.wakes]).toEqual([undefined, undefined]);
  });

  test('not earlier than reload_after_start, where it is a signal', () => {
    expectTurnAt({ r: [queued(), { reload_after_start: 9_000 }] }, 10_000);
    expectTurnAt({ r: [queued(), { reload_after_start: 9_000, on_change: 'restart' }] }, 2_000);
  });

  test('not closer than 250 ms to the last signal', () => {
    expectTurnAt({ r: [queued()] }, 5_250, { lastSignalAt: 5_000 });
  });

  test('min_interval after the last action, and without one at once', () => {
    expectTurnAt({ r: [queued(2_000, { actedAt: 1_900 }), { min_interval: 10_000 }] }, 11_900);
    expectTurnAt({ r: [queued(2_000), { min_interval: 10_000 }] }, 2_000);
  });

  test('this replica’s share of the splay', () => {
    expectTurnAt({ r: [queued(2_000), { splay: 7_000 }] }, 9_000);
  });

  test('held for a loop', () => {
    expectTurnAt({ r: [queued(2_000, { echo: { count: 4, holds: 1, heldAt: 0, heldUntil: 60_000 } })] }, 60_000);
  });

  test.each([
    ['stirs', resting({ stirsSince: 1_900 })],
    ['settles', resting({ phase: { kind: 'settling', last: undefined, readAt: long, tries: 0 } })],
  ])('another rule %s: it may be the other half of the same change, but not for longer than max_wait', (_, other) => {
    const rules: Given = { r: [queued(2_000)], s: [other] };
    expect(given(rules).at(6_999).batch).toBeUndefined();
    expect(given(rules).at(7_000).batch?.leader).toBe('r');
    expect(given(rules).wakes).toBe(7_000);
  });

  test('its own stirring holds nobody up', () => {
    expectTurnAt({ r: [queued(2_000, { stirsSince: 2_100 })] }, 2_000);
  });

  test.each([
    ['preparing', { kind: 'preparing', token: 1, attempt: 0, reason: 'start', orderedAt: 0, step: { kind: 'deciding' } }],
    ['starting', { kind: 'starting', token: 1, attempt: 0, reason: 'start', orderedAt: 0 }],
    ['stopping', { kind: 'stopping', token: 1, since: 0, leaveWith: undefined }],
    ['sweeping', { kind: 'sweeping', token: 1, attempt: 0, reason: 'policy', next: 0 }],
    ['ending', { kind: 'ending', token: 1, signo: 15 }],
    ['ended', { kind: 'ended', code: 0 }],
    ['not ready yet', { ...running, readiness: { kind: 'probing', probing: { kind: 'asking', id: 3, successes: 0, failures: 0 } } }],
    [
      'with another one beside',
      { ...running, beside: { token: 2, reason: 'change', orderedAt: 0, instance: undefined, readiness: { kind: 'ready' } } },
    ],
  ] as const satisfies readonly (readonly [string, ServiceState])[])('never while the application is %s', (_, service) => {
    for (const own of [{}, { publish }]) {
      const one = given({ r: [queued(), own] }, { service });
      expect([one.at(long).batch, one.wakes]).toEqual([undefined, undefined]);
    }
  });

  test('one that never became ready is told all the same', () => {
    expectTurnAt({ r: [queued()] }, 2_000, { service: { ...running, readiness: { kind: 'unready' } } });
  });

  test('in the back-off: what the next instance finds only once it is published, by restart', () => {
    const service: ServiceState = { kind: 'backoff', token: 1, attempt: 3, until: 90_000 };
    const one = given({ r: [queued(), { publish }] }, { service });
    expect([one.wakes, one.at(2_000).batch?.action]).toEqual([2_000, 'restart']);
    const files = given({ r: [queued()] }, { service });
    expect([files.wakes, files.at(long).batch]).toEqual([90_000, undefined]);
  });
});

describe('held back', () => {
  const checking = resting({ phase: { kind: 'checking', candidate: candidateOf(0), read: 3 } });
  const refused = resting({ desired: reading('bad'), refused: 'bad' });

  test('by a check: it is over soon, and no news', () => {
    const one = given({ r: [queued()], s: [checking] });
    expect(one.at(long)).toEqual({ batch: undefined, heldBack: [] });
    expect(one.wakes).toBeUndefined();
  });

  test('by what is refused: that waits for somebody, and is told', () => {
    expect(given({ r: [queued()], s: [refused] }).at(long)).toEqual({ batch: undefined, heldBack: [{ rule: 'r', by: 's' }] });
  });

  test('not by what is refused and published, for the application does not find it', () => {
    expect(given({ r: [queued()], s: [refused, { publish }] }).at(long)).toMatchObject({ batch: { leader: 'r' }, heldBack: [] });
  });

  test('not by itself: a copy that is valid is applied although the newest files are refused', () => {
    const rule = queued(2_000, { desired: reading('bad'), refused: 'bad' });
    expect(given({ r: [rule, { publish }] }).at(long).batch?.leader).toBe('r');
  });

  test('one that is held back does not ride along', () => {
    const one = given({ r: [queued(), { on_change: 'restart' }], s: [queued(2_000, { desired: reading('bad'), refused: 'bad' })] });
    expect(membersOf(one.at(long).batch)).toEqual(['s']);
  });
});
