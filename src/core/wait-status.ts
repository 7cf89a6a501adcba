import { exitCodes } from './exit-codes.ts';
import { signalName } from './signals.ts';

/** How a process ended. */
export type End = { readonly kind: 'code'; readonly code: number } | { readonly kind: 'signal'; readonly signo: number };

/** Reads waitpid's status word (wait(2); the layout is the kernel's and the same on all of Linux). */
export function endOf(status: number): End {
  const signo = status & 0x7f;
  return signo === 0 ? { kind: 'code', code: (status >> 8) & 0xff } : { kind: 'signal', signo };
}

/** For people: `exit code 3`, `signal TERM`. */
export const endWords = (end: End): string => (end.kind === 'code' ? `exit code ${end.code}` : `signal ${signalName(end.signo)}`);

/** As a shell puts it: the code itself, or 128 + the signal. */
export function shellCode(end: End): number {
  return end.kind === 'code' ? end.code : exitCodes.signalBase + end.signo;
}

/** The container's exit code for the application's end. */
export function containerCode(end: End, map: Readonly<Record<number, number>>): number {
  const code = shellCode(end);
  return map[code] ?? code;
}
