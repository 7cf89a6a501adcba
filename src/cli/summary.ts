import type { Config, ServiceConfig, SignalRule, WatchRule } from '../config/model.ts';
import { formatDuration } from '../core/durations.ts';
import { signalName } from '../core/signals.ts';

/** What reinit would do with this configuration, in a few lines. Of the environment only the names. */
export function summarise(config: Config, commandAfterDashes: readonly string[]): string {
  const { main } = config.services;
  const rows: (readonly [string, string])[] = [
    ['command', commandText(main.command, commandAfterDashes)],
    ...account(main),
    ['stop', stopText(main)],
    ['restart', restartText(main)],
    ...signalRows(main),
    ...main.watch.flatMap(watchRows),
    ['log', `${config.log.level}, ${config.log.format}`],
  ];
  return rows.map(([name, text]) => `  ${name.padEnd(12)} ${text}`).join('\n');
}

function commandText(command: readonly string[], after: readonly string[]): string {
  if (after.length > 0) return `${quoted(after)} (from after --)`;
  return command.length > 0 ? quoted(command) : 'what will stand after --';
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

function stopText(main: ServiceConfig): string {
  const signal = main.stop_signal === 0 ? 'the signal that came' : signalName(main.stop_signal);
  const asked = main.container_stop_signals.map(signalName).join(', ');
  const kill = main.stop_timeout === undefined ? 'no KILL from reinit' : `KILL after ${formatDuration(main.stop_timeout)}`;
  return `on ${asked}: ${signal} to its ${main.signal_target}; ${kill}`;
}

function restartText(main: ServiceConfig): string {
  if (main.restart === 'no') return 'no: when the application ends, the container does';
  const limit = main.restart_limit === 0 ? '' : `, ${main.restart_limit} times in a row at most`;
  return `${main.restart}, after ${formatDuration(main.restart_delay)} to ${formatDuration(main.restart_max_delay)}${limit}`;
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
  return [
    ['watch', rule.name],
    ['', `after ${formatDuration(rule.settle)} of quiet: ${first}${actionText(rule)}`],
  ];
}

function actionText(rule: WatchRule): string {
  switch (rule.on_change) {
    case 'reload':
      return `${signalName(rule.reload_signal)}; good if it is still up ${formatDuration(rule.confirm)} later`;
    case 'restart':
      return 'stop and start the application';
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
