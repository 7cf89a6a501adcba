/**
 * `publish.mode: files`: `to` is a directory, and its files are renamed over each other at paths that stay the same.
 *
 * Everything is written under other names first, so that a full disk is found before anything is changed. Then the list of what is ours gets
 * the old and the new names, not `complete`: a run that is killed from there on is recognised, and the next one, which compares contents,
 * finishes the work. New files come first, then changed ones, removed ones last: no file refers to one that is not there yet.
 */

import { access, chmod, chown, constants, lstat, rmdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { codeOf } from '../watch/operations.ts';
import { eachBounded } from './bounded.ts';
import { type Calls, callsFor } from './calls.ts';
import { type Copy, sweep } from './copies.ts';
import { copyFile, hashCopy } from './copy-file.ts';
import { directoriesFor, type Present, type Steps, stepsTo } from './difference.ts';
import { lookAt, makeDirectory, removeFile, takeBack } from './disk.ts';
import { temporary } from './layout.ts';
import { filesOf } from './manifest.ts';
import type { Owners } from './owners.ts';
import { Problem, shown, writing } from './problems.ts';
import { type Listed, openTarget, ownDirectory, writeList } from './target.ts';

interface Publishing {
  readonly to: string;
  readonly root: string;
  readonly owners: Owners;
  /** File → content hash. */
  readonly wanted: ReadonlyMap<string, string>;
  /** Each after the one that holds it. */
  readonly directories: readonly string[];
  readonly before: Listed;
  readonly seconds: number;
  /** For the copy, and for `to`. */
  readonly from: Calls;
  readonly calls: Calls;
}

/** @throws Problem */
export async function publishFiles(to: string, copy: Copy, owners: Owners): Promise<void> {
  await writing('publish.to', to, async () => {
    const root = filesOf(copy.path);
    const before = await openTarget(to, (await lstat(root)).mode & 0o777);
    const wanted = new Map(copy.manifest.files.map(([, file, hash]) => [file, hash]));
    const directories = directoriesFor(wanted.keys(), copy.manifest.directories);
    const seconds = Math.max(Math.floor(Date.now() / 1_000), before.seconds + 1);
    const publishing: Publishing = {
      to,
      root,
      owners,
      wanted,
      directories,
      before,
      seconds,
      from: await callsFor(root),
      calls: await callsFor(to),
    };
    await sweep(ownDirectory(to));
    const present = await compare(publishing);
    const steps = stepsTo(namesOf(before), present, new Set(directories));
    const done: Listed = { ...before, complete: true, hash: copy.manifest.hash, seconds, files: [...wanted], directories: [] };
    if (isNothing(steps) && before.complete && before.hash === done.hash) return;
    await carryOut(publishing, steps, done);
  });
}

const namesOf = ({ files, directories }: Listed) => ({ files: new Set(files.map(([file]) => file)), directories: new Set(directories) });

const isNothing = ({ create, replace, clear, remove }: Steps) => create.length + replace.length + clear.length + remove.length === 0;

/** What is at each wanted place. @throws Problem where that is not ours. */
async function compare({ to, root, wanted, before, from, calls }: Publishing): Promise<Map<string, Present>> {
  const ours = namesOf(before).files;
  const present = new Map<string, Present>([...wanted.keys()].map((file) => [file, 'absent']));
  await eachBounded([...wanted], async ([file, hash]) => {
    const path = join(to, file);
    const [now, then] = await Promise.all([calls.lstat(path), from.lstat(join(root, file))]);
    if (now === undefined || then === undefined) return;
    if (now.isDirectory() && before.directories.includes(file)) return; // ours, and on its way out
    if (!ours.has(file)) throw foreign(path);
    const alike = now.isFile() && now.size === then.size && now.mode === then.mode && now.uid === then.uid && now.gid === then.gid;
    present.set(file, alike && (await hashCopy(path, calls)) === hash ? 'same' : 'other');
  });
  return present;
}

const foreign = (path: string) =>
  new Problem(
    `publish.to: ${shown(path)} is not one of the files that reinit published, and is not overwritten; remove it, or choose another path`,
  );

async function carryOut(publishing: Publishing, steps: Steps, done: Listed): Promise<void> {
  const { to, before, directories } = publishing;
  const fresh = await writeFresh(publishing, [...steps.create, ...steps.replace]);
  const made = await missingDirectories(publishing, new Set(steps.clear));
  const names = new Map([...before.files, ...done.files]);
  const kept = directories.filter((directory) => made.includes(directory) || before.directories.includes(directory));
  await writeList(to, { ...done, complete: false, files: [...names], directories: [...new Set([...before.directories, ...kept])] });
  await remove(publishing, steps.clear, steps.clearDirectories);
  for (const directory of made) await makeLike(publishing, directory);
  await putIn(publishing, fresh, steps.create);
  await putIn(publishing, fresh, steps.replace);
  await remove(publishing, steps.remove, steps.removeDirectories);
  for (const directory of [...(before.made ? [''] : []), ...kept].reverse()) await giveRights(publishing, directory);
  await writeList(to, { ...done, directories: kept });
}

/** The new contents under temporary names. File → that name. */
async function writeFresh(
  { to, root, owners, wanted, seconds, from, calls }: Publishing,
  files: readonly string[],
): Promise<Map<string, string>> {
  const fresh = new Map(files.map((file, index) => [file, join(ownDirectory(to), `${temporary}${index}`)]));
  try {
    await eachBounded([...fresh], async ([file, path]) => {
      const hash = await copyFile(join(root, file), from, path, { seconds, durable: false, owners, calls, admit: () => undefined });
      if (hash !== wanted.get(file)) throw new Problem(`publish: ${shown(join(root, file))} was changed by somebody; it is not published`);
    });
    return fresh;
  } catch (error) {
    await sweep(ownDirectory(to));
    throw error;
  }
}

/** @throws Problem where something else has the name of a directory, be it a link to one. */
async function missingDirectories({ to, directories }: Publishing, cleared: ReadonlySet<string>): Promise<string[]> {
  const missing: string[] = [];
  for (const directory of directories) {
    const stats = await lookAt(join(to, directory));
    if (stats === undefined || cleared.has(directory)) missing.push(directory);
    else if (!stats.isDirectory()) throw foreign(join(to, directory));
  }
  return missing;
}

/** With the source's permissions at once: the application may be looking. */
async function makeLike({ to, root }: Publishing, directory: string): Promise<void> {
  await openFor(join(to, dirname(directory)));
  await makeDirectory(join(to, directory), ((await lstat(join(root, directory))).mode & 0o777) | 0o700);
}

async function putIn({ to, calls }: Publishing, fresh: ReadonlyMap<string, string>, files: readonly string[]): Promise<void> {
  for (const directory of new Set(files.map(dirname))) await openFor(join(to, directory));
  await eachBounded(files, (file) => calls.rename(fresh.get(file) ?? '', join(to, file)));
}

async function remove({ to }: Publishing, files: readonly string[], directories: readonly string[]): Promise<void> {
  for (const directory of new Set([...files, ...directories].map(dirname))) await openFor(join(to, directory));
  await eachBounded(files, (file) => removeFile(join(to, file)));
  for (const directory of directories) await rmdir(join(to, directory)).catch(unlessInUse);
}

/** Somebody else has files in it: it stays, with them. */
function unlessInUse(error: unknown): void {
  if (!['ENOTEMPTY', 'EEXIST', 'EBUSY', 'ENOENT', 'ENOTDIR'].includes(codeOf(error))) throw error;
}

/** A directory may have been copied as one that nobody can write to. */
async function openFor(directory: string): Promise<void> {
  const refused = await access(directory, constants.W_OK | constants.X_OK).then(
    () => false,
    (error: unknown) => codeOf(error) === 'EACCES',
  );
  if (refused) await takeBack(directory, ((await lstat(directory)).mode & 0o777) | 0o700);
}

async function giveRights({ to, root, owners }: Publishing, directory: string): Promise<void> {
  const path = join(to, directory);
  const [now, then] = await Promise.all([lstat(path), lstat(join(root, directory))]);
  const mode = now.mode & 0o777;
  const wanted = { mode: then.mode & 0o777, uid: then.uid, gid: then.gid };
  if (mode === wanted.mode && now.uid === wanted.uid && now.gid === wanted.gid) return;
  await takeBack(path, mode);
  await owners.give(path, { chmod: (m) => chmod(path, m), chown: (uid, gid) => chown(path, uid, gid) }, wanted, mode);
}
