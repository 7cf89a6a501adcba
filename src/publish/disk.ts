/** The few operations on files that storing is made of. */

import * as fs from 'node:fs';
import { chmod, chown, lstat, mkdir, open, readdir, rename, rm, stat, unlink, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { codeOf } from '../watch/operations.ts';
import { temporary } from './layout.ts';

/**
 * Of the directories above copies: the application and the validators, whoever they are, have to pass through; nobody else has to know
 * what is in them. What protects a secret are its own permissions, and those of the directory that it was copied with.
 */
export const passable = 0o711;

/** Undefined: there is nothing. */
export async function lookAt(path: string): Promise<fs.Stats | undefined> {
  return lstat(path).catch(unlessMissing);
}

/** Names in a directory; none where it does not exist. */
export async function namesIn(directory: string): Promise<string[]> {
  return (await readdir(directory).catch(unlessMissing)) ?? [];
}

/** For what may be missing. */
export function unlessMissing(error: unknown): undefined {
  if (!['ENOENT', 'ENOTDIR'].includes(codeOf(error))) throw error;
}

/** Makes a directory with exactly this mode. False: there is something of that name already. */
export async function makeDirectory(path: string, mode: number): Promise<boolean> {
  try {
    await mkdir(path);
  } catch (error) {
    if (codeOf(error) !== 'EEXIST') throw error;
    return false;
  }
  await chmod(path, mode);
  return true;
}

/** Makes the directories above `path` that are missing: others have to pass through them, whatever the umask. */
export async function makeParents(path: string): Promise<void> {
  const parent = dirname(path);
  if (parent === path || (await stat(parent).catch(unlessMissing)) !== undefined) return;
  await makeParents(parent);
  await makeDirectory(parent, 0o755);
}

export interface Written {
  readonly mode: number;
  /** Outlives a crash of the machine. */
  readonly durable: boolean;
}

/** Writes a file under another name first: whoever reads sees the old content or all of the new one. */
export async function replaceFile(path: string, content: string | Uint8Array, { mode, durable }: Written): Promise<void> {
  const fresh = join(dirname(path), `${temporary}${basename(path)}`);
  await rm(fresh, { force: true });
  await writeFile(fresh, content, { mode, flag: 'wx', flush: durable });
  await rename(fresh, path);
  if (durable) await syncDirectory(dirname(path));
}

export async function syncDirectory(path: string): Promise<void> {
  const handle = await open(path, fs.constants.O_RDONLY | fs.constants.O_DIRECTORY);
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** Also where a directory is not writable, or was given to another user: what is removed is ours. */
export async function removeTree(path: string): Promise<void> {
  try {
    await rm(path, { recursive: true, force: true });
  } catch (error) {
    if (!['EACCES', 'EPERM'].includes(codeOf(error))) throw error;
    await reclaim(path);
    await rm(path, { recursive: true, force: true });
  }
}

async function reclaim(directory: string): Promise<void> {
  await takeBack(directory, 0o700);
  for (const entry of await readdir(directory, { withFileTypes: true }))
    if (entry.isDirectory()) await reclaim(join(directory, entry.name));
}

/** Makes a directory of ours one that we can write to. */
export async function takeBack(directory: string, mode: number): Promise<void> {
  await chown(directory, process.geteuid?.() ?? 0, process.getegid?.() ?? 0).catch(unlessRefused);
  await chmod(directory, mode).catch(unlessRefused);
}

function unlessRefused(error: unknown): void {
  if (codeOf(error) !== 'EPERM') throw error; // then it is the next step that says what cannot be done
}

export async function removeFile(path: string): Promise<void> {
  await unlink(path).catch(unlessMissing);
}
