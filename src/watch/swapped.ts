import type { PlannedFile } from './plan.ts';
import type { Generation } from './types.ts';

/** A generation, and where its files lay. */
export interface Lay {
  readonly generation: Generation;
  readonly files: readonly PlannedFile[];
}

/**
 * Whether the files were changed by a link that leads elsewhere now, as kubelet (`..data`) and git-sync change them. That is the work of somebody
 * outside: an application that writes into its own configuration writes at the place that it has. Files that came or went with it say nothing.
 */
export function isSwap(before: Lay | undefined, after: Lay): boolean {
  if (before === undefined) return false;
  const places = new Map(before.files.map(({ path, real }) => [path, real]));
  const known = after.files.filter(({ path }) => places.has(path));
  const stayed = known.filter(({ path, real }) => places.get(path) === real);
  const differs = ({ path }: PlannedFile): boolean => before.generation.files.get(path) !== after.generation.files.get(path);
  return stayed.length < known.length && !stayed.some(differs);
}
