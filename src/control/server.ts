/** Listens at the place that was chosen. What a former controller left there is replaced. */
import { chmodSync, rmSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';

/** More at once are let go unanswered: each costs a descriptor and memory. */
const mostConnections = 32;
const ownerOnly = 0o600;

/** @throws an error of bind(2) or listen(2), with its code */
export async function listenAt(path: string, greet: (socket: Socket) => void): Promise<Server> {
  rmSync(path, { force: true });
  const server = createServer(greet);
  server.maxConnections = mostConnections;
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(path, () => {
      server.off('error', reject);
      resolve();
    });
  });
  server.on('error', () => undefined); // accept(2) without descriptors: those who wait are served later
  chmodSync(path, ownerOnly);
  return server;
}
