import * as v from 'valibot';
import type { Kind, Raw } from './kinds.ts';
import { choice, duration, globs, integer, onOff, path, paths, size, text, umask, user } from './leaves/basic.ts';
import { argv, argvs } from './leaves/commands.ts';
import { environment, exitCodes, limits } from './leaves/maps.ts';
import { signal, signalList, signalRules, stopSignal } from './leaves/signals.ts';
import type { Config, LogSettings, ServiceConfig, WatchRule } from './model.ts';

/**
 * The one place where settings are made: the keys of the YAML (and, derived from them, flags and REINIT_* variables), what they may hold,
 * their defaults, and what they mean. The reference page and the JSON Schema are generated from it.
 */

/** Defaults are written as a user would write them, and read by the leaf like any other value. */
type Fallback = string | readonly string[] | Readonly<Record<string, never>>;
/** A setting that always has a value. */
const withDefault = <T>(leaf: Kind<T>, fallback: Fallback, about: string) => v.optional(v.pipe(leaf, v.description(about)), fallback);
/** A setting that may be unset. */
const unset = <T>(leaf: Kind<T>, about: string) => v.optional(v.pipe(leaf, v.description(about)));

export const watchRule = v.strictObject({
  name: unset(text('a name for the rule', 'NAME'), 'The name of the rule in logs and status. Default: its paths.'),
  paths: v.pipe(
    paths,
    v.description(
      'Files or directories to watch. They need not exist yet. Name the mounted directory, not a file in it: a file mounted by itself (subPath) never changes.',
    ),
  ),
  exclude: withDefault(
    globs,
    [],
    "Globs of names to leave out, besides editors' leftovers and Kubernetes' own `..` entries, which are left out always.",
  ),
  recursive: withDefault(onOff, 'true', 'Whether the directories below count, too.'),
  mode: withDefault(
    choice(['auto', 'events', 'poll']),
    'auto',
    'How changes are noticed. `auto` takes events of the file system, and polls where there are none (NFS, FUSE) or no more to be had.',
  ),
  settle: withDefault(
    duration(),
    '300ms',
    'Quiet time after the last event before a change counts, so that one update of many files is one change.',
  ),
  max_wait: withDefault(duration(), '5s', 'Looks at the latest then, even if writing goes on.'),
  rescan: withDefault(duration(), '30s', 'Looks this often in any case, in case an event was lost. `0`: never.'),
  poll_interval: withDefault(duration(50), '2s', 'How often to look where changes have to be polled.'),
  missing_grace: withDefault(
    duration(),
    '5s',
    'How long a file may be gone without that being a change (editors and deployments delete and write again).',
  ),
  max_files: withDefault(
    integer(1, 1_000_000),
    '10000',
    'Files beyond this number are left out, with a warning: probably a wrong directory.',
  ),
  max_bytes: withDefault(size, '64MiB', 'Files beyond this size in all are left out, with a warning.'),
  validate: withDefault(
    argvs,
    [],
    'Commands that check the new configuration; each must exit with 0 before anything is done. A string is split as a shell would, and never given to one.',
  ),
  validate_timeout: withDefault(duration(1), '30s', 'A validator that takes longer is killed and the change refused.'),
  validate_user: unset(user, "Who runs the validators. Default: the application's user, so that it sees what the application can read."),
  on_change: withDefault(
    choice(['reload', 'restart', 'none'], ['exec', 'http']),
    'reload',
    'What a valid change leads to: `reload` sends `reload_signal`, `restart` stops the application and starts it anew, `none` only reports (the application watches by itself).',
  ),
  reload_signal: withDefault(
    signal(true),
    'HUP',
    'The signal that makes the application read its configuration again: HUP for nginx, USR1 for Apache, USR2 for HAProxy and php-fpm.',
  ),
  reload_after_start: withDefault(
    duration(),
    '1s',
    'No reload signal before the application is this old: one in its first moments kills most daemons.',
  ),
  confirm: withDefault(duration(), '3s', 'How long the application has to stay up after the reload signal for the reload to count.'),
});

