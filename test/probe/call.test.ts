import { execFile, execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import type { IncomingHttpHeaders } from 'node:http';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { getCACertificates, setDefaultCACertificates } from 'node:tls';
import { promisify } from 'node:util';
import { describe, expect, onTestFinished, test } from 'vitest';
import type { HttpCall } from '../../src/config/model.ts';
import { call } from '../../src/probe/call.ts';
import { exchange } from '../../src/probe/http.ts';
import { eventually } from '../fixtures/eventually.ts';
import { freePort } from '../fixtures/free-port.ts';
import { installed, isRoot } from '../fixtures/host.ts';
import { scratchDirectory } from '../fixtures/scratch.ts';
import { drip, httpServer, httpsServer, leavesNothingOpen, node, selfSigned, silent, tcpServer, timed } from './support.ts';

const never = new AbortController().signal;

const callTo = (port: number, given: Partial<HttpCall> = {}): HttpCall => ({
  url: `http://127.0.0.1:${port}/-/reload`,
  method: 'POST',
  headers: {},
  header_files: {},
  body: undefined,
  expected_status: [[200, 299]],
  timeout: 30_000,
  retries: 0,
  retry_delay: 20,
  ...given,
});
const called = (port: number, given: Partial<HttpCall> = {}): Promise<string | undefined> =>
  leavesNothingOpen(() => call(callTo(port, given), never));

interface Seen {
  readonly method: string | undefined;
  readonly url: string | undefined;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

/** Answers one status after the other, the last one from then on. */
async function recorder(...statuses: number[]): Promise<{ port: number; seen: Seen[] }> {
  const seen: Seen[] = [];
  const port = await httpServer(async (request, answer) => {
    let body = '';
    for await (const part of request) body += part;
    seen.push({ method: request.method, url: request.url, headers: request.headers, body });
    answer.writeHead(statuses[Math.min(seen.length, statuses.length) - 1] ?? 200).end('words of the server');
  });
  return { port, seen };
}

function file(content: string | Buffer): string {
  const path = join(scratchDirectory(), 'value');
  writeFileSync(path, content);
  return path;
}

describe('the request', () => {
  test('method, path with query, headers, body', async () => {
    const { port, seen } = await recorder();
    const given = {
      url: `http://127.0.0.1:${port}/config?reload=1&name=a b#part`,
      method: 'PUT',
      headers: { 'content-type': 'application/json', Host: 'admin.test' },
      body: '{"Zoë":1}',
    };
    expect(await called(port, given)).toBeUndefined();
    expect(seen).toEqual([
      {
        method: 'PUT',
        url: '/config?reload=1&name=a%20b',
        body: '{"Zoë":1}',
        headers: {
          host: 'admin.test',
          'content-type': 'application/json',
          'content-length': '10',
          'user-agent': expect.stringMatching(/^reinit\/\d/),
          accept: '*/*',
          connection: 'close',
        },
      },
    ]);
  });

  test.each(['GET', 'DELETE', 'POST', 'PATCH'])('a body goes with %s too, and none without one', async (method) => {
    const { port, seen } = await recorder();
    expect(await called(port, { method, body: 'text' })).toBeUndefined();
    expect(await called(port, { method })).toBeUndefined();
    expect(seen.map(({ method, body }) => [method, body])).toEqual([
      [method, 'text'],
      [method, ''],
    ]);
  });

  test('user and password of the URL', async () => {
    const { port, seen } = await recorder(200, 500);
    const url = `http://ad%6Din:pass%20word@127.0.0.1:${port}/`;
    expect(await called(port, { url })).toBeUndefined();
    expect(seen[0]?.headers.authorization).toBe(`Basic ${Buffer.from('admin:pass word').toString('base64')}`);
    expect(await called(port, { url })).toMatch(/^POST http:\/\/127\.0\.0\.1:\d+\/ answered 500/);
  });

  test('redirects are not followed: no header goes where it was not sent', async () => {
    const other = await recorder();
    const port = await httpServer((_, answer) => answer.writeHead(302, { location: `http://127.0.0.1:${other.port}/` }).end());
    expect(await called(port)).toBe(`POST http://127.0.0.1:${port}/-/reload answered 302, not 200-299 (http.expected_status)`);
    expect(other.seen).toEqual([]);
  });

  test('what is no URL, no method, no header', async () => {
    for (const url of ['', 'nonsense', 'ftp://127.0.0.1/', 'unix:/run/x'])
      expect(await called(1, { url })).toBe('http.url: this is not the URL of an HTTP server');
    const port = await freePort();
    expect(await called(port, { method: 'NO WAY' })).toContain('Method must be a valid HTTP token');
    const header = await called(port, { headers: { 'X-Secret': 'hunter2\r\nX-Other: 1' } });
    expect(header).toContain('Invalid character in header content ["X-Secret"]');
    expect(header).not.toContain('hunter2');
  });
});

describe('header_files', () => {
  test.each([
    ['the last newline is not part of it', 'Bearer abc\n', 'Bearer abc'],
    ['as Windows writes it', 'Bearer abc\r\n', 'Bearer abc'],
    ['without one', 'Bearer abc', 'Bearer abc'],
    ['nothing', '', ''],
    ['a tab', 'a\tb', 'a\tb'],
    ['not ASCII', 'Zoë€\n', Buffer.from('Zoë€').toString('latin1')],
  ])('%s', async (_, content, value) => {
    const { port, seen } = await recorder();
    expect(await called(port, { headers: { authorization: 'none' }, header_files: { Authorization: file(content) } })).toBeUndefined();
    expect(seen[0]?.headers.authorization).toBe(value);
  });

  test.each([
    ['two lines', 'hunter2\nhunter3\n', 'there are control characters in it, such as a newline before its end'],
    ['a newline too many', 'hunter2\n\n', 'there are control characters in it, such as a newline before its end'],
    ['NUL', 'hunter2\0', 'there are control characters in it, such as a newline before its end'],
    ['not UTF-8', Buffer.from([0x68, 0xff]), 'the file is not UTF-8 text'],
    ['too large', 'hunter2'.repeat(10_000), 'the file is too large: at most 16384 bytes'],
  ])('%s: refused, by name and not by value, nothing is sent', async (_, content, problem) => {
    const { port, seen } = await recorder();
    const path = file(content);
    expect(await called(port, { header_files: { 'X-Token': path } })).toBe(`http.header_files: X-Token from ${path}: ${problem}`);
    expect(seen).toEqual([]);
  });

  test('what cannot be read', async () => {
    const { port } = await recorder();
    const directory = scratchDirectory();
    const fifo = join(directory, 'fifo');
    execFileSync('mkfifo', [fifo]);
    mkdirSync(join(directory, 'd'));
    const problem = (path: string) => called(port, { header_files: { X: path } });
    expect(await problem(join(directory, 'none'))).toBe(`http.header_files: X from ${directory}/none: there is no such file`);
    expect(await problem(fifo)).toBe(`http.header_files: X from ${fifo}: this is not a regular file`);
    expect(await problem(join(directory, 'd'))).toBe(`http.header_files: X from ${directory}/d: this is not a regular file`);
  });

  test.skipIf(isRoot && !installed('setpriv'))('a file that may not be read', async () => {
    const path = file('hunter2');
    chmodSync(path, 0);
    const script = `import { call } from ${JSON.stringify(join(import.meta.dirname, '../../src/probe/call.ts'))};
      console.log(await call(${JSON.stringify(callTo(1, { header_files: { X: path } }))}, new AbortController().signal));`;
    const asUser = isRoot ? ['setpriv', '--reuid', '65534', '--clear-groups', '--bounding-set=-all'] : [];
    const [program = '', ...args] = [...asUser, node, '--input-type=module', '-e', script];
    const { stdout } = await promisify(execFile)(program, args);
    expect(stdout).toBe(`http.header_files: X from ${path}: no permission to read the file\n`);
  });

  test('they are read at each attempt', async () => {
    const path = file('old');
    const seen: (string | undefined)[] = [];
    const port = await httpServer(({ headers }, answer) => {
      seen.push(headers['x-token'] as string);
      writeFileSync(path, 'new');
      answer.writeHead(seen.length === 1 ? 401 : 200).end();
    });
    expect(await called(port, { header_files: { 'X-Token': path }, retries: 3 })).toBeUndefined();
    expect(seen).toEqual(['old', 'new']);
    rmSync(path);
    expect(await called(port, { header_files: { 'X-Token': path }, retries: 2 })).toMatch(/there is no such file \(after 3 attempts\)$/);
  });
});

describe('the answer', () => {
  test.each([
    [[[200, 299]] as const, 204, true],
    [[[200, 200]] as const, 201, false],
    [
      [
        [200, 299],
        [404, 404],
      ] as const,
      404,
      true,
    ],
    [
      [
        [200, 299],
        [404, 404],
      ] as const,
      500,
      false,
    ],
    [[[302, 302]] as const, 302, true],
  ])('expected_status %o, answer %i', async (expected_status, status, yes) => {
    const { port } = await recorder(status);
    const problem = await called(port, { expected_status });
    if (yes) expect(problem).toBeUndefined();
    else expect(problem).toMatch(new RegExp(`answered ${status}, not [\\d-]+(, 404)? \\(http\\.expected_status\\): words of the server$`));
  });

  test("the server's words: one line, clean, 200 characters", async () => {
    const text = `failed to reload config:\n\n\t\u001b[31mline 3\u001b[0m \u0007bad\r\n${'x'.repeat(500)}`;
    const port = await httpServer((_, answer) => answer.writeHead(500).end(text));
    const words = 'failed to reload config: line 3 bad ';
    expect(await called(port)).toBe(
      `POST http://127.0.0.1:${port}/-/reload answered 500, not 200-299 (http.expected_status): ${words}${'x'.repeat(200 - words.length)}…`,
    );
  });

  test('what it gives back of headers, query, user and password is not said', async () => {
    const port = await httpServer(({ headers, url }, answer) => {
      const [, basic = ''] = headers['x-basic']?.toString().split(' ') ?? [];
      answer
        .writeHead(403)
        .end(`no: ${headers['x-token']} ${basic} ${headers['x-plain']} ${url} ${decodeURIComponent(url ?? '')} sword%21fish sword!fish`);
    });
    const problem = await called(port, {
      url: `http://me:sword%21fish@127.0.0.1:${port}/path?key=s%C3%A9cret%201&other=more`,
      headers: { 'X-Plain': 'plain-secret' },
      header_files: { 'X-Token': file('hunter2hunter2\n'), 'X-Basic': file('Basic aGVsbG86eW91\n') },
    });
    expect(problem).toContain('answered 403, not 200-299 (http.expected_status): no: ***');
    for (const secret of ['hunter2', 'aGVsbG8', 'plain-secret', 'cret', 'more', 'sword']) expect(problem).not.toContain(secret);
  });

  test('a secret is not cut in two where the answer is', async () => {
    for (const blanks of [150, 190, 990, 995, 2_000, 10_234, 10_238]) {
      const port = await httpServer(({ headers }, answer) => answer.writeHead(403).end(`${' '.repeat(blanks)}${headers['x-token']}`));
      const problem = await called(port, { header_files: { 'X-Token': file('hunter2hunter2') } });
      expect(problem).toContain('answered 403');
      expect(problem).not.toContain('hunt');
    }
  });

  test('one that comes before the request is taken', async () => {
    const port = await tcpServer((socket) => void socket.pause().write('HTTP/1.1 413 No\r\nContent-Length: 0\r\n\r\n'));
    expect(await leavesNothingOpen(() => call(callTo(port, { body: 'x'.repeat(20e6) }), never), 1)).toContain('answered 413');
  });

  test('of a long one only the beginning is kept', async () => {
    const port = await httpServer((_, answer) => answer.end('y'.repeat(1e6)));
    const request = { secure: false, host: '127.0.0.1', port, path: '/', method: 'GET', headers: {}, verify: true, readAll: true };
    expect((await exchange({ ...request, keepBytes: 10_000 }, never)).body).toHaveLength(10_000);
  });

  test('10 MB are read to their end, and not kept', async () => {
    let finished = 0;
    const port = await httpServer((_, answer) => {
      answer.on('finish', () => finished++).writeHead(finished === 0 ? 200 : 500);
      answer.end('y'.repeat(10e6));
    });
    expect(await called(port)).toBeUndefined();
    expect((await called(port))?.length).toBeLessThan(350);
    expect(finished).toBe(2);
  });

  test('one that does not end is no success', async () => {
    const dripping = await tcpServer((socket) => drip(socket, 'HTTP/1.1 200 OK\r\n\r\n'));
    const problem = `POST http://127.0.0.1:${dripping}/-/reload answered 200, but the answer did not end within 200ms (http.timeout)`;
    expect(await called(dripping, { timeout: 200 })).toBe(problem);
    const cut = await tcpServer((socket) => void socket.once('data', () => socket.end('HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc')));
    expect(await called(cut)).toMatch(
      /answered 200, but the answer did not end: connection to [\d.:]+ was closed before the end of an answer$/,
    );
  });
});

describe('the connection', () => {
  test('no answer within the timeout', async () => {
    const port = await tcpServer(silent);
    const { result, ms } = await timed(() => called(port, { timeout: 250 }));
    expect(result).toBe(`POST http://127.0.0.1:${port}/-/reload: no answer within 250ms (http.timeout)`);
    expect(ms).toBeLessThan(2_500);
  });

  test('refused, closed, and a name that does not resolve', async () => {
    const port = await freePort();
    expect(await called(port)).toBe(`POST http://127.0.0.1:${port}/-/reload: connection to 127.0.0.1:${port} refused`);
    const closing = await tcpServer((socket) => socket.destroy());
    expect(await called(closing)).toMatch(/: connection to 127\.0\.0\.1:\d+ was closed before the end of an answer$/);
    const unknown = await called(1, { url: 'http://nonexistent.invalid/x?y=z', timeout: 10_000 });
    expect(unknown).toMatch(/^POST http:\/\/nonexistent\.invalid\/x: host nonexistent\.invalid does not resolve/);
  });

  test.skipIf(!installed('openssl'))('the certificate has to be right', async () => {
    const certificate = selfSigned();
    const seen: (string | undefined)[] = [];
    const port = await httpsServer(({ headers }, answer) => {
      seen.push(headers.authorization);
      answer.end();
    }, certificate);
    const given = { url: `https://127.0.0.1:${port}/`, headers: { Authorization: 'hunter2' } };
    expect(await called(port, given)).toBe(
      `POST https://127.0.0.1:${port}/: the certificate of 127.0.0.1:${port} is not trusted: self-signed certificate (DEPTH_ZERO_SELF_SIGNED_CERT)`,
    );
    expect(seen).toEqual([]);
    const known = getCACertificates();
    onTestFinished(() => setDefaultCACertificates(known));
    setDefaultCACertificates([...known, certificate.cert]);
    expect(await called(port, given)).toBeUndefined();
    expect(await called(port, { ...given, url: `https://localhost:${port}/` })).toContain('ERR_TLS_CERT_ALTNAME_INVALID');
    expect(seen).toEqual(['hunter2']);
  });
});

describe('attempts', () => {
  test('as many as retries says, with delays that double', async () => {
    const at: number[] = [];
    const port = await httpServer((_, answer) => {
      at.push(performance.now());
      answer.writeHead(503).end();
    });
    expect(await called(port, { retries: 3, retry_delay: 60 })).toMatch(/answered 503, .* \(after 4 attempts\)$/);
    const delays = at.slice(1).map((time, index) => time - (at[index] ?? 0));
    expect(delays).toHaveLength(3);
    for (const [index, delay] of delays.entries()) expect(delay).toBeGreaterThan(60 * 2 ** index - 5);
  });

  test('the first success ends it', async () => {
    const { port, seen } = await recorder(503, 500, 200);
    expect(await called(port, { retries: 9 })).toBeUndefined();
    expect(seen).toHaveLength(3);
  });

  test('a server that comes up in between', async () => {
    const port = await freePort();
    const result = call(callTo(port, { retries: 50, retry_delay: 1 }), never);
    await sleep(50);
    const { createServer } = await import('node:http');
    const server = createServer((_, answer) => answer.end()).listen(port, '127.0.0.1');
    onTestFinished(() => void server.close());
    expect(await result).toBeUndefined();
  });
});

describe('the signal ends it at once', () => {
  const givenUp = (port: number): string => `POST http://127.0.0.1:${port}/-/reload: given up`;

  /** Begins, aborts once `when` holds, and demands the end within a moment. */
  async function aborted(http: HttpCall, when: () => boolean): Promise<string | undefined> {
    const controller = new AbortController();
    return leavesNothingOpen(async () => {
      const result = call(http, controller.signal);
      await eventually('it is time', when);
      controller.abort();
      const { result: problem, ms } = await timed(() => result);
      expect(ms).toBeLessThan(2_000);
      return problem;
    });
  }

  test('before it begins: nothing is sent', async () => {
    const { port, seen } = await recorder();
    expect(await call(callTo(port), AbortSignal.abort())).toBe(givenUp(port));
    expect(seen).toEqual([]);
  });

  test('while it waits for an answer', async () => {
    let asked = false;
    const port = await tcpServer((socket) => void socket.on('data', () => (asked = true)));
    expect(await aborted(callTo(port, { timeout: 30_000, retries: 5 }), () => asked)).toBe(givenUp(port));
  });

  test('while the answer comes', async () => {
    const port = await tcpServer((socket) => drip(socket, 'HTTP/1.1 200 OK\r\n\r\n'));
    const start = performance.now();
    expect(await aborted(callTo(port, { timeout: 30_000 }), () => performance.now() - start > 100)).toBe(givenUp(port));
  });

  test('between two attempts', async () => {
    const { port, seen } = await recorder(503);
    expect(await aborted(callTo(port, { retries: 5, retry_delay: 30_000 }), () => seen.length === 1)).toBe(givenUp(port));
    expect(seen).toHaveLength(1);
  });
});
