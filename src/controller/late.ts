/** What is loaded while the application starts already: the log's real form, and watching. */

import type { Log } from '../log/log.ts';
import { pinoBackend } from '../log/pino.ts';
import type { WatchEvent } from '../watch/types.ts';
import { startWatch } from '../watch/watch.ts';
import type { LateOptions } from './controller.ts';

export function startLate({ config, log, driver, watches, now }: LateOptions): void {
  log.use(pinoBackend(config.log.level));
  for (const rule of config.services.main.watch) {
    const known = driver.state.rules[rule.name]?.desired?.hash;
    const tell = (event: WatchEvent): void => {
      if (event.kind === 'generation') driver.dispatch([{ kind: 'told', rule: rule.name, reading: event.generation, at: now() }]);
      else report(log, rule.name, event);
    };
    watches.set(rule.name, startWatch(rule, known, tell));
  }
}

/** What the watch says of a rule; its path is named once where the message begins with it. */
export const warningText = (rule: string, message: string, hint: string): string =>
  `${message.startsWith(rule) ? '' : `${rule}: `}${message}. ${hint}`;

function report(log: Log, rule: string, event: Exclude<WatchEvent, { kind: 'generation' }>): void {
  if (event.kind === 'warning') {
    const { code, message, hint } = event;
    log.say('warn', warningText(rule, message, hint), { event: 'watch_warning', rule, code });
    return;
  }
  const { mode, reason } = event;
  const level = mode === 'poll' ? 'info' : 'debug';
  log.say(level, `${rule}: changes are found by ${mode === 'poll' ? 'polling' : 'events'} (${reason})`, {
    event: 'watch_mode',
    rule,
    mode,
    reason,
  });
}
