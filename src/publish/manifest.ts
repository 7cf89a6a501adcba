import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { toGeneration } from '../watch/identity.ts';
import { eachBounded } from './bounded.ts';
import { callsFor } from './calls.ts';
import { hashCopy } from './copy-file.ts';

/** What a copy consists of; it lies beside the copied files, for reinit's user only: hashes of short secrets can be guessed. */
export interface Manifest {
  readonly version: 1;
  /** The generation's. */
  readonly hash: string;
  /** The files' mtime, in seconds since 1970; grows from copy to copy. */
  readonly seconds: number;
  /** [the application's path, path in the copy, content hash] */
  readonly files: readonly (readonly [string, string, string])[];
  /** Paths in the copy, each after the one that holds it. */
  readonly directories: readonly string[];
  /** Configured paths that did not exist. */
  readonly absent: readonly string[];
}

/** The files of a copy, below its own directory; the manifest is beside them. */
export const filesOf = (copy: string): string => join(copy, 'files');
export const manifestOf = (copy: string): string => join(copy, 'manifest');

/** Undefined: there is none, or none that fits together. It proves itself: its hash is that of the list. */
export async function readManifest(copy: string): Promise<Manifest | undefined> {
  const text = await readFile(manifestOf(copy), 'utf8').catch(() => undefined);
  if (text === undefined) return undefined;
  try {
    const manifest: Manifest = JSON.parse(text);
    return manifest.version === 1 && Number.isInteger(manifest.seconds) && hashOf(manifest) === manifest.hash ? manifest : undefined;
  } catch {
    return undefined;
  }
}

/** The generation's hash that a list of files makes. */
export function hashOf({ files, absent }: Pick<Manifest, 'files' | 'absent'>): string {
  const contents = new Map<string, string | null>(files.map(([path, , hash]) => [path, hash]));
  for (const path of absent) contents.set(path, null);
  return toGeneration(contents).hash;
}

/** Whether each file below `root` has the bytes that it should have. */
export async function isIntact(root: string, files: Iterable<readonly [to: string, hash: string]>): Promise<boolean> {
  const calls = await callsFor(root);
  let intact = true;
  await eachBounded([...files], async ([to, hash]) => {
    if (intact && (await hashCopy(join(root, to), calls)) !== hash) intact = false;
  });
  return intact;
}
