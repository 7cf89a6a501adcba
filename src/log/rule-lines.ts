/** Lines about a rule and its changes. */
import { formatDuration } from '../core/durations.ts';
import type { RuleNote } from '../core/notes.ts';
import { signalName } from '../core/signals.ts';
import { line, type RuleLine } from './line.ts';
import { advice, after, counted, files, validatorSetting, verdictFields, verdictWords } from './words.ts';

export const ruleLines: { readonly [K in RuleNote['kind']]: RuleLine<K> } = {
  asked: ({ verb }, rule) => line('info', `${rule}: ${verb} was asked for at the control socket`, { verb }),
  checked: ({ hash, step, verdict }, rule, names) => {
    if (verdict.kind === 'accepted')
      return line('info', `${hash} of ${rule} is valid (asked for; nothing was applied)`, { hash, valid: true });
    const validator = verdict.kind === 'unusable' ? undefined : names.validator(rule, step);
    const words = `${validator === undefined ? '' : `${validator} `}${verdictWords(verdict, names.validateTimeout(rule))}`;
    return line('warn', `${hash} of ${rule} is not valid (asked for; nothing else was done): ${words}`, {
      hash,
      valid: false,
      validator,
      ...verdictFields(verdict),
    });
  },
  change_seen: ({ from, to, difference }, rule) =>
    line('info', `change seen in ${rule}${files(difference, rule)}: ${from ?? 'unknown'} → ${to}`, {
      from,
      to,
      files: difference?.files,
      more: difference?.more,
    }),
  back: ({ hash }, rule) => line('info', `${rule} is back at what the application runs with (${hash}): nothing to do`, { hash }),
  refused: ({ hash, running, step, verdict }, rule, names) => {
    const validator = verdict.kind === 'unusable' ? undefined : names.validator(rule, step);
    const who = validator === undefined ? '' : `${validator} `;
    const keeps = running === undefined ? 'the application is left as it is' : `the application keeps running on ${running}`;
    return line(
      'error',
      `change ${hash} of ${rule} refused: ${who}${verdictWords(verdict, names.validateTimeout(rule))}; ${keeps}. ${advice(verdict, rule)}`,
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
    line(
      'error',
      `change ${hash} of ${rule} not applied: reinit may not signal the application (EPERM). Run reinit as the user that the application runs as, or give its container CAP_KILL.`,
      {
        hash,
        signal: signalName(signo),
      },
    ),
  falls_to_restart: ({ signo, why }, rule) =>
    line(
      'warn',
      `${rule}: ${falls[why]} ${signalName(signo)}: applying by restart. Set reload_signal to one that it handles, or on_change: restart.`,
      {
        signal: signalName(signo),
        why,
      },
    ),
  not_signalled: ({ signo, hash, why }, rule) =>
    line(
      'error',
      `change ${hash} of ${rule} not applied: ${falls[why]} ${signalName(signo)}, and reinit cannot restart what another container runs. Set reload_signal to one that it handles${why === 'killed_before' ? '' : '. It is tried again now and then'}.`,
      { hash, signal: signalName(signo), why },
    ),
  reload_failed: ({ hash, signo, afterMs, problem }, rule, { attached }) => {
    const cause = signo === undefined ? 'the action' : signalName(signo);
    return line(
      'error',
      `reload of ${hash} of ${rule} failed: the application ${problem === undefined ? 'ended' : `${problem},`} ${after(afterMs)} after ${cause}; ${attached ? 'its own container has to start it again' : 'it is started again once'}`,
      { hash, signal: signo === undefined ? undefined : signalName(signo), after_ms: afterMs },
    );
  },
  restart_failed: ({ hash, problem }, rule) =>
    line(
      'error',
      `restart for ${hash} of ${rule} failed: the application ${problem ?? 'did not stay up'}. ${problem === undefined ? '' : 'These files are tried again only if they change. '}A validator (${validatorSetting(rule)}) can refuse such files before that.`,
      { hash, reason: problem },
    ),
  unconfirmed: ({ hash, how, problem, ms, sequel }, rule) =>
    line(
      'warn',
      `${hash} of ${rule}: the ${nouns[how]} was not confirmed within ${formatDuration(ms)} (confirm_by, confirm): ${problem}${sequels[sequel]}`,
      {
        hash,
        how,
        reason: problem,
      },
    ),
  action_failed: ({ hash, how, step, verdict, sequel }, rule, names) => {
    const problem =
      verdict.kind === 'unusable'
        ? verdict.problem
        : `${names.action(rule, step)} ${verdictWords(verdict, names.actionTimeout(rule), 'exec_timeout')}`;
    return line('error', `the action for ${hash} of ${rule} failed (${how}): ${problem}${sequels[sequel]}`, {
      hash,
      how,
      ...verdictFields(verdict),
    });
  },
  restarts_instead: ({ hash }, rule) => line('warn', `${hash} of ${rule} is applied by a restart instead (on_failure: restart)`, { hash }),
  rolled_back: ({ from, to, why }, rule) =>
    line(
      'error',
      `${rule} goes back from ${from} to ${to}, the last good one: ${rollbacks[why]}. ${from} is tried again only if the files change.`,
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
      `${rule}: going back did not work either${problem === undefined ? '' : `: ${problem}`}. The application is left as it is. Correct the files: the next change is checked again.`,
      {
        reason: problem,
      },
    ),
  good: ({ hash }, rule) => line('debug', `${hash} of ${rule} is good: the application has run on it for good_after`, { hash }),
  starts_on_good: ({ hash, refused }, rule) =>
    line(
      'warn',
      `starting on ${hash} of ${rule}, the last good one: ${refused ?? 'what is there now'} was not accepted. Correct the files: the next change is checked again.`,
      {
        hash,
        refused,
      },
    ),
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
    line(
      'info',
      `${rule} waits: ${counted(count, 'old worker', 'old workers')} of the application still drain, more than max_draining (${most})`,
      { count, most },
    ),
  loop_held: ({ times, forMs }, rule) =>
    line(
      'error',
      `${rule} has changed ${times} times in a row right after it was applied: the application, or something that it starts, writes there itself. Held for ${formatDuration(forMs)}; what is there then is applied. Let it write elsewhere, or leave those files out (exclude); where it is meant, set loop_guard: false.`,
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
  unreadable: (_, rule) =>
    line(
      'warn',
      `${rule} cannot be read consistently (it changes all the time, or a file cannot be read): trying again now and then; the application is left as it is`,
    ),
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
/** What is told by a line of its own needs no word here. */
const sequels = {
  again: '. It is tried again.',
  keep: '. The application is left as it is (on_failure), and these files are tried again only if they change.',
  restart: '',
  rollback: '',
} as const;
const rollbacks = {
  ended: 'the application did not stay up on the new one',
  not_ready: 'the application was not ready on the new one',
  not_alive: 'the application did not live on with the new one',
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
