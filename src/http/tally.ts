/** Sums of what was counted. */
import type { Count } from './counts.ts';

export interface Tally {
  add(count: Count): void;
  readonly sums: readonly Sum[];
}
type Sum = Count & { readonly value: number };

/** @param atRest those that are zero, and not missing, before anything has been counted */
export function createTally(atRest: readonly Count[]): Tally {
  const sums = new Map(atRest.map((count) => [keyOf(count), { ...count, value: 0 }]));
  return {
    add(count) {
      const key = keyOf(count);
      sums.set(key, { ...count, value: (sums.get(key)?.value ?? 0) + 1 });
    },
    get sums() {
      return [...sums.values()];
    },
  };
}

const keyOf = ({ name, labels }: Count): string => JSON.stringify([name, ...Object.entries(labels).flat()]);
