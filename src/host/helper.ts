/** Validators, hooks and probes: they have their time, and no instance. */
import { constants } from '../link/messages.ts';
import { signalGroup } from './signalling.ts';
import { runs, type Slot } from './slot.ts';

const { exitCauses } = constants;

export function limitHelper(slot: Slot, timeoutMs: number): void {
  if (timeoutMs > 0) slot.timers.push(setTimeout(killHelper, timeoutMs, slot, exitCauses.values.timeout));
}

export function killHelper(slot: Slot, cause: number): void {
  if (!runs(slot)) return;
  slot.cause = cause;
  signalGroup(slot.pid, 'SIGKILL');
}
