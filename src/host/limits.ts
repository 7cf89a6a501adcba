/**
 * What portable mode cannot do. What would break a promise in silence is refused, by the setting's name, before anything is started; what is
 * merely weaker is in the one line that says what mode this is. Pure.
 */
import type { Check, Config, ServiceConfig, WatchRule } from '../config/model.ts';
import { signalName } from '../core/signals.ts';

export interface Surroundings {
  /** Processes can be seen in /proc. */
  readonly proc: boolean;
  /** Trees of processes can be listed; else the name of the program that is missing. */
  readonly treeLister: true | string;
  /** Whether this process can run a program as that user. */
  canRunAs(user: string): boolean;
}

export interface Refused {
  readonly setting: string;
  readonly why: string;
  readonly instead: string;
}

/** Standard signals that this process can pass on. */
export const received: readonly string[] = ['HUP', 'INT', 'QUIT', 'USR1', 'USR2', 'ALRM', 'TERM', 'WINCH'];

const lastStandard = 31;

export function refusedSettings({ services: { main } }: Config, surroundings: Surroundings): readonly Refused[] {
  return [
    ...refusedOfService(main),
    ...refusedUsers(main, surroundings),
    ...refusedSignals(main),
    ...main.watch.flatMap((rule, index) => refusedOfRule(rule, `watch[${index}]`, surroundings)),
  ];
}

function refusedOfService({ attach, sockets, restart_order: order, ready }: ServiceConfig): Refused[] {
  return [
    ...given(attach !== undefined, 'attach', 'there is no other container here', 'give a command, and leave attach out'),
    ...given(sockets.length > 0, 'sockets', 'no socket is held and passed on here', 'leave it out, and let the application listen itself'),
    ...given(
      order === 'start_first',
      'restart_order: start_first',
      'two instances cannot be told apart here',
      'for development set REINIT_RESTART_ORDER=stop_first',
    ),
    ...refusedCheck(ready?.check, 'ready'),
  ];
}

function refusedUsers({ user }: ServiceConfig, { canRunAs }: Surroundings): Refused[] {
  const other = user !== undefined && !canRunAs(user);
  return given(
    other,
    'user',
    'only root can run the application as another user',
    'for development set REINIT_USER to your own number, `id -u`',
  );
}

function refusedSignals({ stop_signal, container_stop_signals, signals }: ServiceConfig): Refused[] {
  const unheard = (signo: number): boolean => !received.includes(signalName(signo));
  const rules = Object.entries(signals).map(([signo, rule]) => ({ signo: Number(signo), rule }));
  return [
    ...refusedSignal(stop_signal, 'stop_signal'),
    ...container_stop_signals.filter(unheard).map((signo) => notReceived(signo, 'container_stop_signals')),
    ...rules.filter(({ signo, rule }) => rule.kind !== 'drop' && unheard(signo)).map(({ signo }) => notReceived(signo, 'signals')),
    ...rules.flatMap(({ rule }) => (rule.kind === 'forward' ? refusedSignal(rule.as, 'signals') : [])),
  ];
}

function refusedOfRule(rule: WatchRule, place: string, { canRunAs }: Surroundings): Refused[] {
  const { validate_user: user, reload_signal: signal, on_change: action, confirm_by: confirm } = rule;
  return [
    ...given(
      user !== undefined && !canRunAs(user),
      `${place}.validate_user`,
      'only root can run a validator as another user',
      'leave it out, or set it to your own number, `id -u`',
    ),
    ...(action === 'reload' ? refusedSignal(signal, `${place}.reload_signal`) : []),
    ...refusedCheck(confirm?.check, `${place}.confirm_by`),
  ];
}

const refusedSignal = (signo: number, setting: string): Refused[] =>
  given(signo > lastStandard, `${setting}: ${signalName(signo)}`, 'real-time signals cannot be sent here', 'use a standard one');

const notReceived = (signo: number, setting: string): Refused => ({
  setting: `${setting}: ${signalName(signo)}`,
  why: 'this signal is not received here',
  instead: `those that are: ${received.join(', ')}`,
});

const refusedCheck = (check: Check | undefined, setting: string): Refused[] =>
  given(
    check?.kind === 'notify',
    `${setting}: notify`,
    'nobody listens for sd_notify here',
    'ask the application itself: http, tcp or exec',
  );

const given = (is: boolean, setting: string, why: string, instead: string): Refused[] => (is ? [{ setting, why, instead }] : []);

export function refusal(refused: readonly Refused[]): string {
  const lines = refused.map(({ setting, why, instead }) => `  ${setting}: ${why}; ${instead}`);
  return `portable mode cannot do what is configured, and nothing was started:\n${lines.join('\n')}\nIn a container, under init, all of it works.`;
}

/** Settings that are passed over. */
export function weakerSettings({ services: { main } }: Config, { proc }: Surroundings): readonly string[] {
  const workers = main.watch.some(({ confirm_by }) => confirm_by?.check.kind === 'workers');
  const draining = main.watch.some(({ max_draining }) => max_draining !== undefined);
  return [
    ...(Object.keys(main.limits).length > 0 ? ['limits'] : []),
    ...(main.output ? ['output'] : []),
    ...(main.no_new_privileges ? ['no_new_privileges'] : []),
    ...(workers && !proc ? ['confirm_by: workers'] : []),
    ...(draining && !proc ? ['max_draining'] : []),
  ];
}

/** The one line. @param ignored settings and flags that are passed over */
export function announcement(ignored: readonly string[], { proc, treeLister }: Surroundings): string {
  const missing = [
    'no reaping of orphans',
    "no hold on processes that leave the application's group",
    'no job control in the terminal',
    'no real-time signals',
    'nothing but UTF-8 in arguments and environment',
    ...(proc ? [] : ['no look whether a signal is caught']),
    ...(treeLister === true ? [] : [`no ${treeLister} to list trees of processes with`]),
  ];
  const passedOver = ignored.length === 0 ? '' : `; passed over: ${ignored.join(', ')}`;
  return `portable mode (for development): ${missing.join(', ')}${passedOver}`;
}
