/** A published directory (`publish.mode: files`): whose it is, and the list of what is ours in it. */
import { chmod, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { lookAt, makeDirectory, makeParents, replaceFile } from './disk.ts';
import { notOurs } from './flip.ts';
import { isIntact } from './manifest.ts';
import { Problem, shown } from './problems.ts';

/** What is ours below `to`. */
export interface Listed {
  readonly version: 1;
  /** False: a change was begun; `files` has the old and the new names then. */
  readonly complete: boolean;
  /** Generation; empty before the first. */
  readonly hash: string;
  /** Newest mtime that was given, in seconds since 1970. */
  readonly seconds: number;
  /** `to` itself was made by us. */
  readonly made: boolean;
  /** [path below `to`, content hash] */
  readonly files: readonly (readonly [string, string])[];
  /** Directories below `to` that we made, each after the one that holds it. */
  readonly directories: readonly string[];
}

/** Two dots, as kubelet's own names have: who reads a directory of configuration passes over them. */
const ownName = '..reinit';

/** For the list and what is being written, on the same file system; nobody else's to read. */
export const ownDirectory = (to: string): string => join(to, ownName);
const listOf = (to: string) => join(ownDirectory(to), 'list');

/** Makes `to` where it does not exist, takes it where it is empty (a mount point), finds it again where it is ours. @throws Problem */
export async function openTarget(to: string, mode: number): Promise<Listed> {
  await makeParents(to);
  const made = await makeDirectory(to, mode | 0o700);
  const list = made ? undefined : await checkTarget(to);
  if (list !== undefined) return list;
  if (!(await makeDirectory(ownDirectory(to), 0o700))) await chmod(ownDirectory(to), 0o700);
  const empty: Listed = { version: 1, complete: false, hash: '', seconds: 0, made, files: [], directories: [] };
  await writeList(to, empty);
  return empty;
}

/** The list; undefined where `to` does not exist or is there to be taken. @throws Problem where it is somebody else's. */
export async function checkTarget(to: string): Promise<Listed | undefined> {
  const stats = await lookAt(to);
  if (stats === undefined) return undefined;
  if (!stats.isDirectory()) throw notOurs(to, stats.isSymbolicLink() ? 'a link' : 'a file');
  const list = await readList(to);
  if (list !== undefined) return list;
  const [foreign] = (await readdir(to)).filter((name) => name !== ownName);
  if (foreign === undefined) return undefined;
  throw new Problem(
    `publish.to: ${shown(to)} holds files that reinit did not put there (${shown(foreign)}), and is not touched; empty it, or name a path below it`,
  );
}

export async function readList(to: string): Promise<Listed | undefined> {
  if (!(await lookAt(ownDirectory(to)))?.isDirectory()) return undefined;
  const text = await readFile(listOf(to), 'utf8').catch(() => undefined);
  if (text === undefined) return undefined;
  try {
    const list: Listed = JSON.parse(text);
    return list.version === 1 && Array.isArray(list.files) && Array.isArray(list.directories) ? list : undefined;
  } catch {
    return undefined;
  }
}

export async function writeList(to: string, list: Listed): Promise<void> {
  await replaceFile(listOf(to), JSON.stringify(list), { mode: 0o600, durable: false });
}

/** The generation that `to` shows: all of it, with the right bytes. */
export async function listedHash(to: string): Promise<string | undefined> {
  const list = await readList(to).catch(() => undefined);
  return list?.complete && (await isIntact(to, list.files)) ? list.hash : undefined;
}
