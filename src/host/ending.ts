/** How the host comes to its end: by a stop from outside, or with the main process (src/init/container.c). */
import { exitCodes } from '../core/exit-codes.ts';

/** What a controller has for its decision about the main process's end. */
const decideMs = 1_000;

export interface Keeper {
  /** A controller is there and speaks. */
  connected(): boolean;
  /** One is there, or can be hoped for. */
  hopeful(): boolean;
  leave(code: number): void;
}

export interface Ending {
  /** The signal that asked for the stop, 0 while there is none. */
  readonly stopSignal: number;
  /** Whether it is the first one. */
  stop(signo: number): boolean;
  mainEnded(token: number, code: number, hold: boolean): void;
  /** There is nothing that could be asked to end. */
  nothingRuns(): void;
  /** Whose end it is that the host's would be. */
  isOf(token: number): boolean;
  /** Somebody has decided: it is not the host's end. From a stop on, only `exit` counts. */
  decided(): void;
  /** No haste: the controller has the end in hand. */
  held(): void;
}

export function createEnding({ connected, hopeful, leave }: Keeper): Ending {
  let stopSignal = 0;
  let ended: { readonly token: number; readonly code: number } | undefined;
  let decision: NodeJS.Timeout | undefined;

  function end(code: number): void {
    if (!connected()) leave(code);
    else decision ??= setTimeout(leave, decideMs, code);
  }

  function held(): void {
    if (stopSignal !== 0) return;
    clearTimeout(decision);
    decision = undefined;
  }

  return {
    get stopSignal() {
      return stopSignal;
    },
    stop(signo) {
      const first = stopSignal === 0;
      if (first) stopSignal = signo;
      return first;
    },
    mainEnded(token, code, hold) {
      ended = { token, code };
      if (stopSignal !== 0 || !hold || !hopeful()) end(code);
    },
    nothingRuns() {
      if (ended) end(ended.code);
      else leave(stopSignal === 0 ? exitCodes.system : exitCodes.signalBase + stopSignal);
    },
    isOf: (token) => ended?.token === token,
    decided() {
      if (stopSignal === 0) ended = undefined;
      held();
    },
    held,
  };
}
