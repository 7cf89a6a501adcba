import type {
  Attach,
  Config,
  HttpSettings,
  MemoryLimit,
  Output,
  Probe,
  ServiceConfig,
  SignalRule,
  SocketSpec,
  WatchRule,
} from '../config/model.ts';
import { formatDuration } from '../core/durations.ts';
import { exitCodes } from '../core/exit-codes.ts';
import { signalName } from '../core/signals.ts';
import { formatBytes } from '../core/sizes.ts';

/** What reinit would do with this configuration, in a few lines. Of the environment only the names. */
export function summarise(config: Config, commandAfterDashes: readonly string[]): string {
  const { main } = config.services;
  const rows: (readonly [string, string])[] = [
    ...(main.attach
      ? [['attach', attachText(main.attach)] as const]
      : [['command', commandText(main.command, commandAfterDashes)] as const]),
    ...account(main),
    ...provisions(main),
    ...(main.attach ? [] : [['stop', stopText(main)] as const, ['restart', restartText(main)] as const]),
    ...careRows(main),
    ...signalRows(main),
    ...main.watch.flatMap(watchRows),
    ['log', `${config.log.level}, ${config.log.format}`],
    ...(config.http ? [['http', httpText(config.http)] as const] : []),
  ];
  return rows.map(([name, text]) => `  ${name.padEnd(12)} ${text}`).join('\n');
}

function httpText({ listen: { host, port }, ready_while_refused: ready, page }: HttpSettings): string {
  const where = host === undefined ? `port ${port}` : `${hostText(host)}:${port}`;
  return `${where}${page ? '' : ', without the page'}${ready ? '' : '; not ready while a change is refused'}`;
}

function commandText(command: readonly string[], after: readonly string[]): string {
  if (after.length > 0) return `${quoted(after)} (from after --)`;
  return command.length > 0 ? quoted(command) : 'what will stand after --';
}

function attachText({ match, name, pid_file }: Attach): string {
  const facts = [
    ...(match === undefined ? [] : [`its command line begins with ${quoted([match])}`]),
    ...(name === undefined ? [] : [`its program is ${quoted([name])}`]),
    ...(pid_file === undefined ? [] : [`its pid is in ${pid_file}`]),
  ];
  return facts.length === 0
    ? "another container's application, whose process is not asked for"
    : `another container's process: ${facts.join(', ')}`;
}

function account(main: ServiceConfig): (readonly [string, string])[] {
  const rows: (readonly [string, string])[] = [];
  if (main.user !== undefined) rows.push(['user', main.user]);
  if (main.working_dir !== undefined) rows.push(['working dir', main.working_dir]);
  const set = Object.keys(main.environment);
  if (set.length > 0)
    rows.push(['environment', set.map((name) => (main.environment[name] === null ? `without ${name}` : name)).join(', ')]);
  const limits = Object.entries(main.limits).map(([name, limit]) => `${name} ${limit}`);
  if (limits.length > 0) rows.push(['limits', limits.join(', ')]);
  return rows;
}

/** What the application finds, and how it is known to be there itself. */
function provisions(main: ServiceConfig): (readonly [string, string])[] {
  const rows: (readonly [string, string])[] = [];
  if (main.env_from.length > 0) rows.push(['env from', main.env_from.join(', ')]);
  if (main.sockets.length > 0) rows.push(['sockets', main.sockets.map(socketText).join(', ')]);
  if (main.ready !== undefined) rows.push(['ready', `when ${probeText(main.ready)}`]);
  if (main.readiness !== undefined) rows.push(['readiness', `${repeatedText(main.readiness)}; told, and nothing else`]);
  if (main.output !== undefined) rows.push(['output', outputText(main.output)]);
  if (main.state_dir !== undefined) rows.push(['state', main.state_dir]);
  return rows;
}

function outputText({ format, prefix, timestamps, file }: Output): string {
  const before = [...(timestamps ? ['the time'] : []), ...(prefix === '' ? [] : [JSON.stringify(prefix)])];
  const lines = `${format}${before.length === 0 ? '' : `, each line after ${before.join(' and ')}`}`;
  if (file === undefined) return lines;
  const room = `${file.max_files} × ${formatBytes(file.max_size)}`;
  return `${lines}, to ${file.path} (${room})${file.also_stdout ? ' and to stdout and stderr' : ''}`;
}

/** What makes reinit restart it of its own accord. */
function careRows({ liveness, memory_limit, max_uptime, restart }: ServiceConfig): (readonly [string, string])[] {
  const sequel = restart === 'no' ? `else it is stopped, and the container ends with ${exitCodes.unwell}` : 'else it is restarted';
  const rows: (readonly [string, string])[] = [];
  if (liveness !== undefined) rows.push(['liveness', `${repeatedText(liveness)}; ${sequel}`]);
  if (memory_limit !== undefined) rows.push(['memory', `restarted beyond ${memoryText(memory_limit)}`]);
  if (max_uptime !== undefined) rows.push(['uptime', `restarted after ${formatDuration(max_uptime)}, or up to a tenth earlier`]);
  return rows;
}

const memoryText = (limit: MemoryLimit): string =>
  limit.kind === 'percent' ? `${limit.percent}% of the container's limit` : formatBytes(limit.bytes);

