/** The status page as reinit serves it, of reports that a test chooses: for a browser. */
import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { html, send } from '../../src/http/answers.ts';
import { renderPage } from '../../src/http/page.ts';
import type { Shown } from '../http/reports.ts';

export interface StatusServer {
  readonly url: string;
  /** What was asked for, by path. */
  readonly asked: readonly string[];
  show(shown: Shown): void;
  send(event: 'status' | 'entry' | 'usage', data: unknown): void;
  /** Ends all event streams, and refuses new ones until `accept`. */
  refuse(): void;
  accept(): void;
  stop(): void;
}

/** Below a path of its own, as behind a proxy: all that the page asks for is relative. */
const base = '/pods/app-0/';

export async function startStatusServer(first: Shown): Promise<StatusServer> {
  let shown = first;
  let accepting = true;
  const asked: string[] = [];
  const streams = new Set<ServerResponse>();
  const server = createServer(({ url = '' }, response) => {
    asked.push(url);
    if (url === base) {
      const nonce = `n${asked.length}`;
      send(response, html(renderPage(shown.report, shown.generations, shown.entries, nonce), nonce));
    } else if (url === `${base}events` && accepting) {
      streams.add(response);
      response.on('close', () => streams.delete(response));
      response.writeHead(200, { 'content-type': 'text/event-stream' }).flushHeaders();
    } else response.writeHead(url === `${base}events` ? 503 : 404).end();
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}${base}`,
    asked,
    show: (next) => {
      shown = next;
    },
    send: (event, data) => {
      for (const stream of streams) stream.write(`event: ${event}\ndata: ${JSON.stringify(data)}\n\n`);
    },
    refuse: () => {
      accepting = false;
      for (const stream of streams) stream.destroy();
    },
    accept: () => {
      accepting = true;
    },
    stop: () => {
      server.close();
      server.closeAllConnections();
    },
  };
}
