import { mapBounded } from './bounded.ts';
import { codeOf, type FileStat, type Operations, sameVersion } from './operations.ts';
import type { LeftOut, PlannedFile } from './plan.ts';

/** A content hash, and the state of the inode just before it was read (both clocks in ms since 1970). */
export interface Hashed {
  readonly stat: FileStat;
  readonly hash: string;
  readonly at: number;
}

/** Resolved path → what was read there last. */
export type HashCache = Map<string, Hashed>;

/** Coarser than the time stamps of any local file system. */
const racyMs = 2_000;
/** A write through a shared mapping may leave the times alone until the page is written back, on tmpfs for good: so no hash is believed for ever. */
const trustMs = 600_000;

/**
 * Whether the file need not be read again: the same inode, size and times, and (git's rule of the "racily clean") a ctime that was already
 * old when the file was read, so that no later write can have got the same one. Writers that put the mtime back cannot put the ctime back.
 * Only for local file systems: a network one may show cached times, or its server's clock.
 */
export function isCurrent(known: Hashed | undefined, stat: FileStat, now: number): known is Hashed {
  return (
    known !== undefined &&
    sameVersion(known.stat, stat) &&
    known.at - known.stat.ctimeMs > racyMs &&
    now - known.at < trustMs &&
    now >= known.at
  );
}

export interface Contents {
  /** Path → content hash. */
  readonly hashes: ReadonlyMap<string, string>;
  /** Path → errno. */
  readonly unknown: ReadonlyMap<string, string>;
  readonly leftOut: LeftOut | undefined;
  /** Resolved path → its inode. Link count 0: reached through a mount that will never change again. */
  readonly stats: ReadonlyMap<string, FileStat>;
}

export interface ReadContents {
  readonly files: readonly PlannedFile[];
  readonly maxBytes: number;
  readonly operations: Operations;
  readonly cache: HashCache;
  readonly isLocal: (real: string) => boolean;
  /** Milliseconds since 1970. */
  readonly now: () => number;
}

/** @throws code `MOVED` or `ENOENT` where a file changed under the reading (try again), `HUNG` where a mount does not answer. */
export async function readContents(request: ReadContents): Promise<Contents> {
  const { files, operations } = request;
  const unknown = new Map<string, string>();
  const tolerate = (path: string) => (error: unknown) => {
    if (['MOVED', 'ENOENT', 'ENOTDIR', 'ESTALE', 'HUNG'].includes(codeOf(error))) throw error;
    unknown.set(path, codeOf(error) === 'ELOOP' || codeOf(error) === 'ENXIO' ? 'special' : codeOf(error));
    return undefined;
  };
  const stats = await mapBounded(files, (file) => operations.lstat(file.real).catch(tolerate(file.path)));
  const { chosen, leftOut } = withinBytes(files, stats, request.maxBytes);
  const found = await mapBounded(chosen, async ({ file, stat }) => ({
    path: file.path,
    real: file.real,
    hashed: await hashOf(request, file.real, stat).catch(tolerate(file.path)),
  }));
  request.cache.clear();
  const hashes = new Map<string, string>();
  for (const { path, real, hashed } of found) {
    if (hashed === undefined) continue;
    request.cache.set(real, hashed);
    hashes.set(path, hashed.hash);
  }
  return { hashes, unknown, leftOut, stats: new Map(chosen.map(({ file, stat }) => [file.real, stat])) };
}

async function hashOf(request: ReadContents, real: string, stat: FileStat): Promise<Hashed> {
  const known = request.cache.get(real);
  const at = request.now();
  if (isCurrent(known, stat, at) && request.isLocal(real)) return known;
  return { stat, hash: await request.operations.hash(real, stat), at };
}

interface Chosen {
  readonly file: PlannedFile;
  readonly stat: FileStat;
}

/** In order, each file that still fits: the same state of the files always gives the same choice. */
function withinBytes(
  files: readonly PlannedFile[],
  stats: readonly (FileStat | undefined)[],
  maxBytes: number,
): { chosen: Chosen[]; leftOut: LeftOut | undefined } {
  const chosen: Chosen[] = [];
  let leftOut: LeftOut | undefined;
  let bytes = 0;
  files.forEach((file, index) => {
    const stat = stats[index];
    if (stat === undefined) return;
    if (bytes + stat.size > maxBytes) {
      leftOut ??= { path: file.path, why: 'bytes' };
      return;
    }
    bytes += stat.size;
    chosen.push({ file, stat });
  });
  return { chosen, leftOut };
}
