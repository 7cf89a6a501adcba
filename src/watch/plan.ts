import { basename } from 'node:path';
import { holdsToken, isLeftover, type Selection } from './exclude.ts';
import { codeOf, type Entry, type FileStat, fault, type Operations } from './operations.ts';
import { createPass, type Ignores, look, noteListing, type Pass, type Resolved, resolve } from './resolve.ts';
import type { ReadRule } from './types.ts';

/** Directories nest no deeper than this below a configured path. */
const maxDepth = 8;

export interface PlannedFile {
  /** The path as the application would write it. */
  readonly path: string;
  /** Free of links. */
  readonly real: string;
  /** Named in the rule itself, not found in a directory. */
  readonly direct: boolean;
}

/** Where events are to come from: a directory, and what in it matters. */
export interface WatchPoint {
  readonly dev: number;
  readonly ino: number;
  /** These in any case. */
  readonly names: ReadonlySet<string>;
  /** Of a directory whose files count: so do all other names, but the ignored ones. Undefined: only `names`. */
  readonly ignores: Ignores | undefined;
}

/** Which files make up a rule's generation at one moment, and which places decide that. */
export interface Plan {
  /** Sorted by path. */
  readonly files: readonly PlannedFile[];
  /** Configured paths that do not exist → the deepest directory of them that does. */
  readonly missing: ReadonlyMap<string, string>;
  /** Paths (files or whole directories) that cannot be looked at → errno, or `special` for what is no file. */
  readonly unknown: ReadonlyMap<string, string>;
  /** The first path that was left out, and why. */
  readonly leftOut: LeftOut | undefined;
  /** Paths of directories that kubelet writes: they have a `..data`. */
  readonly volumes: ReadonlySet<string>;
  /** Service account tokens, which nobody has named, and which are therefore left out. */
  readonly tokens: ReadonlySet<string>;
  /** Directories that were read, those of the rule itself too: path → resolved; each after the one that holds it. */
  readonly directories: ReadonlyMap<string, string>;
  /** Configured paths that exist → resolved. */
  readonly roots: ReadonlyMap<string, string>;
  readonly points: ReadonlyMap<string, WatchPoint>;
  readonly links: ReadonlyMap<string, string>;
}

export interface LeftOut {
  readonly path: string;
  readonly why: 'files' | 'bytes' | 'depth';
}

interface Planning {
  readonly rule: ReadRule;
  readonly selection: Selection;
  readonly pass: Pass;
  readonly files: Map<string, PlannedFile>;
  readonly missing: Map<string, string>;
  readonly unknown: Map<string, string>;
  readonly volumes: Set<string>;
  readonly tokens: Set<string>;
  readonly roots: Map<string, string>;
  readonly directories: Map<string, string>;
  leftOut: LeftOut | undefined;
}

/** A directory on the way down: `above` are the directories that hold it, for finding links that lead back up. */
interface Place {
  readonly root: string;
  readonly path: string;
  readonly real: string;
  readonly depth: number;
  readonly above: readonly FileStat[];
  /** An `include` glob means the directory itself: all that it holds counts. */
  readonly included: boolean;
}

/** @throws code `MOVED` where the tree changed under the walk (try again), `HUNG` where a mount does not answer. */
export async function makePlan(rule: ReadRule, selection: Selection, operations: Operations): Promise<Plan> {
  const planning: Planning = {
    rule,
    selection,
    pass: createPass(operations),
    files: new Map(),
    missing: new Map(),
    unknown: new Map(),
    volumes: new Set(),
    tokens: new Set(),
    roots: new Map(),
    directories: new Map(),
    leftOut: undefined,
  };
  for (const path of rule.paths) await tolerant(planning, path, () => planRoot(planning, path));
  const { missing, unknown, leftOut, volumes, directories, roots, pass } = planning;
  const tokens = new Set([...planning.tokens].filter((path) => !planning.files.has(path)));
  const files = [...planning.files.values()].sort((a, b) => (a.path < b.path ? -1 : 1));
  return { files, missing, unknown, leftOut, volumes, tokens, directories, roots, links: pass.links, points: await watchPoints(pass) };
}

/** Whether nothing moved between two plans: the same files at the same resolved places, by the same links, in the same directories. */
export function samePlan(a: Plan, b: Plan): boolean {
  return (
    a.files.length === b.files.length &&
    a.files.every((file, index) => file.path === b.files[index]?.path && file.real === b.files[index]?.real) &&
    sameEntries(a.links, b.links) &&
    sameEntries(a.missing, b.missing) &&
    sameEntries(a.unknown, b.unknown) &&
    sameEntries(a.points, b.points, (x, y) => x.dev === y.dev && x.ino === y.ino)
  );
}

function sameEntries<T>(a: ReadonlyMap<string, T>, b: ReadonlyMap<string, T>, same: (x: T, y: T) => boolean = Object.is): boolean {
  return (
    a.size === b.size &&
    [...a].every(([key, value]) => {
      const other = b.get(key);
      return other !== undefined && same(value, other);
    })
  );
}

