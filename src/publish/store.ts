import { resolve } from 'node:path';
import type { Publish, WatchRule } from '../config/model.ts';
import { type Copy, copyAgain, copyRule, findCopy, isWhole, listCopies, openCopy, removeCopy, type Shelf, sweep } from './copies.ts';
import { removeTree } from './disk.ts';
import { publishFiles } from './files.ts';
import { flip, linkAt, shownCopy, shownHash } from './flip.ts';
import { newKey, readEnvironment, readKey, readState, writeEnvironment, writeKey, writeState } from './keep.ts';
import { keyOf } from './layout.ts';
import { filesOf } from './manifest.ts';
import { createOwners, type Owners } from './owners.ts';
import { besideOf, createPlaces, isMarked, knownShelf, type Places, shelfFor } from './places.ts';
import { Problem, problemIn, textOf, writing } from './problems.ts';
import { checkTarget, listedHash } from './target.ts';
import type { Remembered, Staged, Store, StoreOptions } from './types.ts';

/** Memory first: what was accepted may be secret, and is small. */
export const privatePlaces: readonly string[] = ['/run', '/dev/shm', '/tmp'];

interface Context {
  readonly stateDir: string | undefined;
  readonly places: Places;
  readonly owners: Owners;
}

export function openStore({ stateDir: given, warn, places = privatePlaces }: StoreOptions): Store {
  const stateDir = given === undefined ? undefined : resolve(given);
  const context: Context = { stateDir, places: createPlaces(stateDir, places), owners: createOwners(warn) };
  const inTurn = createTurns();
  const known = (rule: WatchRule) => knownShelf(rule, context.places, stateDir);
  const find = async (rule: WatchRule, hash: string) => {
    const shelf = await known(rule);
    return shelf === undefined ? undefined : findCopy(shelf, hash);
  };
  /** What cannot be removed harms nobody but the disk. */
  const tidily = (rule: WatchRule, work: () => Promise<void>) =>
    inTurn(rule, async () => {
      const problem = await problemIn(work);
      if (problem !== undefined) warn(`old copies of the files cannot be removed: ${problem}`);
    });
  return {
    stage: (rule, hash) => inTurn(rule, () => stage(context, rule, hash)),
    publish: (rule, hash) => inTurn(rule, () => problemIn(() => publish(context, rule, hash))),
    published: (rule) => inTurn(rule, async () => publishedOn(rule, await known(rule))),
    has: (rule, hash) => inTurn(rule, async () => (await find(rule, hash)) !== undefined),
    directoryOf: (rule, hash) =>
      inTurn(rule, async () => {
        const copy = await find(rule, hash);
        return copy === undefined ? undefined : filesOf(copy.path);
      }),
    prune: (rule, keep) =>
      tidily(rule, async () => {
        const shelf = await known(rule);
        if (shelf !== undefined) await prune(rule, shelf, keep);
      }),
    discard: (rule) =>
      tidily(rule, async () => {
        const shelf = rule.publish === undefined ? await known(rule) : undefined;
        if (shelf !== undefined) await removeTree(shelf.directory);
      }),
    ...createMemory(context, warn),
  };
}

type Memory = Pick<Store, 'remember' | 'recall' | 'environmentKey' | 'keepEnvironment' | 'environmentOf'>;

function createMemory({ stateDir, places }: Context, warn: (message: string) => void): Memory {
  return {
    remember: async (state: Readonly<Record<string, Remembered>>) =>
      stateDir === undefined ? undefined : problemIn(async () => writeState(await places.home('state_dir'), state)),
    recall: async () => {
      const home = stateDir === undefined ? undefined : await places.knownHome();
      const state = home === undefined ? {} : await readState(home);
      if (state === undefined) warn(`state_dir: ${stateDir}/state.json cannot be understood; nothing is known of earlier runs`);
      return state ?? {};
    },
    environmentKey: async () => {
      const home = await places.knownHome();
      const kept = home && (await readKey(home));
      if (kept) return kept;
      const key = await newKey();
      // Where nothing can be kept, the key lives as long as the controllers' memory.
      await problemIn(async () => writeKey(await places.home('env_from'), key));
      return key;
    },
    keepEnvironment: (hash, variables) => problemIn(async () => writeEnvironment(await places.home('env_from'), hash, variables)),
    environmentOf: async (hash) => {
      const home = await places.knownHome();
      return home === undefined ? undefined : readEnvironment(home, hash);
    },
  };
}

