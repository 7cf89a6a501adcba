/** How long validators take, told from the states that pass by: no machine has to know that somebody counts. */
import type { State } from '../core/state.ts';

/** Called after each step. */
export type Stopwatch = (state: State, now: number) => void;

/** @param taken called when the validators of a rule are through with a change, whatever they say */
export function createStopwatch(taken: (rule: string, ms: number) => void): Stopwatch {
  const since = new Map<string, number>();
  return ({ rules }, now) => {
    for (const [name, { phase }] of Object.entries(rules)) {
      const begun = since.get(name);
      if (phase.kind === 'validating') since.set(name, begun ?? now);
      else if (begun !== undefined) {
        since.delete(name);
        taken(name, now - begun);
      }
    }
  };
}