export const service = {
  command: unset(
    argv,
    'The application. What stands after `--` on the command line wins over it. A string is split as a shell would, and never given to one.',
  ),
  user: unset(user, 'Who runs the application: name or number, with or without a group. Default: who runs reinit.'),
  working_dir: unset(path, "The application's working directory. Default: the container's."),
  environment: withDefault(
    environment,
    {},
    "Variables over the container's own. `null` takes one away. A list of `NAME=value` will do, too.",
  ),
  umask: unset(umask, "The application's file mode creation mask. Always octal."),
  nice: withDefault(integer(-20, 19), '0', "What to add to the application's nice value."),
  limits: withDefault(limits, {}, 'Resource limits as in setrlimit(2): `nofile`, `core`, `memlock`…'),
  no_new_privileges: withDefault(
    onOff,
    'false',
    'Whether set-user-ID programs and file capabilities are without effect for the application.',
  ),
  stop_signal: unset(stopSignal, 'What the application gets when it has to stop. Default: the signal that came, and TERM on a restart.'),
  stop_timeout: unset(
    duration(1),
    "How long it may take before KILL. Default: on container stop the engine's own grace rules (reinit never kills); on a restart 30s.",
  ),
  container_stop_signals: withDefault(signalList, 'TERM,INT,QUIT'.split(','), 'Signals from outside that mean: stop the container.'),
  signal_target: withDefault(
    choice(['process', 'group']),
    'process',
    "Who gets signals: the application's main process or its process group.",
  ),
  signals: withDefault(
    signalRules,
    {},
    'What happens to signals from outside: `drop`, `stop` (the container), or the signal to pass on in its place. Those not named are passed on as they are.',
  ),
  exit_codes: withDefault(exitCodes, {}, 'Exit code of the application → exit code of the container.'),
  restart: withDefault(
    choice(['no', 'on-failure', 'always']),
    'no',
    'Whether the application is started again when it ends by itself. `no`: the container ends with its code.',
  ),
  restart_delay: withDefault(duration(), '500ms', 'Pause before the first restart in a row; it doubles each time.'),
  restart_max_delay: withDefault(duration(), '30s', 'The longest such pause.'),
  restart_limit: withDefault(integer(0, 1_000_000), '0', 'Give up after so many restarts in a row. `0`: never.'),
  restart_reset: withDefault(duration(), '30s', 'An application that ran this long ends the row.'),
  watch: v.optional(v.pipe(v.array(watchRule), v.description('Rules: what to watch, and what to do about a change.')), []),
};

export const log = v.strictObject({
  level: withDefault(choice(['debug', 'info', 'warn', 'error']), 'info', 'The least important line that is written.'),
  format: withDefault(choice(['auto', 'json', 'text']), 'auto', "`auto`: readable where the container's stderr is a terminal, else JSON."),
});

/** The whole file. */
export const settings = v.strictObject({
  ...service,
  log: v.optional(v.pipe(log, v.description("reinit's own log, on stderr. The application's output is not touched.")), {}),
});
export type Settings = v.InferOutput<typeof settings>;
export type SettingsInput = { readonly [name: string]: Raw };

/** The flat form of the YAML is short for one service called `main`. */
export function toConfig({ log, ...given }: Settings): Config {
  const main: ServiceConfig = {
    user: undefined,
    working_dir: undefined,
    umask: undefined,
    stop_timeout: undefined,
    ...given,
    command: given.command ?? [],
    stop_signal: given.stop_signal ?? 0,
    watch: given.watch.map((rule) => ({ validate_user: undefined, ...rule, name: rule.name ?? rule.paths.join(', ') })),
  };
  return { log, services: { main } };
}

/** The schema and the model must not drift apart: each key of the model has a setting of the same name, and the other way round. */
type Same<A, B> = [A] extends [B] ? ([B] extends [A] ? true : never) : never;
export const modelAgrees: {
  readonly service: Same<keyof ServiceConfig, keyof typeof service>;
  readonly rule: Same<keyof WatchRule, keyof v.InferOutput<typeof watchRule>>;
  readonly log: Same<LogSettings, v.InferOutput<typeof log>>;
} = { service: true, rule: true, log: true };
