import { once } from 'node:events';
import { Agent, createServer } from 'node:http';
import { connect, type Socket } from 'node:net';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect, onTestFinished, test } from 'vitest';
import { eventually } from '../fixtures/eventually.ts';
import { freePort } from '../fixtures/free-port.ts';
import { serve } from './serving.ts';

/** Sends this and waits for the other end to close. */
function raw(port: number, text: string): Promise<{ readonly got: string; readonly ms: number }> {
  const begin = performance.now();
  return new Promise((resolve) => {
    let got = '';
    const socket = connect(port, '127.0.0.1', () => socket.write(text));
    onTestFinished(() => void socket.destroy());
    socket.on('data', (part) => {
      got += part;
    });
    socket.on('error', () => undefined);
    socket.on('close', () => resolve({ got, ms: performance.now() - begin }));
  });
}

test('whoever sends headers for ever, or none, is let go', async () => {
  const { port, ask } = await serve();
  const [slow, silent] = await Promise.all([raw(port, 'GET /status HTTP/1.1\r\nHost: x\r\nX-A: '), raw(port, '')]);
  expect(slow.got).toMatch(/^HTTP\/1\.1 408 /);
  expect(slow.ms).toBeLessThan(40_000);
  expect(silent.ms).toBeLessThan(40_000);
  expect((await ask('/livez')).status).toBe(200);
});

test('what is too long or no HTTP is refused', async () => {
  const { port, ask } = await serve();
  expect((await raw(port, `GET /status HTTP/1.1\r\nHost: x\r\nX-A: ${'a'.repeat(20_000)}\r\n\r\n`)).got).toMatch(/^HTTP\/1\.1 431 /);
  expect((await raw(port, `GET /${'a'.repeat(20_000)} HTTP/1.1\r\nHost: x\r\n\r\n`)).got).toMatch(/^HTTP\/1\.1 431 /);
  expect((await raw(port, 'hello\r\n\r\n')).got).toMatch(/^HTTP\/1\.1 400 /);
  expect((await raw(port, 'GET /livez HTTP/1.1\r\n\r\n')).got).toMatch(/^HTTP\/1\.1 400 /); // without Host
  await raw(port, 'CONNECT 127.0.0.1:80 HTTP/1.1\r\nHost: x\r\n\r\n');
  const both = 'POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n';
  expect((await raw(port, both)).got).toMatch(/^HTTP\/1\.1 400 /);
  expect((await ask('/livez')).status).toBe(200);
});

test('1,000 silent connections, and a probe comes through', async () => {
  const { port, ask } = await serve();
  const sockets: Socket[] = [];
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
  });
  let open = 0;
  for (let n = 0; n < 1_000; n += 1) {
    const socket = connect(port, '127.0.0.1', () => {
      open += 1;
    });
    socket.on('error', () => undefined);
    socket.on('close', () => {
      open -= 1;
    });
    sockets.push(socket);
    if (n % 100 === 0) await once(socket, 'connect');
  }
  await eventually('few are left', () => open <= 64);
  expect((await ask('/livez')).status).toBe(200);
});

test('an address that is taken is told once, and taken as soon as it is free', async () => {
  const port = await freePort();
  const other = createServer().listen(port, '127.0.0.1');
  await once(other, 'listening');
  const { log, ask } = await serve({ listen: { host: '127.0.0.1', port } });
  await eventually('it is told', () => log() !== '');
  await new Promise((resolve) => setTimeout(resolve, 1_200)); // one more attempt, which is not told
  expect(log()).toMatch(
    /^no status, metrics and probes at http:\/\/127\.0\.0\.1:\d+: somebody else listens there \(EADDRINUSE\)\. [^\n]*$/,
  );
  other.close();
  await eventually('it is served', async () => (await ask('/livez')).status === 200);
  expect(log()).toMatch(/is served now$/);
});

test('1,000 scrapes leave nothing behind', async () => {
  const { controller, ask } = await serve();
  // There is nothing to measure, 1,200 times.
  controller.become({ service: { kind: 'backoff', token: 2, attempt: 1, until: 20_000 } });
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  onTestFinished(() => agent.destroy());
  const used = () => {
    collect();
    return process.memoryUsage().heapUsed;
  };
  const scrape = async (times: number) => {
    for (let n = 0; n < times; n += 1) {
      controller.become({ rule: { applied: { hash: n.toString(16).padStart(64, '0'), files: undefined } } });
      await ask('/metrics', { agent });
    }
  };
  await scrape(200);
  const before = used();
  await scrape(1_000);
  // The text of all those scrapes is 5 MB.
  expect(used() - before).toBeLessThan(2_000_000);
});

/** The collector, of which Node does not tell by default. */
function collect(): void {
  setFlagsFromString('--expose-gc');
  runInNewContext('gc')();
}
