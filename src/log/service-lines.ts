/** Lines about the application. */
import type { SignalResult } from '../core/apply-state.ts';
import { formatDuration } from '../core/durations.ts';
import { exitCodes } from '../core/exit-codes.ts';
import type { StartReason } from '../core/notes.ts';
import { signalName } from '../core/signals.ts';
import { formatBytes } from '../core/sizes.ts';
import { endWords, shellCode } from '../core/wait-status.ts';
import { line, type ServiceLine, type ServiceNote } from './line.ts';
import { after, counted, endFields } from './words.ts';

const reasons: Readonly<Record<StartReason, string>> = {
  start: '',
  change: ' on the changed configuration',
  policy: ' again, as `restart` asks for',
  failed_change: ' again, after the failed change',
  liveness: ' again, since it did not live any more',
  memory: ' again, for its memory',
  uptime: ' anew, as `max_uptime` asks for',
  asked: ' anew, as was asked for',
};

const startAdvices: Readonly<Record<string, string>> = {
  cwd: 'Look at working_dir.',
  user: 'Look at user: another one needs CAP_SETUID.',
  group: 'Look at user: another group needs CAP_SETGID.',
  groups: 'Look at user: other groups need CAP_SETGID.',
  limits: 'Look at limits: a hard limit is raised with CAP_SYS_RESOURCE only.',
  nice: 'Look at nice: less than 0 needs CAP_SYS_NICE.',
  interpreter: 'The file is there; the program that its first line (or its ELF header) names is not to be had in this image.',
};

const toStreams = 'Nothing is lost: until it can be written, which is tried every 10s, the output goes to stdout and stderr.';
const outputAdvices: Readonly<Record<string, string>> = {
  open: toStreams,
  write: toStreams,
  rotate: 'Nothing is lost: until it can be renamed, which is tried every 10s, it grows beyond max_size.',
};

const deadSequels = {
  restart: 'It is stopped, and started again.',
  rescue: 'It is stopped, and started again: the change before it has failed.',
  leave: `It is stopped, and the container ends with ${exitCodes.unwell}, since restart is no.`,
  give_up: 'It is stopped.',
} as const;

const results: Readonly<Record<SignalResult, string>> = {
  sent: 'sent',
  no_process: 'not sent, there is no process any more',
  not_yet: 'not sent, it has just started',
  ignored: 'not sent, it ignores that signal',
  not_caught: 'not sent, it has no handler for it',
  not_permitted: 'not permitted (EPERM): run reinit as the user that the application runs as, or give its container CAP_KILL',
  stopping: 'not sent, the container stops',
};

function startAdvice(stage: string, code: number): string {
  if (stage === 'exec') return code === 127 ? '. Is it in the image, and in PATH?' : '. Is it an executable file, made for this machine?';
  const advice = startAdvices[stage];
  return advice === undefined ? '' : `. ${advice}`;
}

