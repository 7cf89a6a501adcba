import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { readConfigFile } from '../../src/config/read-file.ts';
import { scratchDirectory } from '../fixtures/scratch.ts';
import { load, refused } from './support.ts';

const refusal = (yaml: string | Buffer): string => refused({ yaml }).text;

describe('files that are none', () => {
  test('2 MB of YAML are refused with their size', () => {
    expect(refusal('a: b\n'.repeat(400_000))).toMatch(/too large: 2000000 bytes, and at most 1048576/);
  });
  test('binary, UTF-16, Latin-1', () => {
    expect(refusal(Buffer.from([0x7f, 0x45, 0x4c, 0x46, 0, 1, 2]))).toContain('NUL');
    expect(refusal(Buffer.from('\ufeffnice: 5', 'utf16le'))).toContain('UTF-16');
    expect(refusal(Buffer.from('name: é', 'latin1'))).toContain('not UTF-8');
  });
  test('a directory, a circle, a path through a file', () => {
    const directory = scratchDirectory();
    symlinkSync('b', join(directory, 'a'));
    symlinkSync('a', join(directory, 'b'));
    writeFileSync(join(directory, 'file'), 'nice: 1');
    expect(refused({ argv: ['-c', directory] }).text).toContain('this is a directory');
    expect(refused({ argv: ['-c', join(directory, 'a')] }).text).toContain('in a circle');
    expect(refused({ argv: ['-c', join(directory, 'file/x')] }).text).toContain('no such file');
  });
  test('a FIFO does not make it wait, a device is none', () => {
    const fifo = join(scratchDirectory(), 'fifo');
    execFileSync('mkfifo', [fifo]);
    expect(refused({ argv: ['-c', fifo] }).text).toContain('not a regular file');
    expect(refused({ argv: ['-c', '/dev/zero'] }).text).toContain('not a regular file');
  });
  test('the default file is refused too, if it is there and wrong', () => {
    const directory = join(scratchDirectory(), 'reinit.yaml');
    mkdirSync(directory);
    expect(refused({ defaultFile: directory }).text).toContain('this is a directory');
  });
  test('no permission', () => {
    const file = join(scratchDirectory(), 'x.yaml');
    writeFileSync(file, 'nice: 1');
    chmodSync(file, 0o000);
    if (process.getuid?.() !== 0) {
      expect(readConfigFile(file)).toMatchObject({ ok: false, missing: false, problem: expect.stringContaining('no permission') });
      return;
    }
    chmodSync(join(file, '..'), 0o755);
    const script = `process.setuid(65534); import(${JSON.stringify(join(import.meta.dirname, '../../src/config/read-file.ts'))}).then((m) => console.log(m.readConfigFile(${JSON.stringify(file)}).problem))`;
    expect(execFileSync(process.execPath, ['-e', script], { encoding: 'utf8' })).toContain('no permission to read the file');
  });
});