/** One thing at a time for each rule. */
function createTurns(): <T>(rule: WatchRule, work: () => Promise<T>) => Promise<T> {
  const last = new Map<string, Promise<unknown>>();
  return (rule, work) => {
    const key = keyOf(rule);
    const result = (last.get(key) ?? Promise.resolve()).then(work);
    last.set(
      key,
      result.catch(() => undefined),
    );
    return result;
  };
}

/** Whatever the configuration writes behind it. */
const targetOf = ({ to }: Publish) => resolve(to);

async function stage({ stateDir, places, owners }: Context, rule: WatchRule, hash: string): Promise<Staged> {
  try {
    const { publish } = rule;
    if (publish !== undefined) await refuseForeign(publish);
    const shelf = await shelfFor(rule, places, stateDir);
    const copy = (await findCopy(shelf, hash)) ?? (await copyRule(shelf, rule, hash, owners));
    return copy === undefined ? { kind: 'moved' } : { kind: 'staged', directory: filesOf(copy.path) };
  } catch (error) {
    return { kind: 'problem', problem: textOf(error) };
  }
}

/** Before a validator is asked in vain. */
async function refuseForeign(publish: Publish): Promise<void> {
  const to = targetOf(publish);
  await writing('publish.to', to, async () => (publish.mode === 'flip' ? linkAt(to) : checkTarget(to)));
}

async function publish({ stateDir, places, owners }: Context, rule: WatchRule, hash: string): Promise<void> {
  if (rule.publish === undefined) return;
  const to = targetOf(rule.publish);
  const shelf = await shelfFor(rule, places, stateDir);
  const copy = await findCopy(shelf, hash);
  if (copy === undefined)
    throw new Problem(`publish: there is no complete copy of generation ${hash.slice(0, 12)} of ${rule.name}; ${to} stays as it is`);
  if (rule.publish.mode === 'files') await publishFiles(to, copy, owners);
  else await flip(to, shelf, await newest(shelf, rule, copy, owners));
}

/** Going back to an older copy is a change, too: what is shown has to be newer than what was. */
async function newest(shelf: Shelf, rule: WatchRule, copy: Copy, owners: Owners): Promise<Copy> {
  const now = rule.publish === undefined ? undefined : await shownCopy(targetOf(rule.publish), shelf);
  if (now === undefined || now.name === copy.name || now.manifest.seconds < copy.manifest.seconds) return copy;
  if (now.manifest.hash === copy.manifest.hash && (await isWhole(now))) return now;
  return copyAgain(shelf, rule, copy, owners);
}

async function publishedOn({ publish }: WatchRule, shelf: Shelf | undefined): Promise<string | undefined> {
  if (publish === undefined) return undefined;
  if (publish.mode === 'files') return listedHash(targetOf(publish));
  return shelf === undefined ? undefined : shownHash(targetOf(publish), shelf);
}

async function prune({ publish }: WatchRule, shelf: Shelf, keep: readonly string[]): Promise<void> {
  await sweep(shelf.directory);
  if (publish?.mode === 'flip' && (await isMarked(publish.to))) await sweep(besideOf(publish.to));
  const copies = (await listCopies(shelf)).sort((a, b) => b.seconds - a.seconds);
  const shown = await shownName(publish, shelf);
  const named = new Set(keep);
  if (publish?.mode === 'files') named.add((await listedHash(targetOf(publish))) ?? '');
  let others = publish?.keep ?? 0;
  for (const { name } of copies) {
    const hash = (await openCopy(shelf, name))?.manifest.hash;
    // Of each named generation the newest copy; `delete` says whether it was still to come.
    if (name === shown || (hash !== undefined && named.delete(hash))) continue;
    if (hash !== undefined && others-- > 0) continue;
    await removeCopy(shelf, name);
  }
}

async function shownName(publish: Publish | undefined, shelf: Shelf): Promise<string | undefined> {
  if (publish?.mode !== 'flip') return undefined;
  return (await shownCopy(targetOf(publish), shelf).catch(() => undefined))?.name;
}
