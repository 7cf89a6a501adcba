import { basename } from 'node:path';
import type { WatchRule } from '../config/model.ts';
import { type Excluded, isLeftover } from './exclude.ts';
import { codeOf, type Entry, type FileStat, fault, type Operations } from './operations.ts';
import { createPass, look, noteAll, type Pass, type Resolved, resolve } from './resolve.ts';

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

/** Where events are to come from: a directory, and the names in it that matter (undefined: all). */
export interface WatchPoint {
  readonly dev: number;
  readonly ino: number;
  readonly names: ReadonlySet<string> | undefined;
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
  readonly rule: WatchRule;
  readonly excluded: Excluded;
  readonly pass: Pass;
  readonly files: Map<string, PlannedFile>;
  readonly missing: Map<string, string>;
  readonly unknown: Map<string, string>;
  readonly volumes: Set<string>;
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
}

/** @throws code `MOVED` where the tree changed under the walk (try again), `HUNG` where a mount does not answer. */
export async function makePlan(rule: WatchRule, excluded: Excluded, operations: Operations): Promise<Plan> {
  const planning: Planning = {
    rule,
    excluded,
    pass: createPass(operations),
    files: new Map(),
    missing: new Map(),
    unknown: new Map(),
    volumes: new Set(),
    roots: new Map(),
    directories: new Map(),
    leftOut: undefined,
  };
  for (const path of rule.paths) await tolerant(planning, path, () => planRoot(planning, path));
  const { missing, unknown, leftOut, volumes, directories, roots, pass } = planning;
  const files = [...planning.files.values()].sort((a, b) => (a.path < b.path ? -1 : 1));
  return { files, missing, unknown, leftOut, volumes, directories, roots, links: pass.links, points: await watchPoints(pass) };
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
  if (planning.excluded(path, name, name)) return;
  if (found.kind === 'absent') planning.missing.set(path, found.below);
  else planning.roots.set(path, found.path);
  if (found.kind === 'directory') {
    await planDirectory(planning, { root: path, path, real: found.path, depth: 0, above: [found.stat] });
  } else addFound(planning, path, found, true);
}

async function planDirectory(planning: Planning, place: Place): Promise<void> {
  planning.directories.set(place.path, place.real);
  noteAll(planning.pass, place.real);
  const entries = await planning.pass.operations.readdir(place.real).catch((error: unknown) => {
    throw codeOf(error) === 'ENOENT' || codeOf(error) === 'ENOTDIR' ? fault('MOVED', `${place.path} went away while it was read`) : error;
  });
  if (entries.some((entry) => entry.name === '..data' && entry.kind === 'link')) planning.volumes.add(place.path);
  for (const entry of [...entries].sort((a, b) => (a.name < b.name ? -1 : 1))) {
    if (isLeftover(entry.name)) continue;
    const path = `${place.path === '/' ? '' : place.path}/${entry.name}`;
    if (planning.excluded(path, path.slice(place.root.length).replace(/^\//, ''), entry.name)) continue;
    if (isFull(planning)) {
      planning.leftOut ??= { path, why: 'files' };
      return;
    }
    if (entry.name.includes('\uFFFD')) planning.unknown.set(path, 'EILSEQ');
    else if (entry.kind === 'file')
      planning.files.set(path, { path, real: `${place.real === '/' ? '' : place.real}/${entry.name}`, direct: false });
    else if (entry.kind !== 'other') await tolerant(planning, path, () => planEntry(planning, place, path, entry));
  }
}

/** Directories count too: links that lead to each other can make more of them than there are files. */
function isFull({ files, directories, rule }: Planning): boolean {
  return files.size >= rule.max_files || directories.size > rule.max_files;
}

/** A link, a directory, or something that must be looked at to know. */
async function planEntry(planning: Planning, place: Place, path: string, entry: Entry): Promise<void> {
  const found = await resolve(planning.pass, place.real, [entry.name]);
  if (found.kind !== 'directory') return addFound(planning, path, found, false);
  if (!planning.rule.recursive) return;
  const { stat } = found;
  if (place.above.some((above) => above.dev === stat.dev && above.ino === stat.ino)) return; // a link back up
  if (place.depth >= maxDepth) planning.leftOut ??= { path, why: 'depth' };
  else await planDirectory(planning, { root: place.root, path, real: found.path, depth: place.depth + 1, above: [...place.above, stat] });
}

/** A link that leads nowhere is no file; what is neither file nor directory is never opened. */
function addFound(planning: Planning, path: string, found: Resolved, direct: boolean): void {
  if (found.kind === 'file') planning.files.set(path, { path, real: found.path, direct });
  else if (found.kind !== 'absent' && direct) planning.unknown.set(path, 'special');
}

/** What cannot be looked at (EACCES, EIO, ELOOP…) is unknown; the rest of the rule is still read. */
async function tolerant(planning: Planning, path: string, work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    if (codeOf(error) === 'MOVED' || codeOf(error) === 'HUNG' || codeOf(error) === 'ESTALE') throw error;
    planning.unknown.set(path, codeOf(error));
  }
}

async function watchPoints(pass: Pass): Promise<Map<string, WatchPoint>> {
  const points = new Map<string, WatchPoint>();
  for (const [directory, names] of pass.points) {
    const stat = await look(pass, directory).catch(() => undefined);
    if (stat !== undefined) points.set(directory, { dev: stat.dev, ino: stat.ino, names });
  }
  return points;
}
