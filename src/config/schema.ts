import * as v from 'valibot';
import { required, unset, withDefault } from './kinds.ts';
import { choice, controlSocket, duration, globs, integer, memory, octal, onOff, path, paths, size, text, user } from './leaves/basic.ts';
import { argv, argvs } from './leaves/commands.ts';
import { httpServer } from './leaves/listen.ts';
import { environment, exitCodes, limits } from './leaves/maps.ts';
import { notify } from './leaves/notify.ts';
import { outputFile, prefix } from './leaves/output.ts';
import { confirmation, ready, repeated } from './leaves/probes.ts';
import { publish } from './leaves/publish.ts';
import { httpCall } from './leaves/requests.ts';
import { signal, signalList, signalRules, stopSignal } from './leaves/signals.ts';
import { sockets } from './leaves/sockets.ts';
import type { Config, LogSettings, ServiceConfig, WatchRule } from './model.ts';
import { presetNames } from './presets/catalogue.ts';

/**
 * The one place where settings are made: the keys of the YAML (and, derived from them, flags and REINIT_* variables), what they may hold,
 * their defaults, and what they mean. The reference page and the JSON Schema are generated from it.
 */

export const watchRule = v.strictObject({
  name: unset(text('a name for the rule', 'NAME'), 'The name of the rule in logs and status. Default: its paths.'),
  paths: required(
    paths(1, '/etc/nginx'),
    'Files or directories to watch. They need not exist yet. Name the mounted directory, not a file in it: a file mounted by itself (subPath) never changes.',
  ),
  include: withDefault(globs('"*.conf"'), [], 'Globs of the files that count. Default: all of them.'),
  exclude: withDefault(
    globs('"*.swp"'),
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
    argvs('[nginx, -t]'),
    [],
    'Commands that check the new configuration; each must exit with 0 before anything is done. A string is split as a shell would, and never given to one.',
  ),
  validate_timeout: withDefault(duration(1), '30s', 'A validator that takes longer is killed and the change refused.'),
  validate_user: unset(user, "Who runs the validators. Default: the application's user, so that it sees what the application can read."),
  snapshot: withDefault(
    onOff,
    'false',
    'Whether validators get a private copy of the files (`REINIT_SNAPSHOT_DIR`). They do anyway with `publish`, and where a command names `{{snapshot}}`. Only for a configuration whose own includes are relative: absolute ones lead to the live files.',
  ),
  publish: unset(
    publish,
    'Where the application finds accepted configuration, and no other: a path of its own, which reinit keeps. One directory that is watched is there as it is; a single file, or several paths, each below its last part. Validators are given the copy as `{{snapshot}}`; files that include others have to do so by relative paths, since absolute ones lead from the copy to the files of before, and a broken copy would pass.',
  ),
  on_change: withDefault(
    choice(['reload', 'restart', 'exec', 'http', 'none']),
    'reload',
    'What a valid change leads to: `reload` sends `reload_signal`, `restart` stops the application and starts it anew, `exec` runs commands, `http` makes a request, `none` only reports (the application watches by itself).',
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
  exec: withDefault(
    argvs('[nginx, -s, reload]'),
    [],
    'For `on_change: exec`: commands that make the application take over its configuration, run as its user; each must exit with 0.',
  ),
  exec_timeout: withDefault(duration(1), '30s', 'A command under `exec` that takes longer is killed, and the action has failed.'),
  http: unset(
    httpCall,
    'For `on_change: http`: the request that makes the application take over its configuration. A URL alone is a POST to it.',
  ),
  confirm: unset(
    duration(),
    'How long the application has to stay up after the action for it to count; with `confirm_by`: how long it has to confirm. Default: `3s`, with `confirm_by` `10s`.',
  ),
  confirm_by: unset(
    confirmation,
    'How the application shows that it has taken over its configuration: a probe, which is asked after the action. That it still runs is no proof: some go on with what they had.',
  ),
  reload_retries: withDefault(integer(0, 10), '1', 'How often an action that was not confirmed is tried again before `on_failure`.'),
  on_failure: unset(
    choice(['keep', 'restart', 'rollback']),
    'What follows when the action has failed, or is not confirmed: `keep` leaves the application as it is, `restart` starts it anew, `rollback` publishes the last good configuration again and applies that. Default: `rollback` where there is `publish`, else `keep`.',
  ),
  good_after: withDefault(
    duration(),
    '30s',
    'Configuration that nothing confirmed is good once the application has run on it for so long. The last good one is what `rollback` goes back to.',
  ),
  min_interval: withDefault(duration(), '0', 'Not more than one action in this time; a change that comes earlier waits.'),
  splay: withDefault(
    duration(),
    '0',
    "Spreads replicas: each waits its own share of this before it acts, the same each time (from the pod's name).",
  ),
  max_draining: unset(
    integer(0, 1_000_000),
    'No reload while more old workers than this still finish what they have. Default: no matter how many.',
  ),
  loop_guard: withDefault(
    onOff,
    'true',
    'Whether a rule is held for a while when its files change right after each of its own actions, ten times in a row: then the application, or something that it starts, writes them itself. What is mounted read-only is never held.',
  ),
  on_stale_mount: withDefault(
    choice(['warn', 'exit']),
    'warn',
    'What follows when a file that is mounted by itself (subPath) has been replaced outside: it never changes in here. `exit` stops the application and leaves with `stale_exit_code`, so that the container comes back with the new one.',
  ),
  stale_exit_code: withDefault(integer(0, 255), '75', 'The exit code for that. `75` is EX_TEMPFAIL of sysexits(3).'),
});

/** Whose process is signalled where it is not ours. */
export const attach = v.strictObject({
  match: unset(
    text("the beginning of a command line, such as 'nginx: master'", 'PATTERN'),
    "How the target's command line begins, its words parted by one space; `*` stands for anything. Where the program is named by a path, the pattern may also begin after that. What only mentions it (a shell, `grep`) does not fit.",
  ),
  name: unset(
    text('the name of a program, such as nginx', 'NAME'),
    "The name of the target's program: what `ps -o comm` shows, or the last part of the first word of its command line.",
  ),
  pid_file: unset(
    path,
    "A file with the target's pid, as a path in this container (a volume that both mount). It is not believed where the process is younger than the file.",
  ),
});

export const service = {
  preset: unset(
    choice(presetNames),
    'Settings for a known application, below your own: `reinit preset NAME` prints them. Those of a rule count for each of your rules, and make one where you have none.',
  ),
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
  umask: unset(octal('022'), "The application's file mode creation mask. Always octal."),
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
  restart_order: withDefault(
    choice(['stop_first', 'start_first']),
    'stop_first',
    'On a restart: first stop the old instance, or first start the new one, wait until it is `ready`, and stop the old one then. Both listen at once then: give them `sockets`, or let them share their address (SO_REUSEPORT).',
  ),
  ready: unset(
    ready,
    'When the application is ready: a probe, which is asked after each start. Default: as soon as it runs. With `restart_order: start_first` the old instance may answer an http or tcp probe, too, so the new one has to live for 3 s in any case; `notify` and `exec` count at once.',
  ),
  liveness: unset(
    repeated,
    'Whether the application is still alive: a probe, which is asked over and over from when it is `ready`. A no is a restart, paced and counted like one by `restart`; where that is `no` the application is stopped, and the container ends with 104, so that the engine starts it again. Right after a change it is a failure of that change.',
  ),
  readiness: unset(
    repeated,
    'Whether the application serves: a probe, which is asked over and over from when it is `ready`. It is told (log, status, metrics), and is never a reason for a restart.',
  ),
  memory_limit: unset(
    memory,
    "The application is restarted when it and its descendants hold more memory than this, before the kernel ends it: a size, or a share of the container's own limit. Forked processes are counted with what they share once.",
  ),
  max_uptime: unset(
    duration(1_000),
    'The application is restarted when it has run for so long; each replica up to a tenth earlier, so that not all do so at once. Never while a change is being applied.',
  ),
  sockets: withDefault(
    sockets,
    [],
    'Sockets that reinit listens on, keeps over restarts and hands to the application as systemd does (`LISTEN_FDS`, `LISTEN_FDNAMES`).',
  ),
  env_from: withDefault(
    paths(0, '/etc/app-env'),
    [],
    'More variables for the application: directories with a file for each (a mounted ConfigMap or Secret), or files of `NAME=value` lines. Later ones win, `environment` wins over all. It is restarted when a value differs. All of them together may be 384 KiB.',
  ),
  env_validate: withDefault(argvs('[/app/check-env]'), [], 'Commands that check the new variables, which they get; each must exit with 0.'),
  state_dir: unset(
    path,
    'A directory that outlives the container: accepted configuration and what was refused are kept there. Default: they are forgotten with it.',
  ),
  on_config_change: withDefault(
    choice(['restart', 'next_start', 'ignore']),
    'restart',
    'What follows when this file changes. A valid change is taken over without the application noticing; what takes a restart of it (`command`, `user`, `environment`…) gets one at once (`restart`), or counts from its next start (`next_start`). `ignore`: the file is read once.',
  ),
  notify: withDefault(
    notify,
    [],
    'Who is told when configuration is refused or rolled back, or the application does not come up: URLs, or `to: log`. The same again is told now and then, with a count.',
  ),
  control_socket: withDefault(
    controlSocket,
    'auto',
    'Where `reinit status`, `reload` and the others reach the running reinit: a Unix socket for its own user and root. `auto`: below the first of /run, /dev/shm and /tmp that can be written.',
  ),
  watch: v.optional(v.pipe(v.array(watchRule), v.description('Rules: what to watch, and what to do about a change.')), []),
};

export const log = v.strictObject({
  level: withDefault(choice(['debug', 'info', 'warn', 'error']), 'info', 'The least important line that is written.'),
  format: withDefault(choice(['auto', 'json', 'text']), 'auto', "`auto`: readable where the container's stderr is a terminal, else JSON."),
});

/** What becomes of the application's output, where that is wanted. */
export const output = v.strictObject({
  format: withDefault(
    choice(['text', 'json']),
    'text',
    '`text`: the lines as they are, with `prefix` and `timestamps`. `json`: each line is an object with `time`, `stream` (`stdout` or `stderr`) and `msg`; a line that is a JSON object already stays as it is.',
  ),
  prefix: unset(prefix, 'What each line begins with, as text.'),
  timestamps: withDefault(onOff, 'false', 'Whether each line begins with the time (UTC, ISO 8601), as text. JSON has it always.'),
  file: unset(
    outputFile,
    'A file that the lines go to instead. It is rotated, and what cannot be written to it goes to stdout and stderr.',
  ),
});

/** The whole file. */
export const settings = v.strictObject({
  ...service,
  attach: v.optional(
    v.pipe(
      attach,
      v.description(
        "The application is a process of another container, with which this one shares the process namespace: it is found, not started. All that is given has to fit; of several the one that is the others' ancestor is meant. With nothing given (`{}`) no process has to be known: for `on_change: http` and the like.",
      ),
    ),
  ),
  output: v.optional(
    v.pipe(
      output,
      v.description(
        "The application's output, line by line. Without it the application has the container's own stdout and stderr, and nothing is touched; with it they are pipes, also where the container has a terminal.",
      ),
    ),
  ),
  log: v.optional(v.pipe(log, v.description("reinit's own log, on stderr. The application's own is `output`.")), {}),
  http: unset(
    httpServer,
    'Status, metrics and probes by HTTP: an address to listen on, or a mapping. Nothing can be changed through it. Default: nothing is served.',
  ),
});
export type Settings = v.InferOutput<typeof settings>;

const confirmAlone = 3_000;
const confirmAsked = 10_000;
/** An application that is asked has to answer in time; one that is not has to stay up so long. */
export const confirmTime = ({ confirm, confirm_by }: Settings['watch'][number]): number =>
  confirm ?? (confirm_by === undefined ? confirmAlone : confirmAsked);

/** The flat form of the YAML is short for one service called `main`. What a preset says is in the other settings by now. */
export function toConfig({ log, http, preset: _, attach, output, ...given }: Settings): Config {
  const main: ServiceConfig = {
    attach: attach && { match: undefined, name: undefined, pid_file: undefined, ...attach },
    output: output && { ...output, prefix: output.prefix ?? '', file: output.file },
    user: undefined,
    working_dir: undefined,
    umask: undefined,
    stop_timeout: undefined,
    ready: undefined,
    liveness: undefined,
    readiness: undefined,
    memory_limit: undefined,
    max_uptime: undefined,
    state_dir: undefined,
    ...given,
    command: given.command ?? [],
    stop_signal: given.stop_signal ?? 0,
    watch: given.watch.map(toRule),
  };
  return { log, http: toHttp(http), services: { main } };
}

const toHttp = (given: Settings['http']): Config['http'] =>
  given === undefined || given.listen === 'off' ? undefined : { ...given, listen: given.listen };

function toRule(given: Settings['watch'][number]): WatchRule {
  return {
    validate_user: undefined,
    publish: undefined,
    http: undefined,
    confirm_by: undefined,
    max_draining: undefined,
    ...given,
    name: given.name ?? given.paths.join(', '),
    confirm: confirmTime(given),
    on_failure: given.on_failure ?? (given.publish === undefined ? 'keep' : 'rollback'),
  };
}

/** The schema and the model must not drift apart: each key of the model has a setting of the same name, and the other way round. */
type Same<A, B> = [A] extends [B] ? ([B] extends [A] ? true : never) : never;
export const modelAgrees: {
  readonly service: Same<keyof ServiceConfig | 'preset', keyof typeof service | 'attach' | 'output'>;
  readonly rule: Same<keyof WatchRule, keyof v.InferOutput<typeof watchRule>>;
  readonly log: Same<LogSettings, v.InferOutput<typeof log>>;
} = { service: true, rule: true, log: true };
