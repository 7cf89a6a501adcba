import { describe, expect, test } from 'vitest';
import type { Check, Probe } from '../../src/config/model.ts';
import { inRule, load, loadMain, loadRule, problems, refused } from './support.ts';

const times = { initial_delay: 0, period: 1000, timeout: 1000, success_threshold: 1, failure_threshold: 30 };
/** Asked as long as `confirm` says, however often that is. */
const untilConfirmed = { ...times, failure_threshold: 1_000_000 };
const get = (given: object = {}): Check => ({
  kind: 'http_get',
  scheme: 'http',
  host: '127.0.0.1',
  port: 80,
  path: '/',
  headers: {},
  ...given,
});

describe('good forms', () => {
  const rows: readonly [string, Check, Partial<Probe>?][] = [
    ['http://127.0.0.1:8080/healthz?full=1', get({ port: 8080, path: '/healthz?full=1' })],
    ['http://localhost', get({ host: 'localhost' })],
    ['https://app', get({ scheme: 'https', host: 'app', port: 443 })],
    ['"http://[::1]:80/"', get({ host: '::1' })],
    ['tcp://127.0.0.1:5432', { kind: 'tcp_socket', host: '127.0.0.1', port: 5432 }],
    ['"tcp://[::1]:5432"', { kind: 'tcp_socket', host: '::1', port: 5432 }],
    ['notify', { kind: 'notify' }],
    ['{notify: true}', { kind: 'notify' }],
    ['{http_get: {port: 8080}}', get({ port: 8080 })],
    [
      '{http_get: {port: 8443, scheme: HTTPS, host: "[::1]", path: /x, headers: {Accept: 1}}}',
      get({ port: 8443, scheme: 'https', host: '::1', path: '/x', headers: { Accept: '1' } }),
    ],
    ['{tcp_socket: {port: 1, host: db}}', { kind: 'tcp_socket', host: 'db', port: 1 }],
    ['{exec: [pg_isready, -q]}', { kind: 'exec', command: ['pg_isready', '-q'] }],
    ['{exec: pg_isready -q}', { kind: 'exec', command: ['pg_isready', '-q'] }],
    ['{exec: {command: [pg_isready]}}', { kind: 'exec', command: ['pg_isready'] }],
    ['{exec: [a], notify: false}', { kind: 'exec', command: ['a'] }],
    [
      '{notify: true, initial_delay: 1s, period: 2s, timeout: 3s, success_threshold: 4, failure_threshold: 5}',
      { kind: 'notify' },
      { initial_delay: 1000, period: 2000, timeout: 3000, success_threshold: 4, failure_threshold: 5 },
    ],
  ];
  test.each(rows)('%s', (text, check, more = {}) => {
    expect(loadMain({ yaml: `ready: ${text}` }).ready).toStrictEqual({ check, ...times, ...more });
    // Who is asked at once answers for what was there before; who says so itself does not.
    const initial_delay = check.kind === 'notify' ? 0 : 300;
    expect(loadRule(`confirm_by: ${text}`).confirm_by).toStrictEqual({ check, ...untilConfirmed, initial_delay, ...more });
  });

  test('asked over and over: with the defaults of Kubernetes', () => {
    const repeated = { initial_delay: 0, period: 10_000, timeout: 1000, success_threshold: 1, failure_threshold: 3 };
    const { liveness, readiness } = loadMain({
      yaml: 'liveness: http://127.0.0.1:8080/healthz\nreadiness: {exec: [a], period: 5s, failure_threshold: 1}',
    });
    expect(liveness).toStrictEqual({ check: get({ port: 8080, path: '/healthz' }), ...repeated });
    expect(readiness).toStrictEqual({ check: { kind: 'exec', command: ['a'] }, ...repeated, period: 5_000, failure_threshold: 1 });
  });

  test('workers, after a reload', () => {
    expect(loadRule('confirm_by: workers').confirm_by).toStrictEqual({ check: { kind: 'workers' }, ...untilConfirmed, period: 100 });
    expect(loadRule('confirm_by: {workers: true, period: 2s}').confirm_by).toMatchObject({ check: { kind: 'workers' }, period: 2000 });
  });

  test('flag and variable', () => {
    expect(loadMain({ argv: ['--ready', 'tcp://127.0.0.1:1'] }).ready?.check).toEqual({ kind: 'tcp_socket', host: '127.0.0.1', port: 1 });
    expect(loadMain({ env: { REINIT_READY: 'notify' } }).ready?.check).toEqual({ kind: 'notify' });
    expect(loadMain({ argv: ['--watch', '/a', '--confirm-by=workers'] }).watch[0]).toMatchObject({
      confirm_by: { check: { kind: 'workers' } },
      confirm: 10_000,
    });
  });
});

