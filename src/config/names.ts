/** Helping somebody who wrote a name that reinit does not have. */

/** The candidate that is near enough to have been meant, by edits (swaps of neighbours count one); undefined if none is. */
export function nearest(name: string, candidates: readonly string[]): string | undefined {
  if (name.length > 64) return undefined;
  let best: string | undefined;
  let least = Math.max(1, Math.floor(name.length / 3)) + 1;
  for (const candidate of candidates) {
    if (Math.abs(candidate.length - name.length) >= least) continue;
    const edits = distance(name, candidate);
    if (edits < least) [best, least] = [candidate, edits];
  }
  return best;
}

/** The problem with a value that is none of the few there are. @param near what may have been meant */
export const noSuch = (what: string, near: string | undefined): string =>
  `there is no such ${what}${near === undefined ? '' : `: did you mean ${near}?`}`;

/** Optimal string alignment distance: insert, delete, replace, swap two neighbours. */
export function distance(a: string, b: string): number {
  let beforeLast: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i += 1) {
    const row = [i];
    for (let j = 1; j <= b.length; j += 1) {
      const same = a[i - 1] === b[j - 1] ? 0 : 1;
      let edits = Math.min((last[j] ?? 0) + 1, (row[j - 1] ?? 0) + 1, (last[j - 1] ?? 0) + same);
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) edits = Math.min(edits, (beforeLast[j - 2] ?? 0) + 1);
      row.push(edits);
    }
    [beforeLast, last] = [last, row];
  }
  return last[b.length] ?? 0;
}

/** Settings that the design has and this version has not. */
const planned: ReadonlySet<string> = new Set(['services', 'control', 'hooks', 'terminal']);

const shared = {
  debounce: 'settle',
  delay: 'settle',
  debounce_delay: 'settle',
  quiet_period: 'settle',
  interval: 'poll_interval',
  polling_interval: 'poll_interval',
  poll: 'mode',
  use_polling: 'mode',
  usepolling: 'mode',
  path: 'paths',
  files: 'paths',
  file: 'paths',
  volume_dir: 'paths',
  watched_dir: 'paths',
  dir: 'paths',
  directory: 'paths',
  check_cmd: 'validate',
  check: 'validate',
  test: 'validate',
  test_command: 'validate',
  validator: 'validate',
  config_test: 'validate',
  check_timeout: 'validate_timeout',
  ignore: 'exclude',
  ignored: 'exclude',
  action: 'on_change',
  reload_method: 'on_change',
  strategy: 'on_change',
  signal: 'reload_signal',
  restart_on_change: 'on_change',
  max_wait_time: 'max_wait',
  resync: 'rescan',
  patterns: 'include',
  globs: 'include',
  only: 'include',
  destination: 'publish',
  output: 'publish',
  target: 'publish',
  webhook: 'http',
  webhook_url: 'http',
  reload_url: 'http',
  url: 'http',
  reload_timeout: 'exec_timeout',
  command_timeout: 'exec_timeout',
  verify: 'confirm_by',
  verify_cmd: 'confirm_by',
  probe: 'confirm_by',
  on_error: 'on_failure',
  failure_action: 'on_failure',
  rollback: 'on_failure',
  retries: 'reload_retries',
  cooldown: 'min_interval',
  rate_limit: 'min_interval',
  jitter: 'splay',
  max_old_workers: 'max_draining',
  mworker_max_reloads: 'max_draining',
} as const;

const service = {
  cmd: 'command',
  entrypoint: 'command',
  args: 'command',
  exec_start: 'command',
  program: 'command',
  exec: 'command',
  run: 'command',
  stop_grace_period: 'stop_timeout',
  kill_timeout: 'stop_timeout',
  kill_delay: 'stop_timeout',
  grace: 'stop_timeout',
  grace_period: 'stop_timeout',
  termination_grace_period_seconds: 'stop_timeout',
  stopwaitsecs: 'stop_timeout',
  timeout_stop_sec: 'stop_timeout',
  stop_grace: 'stop_timeout',
  stopsignal: 'stop_signal',
  kill_signal: 'stop_signal',
  restart_stop_signal: 'stop_signal',
  stop_sig: 'stop_signal',
  cwd: 'working_dir',
  workdir: 'working_dir',
  working_directory: 'working_dir',
  chdir: 'working_dir',
  dir: 'working_dir',
  directory: 'working_dir',
  env: 'environment',
  vars: 'environment',
  envs: 'environment',
  ulimits: 'limits',
  rlimits: 'limits',
  uid: 'user',
  run_as: 'user',
  user_id: 'user',
  run_as_user: 'user',
  autorestart: 'restart',
  restart_policy: 'restart',
  availability: 'restart',
  backoff_seconds: 'restart_delay',
  backoff_delay: 'restart_delay',
  restart_sec: 'restart_delay',
  backoff_limit: 'restart_max_delay',
  max_restarts: 'restart_limit',
  startretries: 'restart_limit',
  start_limit_burst: 'restart_limit',
  success_exit_codes: 'exit_codes',
  exitcodes: 'exit_codes',
  success_exit_status: 'exit_codes',
  remap_exit: 'exit_codes',
  rewrite: 'signals',
  signal_map: 'signals',
  stopasgroup: 'signal_target',
  killasgroup: 'signal_target',
  kill_mode: 'signal_target',
  no_new_privs: 'no_new_privileges',
  logging: 'log',
  stdout: 'output',
  stderr: 'output',
  stdout_logfile: 'output',
  stderr_logfile: 'output',
  log_level: 'log',
  loglevel: 'log',
  env_file: 'env_from',
  env_files: 'env_from',
  envfile: 'env_from',
  environment_file: 'env_from',
  envdir: 'env_from',
  env_dir: 'env_from',
  startup_probe: 'ready',
  readiness_probe: 'readiness',
  liveness_probe: 'liveness',
  healthcheck: 'readiness',
  health_check: 'readiness',
  watchdog_sec: 'liveness',
  mem_limit: 'memory_limit',
  memory_max: 'memory_limit',
  max_memory: 'memory_limit',
  max_memory_restart: 'memory_limit',
  runtime_max_sec: 'max_uptime',
  max_lifetime: 'max_uptime',
  wait_ready: 'ready',
  notification_fd: 'ready',
  listen: 'sockets',
  listen_stream: 'sockets',
  socket: 'sockets',
  bind: 'sockets',
  cache_dir: 'state_dir',
  data_dir: 'state_dir',
  state_directory: 'state_dir',
  update_order: 'restart_order',
  order: 'restart_order',
  metrics: 'http',
  metrics_address: 'http',
  metrics_port: 'http',
  status: 'http',
  status_port: 'http',
  telemetry: 'http',
  profile: 'preset',
  template: 'preset',
  webhooks: 'notify',
  notifications: 'notify',
  alerts: 'notify',
  watches: 'watch',
  watcher: 'watch',
  files: 'watch',
} as const;

