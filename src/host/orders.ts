/** Standing orders: what is done with a signal, and with which code the application's end ends the host. Pure. */

import { parseSignal } from '../core/signals.ts';
import { endOf, shellCode } from '../core/wait-status.ts';
import { constants, type Fields } from '../link/messages.ts';

export type Orders = Fields<'orders'>;

const { mainEnds, scopes, signalActions, logFormats, roles } = constants;
const signals = 65;
const codes = 256;
const [sigint, sigquit, sigterm] = [2, 3, 15];

/** Before the first orders of a controller, and in plain mode: TERM, INT and QUIT stop, all else is forwarded. */
export function defaultOrders({ group = false, okCodes = [] }: { group?: boolean; okCodes?: readonly number[] } = {}): Orders {
  const actions = Buffer.alloc(signals, signalActions.values.forward);
  for (const signo of [sigint, sigquit, sigterm]) actions[signo] = signalActions.values.stop;
  return {
    main_token: 0,
    main_end: mainEnds.values.exit,
    stop_signal: 0,
    stop_timeout_ms: 0,
    scope: group ? scopes.values.group : scopes.values.process,
    actions,
    targets: Buffer.from(Array.from({ length: signals }, (_, signo) => signo)),
    exit_map: Buffer.from(Array.from({ length: codes }, (_, code) => (okCodes.includes(code) ? 0 : code))),
    log_format: logFormats.values.auto,
  };
}

/** The command as it is, in plain mode. */
export const plainSpawn: Fields<'spawn'> = {
  token: 1,
  role: roles.values.main,
  flags: 0,
  argv: [],
  env_set: [],
  env_unset: [],
  cwd: Buffer.alloc(0),
  uid: -1,
  gid: -1,
  groups: [],
  umask: -1,
  nice: 0,
  rlimits: [],
  timeout_ms: 0,
};

export const holdsEnd = (orders: Orders): boolean => orders.main_end === mainEnds.values.hold;

/** The host's exit code for a wait status of the application. */
export const codeOf = (orders: Orders, status: number): number => mapped(orders, shellCode(endOf(status)));

export const mapped = (orders: Orders, code: number): number => orders.exit_map[code & 255] ?? code;

/** waitpid's word, of what Node tells of an end. A signal that Linux has no number for counts as KILL. */
export function statusOf(code: number | null, signal: string | null): number {
  if (signal === null) return ((code ?? 0) & 255) << 8;
  return parseSignal(signal) ?? 9;
}
