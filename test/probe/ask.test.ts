import { execFile, spawn } from 'node:child_process';
import dns from 'node:dns';
import type { IncomingHttpHeaders } from 'node:http';
import { connect } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { ask, type OwnCheck } from '../../src/probe/ask.ts';
import { eventually } from '../fixtures/eventually.ts';
import { freePort } from '../fixtures/free-port.ts';
import { installed, isRoot } from '../fixtures/host.ts';
import { drip, hasIpv6, httpServer, httpsServer, leavesNothingOpen, node, selfSigned, silent, tcpServer, timed, until } from './support.ts';

type HttpGet = Extract<OwnCheck, { kind: 'http_get' }>;

const httpGet = (port: number, given: Partial<HttpGet> = {}): HttpGet => ({
  kind: 'http_get',
  scheme: 'http',
  host: '127.0.0.1',
  port,
  path: '/ready',
  headers: {},
  ...given,
});
const tcpSocket = (port: number, host = '127.0.0.1'): OwnCheck => ({ kind: 'tcp_socket', host, port });
const nobody = { pid: 0, since: 0 };
const asked = (check: OwnCheck, timeoutMs = 30_000): Promise<string | undefined> => leavesNothingOpen(() => ask(check, nobody, timeoutMs));

/** The deadline is kept, give or take what a busy machine needs. */
async function inTime(check: OwnCheck, timeoutMs: number): Promise<string | undefined> {
  const { result, ms } = await timed(() => ask(check, nobody, timeoutMs));
  expect(ms).toBeGreaterThan(timeoutMs - 20);
  expect(ms).toBeLessThan(timeoutMs + 2_000);
  return result;
}

