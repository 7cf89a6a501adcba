/** Findings as people and as programs read them. Pure. */
import { printable } from '../core/printable.ts';
import { type Counts, countsOf, type Finding, type Level } from './finding.ts';

export interface Report {
  readonly version: string;
  /** The running reinit that was looked at. */
  readonly pid: number | undefined;
  readonly findings: readonly Finding[];
}

/** By the topic of their ids, in this order. */
const topics: Readonly<Record<string, string>> = {
  config: 'Configuration',
  program: 'Programs',
  user: 'Users and permissions',
  watch: 'Watched files',
  inotify: 'File events',
  validate: 'Validators',
  signals: 'Signals',
  stop: 'Stop',
  write: 'Places to write',
  pid1: 'PID 1',
  resources: 'Resources',
};

const marks: Readonly<Record<Level, string>> = { ok: '✓', info: '·', warn: '!', error: '✗' };
/** Of a terminal: green, none, yellow, red. */
const colours: Readonly<Record<Level, string>> = { ok: '32', info: '0', warn: '33', error: '31' };

export function jsonReport({ version, pid, findings }: Report): string {
  return `${JSON.stringify({ v: 1, version, running: pid ?? null, findings, summary: countsOf(findings) }, undefined, 2)}\n`;
}

/** @param all what is as it should be, too, one by one */
export function textReport({ version, pid, findings }: Report, all: boolean, colour: boolean): string {
  const paint = (level: Level, text: string): string => (colour ? `\u001b[${colours[level]}m${text}\u001b[0m` : text);
  const shown = findings.filter(({ level }) => all || level !== 'ok');
  const groups = Object.entries(topics).flatMap(([topic, title]) => {
    const group = shown.filter(({ id }) => id.startsWith(`${topic}.`));
    return group.length === 0 ? [] : [[title, ...group.map((finding) => findingText(finding, paint))].join('\n')];
  });
  const counts = countsOf(findings);
  const subject = pid === undefined ? 'what a start would find here' : `the running reinit, process ${pid}`;
  return `${[`reinit ${version} doctor: ${subject}`, ...groups, paint(worst(counts), summary(counts, all))].join('\n\n')}\n`;
}

function findingText({ level, title, detail, remedy, rule }: Finding, paint: (level: Level, text: string) => string): string {
  const about = rule === undefined || title.includes(rule) ? '' : ` [${rule}]`;
  const lines = [...detail.split('\n'), ...remedy.split('\n').map((line, index) => `${index === 0 ? '→' : ' '} ${line}`)];
  const below = lines.filter((line) => line.trim() !== '' && line !== '→ ').map((line) => `      ${printable(line)}`);
  return [`  ${paint(level, `${marks[level]} ${printable(title)}`)}${printable(about)}`, ...below].join('\n');
}

const worst = (counts: Counts): Level => (['error', 'warn', 'ok'] as const).find((level) => counts[level] > 0) ?? 'ok';

function summary(counts: Counts, all: boolean): string {
  const some = (count: number, one: string, many: string): string[] => (count === 0 ? [] : [`${count} ${count === 1 ? one : many}`]);
  const parts = [
    ...some(counts.error, 'error', 'errors'),
    ...some(counts.warn, 'warning', 'warnings'),
    ...some(counts.info, 'note', 'notes'),
    `${counts.ok} ok${all ? '' : ' (-v shows them)'}`,
  ];
  return parts.join(', ');
}
