import { describe, expect, test } from 'vitest';
import { noticeChange } from '../../src/core/loop-guard.ts';
import type { Echo } from '../../src/core/rule.ts';

const settle = 300;
const fresh: Echo = { count: 0, holds: 0, heldAt: 0, heldUntil: 0 };
const held: Echo = { count: 9, holds: 1, heldAt: 1_000, heldUntil: 11_000 };

/** So many changes, each so long after an action of ours. */
function follow(echo: Echo, times: number, gapMs: number, from = 10_000) {
  let [now, state] = [from, echo];
  const notes: (string | undefined)[] = [];
  for (let time = 0; time < times; time += 1) {
    const { echo: next, note } = noticeChange(state, now + gapMs, now, settle);
    [state, now] = [next, now + gapMs + 1];
    notes.push(note?.kind);
  }
  return { state, notes };
}

describe('loop guard', () => {
  test('ten changes in a row right after our own actions are a loop', () => {
    const { state, notes } = follow(fresh, 10, 500);
    expect(notes).toEqual([...Array(9).fill(undefined), 'loop_held']);
    expect(state).toMatchObject({ count: 9, holds: 1 });
    expect(state.heldUntil - state.heldAt).toBe(10_000);
  });

  test('the window is that of the settling and three seconds more', () => {
    expect(follow(fresh, 10, settle + 3_000).notes.at(-1)).toBe('loop_held');
    expect(follow(fresh, 50, settle + 3_001)).toEqual({ state: fresh, notes: Array(50).fill(undefined) });
  });

  test('nothing was ever done: nothing can be an echo', () => {
    expect(noticeChange(fresh, 100, 0, settle)).toEqual({ echo: fresh, note: undefined });
  });

  test('a change of its own in between ends the row', () => {
    const { state } = follow(fresh, 9, 500);
    const { echo } = noticeChange(state, 100_000, 50_000, settle);
    expect(echo).toEqual(fresh);
    expect(follow(echo, 9, 500, 200_000).notes).not.toContain('loop_held');
  });

  test('while held, what the same writer writes right away is no news', () => {
    expect(noticeChange(held, 1_000 + settle + 3_000, 900, settle)).toEqual({ echo: held, note: undefined });
  });

  test('while held, a change although nothing was done sets it free, for long', () => {
    const { echo, note } = noticeChange(held, 10_000, 900, settle);
    expect(note).toEqual({ kind: 'loop_over' });
    expect(echo).toMatchObject({ holds: 0, heldUntil: 0 });
    const { notes } = follow(echo, 59, 500, 40_000);
    expect(notes).toEqual(Array(59).fill(undefined));
    expect(follow(echo, 60, 500, 40_000).notes.at(-1)).toBe('loop_held');
  });

  test('trust is kept over changes of its own', () => {
    const { echo } = noticeChange(held, 10_000, 900, settle);
    expect(noticeChange(echo, 100_000, 50_000, settle).echo.count).toBe(echo.count);
  });

  test('after a hold one more echo is enough, and each hold is twice as long, up to an hour', () => {
    const holds: number[] = [];
    let echo = held;
    for (let time = 0; time < 10; time += 1) {
      const at = echo.heldUntil + 1_000;
      const next = noticeChange(echo, at, at - 500, settle);
      expect(next.note?.kind).toBe('loop_held');
      echo = next.echo;
      holds.push((echo.heldUntil - echo.heldAt) / 1_000);
    }
    expect(holds).toEqual([20, 40, 80, 160, 320, 640, 1_280, 2_560, 3_600, 3_600]);
  });

  test('a hold that ended without an echo is forgotten', () => {
    const { echo } = noticeChange(held, 90_000, 11_000, settle);
    expect(echo).toMatchObject({ count: 0, holds: 0 });
  });
});
