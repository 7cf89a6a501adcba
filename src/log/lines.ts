/** What is written about each notable fact: what happened, why, and what to do where there is something to do. Pure. */
import { formatDuration } from '../core/durations.ts';
import type { Difference, Note, Refusal, RuleNote, StartReason } from '../core/notes.ts';
import { signalName } from '../core/signals.ts';
import { type End, shellCode } from '../core/wait-status.ts';

export type Level = 'debug' | 'info' | 'warn' | 'error';
/** Structured beside the words. Never a value of the environment, never an argument but the command's name, never contents. */
export type LogFields = Readonly<Record<string, string | number | boolean | readonly string[] | undefined>>;

export interface Line {
  readonly level: Level;
  readonly msg: string;
  readonly fields: LogFields;
}

/** What the notes do not hold, for they are the same all the time. */
export interface Names {
  /** The application's command, without its arguments. */
  readonly command: string;
  /** The validators' commands of a rule, without arguments. */
  validator(rule: string, step: number): string;
  /** In ms. */
  validateTimeout(rule: string): number;
  /** The commands of `on_change: exec`, without arguments. */
  action(rule: string, step: number): string;
  /** In ms. */
  actionTimeout(rule: string): number;
}

type RuleLine<K extends RuleNote['kind']> = (note: Extract<RuleNote, { kind: K }>, rule: string, names: Names) => Line;
type ServiceNote = Exclude<Note, { rule: string }>;
type ServiceLine<K extends ServiceNote['kind']> = (note: Extract<ServiceNote, { kind: K }>, names: Names) => Line;

export function lineOf(note: Note, names: Names): Line {
  if ('rule' in note) {
    const line = (ruleLines[note.kind] as RuleLine<RuleNote['kind']>)(note, note.rule, names);
    return { ...line, fields: { event: note.kind, rule: note.rule, ...line.fields } };
  }
  const line = (serviceLines[note.kind] as ServiceLine<ServiceNote['kind']>)(note, names);
  return { ...line, fields: { event: note.kind, ...line.fields } };
}

const line = (level: Level, msg: string, fields: LogFields = {}): Line => ({ level, msg, fields });
const after = (ms: number): string => (ms < 1 ? '0ms' : formatDuration(ms < 10_000 ? ms : Math.round(ms / 1000) * 1000));
const reasons: Readonly<Record<StartReason, string>> = {
  start: '',
  change: ' on the changed configuration',
  policy: ' again, as `restart` asks for',
  failed_change: ' again, after the failed change',
};
const exitWords = (end: End): string => (end.kind === 'code' ? `exit code ${end.code}` : `signal ${signalName(end.signo)}`);
const endFields = (end: End): LogFields => (end.kind === 'code' ? { exit_code: end.code } : { signal: signalName(end.signo) });
/** Names below the rule's only path, which the line has named already, are told from there. */
const files = (difference: Difference | undefined, rule: string): string => {
  if (!difference) return '';
  const names = difference.files.map((file) => (file.startsWith(`${rule}/`) ? file.slice(rule.length + 1) : file));
  const { more } = difference;
  return ` (${names.join(', ')}${more > 0 ? ` and ${more} more` : ''})`;
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

function startAdvice(stage: string, code: number): string {
  if (stage === 'exec') return code === 127 ? '. Is it in the image, and in PATH?' : '. Is it an executable file, made for this machine?';
  const advice = startAdvices[stage];
  return advice === undefined ? '' : `. ${advice}`;
}

const serviceLines: { readonly [K in ServiceNote['kind']]: ServiceLine<K> } = {
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
      `${command} ${ordered ? 'has stopped' : 'ended by itself'}${ran}: ${exitWords(end)}`,
      {
        command,
        ...endFields(end),
        ran_ms: ranMs,
      },
    );
  },
  swept: ({ killed }) => line('warn', `${killed} left-over processes of the instance had to be killed`, { killed }),
  restart_scheduled: ({ delayMs, attempt }, { command }) =>
    line('warn', `restart ${attempt} of ${command} in ${formatDuration(delayMs)}`, { delay_ms: delayMs, attempt }),
  gave_up: ({ attempts }, { command }) =>
    line('error', `${command} was restarted ${attempts} times in a row, the limit (restart_limit): giving up`, { attempts }),
  restarting: ({ signo, timeoutMs }, { command }) =>
    line('info', `restarting ${command}: sent ${signalName(signo)}, KILL after ${formatDuration(timeoutMs)}`, {
      signal: signalName(signo),
      timeout_ms: timeoutMs,
    }),
  container_stop: ({ signo }, { command }) =>
    line('info', `${signalName(signo)} stops the container: passed on to ${command}; no reload and no restart from here`, {
      signal: signalName(signo),
    }),
  leaving: ({ code }) => line('info', `leaving with ${code}`, { exit_code: code }),
  socket_failed: ({ name, stage, text }) =>
    line('error', `cannot listen on ${name} (sockets): ${text} (stage: ${stage}). The application is not started without its sockets.`, {
      socket: name,
      stage,
      reason: text,
    }),
  nothing_accepted: ({ rules }, { command }) =>
    line(
      'error',
      `${command} is not started: what ${rules.join(' and ')} holds was not accepted, and no earlier generation is known (state_dir keeps them)`,
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
    line('warn', `${command} is not ready after ${after(ms)} (ready): ${problem}. It is left running; changes are applied in spite of it`, {
      ms,
      reason: problem,
    }),
  starting_beside: (_, { command }) => line('info', `starting a second ${command} beside the one that runs (restart_order: start_first)`),
  took_over: ({ pid, ms }, { command }) =>
    line('info', `the new ${command}, pid ${pid}, has taken over ${after(ms)} after it was ordered; the old one is being stopped`, {
      pid,
      ms,
    }),
  beside_failed: ({ problem }, { command }) =>
    line('error', `the new ${command} ${problem}; the old one goes on as if nothing had happened`, { reason: problem }),
};