const otherReload =
  'a reload by a signal is reload_signal, in a rule under watch; by a command it is exec there, with on_change: exec; by a request http, with on_change: http';

/** Names of other tools that need more than a pointer. */
const explained: ReadonlyMap<string, string> = new Map([
  ['depends_on', 'reinit runs one application: order between containers belongs to compose or Kubernetes'],
  ['reload_cmd', otherReload],
  ['reload_command', otherReload],
  ['exec_reload', otherReload],
  ['type', 'what systemd calls Type=notify is ready: notify; a reload is confirmed so with confirm_by: notify, in a rule under watch'],
  ['ports', 'published ports belong to the container engine; what reinit listens on for the application is sockets'],
  ['image', 'this is the file of reinit inside the container, not a compose file'],
  ['volumes', 'this is the file of reinit inside the container, not a compose file'],
  ['version', 'reinit has no version key: remove it'],
  ['<<', 'merge keys (<<) are not supported: repeat the settings, or use an alias for a whole value'],
]);

/** Where in the file a key was met: at the top, in a watch rule, under log, or in the mapping of one setting. */
export type Scope = 'service' | 'watch' | 'log' | 'part';

/** What a key could have been there. */
export interface Surroundings {
  readonly scope: Scope;
  readonly known: readonly string[];
  /** Keys of the other parts of the file → where they belong. */
  readonly elsewhere: ReadonlyMap<string, string>;
  /** Other tools' names for the keys of this very mapping → the key, or a sentence. */
  readonly own: Readonly<Record<string, string>>;
}

/** Says what a key that reinit does not know was probably meant to be: one sentence, or undefined. */
export function hintFor(name: string, { scope, known, elsewhere, own }: Surroundings): string | undefined {
  const key = normalise(name);
  if (known.includes(key)) return `it is spelled ${key}`;
  const told = Object.hasOwn(own, key) ? own[key] : explained.get(key);
  if (told !== undefined) return known.includes(told) ? nameOfOurs(told) : told;
  const table: Readonly<Record<string, string>> = scope === 'watch' ? shared : scope === 'service' ? service : {};
  const meant = Object.hasOwn(table, key) ? table[key] : undefined;
  if (meant !== undefined) return nameOfOurs(meant);
  if (planned.has(key)) return 'it is planned, and not supported by this version';
  return placeFor(key, scope, elsewhere) ?? nearHint(key, known);
}

const nameOfOurs = (name: string): string => `reinit's name for it is ${name}`;

function placeFor(key: string, scope: Scope, elsewhere: ReadonlyMap<string, string>): string | undefined {
  const place = elsewhere.get(key);
  if (place !== undefined) return `${key} belongs ${place}`;
  return scope !== 'part' && Object.hasOwn(shared, key) ? `${shared[key as keyof typeof shared]} belongs in a rule under watch` : undefined;
}

function nearHint(key: string, known: readonly string[]): string | undefined {
  const near = nearest(key, known);
  return near === undefined ? undefined : `did you mean ${near}?`;
}

/** `stopGracePeriod`, `stop-grace-period`, `StopGracePeriod` are one name. */
function normalise(name: string): string {
  return name
    .slice(0, 64)
    .replace(/([a-z0-9])([A-Z])/g, '$1_$2')
    .replaceAll('-', '_')
    .toLowerCase();
}

/** A name out of a hostile file, fit for a terminal: bounded, without control characters. */
export function shorten(name: string): string {
  return name.slice(0, 60).replaceAll(/\p{Cc}/gu, '?') + (name.length > 60 ? '…' : '');
}
