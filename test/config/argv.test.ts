import { execFileSync } from 'node:child_process';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { splitCommand } from '../../src/config/argv.ts';

describe('splitCommand', () => {
  const good: readonly [string, readonly string[]][] = [
    ['nginx -t', ['nginx', '-t']],
    ["nginx -g 'daemon off;'", ['nginx', '-g', 'daemon off;']],
    ['a "b c" d', ['a', 'b c', 'd']],
    ['a b\\ c', ['a', 'b c']],
    ["a ''", ['a', '']],
    ['a""b', ['ab']],
    ['a "\\"" \\\\', ['a', '"', '\\']],
    ['a "\\n"', ['a', '\\n']],
    ['a \\$HOME "\\$HOME" \'$HOME\'', ['a', '$HOME', '$HOME', '$HOME']],
    ['  a\t b  ', ['a', 'b']],
    ['a b=c', ['a', 'b=c']],
    ['a b~ c#d', ['a', 'b~', 'c#d']],
    ['a \\\n b\\\nc', ['a', 'bc']],
    ['curl "http://x/?a=1&b=2"', ['curl', 'http://x/?a=1&b=2']],
  ];
  test.each(good)('%j', (text, argv) => expect(splitCommand(text)).toEqual({ ok: true, argv }));

  const shell = [
    'a $HOME',
    'a "$HOME"',
    'a `b`',
    'a "`b`"',
    'a | b',
    'a; b',
    'a & b',
    'a && b',
    'a < b',
    'a > b',
    'a 2>&1',
    'a *.conf',
    'a ?',
    'a [ab]',
    'a (b)',
    '~/bin/a',
    'a ~',
    'FOO=1 a',
    'a # b',
    'a\nb',
  ];
  test.each(shell)('%j needs a shell, and the answer says how to ask for one', (text) => {
    expect(splitCommand(text)).toMatchObject({ ok: false, problem: expect.stringContaining('[sh, -c, "…"]') });
  });

  test.each([
    ['', /empty/],
    ['  ', /empty/],
    ["a 'b", /closing '/],
    ['a "b', /closing "/],
    ['a b\\', /backslash/],
  ])('%j is broken', (text, problem) => expect(splitCommand(text)).toMatchObject({ ok: false, problem: expect.stringMatching(problem) }));
});

const quote = (word: string): string => `'${word.replaceAll("'", "'\\''")}'`;

test('whatever is quoted comes back word for word', () => {
  const words = fc.array(fc.string(), { minLength: 1 }).map(([first = '', ...rest]) => [`p${first}`, ...rest]);
  fc.assert(
    fc.property(words, (argv) => {
      expect(splitCommand(argv.map(quote).join(' '))).toEqual({ ok: true, argv });
    }),
  );
});

test('where it has an answer, a shell has the same', () => {
  const piece = fc.constantFrom('a', 'b', ' ', '\\\n', '\t', "'", '"', '\\', '$', '*', ';', '=', '~', '#', 'é');
  const texts = fc.sample(
    fc.array(piece, { maxLength: 12 }).map((parts) => `x${parts.join('')}`),
    100,
  );
  for (const text of texts) {
    const split = splitCommand(text);
    if (!split.ok) continue;
    const printed = execFileSync('sh', ['-c', `for word in ${text.trim()}; do printf '%s\\001' "$word"; done`], { encoding: 'utf8' });
    expect([text, printed.split('\u0001').slice(0, -1)]).toEqual([text, split.argv]);
  }
});