describe('bad forms', () => {
  const rows: readonly [string, string][] = [
    ['banana', 'ready: it is no probe'],
    ['ftp://a/', 'ready: it is no probe'],
    ['"http://a b/"', 'ready: it is no probe'],
    ['tcp://127.0.0.1', 'ready: the port is missing: tcp://127.0.0.1:5432'],
    ['tcp://127.0.0.1:0', 'ready: the port is missing: tcp://127.0.0.1:5432'],
    ['tcp://a:1/x', 'ready: there is something behind the port'],
    ['http://u:p@a/', 'ready: there is a user or a password in it: use headers, under http_get'],
    ['http://a:0/', 'ready: it is not a port'],
    ['[notify]', 'ready: it is a list'],
    ['null', 'ready: it has no value'],
    ['', 'ready: it has no value'],
    ['{}', 'ready: it does not say what to ask: http_get, tcp_socket, exec, notify or workers'],
    ['{period: 1s}', 'ready: it does not say what to ask: http_get, tcp_socket, exec, notify or workers'],
    ['{notify: false}', 'ready: it does not say what to ask: http_get, tcp_socket, exec, notify or workers'],
    ['{notify: true, exec: [a]}', 'ready: it asks more than one thing: exec and notify'],
    ['{notify: maybe}', 'ready.notify: it is neither'],
    ['{http_get: 8080}', 'ready.http_get: it is a single value'],
    ['{http_get: {}}', 'ready.http_get: port is missing'],
    ['{http_get: {port: http}}', 'ready.http_get.port: it is not a port'],
    ['{http_get: {port: 70000}}', 'ready.http_get.port: it is not a port'],
    ['{http_get: {port: 80, path: x}}', 'ready.http_get.path: it does not begin with /'],
    ['{http_get: {port: 80, path: "/a b"}}', 'ready.http_get.path: it holds a space, a # or a control character: write %20 or %23'],
    ['{http_get: {port: 80, host: "a/b"}}', 'ready.http_get.host: it is not a host'],
    ['{http_get: {port: 80, scheme: gopher}}', 'ready.http_get.scheme: it is neither'],
    ['{http_get: {port: 80, headers: {"a b": c}}}', 'ready.http_get.headers.a b: it is not the name of a header'],
    ['{tcp_socket: {port: [1]}}', 'ready.tcp_socket.port: it is a list'],
    ['{exec: {}}', 'ready.exec: command is missing'],
    ['{exec: []}', 'ready.exec: it is empty'],
    ['{exec: a | b}', 'ready.exec: the shell\'s | has no meaning here: quote it, or ask for a shell: [sh, -c, "…"]'],
    ['{notify: true, period: 5}', 'ready.period: the unit is missing: ns, us, ms, s, m or h'],
    ['{notify: true, period: 1ms}', 'ready.period: it is too short: at least 10ms'],
    ['{notify: true, failure_threshold: 0}', 'ready.failure_threshold: it is out of range'],
    ['workers', 'ready: workers says something after a reload only'],
    ['{__proto__: {notify: true}, notify: true}', 'ready: unknown key "__proto__"'],
    ['{constructor: 1, notify: true}', 'ready: unknown key "constructor"'],
  ];
  test.each(rows)('ready: %s', (text, problem) => expect(problems(`ready: ${text}`)).toEqual([problem]));

  test('the place is that of the part', () => {
    expect(refused({ yaml: 'ready:\n  http_get:\n    port: x\n' }).text).toContain(':3:11: ready.http_get.port: it is not a port');
  });
  test('a flag has one place', () => {
    expect(refused({ argv: ['--ready', 'http://a:0/'] }).text).toMatch(/^--ready: it is not a port/);
  });
});

describe("Kubernetes' spellings", () => {
  const rows: readonly [string, RegExp][] = [
    ['{httpGet: {port: 80}}', /^it is spelled http_get$/],
    ['{tcpSocket: {port: 80}}', /^it is spelled tcp_socket$/],
    ['{notify: true, initialDelaySeconds: 5}', /^initial_delay here, a duration such as 5s$/],
    ['{notify: true, periodSeconds: 5}', /^period here, a duration such as 5s$/],
    ['{notify: true, timeoutSeconds: 5}', /^timeout here, a duration such as 5s$/],
    ['{notify: true, failureThreshold: 5}', /^it is spelled failure_threshold$/],
    ['{grpc: {port: 5}}', /grpc_health_probe/],
    ['{http_get: {port: 1, httpHeaders: []}}', /headers here, a mapping/],
    ['{http_get: {prot: 1, port: 1}}', /^did you mean port\?$/],
    ['{notify: true, confirm: 3s}', /^confirm belongs in a rule under watch$/],
  ];
  test.each(rows)('%s', (text, hint) => {
    const { mistakes } = refused({ yaml: `ready: ${text}` });
    expect(mistakes.find(({ problem }) => problem.startsWith('unknown key'))?.hint).toMatch(hint);
  });
});

test('a header in a probe is not shown, nor a query', () => {
  for (const yaml of [
    'ready: {http_get: {port: x, headers: {Authorization: s3cr3t}}}',
    'ready: {http_get: {headers: {Authorization: [s3cr3t]}, port: x}}',
    'ready: {http_get: {headers: {"A B": s3cr3t}, port: 1}}',
    'ready: {http_get: {headrs: {A: s3cr3t}, port: 1}}',
    'ready: http://a:0/?token=s3cr3t',
    'ready: http://u:s3cr3t@a/',
    inRule('confirm_by: {http_get: {port: x, headers: {Authorization: s3cr3t}}}'),
  ])
    expect(JSON.stringify(load({ yaml }).mistakes)).not.toContain('s3cr3t');
});
