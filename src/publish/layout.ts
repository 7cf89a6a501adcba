import { basename } from 'node:path';
import type { WatchRule } from '../config/model.ts';
import type { Plan } from '../watch/plan.ts';
import { createSha256 } from '../watch/sha256.ts';
import { Problem, shown } from './problems.ts';

export interface SourceFile {
  /** As the application would write it. */
  readonly path: string;
  /** Where it is read. */
  readonly real: string;
  /** Where it stands in the copy. */
  readonly to: string;
}

export interface SourceDirectory {
  readonly real: string;
  readonly to: string;
}

/** What makes up one copy, and where it comes from. */
export interface Sources {
  readonly files: readonly SourceFile[];
  /** Each after the one that holds it; `to` is empty for the copy's own root, where that is a directory of the rule. */
  readonly directories: readonly SourceDirectory[];
  /** Configured paths that do not exist. */
  readonly absent: readonly string[];
}

/**
 * Where everything stands in the copy: of one directory its content at the root; a file, or several paths, each below its last name. A path
 * that lies in another path of the rule is there twice.
 * @throws Problem where two paths have the same last name.
 */
export function sourcesOf(rule: WatchRule, plan: Plan): Sources {
  const roots = [...new Set(rule.paths)];
  const [first = ''] = roots;
  const bare = roots.length === 1 && plan.directories.has(first);
  if (!bare) refuseTwins(roots);
  const files: SourceFile[] = [];
  const directories: SourceDirectory[] = [];
  for (const root of roots) {
    const place = (path: string): string | undefined => {
      const below = relative(root, path);
      return below === undefined || bare ? below : joined(basename(root), below);
    };
    for (const { path, real } of plan.files) {
      const to = place(path);
      if (to !== undefined) files.push({ path, real, to });
    }
    for (const [path, real] of plan.directories) {
      const to = place(path);
      if (to !== undefined) directories.push({ real, to });
    }
  }
  return { files, directories, absent: [...plan.missing.keys()] };
}

function refuseTwins(roots: readonly string[]): void {
  const byName = new Map<string, string>();
  for (const root of roots) {
    const twin = byName.get(basename(root));
    if (twin !== undefined)
      throw new Problem(
        `watch.paths: ${shown(twin)} and ${shown(root)} have the same last name, so they cannot stand beside each other in one copy; make two rules of them`,
      );
    byName.set(basename(root), root);
  }
}

/** Empty for the root itself, undefined for what is not in it. */
function relative(root: string, path: string): string | undefined {
  if (path === root) return '';
  if (!path.startsWith(root.endsWith('/') ? root : `${root}/`)) return undefined;
  return path.slice(root.length).replace(/^\/+/, '');
}

const joined = (name: string, below: string) => (below === '' ? name : `${name}/${below}`);

/** The rule's directory among those of other rules: the same after a restart, and readable. */
export function keyOf(rule: WatchRule): string {
  const digest = createSha256();
  digest.update(JSON.stringify([rule.name, rule.paths, rule.publish?.to ?? null]));
  const name = basename(rule.paths[0] ?? '').replace(/[^A-Za-z0-9_-]/g, '_');
  return `${name.slice(0, 40)}-${digest.hex().slice(0, 12)}`;
}

/** The n-th copy of a generation: there is a second one where the first got other bytes, or is older than what it is to follow. */
export function copyName(hash: string, n: number): string {
  return `g-${hash.slice(0, 16)}${n === 0 ? '' : `.${n}`}`;
}

export const isCopyOf = (name: string, hash: string): boolean => name === copyName(hash, 0) || name.startsWith(`${copyName(hash, 0)}.`);
export const isCopyName = (name: string): boolean => /^g-[0-9a-f]{16}(\.\d+)?$/.test(name);
/** Of what is not finished, or on its way out. */
export const temporary = 'tmp-';