const ruleLines: { readonly [K in RuleNote['kind']]: RuleLine<K> } = {
  change_seen: ({ from, to, difference }, rule) =>
    line('info', `change seen in ${rule}${files(difference, rule)}: ${from ?? 'unknown'} → ${to}`, {
      from,
      to,
      files: difference?.files,
      more: difference?.more,
    }),
  back: ({ hash }, rule) => line('info', `${rule} is back at what the application runs with (${hash}): nothing to do`, { hash }),
  refused: ({ hash, running, step, verdict }, rule, names) => {
    const validator = verdict.kind === 'unusable' ? 'unusable,' : names.validator(rule, step);
    const keeps = running === undefined ? 'the application is left as it is' : `the application keeps running on ${running}`;
    return line(
      'error',
      `change ${hash} of ${rule} refused: ${validator} ${verdictWords(verdict, names.validateTimeout(rule))}; ${keeps}. ${advice(verdict)}`,
      {
        hash,
        running,
        validator,
        ...verdictFields(verdict),
      },
    );
  },
  applied: ({ hash, how, ms }, rule) => {
    return line('info', `change ${hash} of ${rule} applied: ${ways[how]}, ${after(ms)} after it was seen`, { hash, how, ms });
  },
  signalled: ({ signo, hash }, rule) =>
    line('debug', `sent ${signalName(signo)} for ${hash} of ${rule}`, { hash, signal: signalName(signo) }),
  signal_waits: ({ signo, why }, rule) =>
    line('info', `${rule}: the application does not take ${signalName(signo)} yet (${waits[why]}): trying again for a while`, {
      signal: signalName(signo),
      why,
    }),
  signal_refused: ({ signo, hash }, rule) =>
    line('error', `change ${hash} of ${rule} not applied: init may not signal the application (EPERM). Give the container CAP_KILL.`, {
      hash,
      signal: signalName(signo),
    }),
  falls_to_restart: ({ signo, why }, rule) =>
    line(
      'warn',
      `${rule}: ${falls[why]} ${signalName(signo)}: applying by restart. Set reload_signal to one that it handles, or on_change: restart.`,
      {
        signal: signalName(signo),
        why,
      },
    ),
  reload_failed: ({ hash, signo, afterMs }, rule) => {
    const cause = signo === undefined ? 'the action' : signalName(signo);
    return line(
      'error',
      `reload of ${hash} of ${rule} failed: the application ended ${after(afterMs)} after ${cause}; it is started again once`,
      { hash, signal: signo === undefined ? undefined : signalName(signo), after_ms: afterMs },
    );
  },
  restart_failed: ({ hash, problem }, rule) =>
    line(
      'error',
      `restart for ${hash} of ${rule} failed: the application ${problem ?? 'did not stay up'}. A validator (validate) can refuse such files before.`,
      { hash, reason: problem },
    ),
  unconfirmed: ({ hash, how, problem, ms }, rule) =>
    line('warn', `${hash} of ${rule}: the ${nouns[how]} was not confirmed within ${formatDuration(ms)} (confirm_by, confirm): ${problem}`, {
      hash,
      how,
      reason: problem,
    }),
  action_failed: ({ hash, how, step, verdict }, rule, names) => {
    const problem =
      verdict.kind === 'unusable'
        ? verdict.problem
        : `${names.action(rule, step)} ${verdictWords(verdict, names.actionTimeout(rule), 'exec_timeout')}`;
    return line('error', `the action for ${hash} of ${rule} failed (${how}): ${problem}`, { hash, how, ...verdictFields(verdict) });
  },
  restarts_instead: ({ hash }, rule) => line('warn', `${hash} of ${rule} is applied by a restart instead (on_failure: restart)`, { hash }),
  rolled_back: ({ from, to, why }, rule) =>
    line(
      'error',
      `${rule} goes back from ${from} to ${to}, the last good one: ${rollbacks[why]}. ${from} is tried again only if the files change`,
      {
        from,
        to,
        why,
      },
    ),
  back_on_good: ({ hash, how }, rule) =>
    line('info', `${rule} is back on ${hash}${how === 'none' ? ': that is what the next start finds' : ''}`, { hash, how }),
  rollback_failed: ({ problem }, rule) =>
    line(
      'error',
      `${rule}: going back did not work either${problem === undefined ? '' : `: ${problem}`}. The application is left as it is`,
      {
        reason: problem,
      },
    ),
  good: ({ hash }, rule) => line('debug', `${hash} of ${rule} is good: the application has run on it for good_after`, { hash }),
  starts_on_good: ({ hash, refused }, rule) =>
    line('warn', `starting on ${hash} of ${rule}, the last good one: ${refused ?? 'what is there now'} was not accepted`, {
      hash,
      refused,
    }),
  not_staged: ({ hash, problem }, rule) =>
    line(
      'error',
      `change ${hash} of ${rule} cannot be checked: ${problem}. It is tried again now and then; the application is left as it is`,
      {
        hash,
        reason: problem,
      },
    ),
  publish_failed: ({ hash, problem }, rule) =>
    line('error', `change ${hash} of ${rule} not applied: ${problem}. It is tried again now and then; the application is left as it is`, {
      hash,
      reason: problem,
    }),
  draining: ({ count, most }, rule) =>
    line('info', `${rule} waits: ${count} old workers of the application still drain, more than max_draining (${most})`, { count, most }),
  loop_held: ({ times, forMs }, rule) =>
    line(
      'error',
      `${rule} has changed ${times} times in a row right after it was applied: the application, or something that it starts, writes there itself. Held for ${formatDuration(forMs)}; what is there then is applied. Let it write elsewhere, or leave those files out (exclude).`,
      { times, held_ms: forMs },
    ),
  loop_over: (_, rule) => line('info', `${rule} changes without our doing, too: no longer held`),
  stale: ({ code }, rule) =>
    line(
      'error',
      `${rule} is mounted in a way that can never show new content (a subPath or a single file): leaving with ${code} (on_stale_mount: exit), so that the next container mounts the new one`,
      {
        exit_code: code,
      },
    ),
  came_up_on_refused: ({ hash }, rule) =>
    line('warn', `the application has started on ${hash} of ${rule}, which had been refused or had failed: that is what it runs with now`, {
      hash,
    }),
  held_back: ({ hash, by }, rule) =>
    line(
      'warn',
      `change ${hash} of ${rule} waits: the application would also read ${by}, whose files are refused. Correct those: then both are applied.`,
      {
        hash,
        by,
      },
    ),
  unsettled: (_, rule) => line('debug', `${rule} is changing: waiting until it settles`),
  unreadable: (_, rule) => line('warn', `${rule} cannot be read consistently: trying again now and then; the application is left as it is`),
};

