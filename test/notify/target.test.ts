/** Real servers that take events, refuse them, fail, are slow, hang, or are not there. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { type NotifyTarget, notifyKinds } from '../../src/config/model.ts';
import type { Entry } from '../../src/journal/journal.ts';
import type { NotifyEvent } from '../../src/notify/events.ts';
import { startNotify } from '../../src/notify/notify.ts';
import { openTarget } from '../../src/notify/target.ts';

const within = { timeout: 30_000, interval: 5 };
interface Got {
  readonly headers: IncomingMessage['headers'];
  readonly body: { readonly event: string; readonly hash: string; readonly count: number };
}

async function serve(
  answer: (response: ServerResponse, nth: number) => void,
): Promise<{ readonly url: string; readonly got: Got[]; server: Server }> {
  const got: Got[] = [];
  let asked = 0;
  const server = createServer(async (request, response) => {
    let body = '';
    for await (const part of request) body += part;
    got.push({ headers: request.headers, body: JSON.parse(body) });
    answer(response, asked++);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/hooks/s3cret-path?key=s3cret-query`, got, server };
}

const targetOf = (given: Partial<NotifyTarget>): NotifyTarget => ({
  url: undefined,
  events: notifyKinds,
  format: 'json',
  headers: {},
  header_files: {},
  timeout: 300,
  output: false,
  ...given,
});

function telling(given: Partial<NotifyTarget>) {
  const changes: (string | undefined)[] = [];
  const [printed, lost]: [string[], number[]] = [[], []];
  const tell = openTarget(targetOf(given), {
    now: Date.now,
    later: (ms, call) => void setTimeout(call, ms).unref(),
    print: (line) => void printed.push(line),
    changed: (problem) => void changes.push(problem),
    lost: (count) => void lost.push(count),
    pod: { name: 'web-1', namespace: undefined, uid: undefined },
    retryDelayMs: 5,
  });
  const event = (hash: string): NotifyEvent => ({
    kind: 'refused',
    type: 'Warning',
    reason: 'ConfigRefused',
    message: 'refused',
    rule: 'r',
    hash,
    output: undefined,
  });
  return { changes, printed, lost, tell: (hash: string) => tell(event(hash)) };
}
const hashes = (got: readonly Got[]): string[] => got.map(({ body }) => body.hash);

test('each is told, with its headers, and those of files', async () => {
  const { url, got } = await serve((response) => response.end());
  const directory = mkdtempSync(join(tmpdir(), 'reinit-notify-'));
  onTestFinished(() => rmSync(directory, { recursive: true }));
  writeFileSync(join(directory, 'token'), 'Bearer t0ken\n');
  const { tell, changes } = telling({ url, headers: { 'X-Team': 'web' }, header_files: { Authorization: join(directory, 'token') } });
  tell('a');
  tell('b');
  await expect.poll(() => hashes(got), within).toEqual(['a', 'b']);
  expect(got[0]?.headers).toMatchObject({ 'x-team': 'web', authorization: 'Bearer t0ken', 'content-type': 'application/json' });
  expect(changes).toEqual([]);
});

test('one that fails twice is told all the same', async () => {
  const { url, got } = await serve((response, nth) => response.writeHead(nth < 2 ? 500 : 200).end());
  const { tell, changes } = telling({ url });
  tell('a');
  await expect.poll(() => got.length, within).toBe(3);
  expect(changes).toEqual([]);
});

test('one that fails for good is said once, without the secrets of its address, and the next one is tried', async () => {
  const { url, got } = await serve((response, nth) => response.writeHead(nth < 10 ? 503 : 200).end('busy /hooks/s3cret-path'));
  const { tell, changes } = telling({ url });
  for (const hash of ['a', 'b', 'c']) tell(hash);
  await expect.poll(() => changes.length, within).toBe(2);
  expect(hashes(got)).toEqual([...'aaaaabbbbbc']);
  expect(changes).toEqual([expect.stringMatching(/^POST http:\/\/127\.0\.0\.1:\d+\/… answered 503.*busy \*\*\*.*5 attempts/), undefined]);
  expect(changes.join()).not.toMatch(/s3cret/);
});

test('one that hangs costs nothing but its events: they are counted and bounded', async () => {
  const { url, got } = await serve(() => undefined);
  const { tell, changes, lost } = telling({ url, timeout: 50 });
  const began = performance.now();
  for (let n = 0; n < 5_000; n += 1) tell(`${n % 200}`);
  expect(performance.now() - began).toBeLessThan(2_000);
  await expect.poll(() => changes, within).toEqual([expect.stringContaining('no answer within 50ms (notify.timeout)')]);
  expect(lost[0]).toBeGreaterThan(100);
  expect(new Set(hashes(got)).size).toBeLessThan(5);
});

test('one that is not there', async () => {
  const { url, server } = await serve(() => undefined);
  await new Promise((resolve) => server.close(resolve));
  const { tell, changes } = telling({ url });
  tell('a');
  await expect.poll(() => changes, within).toEqual([expect.stringMatching(/connection to 127\.0\.0\.1:\d+ refused \(after 5 attempts\)/)]);
});

test('only what was asked for, as a line of the log, through the journal', () => {
  const lines: string[] = [];
  let add = (_: Entry): void => {};
  startNotify({
    targets: [targetOf({ events: ['crash_loop'], format: 'kubernetes_event' })],
    journal: {
      subscribe(listener) {
        add = listener;
        return () => undefined;
      },
    },
    log: { say: () => undefined, raw: (text) => void lines.push(text) },
    env: { POD_NAME: 'web-1' },
  });
  add({ time: '', level: 'error', msg: 'no', event: 'refused', rule: 'r', hash: 'a' });
  for (let attempt = 1; attempt < 10; attempt += 1) add({ time: '', level: 'warn', msg: 'again', event: 'restart_scheduled', attempt });
  expect(lines).toHaveLength(1);
  expect(JSON.parse(lines[0] ?? '')).toMatchObject({ kind: 'Event', reason: 'CrashLoop', count: 1, involvedObject: { name: 'web-1' } });
});