const repeatedText = (probe: Probe): string =>
  `${probeText(probe)}, asked each ${formatDuration(probe.period)}, ${probe.failure_threshold} failures in a row are a no`;

function socketText({ name, address }: SocketSpec): string {
  if (address.kind === 'unix') return `${address.path} (${name})`;
  return `${hostText(address.host)}:${address.port} (${name})`;
}

const hostText = (host: string): string => (host.includes(':') ? `[${host}]` : host);

/** Without the query of a request: it may hold a token. */
function probeText({ check }: Probe): string {
  switch (check.kind) {
    case 'http_get':
      return `${check.scheme}://${hostText(check.host)}:${check.port}${check.path.split('?')[0]} answers`;
    case 'tcp_socket':
      return `${hostText(check.host)}:${check.port} accepts a connection`;
    case 'exec':
      return `\`${quoted(check.command)}\` exits with 0`;
    case 'notify':
      return 'it says so (sd_notify)';
    case 'workers':
      return 'it has new workers';
  }
}

function stopText(main: ServiceConfig): string {
  const signal = main.stop_signal === 0 ? 'the signal that came' : signalName(main.stop_signal);
  const asked = main.container_stop_signals.map(signalName).join(', ');
  const kill = main.stop_timeout === undefined ? 'no KILL from reinit' : `KILL after ${formatDuration(main.stop_timeout)}`;
  return `on ${asked}: ${signal} to its ${main.signal_target}; ${kill}`;
}

function restartText(main: ServiceConfig): string {
  const order = main.restart_order === 'start_first' ? '; the new one is started before the old one is stopped' : '';
  if (main.restart === 'no') return `no: when the application ends, the container does${order}`;
  const limit = main.restart_limit === 0 ? '' : `, ${main.restart_limit} times in a row at most`;
  return `${main.restart}, after ${formatDuration(main.restart_delay)} to ${formatDuration(main.restart_max_delay)}${limit}${order}`;
}

function signalRows(main: ServiceConfig): (readonly [string, string])[] {
  const rules = Object.entries(main.signals).map(([signo, rule]) => `${signalName(Number(signo))} ${ruleText(rule)}`);
  const codes = Object.entries(main.exit_codes).map(([from, to]) => `${from} becomes ${to}`);
  const rows: (readonly [string, string])[] = [];
  if (rules.length > 0) rows.push(['signals', rules.join(', ')]);
  if (codes.length > 0) rows.push(['exit codes', codes.join(', ')]);
  return rows;
}

function ruleText(rule: SignalRule): string {
  switch (rule.kind) {
    case 'drop':
      return 'is dropped';
    case 'stop':
      return 'stops the container';
    case 'forward':
      return `becomes ${signalName(rule.as)}`;
  }
}

function watchRows(rule: WatchRule): (readonly [string, string])[] {
  const checks = rule.validate.map((argv) => `\`${quoted(argv)}\``).join(', ');
  const first = checks === '' ? '' : `check with ${checks} (${formatDuration(rule.validate_timeout)}), then `;
  const published = rule.publish === undefined ? '' : `publish to ${rule.publish.to}, then `;
  return [
    ['watch', rule.name],
    ['', `after ${formatDuration(rule.settle)} of quiet: ${first}${published}${actionText(rule)}${confirmText(rule)}`],
    ...paceRows(rule),
  ];
}

/** What makes it wait although it is valid. */
function paceRows({ splay, min_interval, max_draining }: WatchRule): (readonly [string, string])[] {
  const parts = [
    ...(splay > 0 ? [`each replica waits its own share of ${formatDuration(splay)}`] : []),
    ...(min_interval > 0 ? [`once in ${formatDuration(min_interval)} at most`] : []),
    ...(max_draining === undefined ? [] : [`not while more than ${max_draining} old workers are left`]),
  ];
  return parts.length > 0 ? [['', parts.join('; ')]] : [];
}

function confirmText(rule: WatchRule): string {
  if (rule.on_change === 'none') return '';
  const time = formatDuration(rule.confirm);
  const good = rule.confirm_by === undefined ? `it is still up ${time} later` : `${probeText(rule.confirm_by)} within ${time}`;
  const otherwise = { keep: 'left as it is', restart: 'started anew', rollback: 'given the last good configuration' };
  return `; good if ${good}, else it is ${otherwise[rule.on_failure]}`;
}

function actionText(rule: WatchRule): string {
  switch (rule.on_change) {
    case 'reload':
      return signalName(rule.reload_signal);
    case 'restart':
      return 'stop and start the application';
    case 'exec':
      return `run ${rule.exec.map((argv) => `\`${quoted(argv)}\``).join(', ')} (${formatDuration(rule.exec_timeout)})`;
    case 'http':
      return rule.http === undefined ? 'a request' : `${rule.http.method} to ${new URL(rule.http.url).host}`;
    case 'none':
      return 'report only';
  }
}

/** Words as one would type them into a shell; control characters do not reach the terminal. */
function quoted(argv: readonly string[]): string {
  return argv
    .map((word) => (/^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''").replaceAll(/\p{Cc}/gu, '?')}'`))
    .join(' ');
}