describe('http_get', () => {
  test.each([200, 204, 299, 301, 302, 399])('%i is a yes', async (status) => {
    const port = await httpServer((_, answer) => answer.writeHead(status, { location: 'http://nonexistent.invalid/' }).end());
    expect(await asked(httpGet(port))).toBeUndefined();
  });

  test.each([400, 404, 500, 503])('%i is a no', async (status) => {
    const port = await httpServer((_, answer) => answer.writeHead(status).end('not yet'));
    expect(await asked(httpGet(port))).toBe(`http://127.0.0.1:${port}/ready answered ${status}`);
  });

  test('what the application sees: one GET on a connection of its own, from reinit', async () => {
    const seen: { method?: string | undefined; url?: string | undefined; headers: IncomingHttpHeaders }[] = [];
    const port = await httpServer(({ method, url, headers }, answer) => {
      seen.push({ method, url, headers });
      answer.writeHead(307, { location: '/elsewhere' }).end();
    });
    expect(await asked(httpGet(port, { path: '/é x/%20?a=b c' }))).toBeUndefined();
    const headers = { accept: '*/*', connection: 'close', host: `127.0.0.1:${port}`, 'user-agent': expect.stringMatching(/^reinit\/\d/) };
    expect(seen).toEqual([{ method: 'GET', url: '/%C3%A9%20x/%20?a=b%20c', headers }]);
  });

  test("the check's headers come first", async () => {
    let seen: IncomingHttpHeaders = {};
    const port = await httpServer(({ headers }, answer) => {
      seen = headers;
      answer.end();
    });
    const headers = { host: 'example.com', 'user-agent': 'kube-probe/1', Accept: 'text/html', 'X-Name': 'Zoë' };
    expect(await asked(httpGet(port, { headers }))).toBeUndefined();
    expect(seen).toEqual({
      host: 'example.com',
      'user-agent': 'kube-probe/1',
      accept: 'text/html',
      'x-name': Buffer.from('Zoë').toString('latin1'),
      connection: 'close',
    });
  });

  test('a query and the values of headers are in no message', async () => {
    const port = await httpServer((_, answer) => answer.writeHead(500).end());
    const given = { path: '/ready?token=hunter2', headers: { Authorization: 'hunter2' } };
    expect(await asked(httpGet(port, given))).toBe(`http://127.0.0.1:${port}/ready answered 500`);
    const invalid = await asked(httpGet(port, { ...given, headers: { Authorization: 'hunter2\n' } }));
    expect(invalid).toMatch(/^asking 127\.0\.0\.1:\d+ failed: Invalid character in header content \["Authorization"\]/);
  });

  test('no answer, ever', async () => {
    const port = await tcpServer(silent);
    expect(await leavesNothingOpen(() => inTime(httpGet(port), 300))).toBe(`http://127.0.0.1:${port}/ready: no answer within 300ms`);
  });

  test.each([
    ['headers', 'HTTP/1.1 200 OK\r\nX-Long: ', 'http://127.0.0.1:PORT/ready: no answer within 300ms'],
    ['a body', 'HTTP/1.1 200 OK\r\n\r\n', 'http://127.0.0.1:PORT/ready answered 200, but the answer did not end in time'],
    ['a body after a no', 'HTTP/1.1 503 No\r\n\r\n', 'http://127.0.0.1:PORT/ready answered 503'],
  ])('%s, byte after byte without end', async (_, text, problem) => {
    const port = await tcpServer((socket) => drip(socket, text));
    expect(await leavesNothingOpen(() => inTime(httpGet(port), 300))).toBe(problem.replace('PORT', `${port}`));
  });

  test.each([
    ['closes at once', '', 'connection to 127.0.0.1:PORT was closed before the end of an answer'],
    ['closes in the headers', 'HTTP/1.1 200 OK\r\nX: y', 'connection to 127.0.0.1:PORT was closed before the end of an answer'],
    ['does not speak HTTP', 'SSH-2.0-OpenSSH_9.2\r\n', 'does not answer in HTTP (HPE_INVALID_CONSTANT)'],
    ['sends headers of 1 MB', `HTTP/1.1 200 OK\r\nX: ${'y'.repeat(1e6)}\r\n\r\n`, 'does not answer in HTTP (HPE_HEADER_OVERFLOW)'],
    [
      'closes in the body',
      'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nabc',
      'answered 200, but the answer did not end: connection to 127.0.0.1:PORT was closed before the end of an answer',
    ],
    ['wants another protocol', 'HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n', 'answered 101'],
  ])('a server that %s', async (_, text, problem) => {
    const port = await tcpServer((socket) => void socket.once('data', () => socket.end(text)));
    expect(await asked(httpGet(port))).toContain(problem.replace('PORT', `${port}`));
  });

  test('of a long answer no more than 10 KiB are waited for', async () => {
    let sent = 0;
    const port = await tcpServer((socket) => {
      socket.write('HTTP/1.1 200 OK\r\n\r\n');
      const more = (): void => {
        while (!socket.destroyed && socket.write(Buffer.alloc(16_384))) sent += 16_384;
      };
      socket.on('drain', more);
      more();
    });
    expect(await asked(httpGet(port))).toBeUndefined();
    expect(sent).toBeLessThan(20e6); // what the buffers of both sockets take
  });

  test.skipIf(!hasIpv6)('IPv6, with and without brackets', async () => {
    const port = await httpServer((_, answer) => answer.writeHead(500).end(), '::1');
    for (const host of ['::1', '[::1]']) expect(await asked(httpGet(port, { host }))).toBe(`http://[::1]:${port}/ready answered 500`);
  });

  test('a name is asked on all its addresses', async () => {
    const port = await httpServer((_, answer) => answer.end());
    expect(await asked(httpGet(port, { host: 'localhost' }))).toBeUndefined();
  });

  test.skipIf(!installed('openssl'))('https, with whatever certificate; and TLS that is none', async () => {
    const port = await httpsServer((_, answer) => answer.end(), selfSigned());
    expect(await asked(httpGet(port, { scheme: 'https' }))).toBeUndefined();
    const plain = await httpServer((_, answer) => answer.end());
    expect(await asked(httpGet(plain, { scheme: 'https' }))).toMatch(/^TLS with 127\.0\.0\.1:\d+ failed: [\w ]+$/);
    const mute = await tcpServer(silent);
    expect(await leavesNothingOpen(() => inTime(httpGet(mute, { scheme: 'https' }), 300))).toBe(
      `https://127.0.0.1:${mute}/ready: no answer within 300ms`,
    );
  });

  test("a proxy of the environment's is not used", async () => {
    const port = await httpServer((_, answer) => answer.end());
    const script = `import { ask } from ${JSON.stringify(join(import.meta.dirname, '../../src/probe/ask.ts'))};
      console.log(String(await ask(${JSON.stringify(httpGet(port))}, { pid: 0, since: 0 }, 3000)));`;
    const proxy = `http://127.0.0.1:${await freePort()}`;
    const env = { ...process.env, NODE_USE_ENV_PROXY: '1', http_proxy: proxy, HTTP_PROXY: proxy, no_proxy: '', NO_PROXY: '' };
    const { stdout } = await promisify(execFile)(node, ['--input-type=module', '-e', script], { env });
    expect(stdout).toBe('undefined\n');
  });
});

