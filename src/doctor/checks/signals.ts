/** Whether the running application takes the signals that it is to get. */
import type { ServiceConfig } from '../../config/model.ts';
import { sigkill, signalName, sigterm } from '../../core/signals.ts';
import { maskHas, statusTakes } from '../../host/signalling.ts';
import type { Application } from '../facts/processes.ts';
import { error, type Finding, info, ok, warn } from '../finding.ts';
import { isShell } from '../running.ts';

type Taking = ReturnType<typeof statusTakes>;

export function signalFindings(application: Application | undefined, service: ServiceConfig): Finding[] {
  if (application === undefined) return [];
  if (application.status === '')
    return [
      info('signals.hidden', `process ${application.pid} of the application cannot be looked at`, {
        remedy: 'Run reinit doctor as the user that reinit runs as.',
      }),
    ];
  const reloads = service.watch.filter(({ on_change }) => on_change === 'reload');
  return [
    ...reloads.map(({ name, reload_signal }) => reloadFinding(application, reload_signal, name)),
    ...(service.attach === undefined ? [stopFinding(application, service)] : []),
    ...shellFindings(application, service),
  ];
}

/** Blocked in whichever thread: it is awaited there. */
function takingOf({ status, threads }: Application, signo: number): Taking {
  const taking = statusTakes(status, signo);
  return taking === 'not_caught' && threads.some((thread) => maskHas(thread, 'SigBlk', signo)) ? 'sent' : taking;
}

const who = ({ name, pid }: Application): string => `${name} (process ${pid})`;

function reloadFinding(application: Application, signo: number, rule: string): Finding {
  const signal = signalName(signo);
  switch (takingOf(application, signo)) {
    case 'sent':
      return ok('signals.reload', `${who(application)} takes ${signal}`, { rule });
    case 'ignored':
      return error('signals.reload', `${who(application)} ignores ${signal}: no change would reach it`, {
        rule,
        detail: 'reinit does not send what is ignored.',
        remedy: 'Set reload_signal to the one that its documentation names for a reload, or on_change: restart.',
      });
    case 'not_caught':
      return error('signals.reload', `${who(application)} has no handler for ${signal}, which would end it`, {
        rule,
        detail: 'reinit does not send it. Of an application that has only just started it says little: look again.',
        remedy: 'Set reload_signal to the one that its documentation names for a reload, or on_change: restart.',
      });
  }
}

function stopFinding(application: Application, { stop_signal, stop_timeout }: ServiceConfig): Finding {
  const signo = stop_signal === 0 ? sigterm : stop_signal;
  const signal = signalName(signo);
  if (signo === sigkill)
    return info('signals.stop', 'stop_signal is KILL: the application is never asked to end', {
      remedy: 'Leave it out, unless that is meant.',
    });
  switch (takingOf(application, signo)) {
    case 'sent':
      return ok('signals.stop', `${who(application)} takes ${signal}, with which it is stopped`);
    case 'ignored':
      return warn('signals.stop', `${who(application)} ignores ${signal}, with which it is to be stopped`, {
        detail:
          stop_timeout === undefined
            ? "Each stop lasts until the engine's grace is over, and the engine kills it."
            : 'Each stop lasts until stop_timeout is over.',
        remedy: 'Set stop_signal to the one that ends it gracefully.',
      });
    case 'not_caught':
      return info('signals.stop', `${who(application)} has no handler for ${signal}: a stop ends it at once, whatever it is doing`, {
        remedy: 'If it has work to finish, set stop_signal to the one that ends it gracefully.',
      });
  }
}

/** A shell waits for its child before it does anything about a signal, and passes none on. */
function shellFindings(application: Application, { signal_target, watch }: ServiceConfig): Finding[] {
  if (!isShell(application.name) || application.children === 0 || signal_target === 'group') return [];
  const reloads = watch.some(({ on_change }) => on_change === 'reload');
  return [
    warn('signals.shell', `the application's main process is a shell (${who(application)}), with the program itself below it`, {
      detail: `Signals go to the shell, which passes none on: ${reloads ? 'neither a reload nor a stop reaches the program' : 'a stop does not reach the program'}.`,
      remedy: 'Begin the last command of the script with exec, or set signal_target: group.',
    }),
  ];
}
