/** What a watch has to say of itself, in the log. */

import type { Watched } from '../control/report.ts';
import type { Level } from '../log/line.ts';
import type { Log } from '../log/log.ts';
import type { Watch, WatchEvent } from '../watch/types.ts';

/** What the watch says of a rule; its path is named once where the message begins with it. */
export const warningText = (rule: string, message: string, hint: string): string =>
  `${message.startsWith(rule) ? '' : `${rule}: `}${message}. ${hint}`;

/** What operators are told of the watch of a rule. */
export const watchedBy = (rule: string, watch: Pick<Watch, 'mode' | 'warnings'> | undefined): Watched => ({
  watched_by: watch?.mode ?? null,
  warnings: (watch?.warnings ?? []).map(({ message, hint }) => warningText(rule, message, hint)),
});

/** `what`: whose watch it is. */
export function reportWarning(
  log: Log,
  what: 'rule' | 'file',
  name: string,
  { code, message, hint }: Extract<WatchEvent, { kind: 'warning' }>,
  level: Level = 'warn',
): void {
  log.say(level, warningText(name, message, hint), { event: 'watch_warning', [what]: name, code });
}

export function reportMode(log: Log, what: 'rule' | 'file', name: string, { mode, reason }: Extract<WatchEvent, { kind: 'mode' }>): void {
  const level = mode === 'poll' ? 'info' : 'debug';
  log.say(level, `${name}: changes are found by ${mode === 'poll' ? 'polling' : 'events'} (${reason})`, {
    event: 'watch_mode',
    [what]: name,
    mode,
    reason,
  });
}
