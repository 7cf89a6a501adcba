/** What the application uses. */
import type { Controller } from '../control/control.ts';

export interface Used {
  /** In ms since the epoch. */
  readonly at: number;
  /** Percent of one core. */
  readonly cpu: number;
  /** All that its processes have used, as far as they were seen. */
  readonly cpuSeconds: number;
  /** Resident, in bytes. */
  readonly memory: number;
  readonly processes: number;
}

/** Undefined: there is no application, or nothing can be known. Rejects never. */
export type Usage = (controller: Pick<Controller, 'state'>) => Promise<Used | undefined>;

export const createUsage = (): Usage => async () => undefined;
