/** Sending signals. The link's numbers are Linux's; a name is the same signal everywhere. */
import { signalName } from '../core/signals.ts';
import type { constants } from '../link/messages.ts';
import { contentOf } from '../probe/processes.ts';

/** What comes of sending. */
export type Sending = 'sent' | 'no_process' | 'not_permitted';
export type SignalResult = keyof typeof constants.signalResults.values;

export const nodeSignal = (signo: number): NodeJS.Signals => `SIG${signalName(signo)}` as NodeJS.Signals;

export function signalProcess(pid: number, signal: NodeJS.Signals | 0): Sending {
  try {
    process.kill(pid, signal);
    return 'sent';
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM' ? 'not_permitted' : 'no_process';
  }
}

/** To the group that the process leads, and to itself where it has left it. */
export function signalGroup(pid: number, signal: NodeJS.Signals): Sending {
  const result = signalProcess(-pid, signal);
  return result === 'sent' ? result : signalProcess(pid, signal);
}

/** Whether a process of the group is there, be it a zombie. */
export const groupLives = (leader: number): boolean => signalProcess(-leader, 0) !== 'no_process';

/** Whether a program takes a signal: what its masks in /proc say; where there is none nothing is known, and the order was to send. */
export function takes(pid: number, signo: number): 'sent' | 'ignored' | 'not_caught' {
  return statusTakes(contentOf(`/proc/${pid}/status`), signo);
}

/** The same of the text of /proc/PID/status. Pure. */
export function statusTakes(status: string, signo: number): 'sent' | 'ignored' | 'not_caught' {
  if (status === '') return 'sent';
  if (maskHas(status, 'SigIgn', signo)) return 'ignored';
  // Blocked: it is awaited with sigwait(3).
  return maskHas(status, 'SigCgt', signo) || maskHas(status, 'SigBlk', signo) ? 'sent' : 'not_caught';
}

export function maskHas(status: string, mask: string, signo: number): boolean {
  const bits = new RegExp(`^${mask}:\\s*([0-9a-f]+)$`, 'm').exec(status)?.[1] ?? '0';
  return ((BigInt(`0x${bits}`) >> BigInt(signo - 1)) & 1n) === 1n;
}
