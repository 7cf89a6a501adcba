/**
 * What the rest of reinit sees of its configuration: validated, complete (every default filled in), durations in milliseconds,
 * signals as numbers. The schema (`schema.ts`) produces exactly this; nothing else may invent a setting.
 */
export interface Config {
  readonly log: LogSettings;
  /** The single form of the YAML is short for one service called `main`; several are to come. */
  readonly services: { readonly main: ServiceConfig };
}

export interface LogSettings {
  readonly level: 'debug' | 'info' | 'warn' | 'error';
  /** `auto`: readable where the container's stderr is a terminal, else JSON. */
  readonly format: 'auto' | 'json' | 'text';
}

export interface ServiceConfig {
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

  readonly watch: readonly WatchRule[];
}

export type SignalRule = { readonly kind: 'drop' } | { readonly kind: 'stop' } | { readonly kind: 'forward'; readonly as: number };

export interface WatchRule {
  /** For messages: the paths, or the name given to the rule. */
  readonly name: string;
  /** Absolute paths of files or directories; they may not exist yet. */
  readonly paths: readonly string[];
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

  readonly on_change: 'reload' | 'restart' | 'none';
  readonly reload_signal: number;
  /** How long after exec no reload signal is sent: a signal in the first moments kills most daemons. */
  readonly reload_after_start: number;
  /** How long the application has to stay up after the reload signal for the reload to count. */
  readonly confirm: number;
}
