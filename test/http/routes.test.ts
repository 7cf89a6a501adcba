import { expect, test } from 'vitest';
import { gone } from '../fixtures/namespace.ts';
import { running, serve } from './serving.ts';

/** Its `readiness` says no. */
const unserving = (problem: string) => ({ serving: { serves: false, since: 1_000, problem } });

test('probes: a line each, and why not', async () => {
  const { controller, ask } = await serve();
  const both = async () => [await ask('/livez'), await ask('/readyz')].map(({ status, body }) => `${status} ${body.trim()}`);
  expect(await both()).toEqual(['200 ok', '200 ok']);
  controller.become({ service: { ...running, kind: 'running', readiness: { kind: 'unready' } } as typeof running });
  expect(await both()).toEqual([
    '200 ok',
    '503 the application runs, and is not ready: it was not ready in time (ready); all configuration is applied',
  ]);
  controller.become({ service: { ...running, care: unserving('127.0.0.1:80 answered 503') } as typeof running });
  expect((await both())[1]).toBe('503 the application runs, and is not ready: 127.0.0.1:80 answered 503; all configuration is applied');
  controller.become({ service: { kind: 'backoff', token: 2, attempt: 1, until: 20_000 } });
  expect((await both()).map((line) => line.slice(0, 3))).toEqual(['200', '503']);
  controller.become({ service: { kind: 'ended', code: 1 } });
  expect((await both()).map((line) => line.slice(0, 3))).toEqual(['503', '503']);
});

test('what is refused makes nobody unready, unless that is asked for', async () => {
  const refused = { desired: { hash: 'b'.repeat(64), files: undefined }, refused: 'b'.repeat(64), divergedAt: 2_000 };
  const usual = await serve();
  usual.controller.become({ rule: refused });
  expect((await usual.ask('/readyz')).status).toBe(200);
  const strict = await serve({ ready_while_refused: false });
  expect((await strict.ask('/readyz')).status).toBe(200);
  strict.controller.become({ rule: refused });
  expect(await strict.ask('/readyz')).toMatchObject({ status: 503, body: expect.stringMatching(/^what r holds is not applied .*\n$/) });
});

test('status and history are JSON', async () => {
  const { controller, ask } = await serve();
  controller.tell('change_seen', { from: 'a', to: 'b', files: ['/etc/r/x'] });
  const status = await ask('/status?pretty');
  expect(status.headers['content-type']).toBe('application/json; charset=utf-8');
  expect(JSON.parse(status.body)).toMatchObject({ v: 1, healthy: true, application: { pid: gone }, reinit: { version: '1.2.3' } });
  expect(JSON.parse((await ask('/history')).body)).toMatchObject({ generations: [{ rule: 'r', hash: 'b', fate: 'seen' }] });
});

test('nothing but reading, and nothing but these paths', async () => {
  const { ask } = await serve();
  for (const method of ['POST', 'PUT', 'DELETE', 'PATCH', 'OPTIONS', 'TRACE'])
    expect(await ask('/status', { method })).toMatchObject({ status: 405, headers: { allow: 'GET, HEAD' } });
  for (const path of [
    '/etc/passwd',
    '/../../etc/passwd',
    '/%2e%2e/%2e%2e/etc/passwd',
    '//status',
    '/status/',
    '/Status',
    '/__proto__',
    '/constructor',
    '*',
  ])
    expect([path, (await ask(path)).status]).toEqual([path, 404]);
});

test('HEAD is GET without the body', async () => {
  const { ask } = await serve();
  for (const path of ['/', '/livez', '/readyz', '/metrics', '/status', '/history', '/events']) {
    const { status, body, headers } = await ask(path, { method: 'HEAD' });
    expect([path, status, body]).toEqual([path, 200, '']);
    expect(headers['content-length']).toBeDefined();
  }
});

test('a browser is told to trust nothing that did not come from here', async () => {
  const { ask } = await serve();
  for (const path of ['/', '/status', '/nothing', '/events']) {
    const { headers } = await ask(path, path === '/events' ? { method: 'HEAD' } : {});
    expect(headers).toMatchObject({ 'x-content-type-options': 'nosniff', 'referrer-policy': 'no-referrer', 'cache-control': 'no-store' });
    expect(headers['content-security-policy']).toMatch(/^default-src 'none'; .*frame-ancestors 'none'$/);
    expect(headers).not.toHaveProperty('access-control-allow-origin');
  }
  const nonces = await Promise.all(
    [1, 2].map(async () => /'nonce-([^']{20,})'/.exec(String((await ask('/')).headers['content-security-policy']))?.[1]),
  );
  expect(nonces[0]).toBeDefined();
  expect(nonces[0]).not.toBe(nonces[1]);
});

test('without the page there is none, and none is named', async () => {
  const nowhere = async (page: boolean) => (await (await serve({ page })).ask('/nothing')).body.trim();
  expect(await nowhere(true)).toBe('there are /livez, /readyz, /metrics, /status, /history, /, /events');
  expect(await nowhere(false)).toBe('there are /livez, /readyz, /metrics, /status, /history, /events');
  expect((await (await serve({ page: false })).ask('/')).status).toBe(404);
});
