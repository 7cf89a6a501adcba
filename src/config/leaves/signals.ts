import { parseSignal, sigkill, signalName, signalNames, sigstop } from '../../core/signals.ts';
import { type Kind, list, listKind, map, mapKind, scalar, scalarKind, value } from '../kinds.ts';
import type { SignalRule } from '../model.ts';
import { nearest, noSuch } from '../names.ts';

const catchable = 'KILL and STOP cannot be caught by any program';
const signalText = 'a signal, such as HUP, SIGUSR1, RTMIN+1 or 10';

/** @param caught somebody has to catch it (KILL and STOP make no sense). */
function readSignal(given: string, caught: boolean, fault: (problem: string) => undefined): number | undefined {
  const n = parseSignal(given);
  if (n === undefined) {
    fault(noSuch('signal', nearest(given.toUpperCase().replace(/^SIG/, ''), signalNames)));
  } else if (caught && (n === sigkill || n === sigstop)) {
    fault(catchable);
    return undefined;
  }
  return n;
}

const signalJson = { type: ['string', 'integer'] } as const;
export const signal = (caught: boolean): Kind<number> =>
  scalarKind({ type: 'signal', expected: signalText, spelling: value('SIGNAL'), json: signalJson }, (given, fault) =>
    readSignal(given, caught, fault),
  );

/** KILL is a blunt way to stop, STOP is none at all. */
export const stopSignal: Kind<number> = scalarKind(
  { type: 'signal', expected: signalText, spelling: value('SIGNAL'), json: signalJson },
  (given, fault) => {
    const n = readSignal(given, false, fault);
    return n === sigstop ? fault('STOP freezes a program, it does not end it') : n;
  },
);

export const signalList: Kind<readonly number[]> = listKind(
  {
    type: 'signals',
    expected: 'a list of signals, such as [TERM, INT, QUIT]',
    spelling: list('SIGNAL', ','),
    json: { anyOf: [signalJson, { type: 'array', items: signalJson }] },
  },
  (given, fault) => readSignal(given, true, fault),
);

/** ILL, TRAP, BUS, FPE, SEGV, CHLD, SYS: about init's own faults and children, so init passes them to nobody (`signals_open` in src/init). */
const initsOwn: readonly number[] = [4, 5, 7, 8, 11, 17, 31];

export const signalRules: Kind<Readonly<Record<number, SignalRule>>> = mapKind<number, SignalRule>(
  {
    type: 'map: signal → drop, stop or signal',
    expected: 'signal: drop, stop or another signal, such as {USR2: drop, HUP: USR1}',
    spelling: map('SIGNAL=RULE'),
    json: { type: 'object', additionalProperties: signalJson },
  },
  (name, raw, fault) => {
    const from = readSignal(name, true, fault);
    const rule = scalar(raw, fault);
    if (from === undefined || rule === undefined) return undefined;
    if (initsOwn.includes(from)) {
      fault(`${signalName(from)} is never passed on: it is about init's own faults and children`);
      return undefined;
    }
    if (rule === 'drop' || rule === 'stop') return [from, { kind: rule }] as const;
    const as = readSignal(rule, false, (problem) => fault(problem));
    return as === undefined ? undefined : ([from, { kind: 'forward', as }] as const);
  },
);
