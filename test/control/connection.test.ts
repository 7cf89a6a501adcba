/** Real sockets, and those at the other end who do as they like. */
import { mkdtempSync, rmSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { type Connection, serve } from '../../src/control/connection.ts';
import { listenAt } from '../../src/control/server.ts';
import { eventually } from '../fixtures/eventually.ts';

interface Served {
  readonly path: string;
  readonly lines: string[];
  readonly connections: Connection[];
  client(): Socket;
}

async function served(handle?: (line: string, connection: Connection) => Promise<void>): Promise<Served> {
  const directory = mkdtempSync(join(tmpdir(), 'reinit-control-'));
  const path = join(directory, 'c.sock');
  const [lines, connections, clients]: [string[], Connection[], Socket[]] = [[], [], []];
  const server = await listenAt(path, (socket) =>
    serve(socket, async (line, connection) => {
      lines.push(line);
      connections.push(connection);
      await handle?.(line, connection);
    }),
  );
  onTestFinished(async () => {
    for (const client of clients) client.destroy();
    await new Promise((resolve) => server.close(resolve));
    rmSync(directory, { recursive: true });
  });
  const client = (): Socket => {
    const socket = connect(path);
    socket.on('error', () => undefined);
    clients.push(socket);
    return socket;
  };
  return { path, lines, connections, client };
}

const entry = (msg: string) => ({ v: 1, id: 1, entry: { time: 't', level: 'info', msg } }) as const;

test('lines may come in pieces, and several at once; they are handled one after the other', async () => {
  const order: string[] = [];
  const { lines, client } = await served(async (line) => {
    order.push(`begin ${line}`);
    await new Promise((resolve) => setImmediate(resolve));
    order.push(`end ${line}`);
  });
  const one = client();
  for (const part of ['on', 'e\ntw', 'o\n\n  \nthree\nhalf']) one.write(part);
  await eventually('three lines', () => order.length === 6);
  expect(lines).toEqual(['one', 'two', 'three']);
  expect(order).toEqual(['one', 'two', 'three'].flatMap((line) => [`begin ${line}`, `end ${line}`]));
});

test('a handler that throws costs its own connection only', async () => {
  const { client, lines } = await served(async (line) => {
    if (line === 'x') throw new Error('a bug');
  });
  const [one, other] = [client(), client()];
  one.write('x\n');
  await new Promise((resolve) => one.once('close', resolve));
  other.write('still here\n');
  await eventually('the other one is served', () => lines.includes('still here'));
  expect(other.destroyed).toBe(false);
});

test('a reader that does not read is let go, and its memory with it', async () => {
  const { client, connections } = await served();
  const one = client();
  one.pause();
  one.write('x\n');
  const connection = await eventually('a connection', () => connections[0]);
  let gone = false;
  connection.onGone(() => {
    gone = true;
  });
  let sent = 0;
  await eventually('it is let go', async () => {
    for (let index = 0; index < 100 && !gone; index += 1, sent += 1) connection.send(entry('x'.repeat(10_000)));
    return gone;
  });
  expect(sent).toBeLessThan(1_000); // 1 MiB waits here, and what the kernel takes
  connection.send(entry('nobody is there'));
});

test('more than are served at once are let go, and those that were there stay', async () => {
  const { client, lines } = await served();
  const first = Array.from({ length: 32 }, client);
  await Promise.all(first.map((one) => new Promise((resolve) => one.once('connect', resolve))));
  const more = client();
  await new Promise((resolve) => more.once('close', resolve));
  first[0]?.write('still here\n');
  await eventually('it is served', () => lines.includes('still here'));
});
