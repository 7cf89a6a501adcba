import { type ClientRequest, get } from 'node:http';
import { connect } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { mostReaders } from '../../src/http/stream.ts';
import { eventually } from '../fixtures/eventually.ts';
import { gone } from '../fixtures/namespace.ts';
import { running, serve } from './serving.ts';

interface Reader {
  readonly text: () => string;
  readonly request: ClientRequest;
  readonly status: () => number | undefined;
  readonly ended: () => boolean;
}

function read(port: number): Reader {
  let [text, ended, status] = ['', false, undefined as number | undefined];
  const request = get({ host: '127.0.0.1', port, path: '/events', agent: false }, (response) => {
    status = response.statusCode;
    response.setEncoding('utf8');
    response.on('data', (part: string) => {
      text += part;
    });
    response.on('error', () => undefined);
    response.on('close', () => {
      ended = true;
    });
  });
  request.on('error', () => undefined);
  onTestFinished(() => void request.destroy());
  return { text: () => text, request, status: () => status, ended: () => ended };
}

/** The events of a stream, each as its name and what it holds. */
const eventsOf = (text: string): [string, Record<string, unknown>][] =>
  [...text.matchAll(/^event: (\w+)\ndata: (.*)\n\n/gm)].map(([, name = '', data = '']) => [name, JSON.parse(data)]);

test('first what is so, then what happens, and again what is so once that is another', async () => {
  const { port, controller } = await serve();
  const next = gone + 1;
  const reader = read(port);
  await eventually('the status', () => eventsOf(reader.text()).length === 1);
  controller.tell('change_seen', { from: 'a', to: 'b' });
  controller.become({});
  controller.become({ service: { ...running, pid: next } as typeof running });
  await eventually('the next status', () => eventsOf(reader.text()).length === 3);
  expect(eventsOf(reader.text())).toMatchObject([
    ['status', { application: { pid: gone } }],
    ['entry', { event: 'change_seen', to: 'b' }],
    ['status', { application: { pid: next } }],
  ]);
  controller.become({});
  await new Promise((resolve) => setTimeout(resolve, 400)); // it would be told by then, were it another
  controller.become({ service: { ...running, pid: next + 1 } as typeof running });
  await eventually('one more status', () =>
    eventsOf(reader.text()).some(([, value]) => JSON.stringify(value).includes(`"pid":${next + 1}`)),
  );
  expect(eventsOf(reader.text())).toHaveLength(4);
});

test('what it uses cannot be known where there is no application: that is told, too', async () => {
  const { port, controller } = await serve();
  controller.become({ service: { kind: 'backoff', token: 1, attempt: 1, until: 20_000 } });
  const reader = read(port);
  await eventually('usage', () => reader.text().includes('event: usage\ndata: null\n\n'));
});

test('so many readers, and no more; one that leaves makes room', async () => {
  const { port } = await serve();
  const readers = Array.from({ length: mostReaders }, () => read(port));
  await eventually('all are served', () => readers.every(({ status }) => status() === 200));
  const late = read(port);
  await eventually('one too many', () => late.status() === 503);
  readers[0]?.request.destroy();
  await eventually('there is room again', async () => {
    const next = read(port);
    await eventually('an answer', () => next.status());
    return next.status() === 200;
  });
});

test('a reader that does not read is let go, and the others are not', async () => {
  const { port, controller } = await serve();
  const reader = read(port);
  let closed = false;
  const lazy = connect(port, '127.0.0.1', () => lazy.write('GET /events HTTP/1.1\r\nHost: x\r\n\r\n'));
  lazy.pause();
  lazy.on('error', () => undefined);
  lazy.on('close', () => {
    closed = true;
  });
  onTestFinished(() => void lazy.destroy());
  await eventually('the status', () => reader.text() !== '');
  // More than the kernel keeps for one who does not read (tcp(7), tcp_wmem and tcp_rmem), no faster than the other one reads.
  const long = 'x'.repeat(64 * 1024);
  for (let n = 0; n < 200; n += 1) {
    controller.tell('noise', { long });
    await eventually('the other one has it', () => reader.text().length > n * long.length);
  }
  lazy.resume();
  await eventually('its end', () => closed);
  expect(reader.ended()).toBe(false);
});
