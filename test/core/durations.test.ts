import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { formatDuration, maxDurationMs, maxDurationText, parseDuration } from '../../src/core/durations.ts';

describe('parseDuration', () => {
  const good: readonly [string, number][] = [
    ['0', 0],
    ['0s', 0],
    ['300ms', 300],
    ['25s', 25_000],
    ['1h2m3.5s', 3_723_500],
    ['1.5h', 5_400_000],
    ['.5s', 500],
    ['5.s', 5000],
    ['1m30s', 90_000],
    ['1500us', 2],
    ['1500µs', 2],
    ['2000000ns', 2],
    ['0.1s0.2s', 300],
    [' 5s ', 5000],
    ['576h', 2_073_600_000],
    ['2147483647ms', maxDurationMs],
  ];
  test.each(good)('%j is %d ms', (text, ms) => expect(parseDuration(text)).toEqual({ ok: true, ms }));

  const bad: readonly [string, RegExp][] = [
    ['', /empty/],
    ['25', /unit is missing/],
    ['2.5', /unit is missing/],
    ['-5s', /negative/],
    ['3d', /write hours/],
    ['2 weeks', /write hours/],
    ['1m 30s', /space/],
    ['5sec', /unknown unit/],
    ['5S', /not of this form/],
    ['s', /not of this form/],
    ['.s', /not of this form/],
    ['1..5s', /not of this form/],
    ['1e3s', /./],
    ['five seconds', /./],
    ['2147483648ms', /too long/],
    ['99999999999999999999h', /too long/],
    ['100us', /finer than a millisecond/],
  ];
  test.each(bad)('%j is none', (text, problem) => {
    const read = parseDuration(text);
    expect(read).toMatchObject({ ok: false, problem: expect.stringMatching(problem) });
  });

  test('a thousand digits are none', () => expect(parseDuration(`${'9'.repeat(1000)}s`).ok).toBe(false));
  test('the most that is told is accepted', () => expect(parseDuration(maxDurationText).ok).toBe(true));
});

test('what is formatted reads back as the same', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: maxDurationMs }), (ms) => {
      expect(parseDuration(formatDuration(ms))).toEqual({ ok: true, ms });
    }),
  );
});

test.each([
  [0, '0'],
  [300, '300ms'],
  [1000, '1s'],
  [3_723_500, '1h2m3.5s'],
  [3_600_000, '1h'],
  [60_001, '1m0.001s'],
])('%d ms is written %s', (ms, text) => expect(formatDuration(ms)).toBe(text));

test('no text is an error, and no problem repeats the text', () => {
  const secret = fc.string({ minLength: 1 }).map((noise) => `s3cr3t${noise}`);
  fc.assert(
    fc.property(secret, (text) => {
      const read = parseDuration(text);
      return read.ok || !read.problem.includes('s3cr3t');
    }),
  );
});
