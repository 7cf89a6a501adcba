/**
 * Where copies go.
 *
 *   with state_dir      STATE_DIR/s-XXXXXX/RULE/g-…
 *   private             /run/reinit-UID/s-XXXXXX/RULE/g-…       (or /dev/shm, /tmp)
 *   publish, flip       .NAME.reinit/g-…  beside publish.to
 *
 * `s-XXXXXX` is random: the directories are passable for everybody, and a file that was hidden only by the directory above it stays hidden
 * in its copy, because nobody can name that.
 */

import { access, chmod, constants, mkdtemp, readdir } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import type { WatchRule } from '../config/model.ts';
import { codeOf } from '../watch/operations.ts';
import type { Shelf } from './copies.ts';
import { lookAt, makeDirectory, makeParents, namesIn, passable, replaceFile } from './disk.ts';
import { isCopyName, keyOf, temporary } from './layout.ts';
import { Problem, shown, writing } from './problems.ts';

/** reinit's own directory, in `state_dir` or in a private place. */
export interface Home {
  readonly directory: string;
  /** The random one in it. */
  readonly hidden: string;
  readonly durable: boolean;
  readonly setting: string;
}

export interface Places {
  /** Makes it where there is none. @throws Problem */
  home(setting: string): Promise<Home>;
  /** Where there is one; makes nothing. */
  knownHome(): Promise<Home | undefined>;
}

export function createPlaces(stateDir: string | undefined, candidates: readonly string[]): Places {
  const own = candidates.map((place) => join(place, `reinit-${process.geteuid?.() ?? 0}`));
  let known: Home | undefined;
  return {
    home: async (setting) => {
      if (known === undefined || (await lookAt(known.hidden)) === undefined)
        known = stateDir === undefined ? await firstOf(own, setting) : await stateHome(stateDir);
      return known.durable ? known : { ...known, setting };
    },
    knownHome: async () => {
      for (const directory of stateDir === undefined ? own : [stateDir]) {
        if (known !== undefined) break;
        known = await existingHome(directory, stateDir !== undefined).catch(() => undefined);
      }
      return known;
    },
  };
}

async function stateHome(directory: string): Promise<Home> {
  return writing('state_dir', directory, async () => {
    await makeParents(directory);
    await makeDirectory(directory, passable);
    return { directory, hidden: await hiddenIn(directory), durable: true, setting: 'state_dir' };
  });
}

async function firstOf(directories: readonly string[], setting: string): Promise<Home> {
  const refused: string[] = [];
  for (const directory of directories) {
    try {
      if (!(await makeDirectory(directory, passable))) await chmodOwn(directory);
      return { directory, hidden: await hiddenIn(directory), durable: false, setting };
    } catch (error) {
      refused.push(`${directory} ${error instanceof Problem ? error.message : `cannot be written (${codeOf(error)})`}`);
    }
  }
  throw new Problem(
    `${setting}: there is no place for copies of the files: ${refused.join(', ')}; mount an emptyDir (medium: Memory) or tmpfs at /run or /tmp, or set state_dir to a directory that can be written`,
  );
}

/** A directory that somebody else put there could be changed by them at any time. */
async function chmodOwn(directory: string): Promise<void> {
  if (!(await isOwn(directory))) throw new Problem('is not a directory of the user that reinit runs as');
  await chmod(directory, passable);
}

async function isOwn(directory: string): Promise<boolean> {
  const stats = await lookAt(directory);
  return stats?.isDirectory() === true && stats.uid === process.geteuid?.();
}

async function hiddenIn(directory: string): Promise<string> {
  const known = await ownHidden(directory);
  await access(directory, constants.W_OK | constants.X_OK);
  const hidden = known ?? (await mkdtemp(join(directory, 's-')));
  await chmod(hidden, passable); // also where a run was killed in between
  return hidden;
}

async function ownHidden(directory: string): Promise<string | undefined> {
  for (const entry of await readdir(directory)) {
    const path = join(directory, entry);
    if (/^s-\w{6}$/.test(entry) && (await isOwn(path))) return path;
  }
  return undefined;
}

async function existingHome(directory: string, isState: boolean): Promise<Home | undefined> {
  if (!isState && !(await isOwn(directory))) return undefined;
  const hidden = await ownHidden(directory);
  return hidden === undefined ? undefined : { directory, hidden, durable: isState, setting: isState ? 'state_dir' : 'snapshot' };
}

/** The directory beside a flipped `publish.to`, which says whose that is. */
export const besideOf = (to: string): string => join(dirname(to), `.${basename(to)}.reinit`);

const markOf = (beside: string) => join(beside, 'owner');

export async function isMarked(to: string): Promise<boolean> {
  return (await isOwn(besideOf(to))) && (await lookAt(markOf(besideOf(to))))?.isFile() === true;
}

/** Makes the directory beside `to`, or finds that it is ours. @throws Problem */
export async function markBeside(to: string): Promise<void> {
  const beside = besideOf(to);
  await writing('publish.to', to, async () => {
    await makeParents(beside);
    if (await makeDirectory(beside, passable)) return replaceFile(markOf(beside), mark, { mode: 0o644, durable: false });
    if (await isMarked(to)) return;
    // A run that was killed before it could leave the mark left nothing else either.
    const foreign = !(await isOwn(beside)) || (await namesIn(beside)).some((name) => !name.startsWith(temporary) && !isCopyName(name));
    if (foreign)
      throw new Problem(`publish.to: ${shown(beside)} is in the way and was not made by reinit; remove it, or choose another path`);
    await chmod(beside, passable);
    await replaceFile(markOf(beside), mark, { mode: 0o644, durable: false });
  });
}

const mark = 'Copies that reinit published, and which one is shown. Removed and made by reinit alone.\n';

/** Makes the shelf where a rule's copies go. @throws Problem */
export async function shelfFor(rule: WatchRule, places: Places, stateDir: string | undefined): Promise<Shelf> {
  const { publish } = rule;
  if (publish?.mode === 'flip') await markBeside(publish.to);
  if (publish?.mode === 'flip' && stateDir === undefined) return { directory: besideOf(publish.to), setting: 'publish.to', durable: false };
  const { hidden, durable, setting } = await places.home(publish === undefined ? 'snapshot' : 'publish');
  const directory = join(hidden, keyOf(rule));
  await writing(setting, directory, async () => {
    if (!(await makeDirectory(directory, passable))) await chmod(directory, passable);
  });
  return { directory, setting, durable };
}

/** The same where it exists already; makes nothing. */
export async function knownShelf(rule: WatchRule, places: Places, stateDir: string | undefined): Promise<Shelf | undefined> {
  const { publish } = rule;
  if (publish?.mode === 'flip' && stateDir === undefined) {
    const directory = besideOf(publish.to);
    return (await isMarked(publish.to)) ? { directory, setting: 'publish.to', durable: false } : undefined;
  }
  const home = await places.knownHome();
  return home === undefined ? undefined : { directory: join(home.hidden, keyOf(rule)), setting: home.setting, durable: home.durable };
}
