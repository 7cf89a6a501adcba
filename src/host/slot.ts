import { constants } from '../link/messages.ts';
import type { SlotRecord } from '../link/server.ts';

const { slotStates, exitCauses } = constants;

/** A process that was created by order, until its story has been told. */
export interface Slot extends SlotRecord {
  /** 0 before it runs. */
  pid: number;
  state: number;
  /** Why it ended. */
  cause: number;
  /** When it ran; undefined: it does not yet. */
  since: number | undefined;
  /** When the last reload signal was sent. */
  reloadAt: number | undefined;
  /** It was asked to end. */
  stopped: boolean;
  /** Processes that needed KILL, as far as they were counted. */
  killed: number;
  /** Nothing of it is left: the number of its group may be another's. */
  cleared: boolean;
  /** Of what is to happen while it runs. */
  readonly timers: NodeJS.Timeout[];
}

export const newSlot = (token: number, role: number, now: number): Slot => ({
  token,
  role,
  pid: 0,
  spawnedMs: now,
  state: slotStates.values.spawning,
  cause: exitCauses.values.itself,
  since: undefined,
  reloadAt: undefined,
  stopped: false,
  killed: 0,
  cleared: false,
  timers: [],
});

export const runs = ({ state }: Slot): boolean => state === slotStates.values.running;

/** It has ended: nothing is to happen to it any more. */
export function disarm({ timers }: Slot): void {
  for (const timer of timers.splice(0)) clearTimeout(timer);
}
