/**
 * A server that holds on to its address, and lets nobody hold on to it: slow, silent and countless clients are bounded in time and number. What goes
 * wrong here is told once, tried again, and never an error of the controller's.
 */
import { createServer, type RequestListener, type Server } from 'node:http';
import type { Socket } from 'node:net';
import { setTimeout } from 'node:timers';
import type { HttpAddress } from '../config/model.ts';
import type { Log } from '../log/log.ts';

/** Each costs a descriptor and memory. Of more, the one that has been there longest is let go, so that a probe still comes through. */
const mostConnections = 64;
const limits = {
  /** A browser's headers are below 2 KiB. */
  maxHeaderSize: 8 * 1024,
  headersTimeout: 5_000,
  requestTimeout: 10_000,
  keepAliveTimeout: 5_000,
  /** How often these times are looked at. */
  connectionsCheckingInterval: 2_500,
} as const;
/** Nothing could be sent for so long: nobody reads. */
const silenceMs = 60_000;

export function createBoundedServer(handle: RequestListener): Server {
  const server = createServer(limits, handle);
  server.maxHeadersCount = 64;
  server.setTimeout(silenceMs);
  const sockets = new Set<Socket>();
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
    const [oldest] = sockets;
    if (sockets.size > mostConnections) oldest?.destroy();
  });
  return server;
}

const firstPauseMs = 1_000;
const longestPauseMs = 60_000;

/** Listens, now or as soon as it can. */
export function holdAddress(server: Server, address: HttpAddress, log: Log): void {
  let pauseMs = firstPauseMs;
  let told: string | undefined;
  const listen = (): void => {
    server.listen({ port: address.port, ...(address.host !== undefined && { host: address.host }) });
  };
  server.on('listening', () => {
    if (told !== undefined) log.say('info', `${urlOf(address)} is served now`, { event: 'http_listening', address: urlOf(address) });
    else log.say('debug', `status, metrics and probes are at ${urlOf(address)}`, { event: 'http_listening', address: urlOf(address) });
    pauseMs = firstPauseMs;
    told = undefined;
  });
  // Also of accept(2) without descriptors, with the server still listening: those who wait are served later.
  server.on('error', (error: NodeJS.ErrnoException) => {
    if (server.listening) return;
    const { code = error.message } = error;
    if (told !== code) {
      const words = `no status, metrics and probes at ${urlOf(address)}: ${reasons[code] ?? error.message}. The application is not affected; it is tried again now and then.`;
      log.say('warn', words, { event: 'http_failed', address: urlOf(address), reason: code });
    }
    told = code;
    setTimeout(listen, pauseMs).unref();
    pauseMs = Math.min(longestPauseMs, pauseMs * 2);
  });
  listen();
}

const reasons: Readonly<Record<string, string>> = {
  EADDRINUSE: 'somebody else listens there (EADDRINUSE). Choose another port (http.listen)',
  EACCES: 'not permitted (EACCES). Choose a port above 1023 (http.listen)',
  EADDRNOTAVAIL: 'this container has no such address (EADDRNOTAVAIL). 0.0.0.0 means all of them (http.listen)',
  EAFNOSUPPORT: 'there is no IPv6 here (EAFNOSUPPORT). 0.0.0.0 means all addresses (http.listen)',
};

const urlOf = ({ host = '0.0.0.0', port }: HttpAddress): string => `http://${host.includes(':') ? `[${host}]` : host}:${port}`;
