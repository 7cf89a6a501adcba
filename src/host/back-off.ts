/** How often, and when, a controller that ended is started again; the figures are init's (src/init/controller.c). Pure. */

/** From the n-th failure in a row on. */
const delaysMs = [0, 0, 100, 300, 1_000, 3_000, 10_000, 30_000, 60_000] as const;
/** So many failures in a row: from here on the host does without. */
const hopeless = 8;
/** Before there ever was an application nothing runs that would be worth waiting for. */
const startAttempts = 4;
/** Having run so long, the next failure is the first again. */
const stableMs = 10_000;

export interface Life {
  readonly ranMs: number;
  /** It has acknowledged something. */
  readonly answered: boolean;
}

/** Failures in a row, with the one that ended this life. */
export const failuresAfter = (before: number, { ranMs, answered }: Life): number => (ranMs >= stableMs || answered ? 0 : before) + 1;

export const isHopeless = (failures: number): boolean => failures >= hopeless;

export const givesUp = (failures: number, everRan: boolean): boolean => !everRan && failures >= startAttempts;

export const delayMs = (failures: number): number => delaysMs[Math.min(failures, delaysMs.length - 1)] ?? 0;
