/** Servers of one behaviour, processes to look at, and what must be as it was before. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { createServer as createHttpServer, type RequestListener } from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { networkInterfaces } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { eventually } from '../fixtures/eventually.ts';
import { scratchDirectory } from '../fixtures/scratch.ts';

export const node = join(import.meta.dirname, '../../scripts/node');
export const hasIpv6 = Object.values(networkInterfaces()).some((addresses) => addresses?.some(({ address }) => address === '::1'));

/** Listens until the test is over. */
async function listen(server: Server, host = '127.0.0.1'): Promise<number> {
  const sockets = new Set<Socket>();
  server.on('connection', (socket) => {
    sockets.add(socket.on('close', () => sockets.delete(socket)).on('error', () => socket.destroy()));
  });
  onTestFinished(() => {
    server.close();
    for (const socket of sockets) socket.destroy();
  });
  server.listen(0, host);
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}

export const httpServer = (answer: RequestListener, host?: string): Promise<number> => listen(createHttpServer(answer), host);

export const httpsServer = (answer: RequestListener, files: Certificate): Promise<number> =>
  listen(createHttpsServer({ key: files.key, cert: files.cert }, answer));

/** @param converse with each connection */
export const tcpServer = (converse: (socket: Socket) => void): Promise<number> => listen(createServer(converse));

/** Answers nothing; what is sent has to be read for the end to be seen. */
export const silent = (socket: Socket): void => void socket.resume();

/** Sends `text` and then one byte after the other, without end. */
export function drip(socket: Socket, text: string): void {
  socket.resume().write(text);
  const timer = setInterval(() => socket.write('x'), 20);
  socket.on('close', () => clearInterval(timer));
}

export interface Certificate {
  readonly key: string;
  readonly cert: string;
}

/** Self-signed, of 127.0.0.1. */
export function selfSigned(): Certificate {
  const directory = scratchDirectory();
  const subject = ['-subj', '/CN=reinit-test', '-addext', 'subjectAltName=IP:127.0.0.1'];
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
  const files = ['-keyout', join(directory, 'key'), '-out', join(directory, 'cert')];
  execFileSync('openssl', ['req', '-x509', '-days', '2', ...key, ...subject, ...files], { stdio: 'ignore' });
  return { key: readFileSync(join(directory, 'key'), 'utf8'), cert: readFileSync(join(directory, 'cert'), 'utf8') };
}

export const openFiles = (): number => readdirSync('/proc/self/fd').length;

/**
 * What runs leaves no file or socket open, but for `more`: ends of servers in this process that have not seen it.
 * A connection that is left to itself would be closed after 5 s, by Node.
 */
export async function leavesNothingOpen<T>(run: () => Promise<T>, more = 0): Promise<T> {
  const before = openFiles();
  const result = await run();
  await eventually('as many open files as before', () => openFiles() <= before + more, 4_000);
  return result;
}

export async function timed<T>(run: () => Promise<T>): Promise<{ result: T; ms: number }> {
  const start = performance.now();
  const result = await run();
  return { result, ms: performance.now() - start };
}

/** A shell that says `up` when it has done what it has to. It ends with all its children when the test is over. */
export async function shell(script: string): Promise<ChildProcess & { readonly pid: number }> {
  return until('up', spawn('bash', ['-c', script], { detached: true, stdio: ['ignore', 'pipe', 'inherit', 'pipe'] }));
}

/** In a script for `shell`: children that wait for what nobody writes. They are no programs of their own: 500 of those take seconds to start. */
export const sleepers = (count: number): string => `for i in $(seq ${count}); do read -u 3 & done`;

export async function until(word: string, child: ChildProcess): Promise<ChildProcess & { readonly pid: number }> {
  const { pid } = child;
  if (pid === undefined) throw new Error('not started');
  const closed = once(child, 'close');
  onTestFinished(async () => {
    try {
      process.kill(-pid, 'SIGKILL');
    } catch {
      // it has ended
    }
    await closed;
  });
  let said = '';
  child.stdout?.on('data', (text) => {
    said += text;
  });
  await eventually(`the child says ${word}`, () => said.includes(word));
  return Object.assign(child, { pid });
}

/** CLOCK_BOOTTIME in ms, as fine as /proc has it: 10 ms. */
export const bootTime = (): number => Math.round(Number(readFileSync('/proc/uptime', 'utf8').split(' ')[0]) * 1000);

/** A time of which everything so far is older. */
export async function nextTick(): Promise<number> {
  const now = bootTime();
  return eventually('the clock goes on', () => (bootTime() > now ? bootTime() : undefined));
}
