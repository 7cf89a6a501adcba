import { describe, expect, test } from 'vitest';
import type { Output, OutputFile } from '../../src/config/model.ts';
import { loadMain, problems, refused } from './support.ts';

const plain: Output = { format: 'text', prefix: '', timestamps: false, file: undefined };
const file: OutputFile = { path: '/var/log/app.log', max_size: 10 * 2 ** 20, max_files: 5, also_stdout: false };

describe('good forms', () => {
  test('without it nothing is touched', () => expect(loadMain({}).output).toBeUndefined());

  test.each<[string, Output]>([
    ['{}', plain],
    ['{prefix: "app "}', { ...plain, prefix: 'app ' }],
    ['{format: json}', { ...plain, format: 'json' }],
    ['{timestamps: true, prefix: "[a] "}', { ...plain, timestamps: true, prefix: '[a] ' }],
    ['{file: /var/log/app.log}', { ...plain, file }],
    [
      '{file: {path: /var/log/app.log, max_size: 64KiB, max_files: 1, also_stdout: true}}',
      { ...plain, file: { ...file, max_size: 65_536, max_files: 1, also_stdout: true } },
    ],
  ])('%s', (text, expected) => expect(loadMain({ yaml: `output: ${text}` }).output).toStrictEqual(expected));

  test('flags and variables', () => {
    const argv = ['--output-prefix', 'app ', '--output-timestamps', '--output-file', '/var/log/app.log'];
    expect(loadMain({ argv }).output).toStrictEqual({ ...plain, prefix: 'app ', timestamps: true, file });
    const env = { REINIT_OUTPUT_FORMAT: 'json' };
    expect(loadMain({ env }).output).toStrictEqual({ ...plain, format: 'json' });
    expect(loadMain({ env, yaml: 'output: {file: /var/log/app.log}' }).output).toStrictEqual({ ...plain, format: 'json', file });
  });
});

describe('mistakes', () => {
  test.each([
    ['{format: jsonl}', 'output.format: there is no such choice: did you mean json?'],
    ['{prefix: "a\\nb"}', 'output.prefix: it holds a line break or another control character'],
    [`{prefix: "${'é'.repeat(129)}"}`, 'output.prefix: it is longer than 256 bytes'],
    ['{file: app.log}', 'output.file: it is not absolute'],
    ['{file: {max_size: 1MiB}}', 'output.file: path is missing'],
    ['{file: {path: /a, max_size: 1KiB}}', 'output.file.max_size: it is less than 64KiB'],
    ['{file: {path: /a, max_files: 0}}', 'output.file.max_files: it is out of range'],
    [`{file: /${'x'.repeat(4000)}}`, 'output.file: it is too long'],
    [`{file: {path: /${'x'.repeat(4000)}}}`, 'output.file.path: it is too long'],
    ['{format: json, prefix: a}', 'output.prefix: format is json, and a line with a prefix is none'],
    ['{format: json, timestamps: true}', 'output.timestamps: format is json, and each line has the time already'],
  ])('%s', (text, problem) => expect(problems(`output: ${text}`)).toEqual([problem]));

  test('names of others', () => {
    expect(refused({ yaml: 'stdout_logfile: /a' }).mistakes[0]?.hint).toBe("reinit's name for it is output");
    expect(refused({ yaml: 'output: {file: {path: /a, rotate: 3}}' }).mistakes[0]?.hint).toBe("reinit's name for it is max_files");
    expect(refused({ yaml: 'attach: {}\noutput: {}', hasCommand: false }).mistakes[0]?.hint).toBe(
      'its output goes to the log of its own container',
    );
  });
});
