import * as fs from 'node:fs';
import { promisify } from 'node:util';
import { codeOf, fault } from '../watch/operations.ts';
import { createSha256 } from '../watch/sha256.ts';
import type { Owners } from './owners.ts';
import { Unreadable } from './problems.ts';

const open = promisify(fs.open);
const close = promisify(fs.close);
const read = promisify(fs.read);
const write = promisify(fs.write);
const fstat = promisify(fs.fstat);
const futimes = promisify(fs.futimes);
const fchmod = promisify(fs.fchmod);
const fchown = promisify(fs.fchown);
const fsync = promisify(fs.fsync);

const chunkBytes = 1024 * 1024;
// As the watch reads: a FIFO that has come to the path blocks nobody, and links are resolved already.
const readFlags = fs.constants.O_RDONLY | fs.constants.O_NONBLOCK | fs.constants.O_NOFOLLOW | fs.constants.O_NOCTTY;
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
  /** Told the size before a byte is copied; may throw. */
  readonly admit: (path: string, bytes: number) => void;
}

/**
 * Copies a regular file to a path where there is none, with its permissions and owner. Resolves to the SHA-256 (hex) of the bytes that were
 * written: whether they are the wanted ones is for the caller to judge, so a file that changes meanwhile does no harm.
 * @throws Unreadable; code `MOVED` where there is no such file any more; errors of writing as they come.
 */
export async function copyFile(real: string, target: string, copying: Copying): Promise<string> {
  const source = await open(real, readFlags).catch(unreadable(real));
  try {
    const stat = await fstat(source);
    if (!stat.isFile()) throw fault('MOVED', `${real} is no file any more`);
    copying.admit(real, stat.size);
    const mode = stat.mode & permissions;
    const copy = await open(target, createFlags, createMode);
    try {
      const hash = await copyContent(real, source, stat.size, copy);
      await futimes(copy, copying.seconds, copying.seconds);
      const rights = { chmod: (m: number) => fchmod(copy, m), chown: (uid: number, gid: number) => fchown(copy, uid, gid) };
      await copying.owners.give(real, rights, { mode, uid: stat.uid, gid: stat.gid }, createMode);
      if (copying.durable) await fsync(copy);
      return hash;
    } finally {
      await close(copy);
    }
  } finally {
    await close(source);
  }
}

async function copyContent(real: string, source: number, size: number, copy: number): Promise<string> {
  const digest = createSha256();
  const buffer = Buffer.allocUnsafe(Math.min(size + 1, chunkBytes));
  let total = 0;
  for (;;) {
    const { bytesRead } = await read(source, buffer, 0, buffer.length, null).catch(unreadable(real));
    if (bytesRead === 0) break;
    total += bytesRead;
    if (total > size) throw fault('MOVED', `${real} grows`);
    const piece = buffer.subarray(0, bytesRead);
    digest.update(piece);
    await writeAll(copy, piece);
    if (bytesRead < buffer.length) break; // what is missing would give another hash
  }
  return digest.hex();
}

async function writeAll(fd: number, data: Buffer): Promise<void> {
  for (let at = 0; at < data.length; ) at += (await write(fd, data, at, data.length - at)).bytesWritten;
}

/** The hash of a file that is a copy of ours; undefined where there is none, or none that can be read. */
export async function hashCopy(path: string): Promise<string | undefined> {
  const fd = await open(path, readFlags).catch(() => undefined);
  if (fd === undefined) return undefined;
  try {
    const digest = createSha256();
    const buffer = Buffer.allocUnsafe(64 * 1024);
    for (;;) {
      const { bytesRead } = await read(fd, buffer, 0, buffer.length, null);
      digest.update(buffer.subarray(0, bytesRead));
      if (bytesRead < buffer.length) return digest.hex();
    }
  } catch {
    return undefined; // a directory, or a disk that fails
  } finally {
    await close(fd);
  }
}

const movedCodes = ['ENOENT', 'ENOTDIR', 'ESTALE', 'ELOOP', 'ENXIO'];

function unreadable(real: string): (error: unknown) => never {
  return (error) => {
    const code = codeOf(error);
    throw movedCodes.includes(code) ? fault('MOVED', `${real} went away`) : new Unreadable(real, code);
  };
}
