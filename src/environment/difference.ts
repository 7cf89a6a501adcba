import { shortHash } from '../core/reading.ts';

/** Names only, sorted. */
export interface ChangedNames {
  readonly added: readonly string[];
  readonly changed: readonly string[];
  readonly removed: readonly string[];
}

/** What differs between two environments, given as name → hash; the memo keeps short hashes, so short ones are compared. */
export function changedNames(before: ReadonlyMap<string, string>, after: ReadonlyMap<string, string>): ChangedNames {
  const kept = [...after.keys()].filter((name) => before.has(name));
  return {
    added: [...after.keys()].filter((name) => !before.has(name)).sort(),
    changed: kept.filter((name) => shortHash(before.get(name) ?? '') !== shortHash(after.get(name) ?? '')).sort(),
    removed: [...before.keys()].filter((name) => !after.has(name)).sort(),
  };
}
