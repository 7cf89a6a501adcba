import * as fs from 'node:fs';
import { codeOf, fault, openFlags } from '../watch/operations.ts';
import { createSha256 } from '../watch/sha256.ts';
import { type Calls, createBreather } from './calls.ts';
import type { Owners } from './owners.ts';
import { Unreadable } from './problems.ts';

const chunkBytes = 1024 * 1024;
const hashChunkBytes = 64 * 1024;
const createFlags = fs.constants.O_WRONLY | fs.constants.O_CREAT | fs.constants.O_EXCL | fs.constants.O_NOFOLLOW;
/** Of a copy, no set-user-ID, set-group-ID or sticky bit is kept: configuration is not run. */
const permissions = 0o777;
/** No umask takes from it. */
const createMode = 0o600;

/** What all files of one copy have in common. */
export interface Copying {
  /** The mtime that they get, in whole seconds since 1970: daemons compare no more than that. */
  readonly seconds: number;
  /** Outlives a crash of the machine. */
  readonly durable: boolean;
  readonly owners: Owners;
  /** For what is written. */
  readonly calls: Calls;
  /** Told the size before a byte is copied; may throw. */
  readonly admit: (bytes: number) => void;
}

/**
 * Copies a regular file, read by `calls`, to a path where there is none, with its permissions and owner. Resolves to the SHA-256 (hex) of the
 * bytes that were written: whether they are the wanted ones is for the caller to judge, so a file that changes meanwhile does no harm.
 * @throws Unreadable; code `MOVED` where there is no such file any more; errors of writing as they come.
 */
export async function copyFile(real: string, calls: Calls, target: string, copying: Copying): Promise<string> {
  const source = await calls.open(real, openFlags).catch(unreadable(real));
  try {
    const stat = await calls.fstat(source);
    if (!stat.isFile()) throw fault('MOVED', `${real} is no file any more`);
    copying.admit(stat.size);
    const read = (buffer: Buffer) => calls.read(source, buffer).catch(unreadable(real));
    return await writeCopy(target, stat, read, copying);
  } finally {
    await calls.close(source);
  }
}

type Read = (buffer: Buffer) => Promise<number>;

async function writeCopy(target: string, { mode, uid, gid, size }: fs.Stats, read: Read, copying: Copying): Promise<string> {
  const { calls, owners, seconds, durable } = copying;
  const fd = await calls.open(target, createFlags, createMode);
  try {
    const hash = await copyContent(read, size, (data) => writeAll(calls, fd, data));
    await calls.futimes(fd, seconds);
    const rights = { chmod: (m: number) => calls.fchmod(fd, m), chown: (u: number, g: number) => calls.fchown(fd, u, g) };
    await owners.give(target, rights, { mode: mode & permissions, uid, gid }, createMode);
    if (durable) await calls.fsync(fd);
    return hash;
  } finally {
    await calls.close(fd);
  }
}

async function copyContent(read: Read, size: number, write: (data: Buffer) => Promise<void>): Promise<string> {
  const digest = createSha256();
  const buffer = Buffer.allocUnsafe(Math.min(size + 1, chunkBytes));
  const breathe = createBreather();
  for (let left = size; ; ) {
    const bytes = await read(buffer);
    left -= bytes;
    if (left < 0) throw fault('MOVED', 'the file grows');
    digest.update(buffer.subarray(0, bytes));
    await write(buffer.subarray(0, bytes));
    if (bytes < buffer.length) return digest.hex(); // should more be missing, the hash is another one
    await breathe();
  }
}

async function writeAll(calls: Calls, fd: number, data: Buffer): Promise<void> {
  for (let at = 0; at < data.length; ) at += await calls.write(fd, data.subarray(at));
}

/** The hash of a file that is a copy of ours; undefined where there is none, or none that can be read. */
export async function hashCopy(path: string, calls: Calls): Promise<string | undefined> {
  const fd = await calls.open(path, openFlags).catch(() => undefined);
  if (fd === undefined) return undefined;
  try {
    const digest = createSha256();
    const buffer = Buffer.allocUnsafe(hashChunkBytes);
    const breathe = createBreather();
    for (;;) {
      const bytes = await calls.read(fd, buffer);
      digest.update(buffer.subarray(0, bytes));
      if (bytes < buffer.length) return digest.hex();
      await breathe();
    }
  } catch {
    return undefined; // a directory, or a disk that fails
  } finally {
    await calls.close(fd);
  }
}

const movedCodes = ['ENOENT', 'ENOTDIR', 'ESTALE', 'ELOOP', 'ENXIO'];

function unreadable(real: string): (error: unknown) => never {
  return (error) => {
    const code = codeOf(error);
    throw movedCodes.includes(code) ? fault('MOVED', `${real} went away`) : new Unreadable(real, code);
  };
}
