import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { HttpCall } from '../../src/config/model.ts';
import { inRule, load, loadMain, loadRule, problems, refused } from './support.ts';

const call = (settings: string): HttpCall | undefined => loadRule(`on_change: http, http: ${settings}`).http;
const defaults: HttpCall = {
  url: 'http://127.0.0.1:9090/-/reload',
  method: 'POST',
  headers: {},
  header_files: {},
  body: undefined,
  expected_status: [[200, 299]],
  timeout: 10_000,
  retries: 3,
  retry_delay: 500,
};

describe('good forms', () => {
  test('a URL alone', () => {
    expect(call('http://127.0.0.1:9090/-/reload')).toStrictEqual(defaults);
    expect(loadMain({ argv: ['--watch', '/a', '--on-change', 'http', '--http', defaults.url] }).watch[0]?.http).toStrictEqual(defaults);
    expect(loadMain({ env: { REINIT_WATCH: '/a', REINIT_ON_CHANGE: 'http', REINIT_HTTP: defaults.url } }).watch[0]?.http).toStrictEqual(
      defaults,
    );
  });
  test('all of it', () => {
    const given =
      '{url: "https://[::1]/x?y=1", method: put, headers: {X-A: 1, Accept: "*/*"}, header_files: {Authorization: /t}, body: "", expected_status: [200, "300-399"], timeout: 1s, retries: 0, retry_delay: 0}';
    expect(call(given)).toStrictEqual({
      url: 'https://[::1]/x?y=1',
      method: 'PUT',
      headers: { 'X-A': '1', Accept: '*/*' },
      header_files: { Authorization: '/t' },
      body: '',
      expected_status: [
        [200, 200],
        [300, 399],
      ],
      timeout: 1000,
      retries: 0,
      retry_delay: 0,
    });
  });
  test.each([
    ['204', [[204, 204]]],
    ['200-204', [[200, 204]]],
    ['[100-599]', [[100, 599]]],
  ])('expected_status: %s', (text, ranges) => expect(call(`{url: "http://a", expected_status: ${text}}`)?.expected_status).toEqual(ranges));
});

