import type { Matcher } from 'picomatch';

/** Whether a path is left out: by its absolute path, its path below the rule's path, and its last name. */
export type Excluded = (path: string, relative: string, name: string) => boolean;

/** What editors and tools leave for a moment: emacs (`x~`, `.#x`, `#x#`), vim (swap files, `4913`), temporary names of atomic writers. */
const leftovers = /(~|^\.#.*|^#.*#|^\..*\.sw[a-z]|^4913|\.tmp-.*)$/;

/** GNU sed -i: `sed` and six letters or digits. A name in lower case only is far more likely somebody's file. */
const sedName = /^sed(?=.*[A-Z0-9])[A-Za-z0-9]{6}$/;

/** Names in a directory that are never configuration: kubelet's own (`..data`, `..2026_…`) and leftovers. */
export function isLeftover(name: string): boolean {
  return name.startsWith('..') || leftovers.test(name) || sedName.test(name);
}

/** The globs of a rule. They are loaded only where there are some: most rules have none, and the start of the container waits for this. */
export async function createExcluded(globs: readonly string[]): Promise<Excluded> {
  if (globs.length === 0) return () => false;
  const { default: picomatch } = await import('picomatch');
  const matches: Matcher = picomatch([...globs], { dot: true });
  return (path, relative, name) => matches(path) || matches(relative) || matches(name);
}
