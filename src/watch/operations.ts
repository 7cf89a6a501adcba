import * as fs from 'node:fs';
import { promisify } from 'node:util';
import { createSha256 } from './sha256.ts';

export type Kind = 'file' | 'directory' | 'link' | 'other' | 'unknown';

/** One name in a directory. `unknown`: the file system does not say what it is without a stat. */
export interface Entry {
  readonly name: string;
  readonly kind: Kind;
}

/** What lstat says, as far as a watch wants to know. */
export interface FileStat {
  readonly kind: Kind;
  readonly dev: number;
  readonly ino: number;
  readonly size: number;
  readonly mtimeMs: number;
  readonly ctimeMs: number;
  readonly nlink: number;
}

/** Everything that watching asks of a file system: the place where tests put one that hangs, refuses or lies. None blocks the event loop. */
export interface Operations {
  lstat(path: string): Promise<FileStat>;
  readlink(path: string): Promise<string>;
  readdir(path: string): Promise<readonly Entry[]>;
  /** SHA-256 (hex) of the regular file that `expected` describes; fails with code `MOVED` if it changes, or has another size. */
  hash(path: string, expected: FileStat): Promise<string>;
  /** The bytes of that file, on the same conditions. */
  content(path: string, expected: FileStat): Promise<Buffer>;
  /** The text of a file of /proc. */
  text(path: string): Promise<string>;
}

const chunkBytes = 1024 * 1024;
// NONBLOCK: should the file have become a FIFO since the stat, open and read return at once, with too little. NOFOLLOW: paths here are resolved ones.
export const openFlags = fs.constants.O_RDONLY | fs.constants.O_NONBLOCK | fs.constants.O_NOFOLLOW | fs.constants.O_NOCTTY;

const lstat = promisify(fs.lstat);
const fstat = promisify(fs.fstat);
const open = promisify(fs.open);
const close = promisify(fs.close);
const read = promisify(fs.read);

export const realOperations: Operations = {
  lstat: async (path) => toStat(await lstat(path)),
  readlink: promisify(fs.readlink),
  readdir: async (path) =>
    (await fs.promises.readdir(path, { withFileTypes: true })).map((entry) => ({ name: entry.name, kind: kindOf(entry) })),
  hash: async (path, expected) => {
    const digest = createSha256();
    await readChunks(path, expected, digest.update);
    return digest.hex();
  },
  content: async (path, expected) => {
    const chunks: Buffer[] = [];
    await readChunks(path, expected, (chunk) => chunks.push(Buffer.from(chunk)));
    return Buffer.concat(chunks);
  },
  text: (path) => fs.promises.readFile(path, 'utf8'),
};

/**
 * The same at once, in the event loop, for local file systems only: before the application runs there is nobody to keep waiting but the
 * application, and thirty hops through libuv's threads cost its start more than the file operations themselves.
 */
export const directOperations: Operations = {
  lstat: async (path) => toStat(fs.lstatSync(path)),
  readlink: async (path) => fs.readlinkSync(path),
  readdir: async (path) => fs.readdirSync(path, { withFileTypes: true }).map((entry) => ({ name: entry.name, kind: kindOf(entry) })),
  hash: async (path, expected) => {
    const digest = createSha256();
    digest.update(contentNow(path, expected));
    return digest.hex();
  },
  content: async (path, expected) => contentNow(path, expected),
  text: async (path) => fs.readFileSync(path, 'utf8'),
};

/** An error with a code, as those of node:fs have. */
export function fault(code: string, message: string): NodeJS.ErrnoException {
  return Object.assign(new Error(message), { code });
}

/** `ENOENT`, `MOVED`…; an error that has none comes from no file system but from a mistake in the program, and goes on its way. */
export function codeOf(error: unknown): string {
  if (error instanceof Error && 'code' in error && typeof error.code === 'string') return error.code;
  throw error;
}

/**
 * No fstat after the open: it would cost a fifth of the time. Should another file, or other bytes, have come to the path since the stat,
 * then their hash is remembered with times that no later stat will show again, and the file is read once more.
 */
async function readChunks(path: string, expected: FileStat, use: (chunk: Buffer) => void): Promise<void> {
  const fd = await open(path, openFlags);
  try {
    await readAll(fd, path, expected, use);
  } finally {
    await close(fd);
  }
}

/** What ends where the size said, in one read, is one version of the file; after several reads the times must still be the same. */
async function readAll(fd: number, path: string, stat: FileStat, use: (chunk: Buffer) => void): Promise<void> {
  const buffer = Buffer.allocUnsafe(Math.min(stat.size + 1, chunkBytes));
  let total = 0;
  let reads = 0;
  for (;;) {
    const { bytesRead } = await read(fd, buffer, 0, buffer.length, null);
    reads++;
    total += bytesRead;
    use(buffer.subarray(0, bytesRead));
    if (bytesRead === 0 || total >= stat.size) break;
  }
  const moved = total !== stat.size || (reads > 1 && !sameVersion(toStat(await fstat(fd)), stat));
  if (moved) throw fault('MOVED', `${path} changed while it was read`);
}

function contentNow(path: string, expected: FileStat): Buffer {
  const fd = fs.openSync(path, openFlags);
  try {
    if (!sameVersion(toStat(fs.fstatSync(fd)), expected)) throw fault('MOVED', `${path} changed while it was read`);
    const content = fs.readFileSync(fd);
    if (content.length !== expected.size || !sameVersion(toStat(fs.fstatSync(fd)), expected))
      throw fault('MOVED', `${path} changed while it was read`);
    return content;
  } finally {
    fs.closeSync(fd);
  }
}

/** The same inode with the same size and times. */
export function sameVersion(a: FileStat, b: FileStat): boolean {
  return a.kind === b.kind && a.dev === b.dev && a.ino === b.ino && a.size === b.size && a.mtimeMs === b.mtimeMs && a.ctimeMs === b.ctimeMs;
}

function toStat(stats: fs.Stats): FileStat {
  const { dev, ino, size, mtimeMs, ctimeMs, nlink } = stats;
  return { kind: kindOf(stats), dev, ino, size, mtimeMs, ctimeMs, nlink };
}

function kindOf(entry: fs.Stats | fs.Dirent): Kind {
  if (entry.isFile()) return 'file';
  if (entry.isDirectory()) return 'directory';
  if (entry.isSymbolicLink()) return 'link';
  if (entry.isFIFO() || entry.isSocket() || entry.isBlockDevice() || entry.isCharacterDevice()) return 'other';
  return 'unknown';
}