describe('bad forms', () => {
  const at = 'watch[0].http';
  const rows: readonly [string, string][] = [
    ['""', `${at}: it is empty`],
    ['banana', `${at}: it is not a URL`],
    ['/-/reload', `${at}: it is not a URL`],
    ['"http://a b"', `${at}: it is not a URL`],
    ['ftp://a', `${at}: it begins with neither http:// nor https://`],
    ['"unix:/run/x.sock"', `${at}: it begins with neither http:// nor https://`],
    ['http://u@a', `${at}: there is a user or a password in it: name a file with the value of the header Authorization under header_files`],
    ['[http://a]', `${at}: it is a list`],
    ['null', `${at}: it has no value`],
    ['{}', `${at}: url is missing`],
    ['{url: [a]}', `${at}.url: it is a list`],
    [
      '{url: "http://:p@a"}',
      `${at}.url: there is a user or a password in it: name a file with the value of the header Authorization under header_files`,
    ],
    ['{url: "http://a", method: PSOT}', `${at}.method: there is no such method: did you mean POST?`],
    ['{url: "http://a", method: CONNECT}', `${at}.method: there is no such method`],
    ['{url: "http://a", headers: [A]}', `${at}.headers: it is a list`],
    ['{url: "http://a", headers: {A: "x\\ny"}}', `${at}.headers.A: its value holds a line break or another control character`],
    ['{url: "http://a", headers: {__proto__: x}}', `${at}.headers.__proto__: this cannot be a name`],
    ['{url: "http://a", header_files: {A: token}}', `${at}.header_files.A: it is not an absolute path`],
    ['{url: "http://a", header_files: {"A:": /t}}', `${at}.header_files.A:: it is not the name of a header`],
    ['{url: "http://a", headers: {a: b}, header_files: {A: /t}}', `${at}.header_files.A: this header is under headers, too`],
    ['{url: "http://a", method: GET, body: x}', `${at}.body: GET has no body`],
    ['{url: "http://a", expected_status: []}', `${at}.expected_status: it is empty`],
    ['{url: "http://a", expected_status: [200, ok]}', `${at}.expected_status[1]: it is neither a status code nor a range of them`],
    ['{url: "http://a", expected_status: 299-200}', `${at}.expected_status: its end is below its begin`],
    ['{url: "http://a", expected_status: 600}', `${at}.expected_status: it is neither a status code nor a range of them`],
    ['{url: "http://a", retries: 101}', `${at}.retries: it is out of range`],
    ['{url: "http://a", timeout: 0}', `${at}.timeout: it is too short: at least 1ms`],
    ['{url: "http://a", metod: PUT}', `${at}: unknown key "metod"`],
  ];
  test.each(rows)('http: %s', (text, problem) => expect(problems(inRule(`on_change: http, http: ${text}`))).toEqual([problem]));

  test.each([
    ['token: x', /header_files: \{Authorization/],
    ['webhook_url: x', /name for it is url/],
    ['metod: PUT', /did you mean method/],
  ])('%s is explained', (text, hint) => {
    expect(refused({ yaml: inRule(`on_change: http, http: {url: "http://a", ${text}}`) }).mistakes[0]?.hint).toMatch(hint);
  });
});

describe('nothing of a request is in an error', () => {
  const secret = 's3cr3t-value';
  const rows: readonly string[] = [
    `http: http://u:${secret}@a/`,
    `http: ftp://a/${secret}`,
    `http: [${secret}]`,
    `http: {url: "http://a/${secret} "}`,
    `http: {url: ["${secret}"]}`,
    `http: {url: "http://a/${secret}", retries: x}`,
    `http: {url: "http://a", headers: {A: ${secret}}, retries: x}`,
    `http: {url: "http://a", headers: {A: [${secret}]}}`,
    `http: {url: "http://a", headers: {A: {${secret}: 1}}}`,
    `http: {url: "http://a", headers: [${secret}]}`,
    `http: {url: "http://a", headers: ${secret}}`,
    `http: {url: "http://a", header: {A: ${secret}}}`,
    `http: {url: "http://a", body: ${secret}, method: GET}`,
    `http: {url: "http://a", body: [${secret}]}`,
    `http: {url: "http://a", body: {x: ${secret}}}`,
    `http:\n      url: http://a\n      body: # ${secret}`,
    `http: {url: "http://a", token: ${secret}}`,
    `htp: {url: "http://a/${secret}"}`,
    // The YAML itself is broken, and there is no tree.
    `http: {url: "http://a", headers: {A: "${secret}}`,
    `http: {url: "http://a", headers: {A: ${secret}: x}}`,
    `http: "${secret}`,
  ];
  test.each(rows)('%s', (text) => {
    for (const yaml of [inRule(text), `watch:\n  - paths: [/a]\n    ${text}\n`]) {
      const { text: shown, mistakes } = refused({ yaml });
      expect(shown).not.toContain(secret);
      expect(JSON.stringify(mistakes)).not.toContain(secret);
    }
  });

  test('what is a comment by a slip', () => {
    const yaml = `watch:\n  - paths: [/a]\n    http:\n      url: http://a/\n      headers:\n      - # Authorization: ${secret}\n        Other: x\n`;
    const { mistakes } = load({ yaml });
    expect(mistakes.length).toBeGreaterThan(0);
    expect(JSON.stringify(mistakes)).not.toContain(secret);
  });

  test('wherever something is put into the file', () => {
    const base = `watch:\n  - paths: [/a]\n    on_change: http\n    http:\n      url: http://a/\n      headers:\n        Authorization: ${secret}\n        Other: "${secret}"\n      body: ${secret}\n    settle: 1s\n`;
    const noise = fc.array(
      fc.constantFrom('"', "'", '{', '}', '[', ']', ':', ': ', ',', '\n', '  ', '\t', '- ', '&a ', '*a', '!t ', '| ', '# ', '%', '@', 'x'),
      { minLength: 1, maxLength: 4 },
    );
    fc.assert(
      fc.property(noise, fc.nat(base.length), (parts, at) => {
        const { mistakes } = load({ yaml: base.slice(0, at) + parts.join('') + base.slice(at) });
        const shown = JSON.stringify(mistakes);
        return !shown.includes('s3cr3t') && !shown.includes('t-value');
      }),
      { numRuns: 300 },
    );
  });
});