describe('YAML that wants to be expensive', () => {
  const nested = (open: string, close: string, depth: number): string => `command: ${open.repeat(depth)}${close.repeat(depth)}`;
  const laughs = Array.from(
    { length: 12 },
    (_, level) =>
      `l${level}: &l${level} [${Array(10)
        .fill(level === 0 ? 'ha' : `*l${level - 1}`)
        .join(', ')}]`,
  ).join('\n');
  const rows: readonly [string, string, RegExp][] = [
    ['billion laughs, in keys that are unknown', laughs, /unknown key "l0"/],
    ['billion laughs, where they are read', `environment: {${laughs.replaceAll('\n', ', ')}}`, /aliases more than 100 times/],
    ['an alias inside of itself', 'environment: &a {x: *a}', /aliases more than 100 times|nested too deeply|it is a mapping/],
    ['an alias of the root', '&a\nenvironment: *a', /./],
    ['brackets', nested('[', ']', 200_000), /nested too deeply|YAML/],
    ['open brackets', '['.repeat(500_000), /nested too deeply|YAML/],
    ['braces', nested('{a: ', '}', 100_000), /nested too deeply|YAML/],
    ['dashes', `command:\n${'- '.repeat(100_000)}a`, /nested too deeply|YAML/],
    ['60,000 items', `command: [${'a,'.repeat(60_000)}a]`, /more than 50000 values/],
    ['150,000 keys', Array.from({ length: 150_000 }, (_, i) => `${i.toString(36)}: `).join('\n'), /unknown key/],
    ['one key 150,000 times', 'n:\n'.repeat(150_000), /unknown key/],
    ['100,000 broken lines', 'a: b: c\n'.repeat(100_000), /YAML/],
    ['a line of a megabyte', `nice: ${'x'.repeat(1_000_000)}`, /not a whole number/],
    ['a key of a megabyte', `${'x'.repeat(1_000_000)}: 1`, /./],
    [
      '40,000 statuses',
      `watch: [{paths: [/a], on_change: http, http: {url: "http://a", expected_status: [${'x,'.repeat(40_000)}x]}}]`,
      /and 175 more/,
    ],
    [
      '40,000 headers',
      `ready: {http_get: {port: 1, headers: {${Array.from({ length: 40_000 }, (_, i) => `"a ${i}": b`).join(', ')}}}}`,
      /and 175 more/,
    ],
    ['40,000 sockets', `sockets: [${'80,'.repeat(40_000)}80]`, /more than 16/],
    ['a socket of a megabyte', `sockets: ["${':'.repeat(1_000_000)}"]`, /its port is missing/],
    ['a probe of a megabyte', `ready: "tcp://${'['.repeat(1_000_000)}"`, /no probe/],
    ['a path of a megabyte', `watch: [{paths: [/a], publish: "${'/'.repeat(1_000_000)}"}]`, /root directory/],
    [
      '6,000 rules that publish',
      `watch: [${Array.from({ length: 6_000 }, (_, i) => `{paths: [/a${i}], publish: /p}`).join(', ')}]`,
      /more than 100 rules/,
    ],
    ['50,000 anchors', Array.from({ length: 50_000 }, (_, i) => `k${i}: &a${i} 1`).join('\n'), /unknown key/],
  ];
  test.each(rows)('%s', (_title, yaml, words) => {
    const begin = performance.now();
    const text = refusal(yaml);
    expect(text).toMatch(words);
    expect(text.length).toBeLessThan(20_000);
    expect(performance.now() - begin).toBeLessThan(40_000); // what is quadratic takes minutes
  });
});

test('control characters of the file do not reach the terminal', () => {
  expect(refusal('nice: "\u009b31m"\n"\\e[31mx": 1')).not.toMatch(/(?!\n)\p{Cc}/u);
});

test('random YAML is a configuration or a list of mistakes', () => {
  const keys = [
    'preset',
    'ready',
    'sockets',
    'listen',
    'http',
    'url',
    'headers',
    'publish',
    'exec',
    'notify',
    'command',
    'watch',
    'environment',
    'signals',
    'stop_timeout',
    'paths',
    'log',
    'limits',
    '__proto__',
    'toString',
    '<<',
    'a',
  ];
  const piece = fc.oneof(
    fc.constantFrom(
      ...keys.map((key) => `${key}: `),
      '\n',
      '\n  ',
      '\n  - ',
      '[',
      ']',
      '{',
      '}',
      ', ',
      '*a ',
      '&a ',
      '"',
      "'",
      '|\n',
      '~',
      'null',
      '5s',
      'HUP',
      'nginx',
      'notify',
      'true',
      '80',
      'http://a/',
      '/a',
      '\t',
      '---\n',
      '!!str ',
      '? ',
      '# x\n',
    ),
    fc.string({ maxLength: 4 }),
  );
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 25 }), (parts) => {
      const { config, mistakes } = load({ yaml: parts.join('') });
      return (config === undefined) === mistakes.length > 0;
    }),
    { numRuns: 500 },
  );
});

test('random arguments and variables, too', () => {
  const word = fc.oneof(
    fc.constantFrom(
      '--watch',
      '--env',
      '-e',
      '-g',
      '--',
      '-',
      '--no-recursive',
      '--settle=1s',
      '/a',
      'A=b',
      '--signals',
      'HUP=',
      '=x',
      '__proto__=x',
    ),
    fc.string({ maxLength: 6 }),
  );
  const env = fc.dictionary(
    fc.constantFrom('REINIT_WATCH', 'REINIT_SIGNALS', 'REINIT_ENVIRONMENT', 'REINIT___PROTO__', 'REINIT_X', 'REINIT_STOP_TIMEOUT'),
    fc.string({ maxLength: 6 }),
  );
  fc.assert(
    fc.property(fc.array(word, { maxLength: 8 }), env, (argv, variables) => {
      const { config, mistakes } = load({ argv, env: variables });
      return (config === undefined) === mistakes.length > 0;
    }),
    { numRuns: 500 },
  );
});
