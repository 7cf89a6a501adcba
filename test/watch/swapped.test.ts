import { describe, expect, test } from 'vitest';
import { isSwap, type Lay } from '../../src/watch/swapped.ts';

/** Path → place and content. */
const lay = (files: Readonly<Record<string, readonly [string, string]>>): Lay => ({
  generation: { hash: '', files: new Map(Object.entries(files).map(([path, [, content]]) => [path, content])) },
  files: Object.entries(files).map(([path, [real]]) => ({ path, real, direct: false })),
});
const before = lay({ '/v/a': ['/v/..1/a', 'a1'], '/v/b': ['/v/..1/b', 'b1'] });

describe('a swap', () => {
  test('all files lie elsewhere', () => {
    expect(isSwap(before, lay({ '/v/a': ['/v/..2/a', 'a2'], '/v/b': ['/v/..2/b', 'b1'] }))).toBe(true);
  });

  test('with a file that went and one that came', () => {
    expect(isSwap(before, lay({ '/v/a': ['/v/..2/a', 'a1'], '/v/c': ['/v/..2/c', 'c1'] }))).toBe(true);
  });

  test('beside files that stayed as they were', () => {
    const both = lay({ '/v/a': ['/v/..1/a', 'a1'], '/x': ['/x', 'x1'] });
    expect(isSwap(both, lay({ '/v/a': ['/v/..2/a', 'a2'], '/x': ['/x', 'x1'] }))).toBe(true);
    expect(isSwap(both, lay({ '/v/a': ['/v/..2/a', 'a2'], '/x': ['/x', 'x2'] }))).toBe(false);
  });

  test('is none where somebody writes in place, or puts a file there', () => {
    expect(isSwap(before, lay({ '/v/a': ['/v/..1/a', 'a2'], '/v/b': ['/v/..1/b', 'b1'] }))).toBe(false);
    expect(isSwap(before, lay({ '/v/a': ['/v/..1/a', 'a1'], '/v/b': ['/v/..1/b', 'b1'], '/v/c': ['/v/c', 'c1'] }))).toBe(false);
  });

  test('is none as far as known where the places before are not', () => {
    expect(isSwap(undefined, before)).toBe(false);
  });
});
