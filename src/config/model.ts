/**
 * What the rest of reinit sees of its configuration: validated, complete (every default filled in), durations in milliseconds,
 * signals as numbers. The schema (`schema.ts`) produces exactly this; nothing else may invent a setting.
 */
export interface Config {
  readonly log: LogSettings;
  /** Undefined: nothing is served. */
  readonly http: HttpSettings | undefined;
  /** The single form of the YAML is short for one service called `main`; several are to come. */
  readonly services: { readonly main: ServiceConfig };
}

export interface LogSettings {
  readonly level: 'debug' | 'info' | 'warn' | 'error';
  /** `auto`: readable where the container's stderr is a terminal, else JSON. */
  readonly format: 'auto' | 'json' | 'text';
}

/** What becomes of the application's output. */
export interface Output {
  readonly format: 'text' | 'json';
  /** Text: what each line begins with, after the time. */
  readonly prefix: string;
  readonly timestamps: boolean;
  /** Undefined: stdout and stderr. */
  readonly file: OutputFile | undefined;
}

export interface OutputFile {
  readonly path: string;
  /** In bytes. */
  readonly max_size: number;
  /** With the one that is written to. */
  readonly max_files: number;
  readonly also_stdout: boolean;
}

/** Where status, metrics and probes are served, and how. */
export interface HttpSettings {
  readonly listen: HttpAddress;
  /** The application is ready for `/readyz` while what the files hold is refused. */
  readonly ready_while_refused: boolean;
  /** There is a status page. */
  readonly page: boolean;
}

export interface HttpAddress {
  /** In numbers; undefined: all addresses. */
  readonly host: string | undefined;
  readonly port: number;
}

/** A process of another container: all that is given has to fit. Nothing given: none has to be known. */
export interface Attach {
  /** How its command line begins; `*` stands for anything. */
  readonly match: string | undefined;
  /** The name of its program. */
  readonly name: string | undefined;
  /** Holds its pid. */
  readonly pid_file: string | undefined;
}

export interface ServiceConfig {
  /** The application is not started, it is found: what is below about its start, stop and restart is without a meaning then. */
  readonly attach: Attach | undefined;
  /** Empty: what stands after `--` on init's command line. */
  readonly command: readonly string[];
  /** As written (`"101:101"`, `www-data`, `app:app`); names are looked up when the application is spawned. */
  readonly user: string | undefined;
  readonly working_dir: string | undefined;
  /** Over the container's environment; null takes a variable away. */
  readonly environment: Readonly<Record<string, string | null>>;
  readonly umask: number | undefined;
  readonly nice: number;
  /** Name (`nofile`) → `soft:hard`, as setrlimit(2) calls them, lower case. */
  readonly limits: Readonly<Record<string, string>>;
  readonly no_new_privileges: boolean;

  /** What the application gets when it is to stop; 0: the signal that came (TERM on a restart). */
  readonly stop_signal: number;
  /** How long it may take before KILL, in ms. Undefined: on container stop never, on a restart 30 s. */
  readonly stop_timeout: number | undefined;
  /** Signals from outside that mean: stop the container. */
  readonly container_stop_signals: readonly number[];
  /** Who gets signals: the application's main process, or its process group. */
  readonly signal_target: 'process' | 'group';
  /** Signal from outside → what happens; those that are not named are forwarded. */
  readonly signals: Readonly<Record<number, SignalRule>>;
  /** The application's exit code → the container's. */
  readonly exit_codes: Readonly<Record<number, number>>;

  readonly restart: 'no' | 'on-failure' | 'always';
  readonly restart_delay: number;
  readonly restart_max_delay: number;
  /** Give up after so many restarts in a row; 0: never. */
  readonly restart_limit: number;
  /** Running so long ends a row of failures. */
  readonly restart_reset: number;

  /** First start the new instance and wait until it is ready, or first stop the old one. */
  readonly restart_order: 'stop_first' | 'start_first';
  /** When the application is ready. Undefined: as soon as it runs. */
  readonly ready: Probe | undefined;
  /** Whether it is still alive, asked over and over once it is ready: a no is a restart. */
  readonly liveness: Probe | undefined;
  /** Whether it serves, asked over and over: told, and nothing else. */
  readonly readiness: Probe | undefined;
  /** More than this for the application and its descendants is a restart. */
  readonly memory_limit: MemoryLimit | undefined;
  /** Running so long is a restart. */
  readonly max_uptime: number | undefined;
  /** Listening sockets that init binds, holds over restarts and passes on (sd_listen_fds(3)). */
  readonly sockets: readonly SocketSpec[];

  /** Directories (a file a variable) or dotenv files; later ones win, `environment` wins over all. */
  readonly env_from: readonly string[];
  /** Checks the environment that is to be, with it in its own. */
  readonly env_validate: readonly (readonly string[])[];

  /** Keeps accepted generations and what was refused over restarts of the container. */
  readonly state_dir: string | undefined;

  /** What a change of reinit's own file does that takes a restart of the application; `ignore`: the file is not watched. */
  readonly on_config_change: 'restart' | 'next_start' | 'ignore';

  /** Who is told when something went wrong. */
  readonly notify: readonly NotifyTarget[];

  /** Undefined: the application has the container's own stdout and stderr. */
  readonly output: Output | undefined;

  /** `auto`, `off`, or a path. */
  readonly control_socket: string;

  readonly watch: readonly WatchRule[];
}

/** `percent`: of the limit that the kernel holds the container to (its cgroup's). */
export type MemoryLimit = { readonly kind: 'bytes'; readonly bytes: number } | { readonly kind: 'percent'; readonly percent: number };

