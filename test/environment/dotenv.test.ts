import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseDotenv } from '../../src/environment/dotenv.ts';

function variables(text: string): Record<string, string> {
  const parsed = parseDotenv(text);
  if (!parsed.ok) throw new Error(parsed.problem);
  return Object.fromEntries(parsed.variables);
}
function problem(text: string): string {
  const parsed = parseDotenv(text);
  return parsed.ok ? `none: ${JSON.stringify([...parsed.variables])}` : parsed.problem;
}

describe('what is meant', () => {
  test.each<[string, string, Record<string, string>]>([
    ['nothing', '', {}],
    ['only comments and blank lines', '\n  # A=1\n\t\n#\n', {}],
    ['plain', 'A=1\nB=two words', { A: '1', B: 'two words' }],
    ['export', 'export A=1\n\texport \t B=2\nexport=3', { A: '1', B: '2', export: '3' }],
    ['empty', 'A=\nB=  \nC=""\nD=\'\'', { A: '', B: '', C: '', D: '' }],
    ['trimmed', '  A= \t x \t\n', { A: 'x' }],
    ['more equals signs', 'A=b=c==', { A: 'b=c==' }],
    ['a comment begins after whitespace', 'A=x # y\nB=x#y\nC=#fff\nD= # y\nE=\t# y', { A: 'x', B: 'x#y', C: '#fff', D: '', E: '' }],
    ['comments after quotes', 'A="x" # y\nB=\'x\'\t#y\nC="x"  ', { A: 'x', B: 'x', C: 'x' }],
    ['a hash in quotes', 'A="x # y"\nB=\'x # y\'', { A: 'x # y', B: 'x # y' }],
    ['single quotes are literal', 'A=\'\\n $x "y" \\\'', { A: '\\n $x "y" \\' }],
    ['double quotes have escapes', 'A="\\n\\r\\t\\"\\\\\\$"', { A: '\n\r\t"\\$' }],
    ['a backslash that is escaped escapes nothing', 'A="\\\\n\\\\"', { A: '\\n\\' }],
    ['other backslashes stand for themselves', 'A="\\d\\x41\\\'"\nB=\\n', { A: "\\d\\x41\\'", B: '\\n' }],
    ['several lines', 'A="x\n# y\nB=z\n"\nC=\'p\n\nq\'', { A: 'x\n# y\nB=z\n', C: 'p\n\nq' }],
    ['nothing is expanded', `A=1\nB=$A \${A} $(id)\nC="$A"`, { A: '1', B: `$A \${A} $(id)`, C: '$A' }],
    ['quotes within a value', 'A=it\'s\nB=5" disk', { A: "it's", B: '5" disk' }],
    ['the last one wins', 'A=1\nA=2\nB=x\nA=3', { A: '3', B: 'x' }],
    ['CRLF', '# c\r\nA=1\r\nB="x\r\ny"\r\n\r\nC=\'z\'\r\n', { A: '1', B: 'x\ny', C: 'z' }],
    ['byte order mark', '\uFEFFA=1', { A: '1' }],
    ['not ASCII', 'A=grüße 🙂', { A: 'grüße 🙂' }],
    ['odd names', 'a.b-c/1=x\n1=y', { 'a.b-c/1': 'x', '1': 'y' }],
    ['names of Object.prototype', '__proto__=x\nconstructor=y', JSON.parse('{"__proto__":"x","constructor":"y"}')],
  ])('%s', (_, text, expected) => expect(JSON.stringify(variables(text))).toBe(JSON.stringify(expected)));
});

