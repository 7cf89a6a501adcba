import fc from 'fast-check';
import { expect, test } from 'vitest';
import { distance, nearest, shorten } from '../../src/config/names.ts';

test.each([
  ['', '', 0],
  ['abc', 'abc', 0],
  ['abc', 'abd', 1],
  ['abc', 'acb', 1],
  ['abc', '', 3],
  ['watch', 'wacth', 1],
  ['kitten', 'sitting', 3],
])('%j and %j are %d apart', (a, b, edits) => expect(distance(a, b)).toBe(edits));

test('distance is symmetric and zero only for equals', () => {
  const word = fc.string({ maxLength: 8 });
  fc.assert(fc.property(word, word, (a, b) => distance(a, b) === distance(b, a) && (distance(a, b) === 0) === (a === b)));
});

test('nothing is near to what is far', () => {
  expect(nearest('stop_singal', ['stop_signal', 'signals'])).toBe('stop_signal');
  expect(nearest('banana', ['stop_signal', 'signals'])).toBeUndefined();
  expect(nearest('x'.repeat(100_000), ['stop_signal'])).toBeUndefined();
});

test('names for terminals are short and plain', () => {
  expect(shorten('a\u001b[31mb\n')).toBe('a?[31mb?');
  expect(shorten('x'.repeat(500))).toHaveLength(61);
});