export const serviceLines: { readonly [K in ServiceNote['kind']]: ServiceLine<K> } = {
  asked_of_application: ({ verb, signo }, { command }) => {
    const signal = signo === undefined ? undefined : signalName(signo);
    return line('info', `${signal === undefined ? verb : `${signal} to ${command}`} was asked for at the control socket`, { verb, signal });
  },
  asked_signal: ({ signo, result }, { command }) =>
    line(result === 'sent' ? 'info' : 'warn', `${signalName(signo)} to ${command}: ${results[result]}`, {
      signal: signalName(signo),
      result,
    }),
  started: ({ pid, reason, ms }, { command }) =>
    line('info', `started ${command}${reasons[reason]}, pid ${pid}`, { command, pid, ms, reason }),
  start_failed: ({ stage, text, code }, { command }) =>
    line('error', `cannot start ${command}: ${text} (stage: ${stage})${startAdvice(stage, code)}`, {
      command,
      stage,
      reason: text,
      exit_code: code,
    }),
  ended: ({ end, ranMs, ordered }, { command }) => {
    const ran = ranMs === undefined ? '' : ` after ${after(ranMs)}`;
    return line(
      ordered || shellCode(end) === 0 ? 'info' : 'warn',
      `${command} ${ordered ? 'has stopped' : 'ended by itself'}${ran}: ${endWords(end)}`,
      {
        command,
        ...endFields(end),
        ran_ms: ranMs,
      },
    );
  },
  swept: ({ killed }) =>
    line('warn', `${counted(killed, 'left-over process', 'left-over processes')} of the instance had to be killed`, { killed }),
  restart_scheduled: ({ delayMs, attempt }, { command }) =>
    line('warn', `restart ${attempt} of ${command} in ${formatDuration(delayMs)}`, { delay_ms: delayMs, attempt }),
  gave_up: ({ attempts }, { command }) =>
    line(
      'error',
      `${command} was restarted ${attempts} times in a row, the limit (restart_limit): giving up. What it said before its ends says why.`,
      {
        attempts,
      },
    ),
  restarting: ({ signo, timeoutMs }, { command }) =>
    line('info', `restarting ${command}: sent ${signalName(signo)}, KILL after ${formatDuration(timeoutMs)}`, {
      signal: signalName(signo),
      timeout_ms: timeoutMs,
    }),
  container_stop: ({ signo }, { command }) =>
    line('info', `${signalName(signo)} stops the container: ${command} is asked to stop; no reload and no restart from here`, {
      signal: signalName(signo),
    }),
  leaving: ({ code }) => line('info', `leaving with ${code}`, { exit_code: code }),
  output_file: ({ trouble }) => {
    if (trouble === undefined) return line('info', "the application's output is written to its file again (output.file)", {});
    const { stage, text } = trouble;
    const advice = outputAdvices[stage] ?? '';
    return line('warn', `the file for the application's output is in trouble (output.file): ${text} (stage: ${stage}). ${advice}`, {
      stage,
      reason: text,
    });
  },
  socket_failed: ({ name, stage, text }) =>
    line('error', `cannot listen on ${name} (sockets): ${text} (stage: ${stage}). The application is not started without them.`, {
      socket: name,
      stage,
      reason: text,
    }),
  nothing_accepted: ({ rules }, { command }) =>
    line(
      'error',
      `${command} is not started: what ${rules.join(' and ')} ${rules.length === 1 ? 'holds' : 'hold'} was not accepted, and nothing that was accepted earlier is known. Correct the files; with state_dir on a volume the last good ones are there for the next start.`,
      {
        rules,
      },
    ),
  not_published: ({ problem, retryMs }, { command }) =>
    line('error', `${command} is not started: ${problem}${retryMs === undefined ? '' : `. Trying again in ${formatDuration(retryMs)}`}`, {
      reason: problem,
      retry_ms: retryMs,
    }),
  ready: ({ ms }, { command }) => line('info', `${command} is ready, ${after(ms)} after its start`, { ms }),
  not_ready: ({ problem, ms }, { command }) =>
    line('warn', `${command} is not ready after ${after(ms)} (ready): ${problem}. It is left running, and gets changes in spite of it.`, {
      ms,
      reason: problem,
    }),
  not_alive: ({ problem, silentMs, sequel }, { command }) =>
    line('error', `${command} has not answered its liveness probe for ${after(silentMs)}: ${problem}. ${deadSequels[sequel]}`, {
      reason: problem,
      silent_ms: silentMs,
      sequel,
    }),
  over_memory: ({ bytes, limit, processes, ranMs, sequel }, { command }) =>
    line(
      'warn',
      `${command} holds ${formatBytes(bytes)} in ${counted(processes, 'process', 'processes')} after ${after(ranMs)}, more than memory_limit, ${formatBytes(limit)}: ${sequel === 'restart' ? 'it is restarted before the kernel ends it' : 'it is stopped'}`,
      { bytes, limit_bytes: limit, processes, ran_ms: ranMs, sequel },
    ),
  memory_unknown: ({ problem }, { command }) =>
    line('warn', `how much memory ${command} holds cannot be known (memory_limit): ${problem}. It is tried again now and then.`, {
      reason: problem,
    }),
  renewing: ({ ranMs }, { command }) =>
    line('info', `${command} has run for ${after(ranMs)}: it is started anew (max_uptime)`, { ran_ms: ranMs }),
  serving: ({ ms }, { command }) => line('info', `${command} serves (readiness), after ${after(ms)}`, { ms }),
  not_serving: ({ problem, ms }, { command }) =>
    line('warn', `${command} does not serve any more, after ${after(ms)} (readiness): ${problem}. It is left running.`, {
      ms,
      reason: problem,
    }),
  starting_beside: (_, { command }) => line('info', `starting a second ${command} beside the one that runs (restart_order: start_first)`),
  took_over: ({ pid, reason, ms }, { command }) =>
    line('info', `the new ${command}, pid ${pid}, has taken over ${after(ms)} after it was ordered; the old one is being stopped`, {
      pid,
      ms,
      reason,
    }),
  target_awaited: ({ problem, waitedMs }, { command }) =>
    line(
      'info',
      `waiting for ${command} (attach)${problem === undefined ? '' : `: ${problem}`}${waitedMs < 60_000 ? '' : `. It has not been seen for ${after(waitedMs)}: does it run, and does it share its process namespace with this container?`}`,
      { reason: problem, waited_ms: waitedMs },
    ),
  target_ambiguous: ({ processes }, { command }) =>
    line(
      'error',
      `${command} (attach) could be each of ${processes.join(', ')}: none is touched until only one is left. Say more of it: match, name, pid_file together.`,
      { processes },
    ),
  target_alone: () =>
    line(
      'error',
      'attach: there are no processes but those of this container, so its process namespace is not shared. In Kubernetes set shareProcessNamespace: true in the pod spec; with Docker start this container with --pid container:NAME.',
    ),
  attach_failed: ({ pid, text }, { command }) =>
    line('warn', `cannot take hold of ${command}, pid ${pid}: ${text}. Looking again`, { pid, reason: text }),
  attached: ({ pid, ageMs }, { command }) =>
    line('info', `attached to ${command}, pid ${pid}, which runs for ${after(ageMs)}`, { pid, age_ms: ageMs }),
  target_not_permitted: ({ pid }, { command }) =>
    line(
      'error',
      `reinit may not signal ${command}, pid ${pid}: it runs as another user, and this container has no CAP_KILL. Changes are checked, and cannot be applied by a signal. Run this container as that user (runAsUser), or add KILL to its capabilities.`,
      { pid },
    ),
  target_ended: ({ pid, ranMs }, { command }) =>
    line('info', `${command}, pid ${pid}, has ended after ${after(ranMs)}`, { pid, ran_ms: ranMs }),
  config_changed: ({ from, to, restart }, { configFile }) =>
    line(
      'info',
      `change seen in ${configFile}, reinit's own configuration: ${from} → ${to}. It is valid: the next controller begins on it`,
      {
        from,
        to,
        settings: restart,
      },
    ),
  config_refused: ({ hash, running, words }, { configFile }) =>
    line(
      'error',
      `change ${hash} of ${configFile}, reinit's own configuration, refused; ${running} stays in force. Correct the file: the next change is checked again.`,
      { hash, running, output: words },
    ),
  config_back: ({ hash }, { configFile }) => line('info', `${configFile} is back at what is in force (${hash}): nothing to do`, { hash }),
  config_taken_over: ({ hash, restart, when }, { configFile, command }) => {
    const settings = restart.join(', ');
    const later = when === 'now' ? `${command} is restarted for ${settings}` : `${settings} will count from the next start of ${command}`;
    return line(
      'info',
      `${configFile} ${hash} is in force; ${restart.length === 0 ? `${command} has not noticed` : `${later} (on_config_change)`}`,
      {
        hash,
        settings: restart,
      },
    );
  },
  config_went_back: ({ from, to, problem }, { configFile, command }) => {
    const why =
      problem === undefined ? 'the controller ended on it three times in a row' : `${command} was restarted for it, and ${problem}`;
    return line(
      'error',
      `${configFile} ${from} is taken back, ${to} is in force again: ${why}. ${from} is tried again only if the file changes.`,
      { from, to, reason: problem },
    );
  },
  beside_failed: ({ problem }, { command }) =>
    line('error', `the new ${command} ${problem}. The old one goes on as if nothing had happened.`, { reason: problem }),
};