const ways = {
  reload: 'reloaded',
  restart: 'restarted',
  exec: 'the commands have run',
  http: 'the application was called',
  none: 'valid; the application takes it over by itself',
  start: 'started with it',
} as const;
const nouns = { reload: 'reload', restart: 'restart', exec: 'action', http: 'call', none: 'change', start: 'start' } as const;
const rollbacks = {
  ended: 'the application did not stay up on the new one',
  not_ready: 'the application was not ready on the new one',
  unconfirmed: 'the application has not confirmed the new one',
  refused: 'the application could not be told of the new one',
} as const;

const waits = { not_yet: 'it has just started', ignored: 'it ignores the signal', not_caught: 'it has no handler for it' } as const;
const falls = {
  not_yet: 'the application was never ready for',
  ignored: 'the application ignores',
  not_caught: 'the application has no handler for',
  killed_before: 'the application does not survive',
} as const;

function verdictWords(verdict: Refusal, timeoutMs: number, setting = 'validate_timeout'): string {
  switch (verdict.kind) {
    case 'ended':
      return verdict.end.kind === 'code'
        ? `says no (exit code ${verdict.end.code})`
        : `was ended by signal ${signalName(verdict.end.signo)}`;
    case 'timed_out':
      return `timed out after ${formatDuration(timeoutMs)} (${setting}) and was killed`;
    case 'not_started':
      return `cannot be started: ${verdict.text} (stage: ${verdict.stage})`;
    case 'unusable':
      return verdict.problem;
    default:
      return verdict satisfies never;
  }
}

/** A verdict is final until the files change; without one, the validator is asked again. */
function advice(verdict: Refusal): string {
  if (verdict.kind === 'unusable' || (verdict.kind === 'ended' && verdict.end.kind === 'code')) {
    return 'Correct the files: the next change is checked again.';
  }
  return 'Nothing is said against the files: look at the validator (validate, validate_timeout). It is asked again now and then, and at the next change.';
}

function verdictFields(verdict: Refusal): LogFields {
  switch (verdict.kind) {
    case 'ended':
      return { ...endFields(verdict.end), output: verdict.words };
    case 'timed_out':
      return { timed_out: true, output: verdict.words };
    case 'not_started':
      return { stage: verdict.stage, reason: verdict.text };
    case 'unusable':
      return { reason: verdict.problem };
    default:
      return verdict satisfies never;
  }
}
