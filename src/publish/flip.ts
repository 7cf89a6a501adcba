/** `publish.mode: flip`: `to` is a link, and one rename makes it lead to another copy. */

import { readlink, rename, symlink } from 'node:fs/promises';
import { basename, dirname, join, relative, resolve } from 'node:path';
import { codeOf } from '../watch/operations.ts';
import { type Copy, isWhole, openCopy, type Shelf } from './copies.ts';
import { lookAt, removeFile, unlessMissing } from './disk.ts';
import { isCopyName, temporary } from './layout.ts';
import { filesOf } from './manifest.ts';
import { besideOf, isMarked } from './places.ts';
import { Problem, shown, writing } from './problems.ts';

/** The text of our link; undefined: there is nothing at `to`. @throws Problem where there is something that is not ours. */
export async function linkAt(to: string): Promise<string | undefined> {
  const stats = await lookAt(to);
  if (stats === undefined) return undefined;
  const text = stats.isSymbolicLink() ? await readlink(to).catch(unlessMissing) : undefined;
  if (text !== undefined && isCopyName(basename(dirname(text))) && (await isMarked(to))) return text;
  throw notOurs(to, stats.isDirectory() ? 'a directory' : stats.isSymbolicLink() ? 'a link' : 'a file');
}

/** `to` is never overwritten where somebody else put it. */
export function notOurs(to: string, what: string): Problem {
  const directory = what === 'a directory' ? ', name a path below it,' : '';
  return new Problem(
    `publish.to: ${shown(to)} is ${what} that reinit did not make, and is not touched; remove it${directory} or choose a path that does not exist yet`,
  );
}

/** One step: whoever looks sees the old copy or the new one. @throws Problem */
export async function flip(to: string, shelf: Shelf, copy: Copy): Promise<void> {
  const beside = besideOf(to);
  const target = filesOf(copy.path);
  // Beside `to` a relative link: it holds wherever the volume is mounted.
  const text = shelf.directory === beside ? relative(dirname(to), target) : target;
  await writing('publish.to', to, async () => {
    const before = await linkAt(to);
    if (before === text) return;
    if (before === undefined) return putFirst(to, text);
    const fresh = join(beside, `${temporary}link`);
    await removeFile(fresh);
    await symlink(text, fresh);
    await rename(fresh, to);
  });
}

/** Fails where something came to `to` in this moment, which a rename would replace. */
async function putFirst(to: string, text: string): Promise<void> {
  try {
    await symlink(text, to);
  } catch (error) {
    throw codeOf(error) === 'EEXIST' ? notOurs(to, 'something') : error;
  }
}

/** The copy on this shelf that `to` leads to, whether or not its bytes are still right. @throws Problem */
export async function shownCopy(to: string, shelf: Shelf): Promise<Copy | undefined> {
  const text = await linkAt(to);
  if (text === undefined) return undefined;
  const path = dirname(resolve(dirname(to), text));
  return dirname(path) === shelf.directory ? openCopy(shelf, basename(path)) : undefined;
}

/** The generation that `to` shows. */
export async function shownHash(to: string, shelf: Shelf): Promise<string | undefined> {
  const copy = await shownCopy(to, shelf).catch(() => undefined);
  return copy !== undefined && (await isWhole(copy)) ? copy.manifest.hash : undefined;
}
