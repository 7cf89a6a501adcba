import * as fs from 'node:fs';
import { statfs } from 'node:fs/promises';
import { setImmediate as turn } from 'node:timers/promises';
import { promisify } from 'node:util';
import { lookAt } from './disk.ts';

/** The calls that copying and hashing a file are made of; as in node:fs. */
export interface Calls {
  open(path: string, flags: number, mode?: number): Promise<number>;
  close(fd: number): Promise<void>;
  fstat(fd: number): Promise<fs.Stats>;
  /** Bytes read, 0 at the end. */
  read(fd: number, buffer: Buffer): Promise<number>;
  /** Bytes written. */
  write(fd: number, data: Buffer): Promise<number>;
  futimes(fd: number, seconds: number): Promise<void>;
  fchmod(fd: number, mode: number): Promise<void>;
  fchown(fd: number, uid: number, gid: number): Promise<void>;
  fsync(fd: number): Promise<void>;
  /** Undefined: there is nothing. */
  lstat(path: string): Promise<fs.Stats | undefined>;
  rename(from: string, to: string): Promise<void>;
}

const readInThread = promisify(fs.read);
const writeInThread = promisify(fs.write);
const futimesInThread = promisify(fs.futimes);

/** In libuv's threads: a disk may let the caller wait. */
export const waiting: Calls = {
  open: promisify(fs.open),
  close: promisify(fs.close),
  fstat: promisify(fs.fstat),
  read: async (fd, buffer) => (await readInThread(fd, buffer, 0, buffer.length, null)).bytesRead,
  write: async (fd, data) => (await writeInThread(fd, data, 0, data.length, null)).bytesWritten,
  futimes: (fd, seconds) => futimesInThread(fd, seconds, seconds),
  fchmod: promisify(fs.fchmod),
  fchown: promisify(fs.fchown),
  fsync: promisify(fs.fsync),
  lstat: lookAt,
  rename: promisify(fs.rename),
};

/** At once: where files are memory there is nothing to wait for, and the way through a thread costs ten times the call (bench/publish.ts). */
export const immediate: Calls = {
  open: async (path, flags, mode) => fs.openSync(path, flags, mode),
  close: async (fd) => fs.closeSync(fd),
  fstat: async (fd) => fs.fstatSync(fd),
  read: async (fd, buffer) => fs.readSync(fd, buffer, 0, buffer.length, null),
  write: async (fd, data) => fs.writeSync(fd, data, 0, data.length, null),
  futimes: async (fd, seconds) => fs.futimesSync(fd, seconds, seconds),
  fchmod: async (fd, mode) => fs.fchmodSync(fd, mode),
  fchown: async (fd, uid, gid) => fs.fchownSync(fd, uid, gid),
  fsync: async (fd) => fs.fsyncSync(fd),
  lstat: async (path) => fs.lstatSync(path, { throwIfNoEntry: false }),
  rename: async (from, to) => fs.renameSync(from, to),
};

/** By the numbers of statfs(2). */
const memoryTypes: ReadonlySet<number> = new Set([0x01021994 /* tmpfs */, 0x858458f6 /* ramfs */]);

/** Those that are right for the file system of a path. */
export async function callsFor(path: string): Promise<Calls> {
  const type = await statfs(path).then(
    ({ type }) => type,
    () => undefined,
  );
  return type !== undefined && memoryTypes.has(type) ? immediate : waiting;
}

/** Kept free for everything else that the controller does. */
const burstMs = 5;

/** Lets the event loop turn when work that never waits has taken it for `burstMs`. */
export function createBreather(): () => Promise<void> {
  let since = performance.now();
  let pause: Promise<void> | undefined;
  return async () => {
    if (pause === undefined && performance.now() - since < burstMs) return;
    pause ??= turn().then(() => {
      pause = undefined;
      since = performance.now();
    });
    await pause;
  };
}
