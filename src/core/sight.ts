/** What one look for the process to attach to has found. Types only. */

export interface Found {
  readonly pid: number;
  /** As its stat has it: with the pid it is one process, whatever becomes of the number. */
  readonly startTicks: number;
  /** The same in ms of CLOCK_BOOTTIME. */
  readonly startedAt: number;
  /** As far as users and capabilities say, init may signal it. */
  readonly permitted: boolean;
}

export type Sight =
  | { readonly kind: 'one'; readonly found: Found }
  /** `problem`: what a pid file says; undefined: nothing fits. */
  | { readonly kind: 'none'; readonly problem: string | undefined }
  /** More than one that could be meant, as people know them: pid and name. */
  | { readonly kind: 'several'; readonly processes: readonly string[] }
  /** There is no other container's process, and there cannot be any: the namespace is not shared. */
  | { readonly kind: 'alone' };
