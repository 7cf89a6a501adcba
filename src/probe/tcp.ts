import type { Socket } from 'node:net';
import { lookupOnce } from './lookup.ts';
import { bareHost } from './troubles.ts';

/** Connects and closes. Rejects with what Node's net says; with an AbortError as soon as `signal` is. */
export async function knock(host: string, port: number, signal: AbortSignal): Promise<void> {
  signal.throwIfAborted();
  const { connect } = await import('node:net');
  return new Promise((resolve, reject) => {
    const socket = connect({ host: bareHost(host), port, lookup: lookupOnce, signal });
    socket.once('error', reject);
    socket.once('connect', () => {
      if (talksToItself(socket)) reject(Object.assign(new Error('connected to itself'), { code: 'ECONNREFUSED' }));
      else resolve();
      socket.destroy();
    });
  });
}

/**
 * Where nobody listens on a port of the range from which the kernel takes those of clients, it may take that very one: TCP then
 * connects the socket with itself (simultaneous open), and that is no answer of an application.
 */
const talksToItself = (socket: Socket): boolean => socket.localPort === socket.remotePort && socket.localAddress === socket.remoteAddress;
