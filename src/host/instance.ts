/** One instance's end: stop signal, KILL after its time, then whatever else is in its process group. */
import { constants } from '../link/messages.ts';
import { groupLives, nodeSignal, type Sending, signalGroup, signalProcess } from './signalling.ts';
import { disarm, type Slot } from './slot.ts';
import { stopTimes } from './stop-times.ts';
import { killTree } from './tree.ts';

const { exitCauses, scopes, slotStates } = constants;

/** For what the main process left behind: it had the whole stop time. */
const sweepTermMs = 1_000;
/** After KILL only zombies are left, which are somebody else's to collect. */
const sweepMostMs = 2_000;
const sweepEveryMs = 20;

/** To the process or its group, as the orders say. */
export const send = ({ pid }: Slot, signo: number, scope: number): Sending =>
  (scope === scopes.values.group ? signalGroup : signalProcess)(pid, nodeSignal(signo));

export interface StopOrder {
  readonly signo: number;
  /** 0: no KILL. */
  readonly timeoutMs: number;
  readonly scope: number;
}

/** Asks a running instance to end. @param late told when its time is up, right before KILL */
export function stopInstance(slot: Slot, { signo, timeoutMs, scope }: StopOrder, now: number, late: () => void): void {
  disarm(slot);
  slot.stopped = true;
  const ask = (): void => void send(slot, signo, scope);
  const kill = (): void => {
    slot.cause = exitCauses.values.killed;
    slot.killed += 1;
    late();
    killTree(slot.pid);
  };
  const { sendAt, againAt, killAt } = stopTimes(now, slot.reloadAt, timeoutMs);
  if (sendAt <= now) ask();
  else slot.timers.push(setTimeout(ask, sendAt - now));
  if (againAt !== undefined) slot.timers.push(setTimeout(ask, againAt - now));
  if (killAt !== undefined) slot.timers.push(setTimeout(kill, killAt - now));
}

/** Ends what is left of an instance whose main process has ended. @param gone told when nothing is */
export function sweep(slot: Slot, gone: () => void): void {
  slot.state = slotStates.values.sweeping;
  const began = performance.now();
  let forced = false;
  const look = (): void => {
    const passed = performance.now() - began;
    if (slot.pid === 0 || !groupLives(slot.pid) || passed > sweepMostMs) {
      Object.assign(slot, { state: slotStates.values.exited, cleared: true });
      gone();
      return;
    }
    if (passed > sweepTermMs && !forced) {
      forced = true;
      slot.killed += 1;
      signalProcess(-slot.pid, 'SIGKILL');
    }
    setTimeout(look, sweepEveryMs);
  };
  if (slot.pid !== 0) signalProcess(-slot.pid, 'SIGTERM');
  look();
}

/** At the very end, when nobody waits any more. */
export function killInstance({ pid, cleared }: Slot): void {
  if (pid > 0 && !cleared) signalProcess(-pid, 'SIGKILL');
}
