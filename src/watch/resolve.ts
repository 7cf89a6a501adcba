import { basename, dirname, join } from 'node:path';
import { codeOf, type FileStat, fault, type Operations } from './operations.ts';

/** The same limit as the kernel's (path_resolution(7)). */
const maxLinks = 40;

/**
 * What one pass over the paths has seen. Everything is asked once and remembered for the pass: a ConfigMap volume's `..data` is
 * therefore one directory for all keys, even if kubelet swaps it meanwhile. Comparing two passes shows that it did.
 */
export interface Pass {
  readonly operations: Operations;
  readonly stats: Map<string, FileStat | undefined>;
  /** Link (resolved directory + name) → its text. */
  readonly links: Map<string, string>;
  /** Resolved directory → what in it matters. */
  readonly points: Map<string, Noted>;
}

export interface Noted {
  /** Names that matter in any case. */
  readonly names: Set<string>;
  /** One for each time that the directory was listed: all other names matter too, but those that each of these ignores. */
  readonly listings: Ignores[];
}

/** Whether what happens to this name in a listed directory means nothing. */
export type Ignores = (name: string) => boolean;

export type Resolved =
  | { readonly kind: 'file' | 'directory' | 'other' | 'unknown'; readonly path: string; readonly stat: FileStat }
  /** `below`: the deepest directory of the path that exists. */
  | { readonly kind: 'absent'; readonly below: string };

export function createPass(operations: Operations): Pass {
  return { operations, stats: new Map(), links: new Map(), points: new Map() };
}

/**
 * Follows `names` from `directory` (a resolved one), as the kernel would, and notes each place where a change could make it lead elsewhere:
 * every link, the last name, and the name of the directory that holds it.
 * @throws errors of the file system other than "does not exist"; `ELOOP` after 40 links.
 */
export async function resolve(pass: Pass, directory: string, names: readonly string[]): Promise<Resolved> {
  let at = directory;
  let links = 0;
  const todo = [...names].reverse();
  for (;;) {
    const name = todo.pop();
    if (name === undefined) return { kind: 'directory', path: at, stat: await known(pass, at) };
    if (name === '' || name === '.') continue;
    if (name === '..') {
      at = dirname(at);
      continue;
    }
    const path = join(at, name);
    const last = todo.every((rest) => rest === '' || rest === '.');
    const stat = await look(pass, path);
    if (last || stat === undefined || stat.kind !== 'directory') notePlace(pass, at, name, stat?.kind === 'link');
    if (stat === undefined) return { kind: 'absent', below: at };
    if (stat.kind === 'link') {
      if (++links > maxLinks) throw fault('ELOOP', `${path} is a loop of links`);
      const target = await readLink(pass, path);
      todo.push(...target.split('/').reverse());
      if (target.startsWith('/')) at = '/';
    } else if (stat.kind === 'directory') at = path;
    else return last ? { kind: stat.kind, path, stat } : { kind: 'absent', below: at };
  }
}

/** Everything in a resolved directory matters, but for names that are ignored. */
export function noteListing(pass: Pass, directory: string, ignores: Ignores): void {
  notedAt(pass, directory).listings.push(ignores);
}

function notePlace(pass: Pass, directory: string, name: string, link: boolean): void {
  notedAt(pass, directory).names.add(name);
  if (!link && directory !== '/') notedAt(pass, dirname(directory)).names.add(basename(directory));
}

function notedAt({ points }: Pass, directory: string): Noted {
  const noted = points.get(directory) ?? { names: new Set(), listings: [] };
  points.set(directory, noted);
  return noted;
}

/** Undefined: there is nothing of that name. */
export async function look(pass: Pass, path: string): Promise<FileStat | undefined> {
  if (pass.stats.has(path)) return pass.stats.get(path);
  const stat = await pass.operations.lstat(path).catch(absent);
  pass.stats.set(path, stat);
  return stat;
}

async function known(pass: Pass, path: string): Promise<FileStat> {
  const stat = await look(pass, path);
  if (stat === undefined) throw fault('MOVED', `${path} went away while it was looked at`);
  return stat;
}

async function readLink(pass: Pass, path: string): Promise<string> {
  const before = pass.links.get(path);
  if (before !== undefined) return before;
  const target = await pass.operations.readlink(path).catch((error: unknown) => {
    // EINVAL: it was a link a moment ago.
    throw ['ENOENT', 'EINVAL', 'ENOTDIR'].includes(codeOf(error)) ? fault('MOVED', `${path} changed while it was looked at`) : error;
  });
  pass.links.set(path, target);
  return target;
}

function absent(error: unknown): undefined {
  if (codeOf(error) !== 'ENOENT' && codeOf(error) !== 'ENOTDIR') throw error;
}