describe('tcp_socket', () => {
  test('somebody listens', async () => {
    const port = await tcpServer((socket) => void socket.end('220 welcome\r\n'));
    expect(await asked(tcpSocket(port))).toBeUndefined();
  });

  test.skipIf(!hasIpv6)('IPv6, with and without brackets', async () => {
    const port = await httpServer(() => undefined, '::1');
    for (const host of ['::1', '[::1]']) expect(await asked(tcpSocket(port, host))).toBeUndefined();
    const nobodys = await freePort();
    expect(await asked(tcpSocket(nobodys, '[::1]'))).toBe(`connection to [::1]:${nobodys} refused`);
  });

  test('nobody listens', async () => {
    const port = await freePort();
    expect(await asked(tcpSocket(port))).toBe(`connection to 127.0.0.1:${port} refused`);
    expect(await asked(httpGet(port))).toBe(`connection to 127.0.0.1:${port} refused`);
    expect(await asked(tcpSocket(port, 'localhost'))).toBe(`connection to localhost:${port} refused`);
  });

  test('a server that is stopped and takes no more connections', async () => {
    const script = "require('net').createServer().listen(0, '127.0.0.1', 1, function () { console.log('port', this.address().port) })";
    const child = spawn(process.execPath, ['-e', script], {
      detached: true,
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let said = '';
    child.stdout.on('data', (text) => {
      said += text;
    });
    const { pid } = await until('\n', child);
    const port = Number(said.split(' ')[1]);
    process.kill(pid, 'SIGSTOP');
    const waiting = Array.from({ length: 5 }, () => connect(port, '127.0.0.1').on('error', () => undefined));
    onTestFinished(() => {
      for (const socket of waiting) socket.destroy();
    });
    await eventually('the queue is full', async () => (await ask(tcpSocket(port), nobody, 100)) !== undefined);
    expect(await leavesNothingOpen(() => inTime(tcpSocket(port), 300))).toBe(`127.0.0.1:${port}: no answer within 300ms`);
  });

  // A network of its own, in which the kernel has but one port for clients: the one that is asked.
  test.skipIf(!isRoot)('a socket that is connected with itself is no answer', async () => {
    const script = `import { ask } from ${JSON.stringify(join(import.meta.dirname, '../../src/probe/ask.ts'))};
      import { connect } from 'node:net';
      const check = { kind: 'tcp_socket', host: '127.0.0.1', port: 50001 };
      const itself = await new Promise((done) => { const s = connect(50001, '127.0.0.1', () => { done(s.localPort); s.resetAndDestroy(); }); });
      console.log(itself, await ask(check, { pid: 0, since: 0 }, 3000));`;
    const setUp = 'ip link set lo up && echo 50001 50001 >/proc/sys/net/ipv4/ip_local_port_range && exec "$@"';
    const { stdout } = await promisify(execFile)('unshare', ['-n', 'sh', '-c', setUp, '-', node, '--input-type=module', '-e', script]);
    expect(stdout).toBe('50001 connection to 127.0.0.1:50001 refused\n');
  });
});

describe('names', () => {
  test('one that does not resolve', async () => {
    const words = /^host nonexistent\.invalid does not resolve/;
    expect(await asked(tcpSocket(80, 'nonexistent.invalid'))).toMatch(words);
    expect(await asked(httpGet(80, { host: 'nonexistent.invalid' }))).toMatch(words);
  });

  test('while a name server does not answer, each ask ends in time, and there is one lookup', async () => {
    let answer: (addresses: dns.LookupAddress[]) => void = () => undefined;
    const lookup = vi.spyOn(dns.promises, 'lookup').mockImplementation((() => new Promise((resolve) => (answer = resolve))) as never);
    onTestFinished(() => lookup.mockRestore());
    const port = await tcpServer(silent);
    for (let round = 0; round < 3; round++) {
      expect(await inTime(tcpSocket(port, 'slow.test'), 100)).toBe(`slow.test:${port}: no answer within 100ms`);
      expect(await inTime(httpGet(port, { host: 'slow.test' }), 100)).toBe(`http://slow.test:${port}/ready: no answer within 100ms`);
    }
    expect(lookup).toHaveBeenCalledTimes(1);
    const last = ask(tcpSocket(port, 'slow.test'), nobody, 3_000);
    await sleep(10);
    answer([{ address: '127.0.0.1', family: 4 }]);
    expect(await last).toBeUndefined();
    void ask(tcpSocket(port, 'slow.test'), nobody, 100);
    await eventually('looked up anew', () => lookup.mock.calls.length === 2);
  });
});