describe('what cannot be meant: the line, and nothing of what stands there', () => {
  test.each([
    ['A=1\nhunter2', /^line 2: .*no `=`/],
    ['export hunter2', /^line 1: .*no `=`/],
    ['=hunter2', /^line 1: .*no name/],
    ['export =hunter2', /^line 1: .*no name/],
    ['hunter 2=x', /^line 1: whitespace in the name/],
    ['HUNTER2 = x', /^line 1: whitespace in the name/],
    ['hunter2\0=x', /^line 1: .*not printable ASCII/],
    ['hünter2=x', /^line 1: .*not printable ASCII/],
    ['A=1\n\nB="hunter2\nC=1', /^line 3: the double quote .* never closed/],
    ["A='hunter2", /^line 1: the single quote .* never closed/],
    ['A="hunter2\\"', /^line 1: the double quote .* never closed/],
    ['A="x\n\n"\nB="hunter2" 3', /^line 4: something stands after/],
    ["A='it's hunter2'", /^line 1: something stands after/],
    ['A="x"#hunter2', /^line 1: something stands after/],
    ['A=`hunter2`', /^line 1: backquotes/],
    ['A=hun\0ter2', /^line 1: .*NUL/],
    ['A="hun\n\0ter2"', /^line 1: .*NUL/],
    ["A='hun\0ter2'", /^line 1: .*NUL/],
    ['A=1\rB=hunter2', /^line 1: .*carriage return/],
  ])('%j', (text, expected) => {
    expect(problem(text)).toMatch(expected);
    expect(problem(text)).not.toMatch(/hunter/i);
  });
});

describe('whatever stands there', () => {
  const alphabet = fc.constantFrom('A', 'B', '=', '"', "'", '\\', '\n', '\r', ' ', '\t', '#', '$', '`', '\0', 'n', 'é', '\uFEFF');
  const texts = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes).toString('utf8')),
    fc.array(alphabet, { maxLength: 60 }).map((parts) => parts.join('')),
  );

  test('there is an answer: variables that can be set, or a problem with a line that exists', () => {
    fc.assert(
      fc.property(texts, (text) => {
        const parsed = parseDotenv(text);
        if (parsed.ok) {
          for (const [name, value] of parsed.variables) {
            expect(name).toMatch(/^[!-<>-~]+$/);
            expect(value).not.toContain('\0');
          }
        } else {
          const line = Number(/^line (\d+): /.exec(parsed.problem)?.[1]);
          expect(line).toBeGreaterThanOrEqual(1);
          expect(line).toBeLessThanOrEqual(text.split('\n').length);
          expect(parsed.problem).toMatch(/^[ -~]+$/);
        }
      }),
      { numRuns: 5_000 },
    );
  });

  const names = fc.stringMatching(/^[A-Z_][A-Z0-9_]{0,8}$/);
  const values = fc
    .oneof(
      fc.string({ unit: 'grapheme' }),
      fc.array(alphabet).map((parts) => parts.join('')),
    )
    .map((value) => value.replaceAll('\0', '').replaceAll('\r\n', '\n'));
  const double = (value: string) =>
    `"${value
      .replace(/[\\"$]/g, '\\$&')
      .replaceAll('\n', '\\n')
      .replaceAll('\r', '\\r')}"`;
  const literal = (value: string) => value.replace(/['\r]/g, '');

  test('what was quoted is found again', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(names, values, fc.constantFrom('', ' # x', '\t'), fc.boolean())), (entries) => {
        const text = entries
          .map(([name, value, end, single]) => `${name}=${single ? `'${literal(value)}'` : double(value)}${end}\n`)
          .join('');
        const expected = new Map(entries.map(([name, value, , single]) => [name, single ? literal(value) : value]));
        expect(new Map(Object.entries(variables(text)))).toEqual(expected);
      }),
      { numRuns: 1_000 },
    );
  });

  test.each([
    ['spaces', `${' '.repeat(1_000_000)}x`],
    ['spaces in a value', `A=x${' '.repeat(1_000_000)}y`],
    ['exports', `${'export '.repeat(200_000)}`],
    ['backslashes', `A="${'\\'.repeat(1_000_000)}`],
    ['quotes', `A=${'"'.repeat(1_000_000)}`],
    ['lines', 'A=1\n'.repeat(200_000)],
    ['one value', `A="${'\\n$x'.repeat(300_000)}"`],
  ])('a megabyte of %s takes no time', (_, text) => {
    const started = performance.now();
    parseDotenv(text);
    expect(performance.now() - started).toBeLessThan(6_000);
  });
});
