import { constants } from 'node:os';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseSignal, signalName, signalNames } from '../../src/core/signals.ts';

describe('parseSignal', () => {
  const rows: readonly [string, number | undefined][] = [
    ['HUP', 1],
    ['SIGHUP', 1],
    ['sighup', 1],
    ['Hup', 1],
    [' TERM ', 15],
    ['9', 9],
    ['64', 64],
    ['IOT', 6],
    ['POLL', 29],
    ['CLD', 17],
    ['RTMIN', 34],
    ['SIGRTMIN+2', 36],
    ['rtmax-1', 63],
    ['RTMAX', 64],
    ['RTMIN+30', 64],
    ['RTMIN+31', undefined],
    ['RTMIN-1', undefined],
    ['RTMAX-31', undefined],
    ['RTMAX+1', undefined],
    ['RTMIN+', undefined],
    ['0', undefined],
    ['32', undefined],
    ['33', undefined],
    ['65', undefined],
    ['-1', undefined],
    ['1.0', undefined],
    ['', undefined],
    ['SIG', undefined],
    ['HPU', undefined],
    ['constructor', undefined],
    ['__proto__', undefined],
  ];
  test.each(rows)('%j is %s', (text, n) => expect(parseSignal(text)).toBe(n));

  test('agrees with the system about every standard name', () => {
    for (const name of signalNames) expect([name, parseSignal(name)]).toEqual([name, constants.signals[`SIG${name}` as NodeJS.Signals]]);
    expect(signalNames).toHaveLength(31);
  });
});

test('names and numbers are inverse to each other', () => {
  const signo = fc.integer({ min: 1, max: 64 }).filter((n) => n < 32 || n > 33);
  fc.assert(fc.property(signo, (n) => parseSignal(signalName(n)) === n && parseSignal(String(n)) === n));
});

test('any text is a signal or none, never an error', () => {
  fc.assert(
    fc.property(fc.string(), (text) => {
      const n = parseSignal(text);
      return n === undefined || (Number.isInteger(n) && n >= 1 && n <= 64);
    }),
  );
});
