import { expect, test } from 'vitest';
import type { HttpSettings } from '../../src/config/model.ts';
import { brief, load, refused } from './support.ts';

const read = (options: Parameters<typeof load>[0]): HttpSettings | undefined => load(options).config?.http;
const given = (host: string | undefined, port: number, over: Partial<HttpSettings> = {}): HttpSettings => ({
  listen: { host, port },
  ready_while_refused: true,
  page: true,
  ...over,
});

test('off by default, and where it says so', () => {
  expect(load({}).config).toMatchObject({ http: undefined });
  expect(load({ yaml: 'http: off' }).config).toMatchObject({ http: undefined });
  expect(load({ yaml: 'http: 9533', env: { REINIT_HTTP_LISTEN: 'off' } }).config).toMatchObject({ http: undefined });
});

test.each([
  ['http: 0.0.0.0:9533', given('0.0.0.0', 9533)],
  ['http: :9533', given(undefined, 9533)],
  ['http: 9533', given(undefined, 9533)],
  ['http: "[::1]:80"', given('::1', 80)],
  [
    'http: { listen: 127.0.0.1:9533, ready_while_refused: false, page: false }',
    given('127.0.0.1', 9533, { ready_while_refused: false, page: false }),
  ],
])('%s', (yaml, settings) => {
  expect(read({ yaml })).toEqual(settings);
});

test('as flags and variables, beside the `--http` of a rule', () => {
  const argv = [
    '--http-listen',
    '127.0.0.1:9533',
    '--no-http-page',
    '--watch',
    '/etc/app',
    '--on-change',
    'http',
    '--http',
    'http://127.0.0.1:1/',
  ];
  expect(read({ argv })).toEqual(given('127.0.0.1', 9533, { page: false }));
  expect(read({ env: { REINIT_HTTP_LISTEN: ':1', REINIT_HTTP_READY_WHILE_REFUSED: 'false' } })).toEqual(
    given(undefined, 1, { ready_while_refused: false }),
  );
  expect(read({ yaml: 'http: { listen: 1, page: false }', argv: ['--http-listen', ':2'] })).toEqual(given(undefined, 2, { page: false }));
  expect(read({ yaml: 'http: 9533', argv: ['--no-http-page'], env: { REINIT_HTTP_READY_WHILE_REFUSED: 'false' } })).toEqual(
    given(undefined, 9533, { page: false, ready_while_refused: false }),
  );
  expect(read({ yaml: 'http: off', argv: ['--no-http-page'] })).toBeUndefined();
  expect(refused({ yaml: 'http: [9533]', argv: ['--no-http-page'] }).mistakes.map(brief)).toEqual(['1:7 http: it is a list']);
});

test.each([
  ['http: http://127.0.0.1/-/reload', /^1:7 http\.?.*: /],
  ['http: localhost:9533', /names are not looked up/],
  ['http: 0.0.0.0:0', /port is missing, or not from 1 to 65535/],
  ['http: { page: false }', /listen is missing/],
  ['http: { listen: 1, path: /metrics }', /unknown key "path"/],
])('%s is a mistake', (yaml, words) => {
  const { mistakes, text } = refused({ yaml });
  expect(mistakes.map(brief)).toEqual([expect.stringMatching(words)]);
  expect(text).not.toContain('undefined');
});
