import { basename } from 'node:path';
import type { Matcher } from 'picomatch';
import type { ReadRule } from './types.ts';

/** Whether globs mean a path: by its absolute path, its path below the rule's path, or its last name. */
export type Match = (path: string, relative: string, name: string) => boolean;

/** Which of the files in a directory count. What the rule names in `paths` counts in any case, unless it is excluded. */
export interface Selection {
  /** Never counts, nor does anything below it. */
  readonly excluded: Match;
  /** Counts, and everything below it does. */
  readonly included: Match;
  /** Included by its very name: the last part of the glob has no wildcard. */
  readonly named: Match;
}

/** What editors and tools leave for a moment: emacs (`x~`, `.#x`, `#x#`), vim (swap files, `4913`), temporary names of atomic writers. */
const leftovers = /(~|^\.#.*|^#.*#|^\..*\.sw[a-z]|^4913|\.tmp-.*)$/;

/** GNU sed -i: `sed` and six letters or digits. A name in lower case only is far more likely somebody's file. */
const sedName = /^sed(?=.*[A-Z0-9])[A-Za-z0-9]{6}$/;

/** Names in a directory that are never configuration: kubelet's own (`..data`, `..2026_…`) and leftovers. */
export function isLeftover(name: string): boolean {
  return name.startsWith('..') || leftovers.test(name) || sedName.test(name);
}

/** Where kubelet mounts a service account's token, free of links and as it is usually written. */
const serviceAccount = /^(\/var)?\/run\/secrets\/kubernetes\.io\/serviceaccount$/;

/**
 * Whether `token` in this directory is the service account's, which kubelet renews about every hour: in the place for it, or in a volume
 * together with the other two files of that set.
 */
export function holdsToken(directory: string, names: ReadonlySet<string>): boolean {
  return serviceAccount.test(directory) || ['..data', 'ca.crt', 'namespace'].every((name) => names.has(name));
}

export async function createSelection({ include, exclude }: Pick<ReadRule, 'include' | 'exclude'>): Promise<Selection> {
  const [excluded, included, named] = await Promise.all([
    createMatch(exclude),
    include.length === 0 ? () => true : createMatch(include),
    createMatch(include.filter((glob) => !/[*?[\]{}()!]/.test(basename(glob)))),
  ]);
  return { excluded, included, named };
}

/** The globs' library is loaded only where there are some: most rules have none, and the start of the container waits for this. */
async function createMatch(globs: readonly string[]): Promise<Match> {
  if (globs.length === 0) return () => false;
  const { default: picomatch } = await import('picomatch');
  const matches: Matcher = picomatch([...globs], { dot: true });
  return (path, relative, name) => matches(path) || matches(relative) || matches(name);
}
