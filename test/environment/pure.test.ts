import { createHmac } from 'node:crypto';
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { changedNames } from '../../src/environment/difference.ts';
import { createDigest } from '../../src/environment/digest.ts';
import { isVariableName, skippedWarning, withoutFinalNewline } from '../../src/environment/directory.ts';
import { maxEnvironmentBytes, sizeProblem } from '../../src/environment/limits.ts';
import { encodeEffect } from '../../src/link/codec.ts';
import { maxFrameBytes } from '../../src/link/messages.ts';
import { spawn } from '../fixtures/init/effects.ts';

const key = Buffer.alloc(32, 7);

describe('a directory', () => {
  test.each(['A', 'app.yaml', '.hidden', 'a b', '-', '1', 'a/b'])('%j can be a name', (name) => expect(isVariableName(name)).toBe(true));
  test.each(['', 'A=B', '=', 'é', 'a\tb', 'a\nb', 'a\0b', '\x7f'])('%j cannot', (name) => expect(isVariableName(name)).toBe(false));
  test.each([
    ['', ''],
    ['x', 'x'],
    ['x\n', 'x'],
    ['x\n\n', 'x\n'],
    ['x\r\n', 'x'],
    ['x\r', 'x\r'],
    ['\n', ''],
    ['\r\n\r\n', '\r\n'],
    [' \n x ', ' \n x '],
  ])('%j becomes %j', (content, value) => expect(withoutFinalNewline(Buffer.from(content)).toString()).toBe(value));

  test('one warning, with a count and five names that cannot break a line', () => {
    expect(skippedWarning([])).toBeUndefined();
    expect(skippedWarning(['a=b'])).toMatch(/^env_from: 1 file is left out.*: "a=b"\. Rename/);
    const many = skippedWarning(['\n', 'é', '=', '==', '===', 'sixth', 'seventh']);
    expect(many).toMatch(/^env_from: 7 files are left out.*: "\\n", "é", "=", "==", "===" and 2 more\./);
  });
});

describe('hashes', () => {
  const digest = createDigest(key);
  const environments = fc.dictionary(fc.string(), fc.string()).map((variables) => new Map(Object.entries(variables)));
  const canonical = (variables: ReadonlyMap<string, string>) => JSON.stringify([...variables].sort(([a], [b]) => (a < b ? -1 : 1)));

  test('the order does not matter; any difference does', () => {
    fc.assert(
      fc.property(environments, environments, (a, b) => {
        expect(digest.ofAll(new Map([...a].reverse()))).toBe(digest.ofAll(a));
        expect(digest.ofAll(a) === digest.ofAll(b)).toBe(canonical(a) === canonical(b));
      }),
    );
  });
  test('a value cannot be written so that two variables look like others', () => {
    expect(digest.ofAll(new Map([['A', '11:B1:2']]))).not.toBe(digest.ofAll(new Map([...'AB'].map((name) => [name, '1']))));
    expect(digest.ofAll(new Map([['A', 'B']]))).not.toBe(digest.ofAll(new Map([['AB', '']])));
  });
  test('they are HMACs: nothing can be tried without the key, and equal values do not look alike', () => {
    expect(digest.ofOne('A', '1')).toBe(createHmac('sha256', key).update('8:variable1:A1:1').digest('hex'));
    expect(digest.ofOne('A', '1')).not.toBe(createDigest(Buffer.alloc(32, 8)).ofOne('A', '1'));
    expect(digest.ofOne('A', '1')).not.toBe(digest.ofOne('B', '1'));
    expect(new Set([digest.ofAll(new Map([['A', '1']])), digest.ofOne('A', '1'), digest.ofProblem('A', '1')]).size).toBe(3);
  });
});

test('names that changed; of the memo there are short hashes only', () => {
  const hash = (start: string) => start.padEnd(64, '0');
  const before = new Map([
    ['gone', 'aa'],
    ['same', hash('same').slice(0, 12)],
    ['other', hash('x').slice(0, 12)],
    ['gone too', 'bb'],
  ]);
  const after = new Map(['same', 'other', 'new', 'made'].map((name) => [name, hash(name)]));
  expect(changedNames(before, after)).toEqual({ added: ['made', 'new'], changed: ['other'], removed: ['gone', 'gone too'] });
  expect(changedNames(after, after)).toEqual({ added: [], changed: [], removed: [] });
});

describe('sizes', () => {
  const spaced = (count: number, bytes: number) =>
    new Map(Array.from({ length: count }, (_, n) => [`K${n}`.padEnd(10, '_'), 'x'.repeat(bytes)]));
  test.each([
    ['the largest variable that the kernel takes', new Map([['A', 'x'.repeat(131_069)]]), undefined],
    ['one byte more', new Map([['BIG', 'x'.repeat(131_068)]]), /^BIG is larger .*131072 bytes with its name, the kernel takes 131071/],
    ['bytes, not characters', new Map([['A', 'é'.repeat(70_000)]]), /^A is larger/],
    ['10,000 variables', spaced(10_000, 20), undefined],
    ['too much in all', spaced(10_000, 60), /10000 variables with 750000 bytes, at most 393216/],
  ])('%s', (_, variables, expected) => {
    const problem = sizeProblem(variables);
    if (expected === undefined) expect(problem).toBeUndefined();
    else expect(problem).toMatch(expected);
    expect(problem ?? '').not.toContain('xx');
  });

  test('what is allowed fits into the frame of a spawn', () => {
    const largest = new Map(spaced(Math.floor(maxEnvironmentBytes / 115), 100));
    expect(sizeProblem(largest)).toBeUndefined();
    const env_set = [...largest].map(([name, value]) => Buffer.from(`${name}=${value}`));
    const spawned = encodeEffect(spawn(1, { env_set }));
    expect(spawned.length).toBeGreaterThan(0.99 * maxEnvironmentBytes);
    expect(spawned.length).toBeLessThan(maxFrameBytes - 64 * 1024 - 32 * 1024);
  });
});
