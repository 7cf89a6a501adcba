/** Which steps lead from what is published to what is to be; pure. */
import { dirname } from 'node:path';

/** What is at a wanted file's place now. `same`: nothing is to be done; `other`: another content or other rights. */
export type Present = 'absent' | 'same' | 'other';

export interface Steps {
  /** Removed before anything else: a file where a directory is to be, or files in a directory where a file is to be. */
  readonly clear: readonly string[];
  /** Directories where a file is to be, deepest first. */
  readonly clearDirectories: readonly string[];
  readonly create: readonly string[];
  readonly replace: readonly string[];
  readonly remove: readonly string[];
  /** Deepest first. */
  readonly removeDirectories: readonly string[];
}

export interface Published {
  readonly files: ReadonlySet<string>;
  readonly directories: ReadonlySet<string>;
}

export function stepsTo(before: Published, wanted: ReadonlyMap<string, Present>, directories: ReadonlySet<string>): Steps {
  const gone = [...before.files].filter((file) => !wanted.has(file));
  const inTheWay = (file: string) => directories.has(file) || parentsOf(file).some((parent) => wanted.has(parent));
  const goneDirectories = [...before.directories].filter((directory) => !directories.has(directory)).sort(deepestFirst);
  const blocks = (directory: string) => wanted.has(directory) || parentsOf(directory).some((parent) => wanted.has(parent));
  return {
    clear: gone.filter(inTheWay),
    clearDirectories: goneDirectories.filter(blocks),
    create: [...wanted.keys()].filter((file) => wanted.get(file) === 'absent'),
    replace: [...wanted.keys()].filter((file) => wanted.get(file) === 'other'),
    remove: gone.filter((file) => !inTheWay(file)),
    removeDirectories: goneDirectories.filter((directory) => !blocks(directory)),
  };
}

/** The directories that files need, and those that are wanted anyway, each after the one that holds it. */
export function directoriesFor(files: Iterable<string>, more: Iterable<string>): string[] {
  const all = new Set<string>();
  for (const path of [...[...files].flatMap(parentsOf), ...[...more].flatMap((directory) => [...parentsOf(directory), directory])]) {
    if (path !== '') all.add(path);
  }
  return [...all].sort((a, b) => deepestFirst(b, a));
}

/** `a/b/c` → `a`, `a/b`. */
function parentsOf(path: string): string[] {
  const parent = dirname(path);
  return parent === '.' ? [] : [...parentsOf(parent), parent];
}

const depth = (path: string) => path.split('/').length;
const deepestFirst = (a: string, b: string) => depth(b) - depth(a) || (a < b ? -1 : 1);
