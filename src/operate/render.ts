/** What is answered, for people. Pure. */
import type { Generation } from '../control/history.ts';
import type { Report, RuleReport } from '../control/report.ts';
import { age, formatDuration } from '../core/durations.ts';
import { printable } from '../core/printable.ts';
import { words } from '../core/status.ts';
import type { Entry } from '../journal/journal.ts';
import { readable } from '../log/text.ts';
import { counted } from '../log/words.ts';

export const entryLine = (entry: Entry): string => readable(JSON.stringify(entry));

/** @param now ms since the epoch */
export function statusText(report: Report, now: number): string {
  const { application, rules, reinit } = report;
  const { state, pid, ready, not_ready_because: problem, since, next_start_at: next } = application;
  const life = [
    state === 'running' ? (ready ? 'running, ready' : `running, not ready${problem === null ? '' : ` (${problem})`}`) : state,
    ...(pid === null ? [] : [`pid ${pid}`]),
    ...(since === null ? [] : [`since ${age(since, now)}`]),
    ...(next === null ? [] : [`next start in ${age(new Date(2 * now - Date.parse(next)).toISOString(), now)}`]),
    ...(report.restarts > 0 ? [counted(report.restarts, 'restart', 'restarts')] : []),
  ];
  const controller = reinit.controller_generation === 0 ? '' : `, controller started ${reinit.controller_generation + 1} times`;
  const head = [
    `application    ${life.join(', ')}`,
    `configuration  ${rules.length === 0 ? 'nothing is watched' : report.in_sync ? 'in sync' : 'NOT in sync'}`,
    `reinit         ${reinit.version} on ${reinit.host}, up ${age(reinit.since, now)}${controller}`,
    ...ownFileLines(report),
  ];
  if (rules.length === 0) return `${head.join('\n')}\n`;
  const table = columns([
    ['RULE', 'STATE', 'RUNS WITH', 'FILES HOLD', 'LAST GOOD', 'SINCE'],
    ...rules.map((rule) => [
      rule.name,
      words[rule.standing] + (rule.pinned && rule.standing !== 'pinned' ? ' (pinned)' : ''),
      rule.applied ?? '-',
      rule.desired ?? '-',
      rule.good ?? '-',
      age(rule.out_of_sync_since ?? rule.changed_at, now),
    ]),
  ]);
  const remarks = rules.flatMap(remarksOf);
  return `${[...head, '', table, ...(remarks.length > 0 ? ['', ...remarks] : [])].join('\n')}\n`;
}

/** Only where there is something to say. */
function ownFileLines({ own_file: own }: Report): string[] {
  if (!own) return [];
  const { hash, refused, refusal, next_start: next } = own;
  const pending =
    next.length === 0 ? [] : [`own file       ${hash} is in force; ${next.join(', ')} will count from the next start of the application`];
  if (refused === null) return pending;
  return [
    ...pending,
    `own file       ${refused} is refused, ${hash} is in force`,
    ...(refusal ? [refusal.reason, ...indented(refusal.output)] : []),
  ];
}

function remarksOf({ refusal, warnings, name, watched_by }: RuleReport): string[] {
  const polled = watched_by === 'poll' ? [`${name}: changes are found by polling`] : [];
  const reason = refusal?.reason ? [refusal.reason, ...indented(refusal.output)] : [];
  return [...reason, ...warnings, ...polled].map(printable);
}

const indented = (output: string | null): string[] => (output ? output.split('\n').map((line) => `    | ${line}`) : []);

/** @param now ms since the epoch */
export function historyText(generations: readonly Generation[], now: number): string {
  if (generations.length === 0) return 'No change was seen yet.\n';
  const table = columns([
    ['SEEN', 'RULE', 'GENERATION', 'FATE', 'TOOK', 'FILES'],
    ...generations.map(({ seen_at, rule, hash, fate, how, good, ms, files, more }) => [
      `${age(seen_at, now)} ago`,
      rule,
      hash,
      `${fate}${how ? ` (${how})` : ''}${good ? ', good' : ''}`,
      ms === null ? '-' : formatDuration(ms),
      [...files, ...(more > 0 ? [`and ${more} more`] : [])].join(' ') || '-',
    ]),
  ]);
  const last = generations.findLast(({ reason, fate }) => reason !== null && fate !== 'applied');
  const why = last?.reason ? ['', last.reason, ...indented(last.output)] : [];
  return `${[table, ...why].join('\n')}\n`;
}

/** Names of files are anybody's. */
export function columns(given: readonly (readonly string[])[]): string {
  const rows = given.map((row) => row.map(printable));
  const widths = rows[0]?.map((_, at) => Math.max(...rows.map((row) => row[at]?.length ?? 0))) ?? [];
  return rows
    .map((row) =>
      row
        .map((cell, at) => cell.padEnd(widths[at] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}
