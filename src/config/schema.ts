import * as v from 'valibot';
import { unset, withDefault } from './kinds.ts';
import { choice, controlSocket, duration, integer, memory, octal, onOff, path, paths, text, user } from './leaves/basic.ts';
import { argv, argvs } from './leaves/commands.ts';
import { httpServer } from './leaves/listen.ts';
import { environment, exitCodes, limits } from './leaves/maps.ts';
import { notify } from './leaves/notify.ts';
import { outputFile, prefix } from './leaves/output.ts';
import { liveness, readiness, ready } from './leaves/probes.ts';
import { signalList, signalRules, stopSignal } from './leaves/signals.ts';
import { sockets } from './leaves/sockets.ts';
import { presetNames } from './presets/catalogue.ts';
import { watchRule } from './watch-rule.ts';

/**
 * The one place where settings are made (those of a rule in watch-rule.ts): the keys of the YAML (and, derived from them, flags and
 * REINIT_* variables), what they may hold, their defaults, and what they mean. The reference page and the JSON Schema are generated from it.
 */

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
    liveness,
    'Whether the application is still alive: a probe, which is asked over and over from when it is `ready`. A no is a restart, paced and counted like one by `restart`; where that is `no` the application is stopped, and the container ends with 104, so that the engine starts it again. Right after a change it is a failure of that change.',
  ),
  readiness: unset(
    readiness,
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
