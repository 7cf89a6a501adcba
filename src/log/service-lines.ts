/** Lines about the application. */
import { formatDuration } from '../core/durations.ts';
import type { StartReason } from '../core/notes.ts';
import { signalName } from '../core/signals.ts';
import { endWords, shellCode } from '../core/wait-status.ts';
import { line, type ServiceLine, type ServiceNote } from './line.ts';
import { after, counted, endFields } from './words.ts';

const reasons: Readonly<Record<StartReason, string>> = {
  start: '',
  change: ' on the changed configuration',
  policy: ' again, as `restart` asks for',
  failed_change: ' again, after the failed change',
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

function startAdvice(stage: string, code: number): string {
  if (stage === 'exec') return code === 127 ? '. Is it in the image, and in PATH?' : '. Is it an executable file, made for this machine?';
  const advice = startAdvices[stage];
  return advice === undefined ? '' : `. ${advice}`;
}

export const serviceLines: { readonly [K in ServiceNote['kind']]: ServiceLine<K> } = {
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
  starting_beside: (_, { command }) => line('info', `starting a second ${command} beside the one that runs (restart_order: start_first)`),
  took_over: ({ pid, ms }, { command }) =>
    line('info', `the new ${command}, pid ${pid}, has taken over ${after(ms)} after it was ordered; the old one is being stopped`, {
      pid,
      ms,
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
  beside_failed: ({ problem }, { command }) =>
    line('error', `the new ${command} ${problem}. The old one goes on as if nothing had happened.`, { reason: problem }),
};