async function planRoot(planning: Planning, path: string): Promise<void> {
  const found = await resolve(planning.pass, '/', path.split('/'));
  const name = basename(path);
  if (planning.selection.excluded(path, name, name)) return;
  if (found.kind === 'absent') planning.missing.set(path, found.below);
  else planning.roots.set(path, found.path);
  if (found.kind === 'directory') {
    await planDirectory(planning, { root: path, path, real: found.path, depth: 0, above: [found.stat], included: false });
  } else addFound(planning, path, found, true);
}

async function planDirectory(planning: Planning, place: Place): Promise<void> {
  const { pass, selection } = planning;
  planning.directories.set(place.path, place.real);
  const idle = new Set<string>(); // files that do not count; of a name that is new nobody knows yet what it is
  noteListing(pass, place.real, (name) => idle.has(name) || selection.excluded(...namesOf(place, name)));
  const entries = await pass.operations.readdir(place.real).catch((error: unknown) => {
    throw codeOf(error) === 'ENOENT' || codeOf(error) === 'ENOTDIR' ? fault('MOVED', `${place.path} went away while it was read`) : error;
  });
  if (entries.some((entry) => entry.name === '..data' && entry.kind === 'link')) planning.volumes.add(place.path);
  const hasToken = holdsToken(place.real, new Set(entries.map(({ name }) => name)));
  for (const entry of [...entries].sort((a, b) => (a.name < b.name ? -1 : 1))) {
    const names = namesOf(place, entry.name);
    const [path] = names;
    if (isLeftover(entry.name) || selection.excluded(...names)) continue;
    const isToken = hasToken && entry.name === 'token' && !selection.named(...names);
    if (isToken) planning.tokens.add(path);
    const counts = !isToken && (place.included || selection.included(...names));
    if (!counts && (isToken || entry.kind === 'file' || !planning.rule.recursive)) {
      idle.add(entry.name);
      continue;
    }
    if (isFull(planning)) {
      planning.leftOut ??= { path, why: 'files' };
      return;
    }
    if (!(await planEntry(planning, place, path, entry, counts))) idle.add(entry.name);
  }
}

/** What globs are held against: the path, the path below the rule's path, and the last name. */
function namesOf(place: Place, name: string): [path: string, relative: string, name: string] {
  const path = `${place.path === '/' ? '' : place.path}/${name}`;
  return [path, path.slice(place.root.length).replace(/^\//, ''), name];
}

/** Directories count too: links that lead to each other can make more of them than there are files. */
function isFull({ files, directories, rule }: Planning): boolean {
  return files.size >= rule.max_files || directories.size > rule.max_files;
}

/**
 * One name in a directory; what `counts` not by its own name may be a directory with files that do.
 * @returns false: it is a file that does not count
 */
async function planEntry(planning: Planning, place: Place, path: string, entry: Entry, counts: boolean): Promise<boolean> {
  if (entry.name.includes('\uFFFD')) planning.unknown.set(path, 'EILSEQ');
  else if (entry.kind === 'file')
    planning.files.set(path, { path, real: `${place.real === '/' ? '' : place.real}/${entry.name}`, direct: false });
  else if (entry.kind !== 'other') return (await tolerant(planning, path, () => planOther(planning, place, path, entry, counts))) ?? true;
  return true;
}

/** A link, a directory, or something that must be looked at to know. */
async function planOther(planning: Planning, place: Place, path: string, entry: Entry, counts: boolean): Promise<boolean> {
  const found = await resolve(planning.pass, place.real, [entry.name]);
  if (found.kind !== 'directory') {
    if (counts) addFound(planning, path, found, false);
    return counts || found.kind !== 'file';
  }
  if (!planning.rule.recursive) return true;
  const { stat } = found;
  if (place.above.some((above) => above.dev === stat.dev && above.ino === stat.ino)) return true; // a link back up
  if (place.depth >= maxDepth) planning.leftOut ??= { path, why: 'depth' };
  else {
    const included = counts && planning.rule.include.length > 0;
    const above = [...place.above, stat];
    await planDirectory(planning, { root: place.root, path, real: found.path, depth: place.depth + 1, above, included });
  }
  return true;
}

/** A link that leads nowhere is no file; what is neither file nor directory is never opened. */
function addFound(planning: Planning, path: string, found: Resolved, direct: boolean): void {
  if (found.kind === 'file') planning.files.set(path, { path, real: found.path, direct });
  else if (found.kind !== 'absent' && direct) planning.unknown.set(path, 'special');
}

/** What cannot be looked at (EACCES, EIO, ELOOP…) is unknown; the rest of the rule is still read. */
async function tolerant<T>(planning: Planning, path: string, work: () => Promise<T>): Promise<T | undefined> {
  try {
    return await work();
  } catch (error) {
    if (codeOf(error) === 'MOVED' || codeOf(error) === 'HUNG' || codeOf(error) === 'ESTALE') throw error;
    planning.unknown.set(path, codeOf(error));
    return undefined;
  }
}

async function watchPoints(pass: Pass): Promise<Map<string, WatchPoint>> {
  const points = new Map<string, WatchPoint>();
  for (const [directory, { names, listings }] of pass.points) {
    const stat = await look(pass, directory).catch(() => undefined);
    const ignores = listings.length === 0 ? undefined : (name: string) => listings.every((ignored) => ignored(name));
    if (stat !== undefined) points.set(directory, { dev: stat.dev, ino: stat.ino, names, ignores });
  }
  return points;
}
