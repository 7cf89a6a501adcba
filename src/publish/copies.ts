/** The copies of one rule: a directory with one directory for each (`g-…`), and what is not finished (`tmp-…`). */
import { chmod, mkdtemp, rename, stat, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { WatchRule } from '../config/model.ts';
import { codeOf } from '../watch/operations.ts';
import { type CopyRequest, copySources, findSources, readMounts } from './copy.ts';
import { lookAt, namesIn, passable, removeTree, syncDirectory, unlessMissing } from './disk.ts';
import { copyName, isCopyName, isCopyOf, type Sources, temporary } from './layout.ts';
import { filesOf, hashOf, isIntact, type Manifest, manifestOf, readManifest } from './manifest.ts';
import type { Owners } from './owners.ts';
import { Problem, writing } from './problems.ts';

/** Where a rule's copies are. */
export interface Shelf {
  readonly directory: string;
  /** The setting that led there, for problems. */
  readonly setting: string;
  /** What is put there outlives a crash of the machine. */
  readonly durable: boolean;
}

export interface Copy {
  /** In the shelf. */
  readonly name: string;
  /** Absolute, with the manifest. */
  readonly path: string;
  readonly manifest: Manifest;
}

/** A copy with the right bytes, the newest where there are several. */
export async function findCopy(shelf: Shelf, hash: string): Promise<Copy | undefined> {
  const names = (await namesIn(shelf.directory)).filter((name) => isCopyOf(name, hash));
  const found = await Promise.all(names.map((name) => openCopy(shelf, name)));
  const copies = found
    .filter((copy) => copy?.manifest.hash === hash)
    .sort((a, b) => (b?.manifest.seconds ?? 0) - (a?.manifest.seconds ?? 0));
  for (const copy of copies) if (copy !== undefined && (await isWhole(copy))) return copy;
  return undefined;
}

/** Undefined: there is none of that name, or it is not complete. */
export async function openCopy(shelf: Shelf, name: string): Promise<Copy | undefined> {
  const path = join(shelf.directory, name);
  const manifest = await readManifest(path);
  return manifest === undefined ? undefined : { name, path, manifest };
}

/** Whether its bytes are still those that were copied. */
export async function isWhole({ path, manifest }: Copy): Promise<boolean> {
  const root = filesOf(path);
  if (!(await lookAt(root))?.isDirectory()) return false;
  return isIntact(
    root,
    manifest.files.map(([, to, hash]) => [to, hash] as const),
  );
}

/** Between two attempts: links that kubelet just replaces are whole again. */
const attempts = 3;

/**
 * Copies the rule's files as they are now, if they are generation `hash`. Undefined: they are another one.
 * @throws Problem
 */
export async function copyRule(shelf: Shelf, rule: WatchRule, hash: string, owners: Owners): Promise<Copy | undefined> {
  const mounts = await readMounts();
  for (let attempt = 1; attempt <= attempts; attempt++) {
    try {
      const sources = await findSources(rule, mounts);
      return await makeCopy(shelf, { rule, sources, mounts }, hash, owners);
    } catch (error) {
      if (error instanceof Problem) throw error;
      if (!['MOVED', 'ENOENT', 'ENOTDIR', 'ESTALE', 'HUNG'].includes(codeOf(error))) throw error;
      if (codeOf(error) === 'HUNG') throw new Problem(`${(error as Error).message}; check the server of that mount (NFS, CIFS, FUSE)`);
    }
  }
  return undefined;
}

/** Copies a copy: the same files with new times. */
export async function copyAgain(shelf: Shelf, rule: WatchRule, { path, manifest }: Copy, owners: Owners): Promise<Copy> {
  const root = filesOf(path);
  const sources: Sources = {
    files: manifest.files.map(([as, to]) => ({ path: as, real: join(root, to), to })),
    directories: manifest.directories.map((to) => ({ real: join(root, to), to })),
    absent: manifest.absent,
  };
  const copy = await makeCopy(shelf, { rule, sources, mounts: await readMounts() }, manifest.hash, owners);
  if (copy === undefined) throw new Problem(`${shelf.setting}: ${path} was changed while it was copied`);
  return copy;
}

type Wanted = Pick<CopyRequest, 'rule' | 'sources' | 'mounts'>;

/** In a directory of its own that one rename makes a copy: there is never half a one of that name. */
async function makeCopy(shelf: Shelf, wanted: Wanted, hash: string, owners: Owners): Promise<Copy | undefined> {
  const { directory, setting, durable } = shelf;
  const fresh = await writing(setting, directory, () => mkdtemp(join(directory, temporary)));
  try {
    return await writing(setting, directory, async () => {
      const seconds = await nextSeconds(shelf);
      const files = await copySources({ ...wanted, into: fresh, copying: { seconds, durable, owners } });
      const { absent } = wanted.sources;
      if (hashOf({ files, absent }) !== hash) return undefined;
      const directories = wanted.sources.directories.map(({ to }) => to);
      const manifest: Manifest = { version: 1, hash, seconds, files, directories, absent };
      await seal(shelf, fresh, manifest);
      return await putUp(shelf, fresh, manifest);
    });
  } finally {
    await removeTree(fresh).catch(() => undefined); // put up, it has another name; what cannot be removed now is swept later
  }
}

async function seal({ durable }: Shelf, copy: string, manifest: Manifest): Promise<void> {
  await writeFile(manifestOf(copy), JSON.stringify(manifest), { mode: 0o600, flag: 'wx', flush: durable });
  await utimes(manifestOf(copy), manifest.seconds, manifest.seconds);
  await chmod(copy, passable);
  if (!durable) return;
  for (const to of manifest.directories) await syncDirectory(join(filesOf(copy), to));
  await syncDirectory(filesOf(copy));
  await syncDirectory(copy);
}

async function putUp({ directory, durable }: Shelf, fresh: string, manifest: Manifest): Promise<Copy> {
  const taken = new Set(await namesIn(directory));
  let n = 0;
  while (taken.has(copyName(manifest.hash, n))) n++;
  const name = copyName(manifest.hash, n);
  const path = join(directory, name);
  await rename(fresh, path);
  if (durable) await syncDirectory(directory);
  return { name, path, manifest };
}

/** Now, but later than every copy before. */
async function nextSeconds(shelf: Shelf): Promise<number> {
  const before = (await listCopies(shelf)).map(({ seconds }) => seconds);
  return Math.max(Math.floor(Date.now() / 1_000), ...before.map((seconds) => seconds + 1));
}

/** Names and ages; what has no manifest is no copy and is the oldest. */
export async function listCopies({ directory }: Shelf): Promise<{ readonly name: string; readonly seconds: number }[]> {
  const names = (await namesIn(directory)).filter(isCopyName);
  return Promise.all(
    names.map(async (name) => {
      const stats = await stat(manifestOf(join(directory, name))).catch(unlessMissing);
      return { name, seconds: stats === undefined ? 0 : Math.floor(stats.mtimeMs / 1_000) };
    }),
  );
}

/** Under another name first: a removal that is cut short leaves no half copy. */
export async function removeCopy({ directory }: Shelf, name: string): Promise<void> {
  const doomed = join(directory, `${temporary}${name}`);
  await removeTree(doomed);
  await rename(join(directory, name), doomed);
  await removeTree(doomed);
}

/** What killed runs left. Only while nothing is being made on this shelf. */
export async function sweep(directory: string): Promise<void> {
  for (const name of await namesIn(directory)) if (name.startsWith(temporary)) await removeTree(join(directory, name));
}