/** A question to the application, and how often it is asked; names and meaning are those of Kubernetes' probes. Times in ms. */
export interface Probe {
  readonly check: Check;
  readonly initial_delay: number;
  readonly period: number;
  readonly timeout: number;
  readonly success_threshold: number;
  readonly failure_threshold: number;
}

export type Check =
  /** `path` begins with a slash; 200 to 399 is a yes. */
  | {
      readonly kind: 'http_get';
      readonly scheme: 'http' | 'https';
      readonly host: string;
      readonly port: number;
      readonly path: string;
      readonly headers: Readonly<Record<string, string>>;
    }
  | { readonly kind: 'tcp_socket'; readonly host: string; readonly port: number }
  | { readonly kind: 'exec'; readonly command: readonly string[] }
  /** The application says so itself: sd_notify(3). */
  | { readonly kind: 'notify' }
  /** The main process has children that are younger than the signal. Only after a reload. */
  | { readonly kind: 'workers' };

export const notifyKinds = ['refused', 'rolled_back', 'apply_failed', 'crash_loop', 'not_ready', 'loop', 'stale_mount', 'applied'] as const;
export type NotifyKind = (typeof notifyKinds)[number];

/** Undefined `url`: it is a line of the log. Times in ms. */
export interface NotifyTarget extends Pick<HttpCall, 'headers' | 'header_files' | 'timeout'> {
  readonly url: string | undefined;
  readonly events: readonly NotifyKind[];
  readonly format: 'json' | 'kubernetes_event';
  /** With what a validator printed. */
  readonly output: boolean;
}

export interface SocketSpec {
  /** In LISTEN_FDNAMES. */
  readonly name: string;
  /** An address in numbers and a port, or the path of a Unix socket. */
  readonly address:
    | { readonly kind: 'tcp'; readonly host: string; readonly port: number }
    | { readonly kind: 'unix'; readonly path: string; readonly mode: number };
  readonly backlog: number;
  readonly reuse_port: boolean;
}

/** Where the application finds accepted generations only. */
export interface Publish {
  readonly to: string;
  /** `flip`: `to` is a link that one rename changes. `files`: `to` is a directory, its files are renamed over each other at constant real paths. */
  readonly mode: 'flip' | 'files';
  /** Generations kept beside the published one and the last good one. */
  readonly keep: number;
}

/** A call that makes the application take over its configuration. Times in ms. */
export interface HttpCall {
  readonly url: string;
  readonly method: string;
  readonly headers: Readonly<Record<string, string>>;
  /** Header → file whose content (without the last newline) is its value; read at each call. */
  readonly header_files: Readonly<Record<string, string>>;
  readonly body: string | undefined;
  /** Inclusive ranges of status codes that are a success. */
  readonly expected_status: readonly (readonly [number, number])[];
  readonly timeout: number;
  readonly retries: number;
  /** Before the first retry; it doubles each time. */
  readonly retry_delay: number;
}

export type SignalRule = { readonly kind: 'drop' } | { readonly kind: 'stop' } | { readonly kind: 'forward'; readonly as: number };

export interface WatchRule {
  /** For messages: the paths, or the name given to the rule. */
  readonly name: string;
  /** Absolute paths of files or directories; they may not exist yet. */
  readonly paths: readonly string[];
  /** Globs of what counts; empty: everything. */
  readonly include: readonly string[];
  /** Globs, over what is left out always (editors' leftovers, names that start with `..`). */
  readonly exclude: readonly string[];
  readonly recursive: boolean;
  readonly mode: 'auto' | 'events' | 'poll';
  /** Quiet time before a change counts. */
  readonly settle: number;
  /** Act at the latest then, even if writing goes on. */
  readonly max_wait: number;
  /** Safety re-scan; 0: none. */
  readonly rescan: number;
  readonly poll_interval: number;
  /** A file may be gone so long without being a change. */
  readonly missing_grace: number;
  readonly max_files: number;
  readonly max_bytes: number;

  /** Every argv must exit with 0, in order. Empty: no validation. */
  readonly validate: readonly (readonly string[])[];
  readonly validate_timeout: number;
  /** Undefined: as the application's user. */
  readonly validate_user: string | undefined;
  /** Validators get a private copy of the files (REINIT_SNAPSHOT_DIR), as they do anyway with `publish` or where one names `{{snapshot}}`. */
  readonly snapshot: boolean;
  readonly publish: Publish | undefined;

  readonly on_change: 'reload' | 'restart' | 'exec' | 'http' | 'none';
  readonly reload_signal: number;
  /** How long after exec no reload signal is sent: a signal in the first moments kills most daemons. */
  readonly reload_after_start: number;
  /** For `on_change: exec`: every argv must exit with 0, in order. */
  readonly exec: readonly (readonly string[])[];
  readonly exec_timeout: number;
  /** For `on_change: http`. */
  readonly http: HttpCall | undefined;

  /** How long the application has to stay up after the action for it to count; with `confirm_by`: how long it has to confirm. */
  readonly confirm: number;
  readonly confirm_by: Probe | undefined;
  /** How often a reload that was not confirmed is tried again before `on_failure`. */
  readonly reload_retries: number;
  readonly on_failure: 'keep' | 'restart' | 'rollback';
  /** Having run so long on a generation without a confirmation of its own makes it a good one. */
  readonly good_after: number;

  /** Not more than one action in this time. */
  readonly min_interval: number;
  /** Spreads replicas: each waits its own share of this. */
  readonly splay: number;
  /** No reload while more old workers than this are left; undefined: no matter how many. */
  readonly max_draining: number | undefined;

  /** Holds the rule when its files change right after each of its own actions: then the application writes them itself. */
  readonly loop_guard: boolean;

  readonly on_stale_mount: 'warn' | 'exit';
  readonly stale_exit_code: number;
}
