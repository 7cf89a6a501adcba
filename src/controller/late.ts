/** What is loaded while the application starts already: the log's real form, and watching. */
import { pinoBackend } from '../log/pino.ts';
import type { WatchEvent } from '../watch/types.ts';
import { startWatch } from '../watch/watch.ts';
import type { LateOptions } from './controller.ts';

export function startLate({ config, log, driver, watches, now }: LateOptions): void {
  log.use(pinoBackend(config.log.level));
  for (const rule of config.services.main.watch) {
    const tell = (event: WatchEvent): void => {
      switch (event.kind) {
        case 'generation':
          return driver.dispatch([{ kind: 'told', rule: rule.name, reading: event.generation, at: now() }]);
        case 'warning':
          return log.say('warn', `${rule.name}: ${event.message}. ${event.hint}`, {
            event: 'watch_warning',
            rule: rule.name,
            code: event.code,
          });
        case 'mode':
          return log.say(
            event.mode === 'poll' ? 'info' : 'debug',
            `${rule.name}: changes are found by ${event.mode === 'poll' ? 'polling' : 'events'} (${event.reason})`,
            {
              event: 'watch_mode',
              rule: rule.name,
              mode: event.mode,
              reason: event.reason,
            },
          );
        default:
          return event satisfies never;
      }
    };
    watches.set(rule.name, startWatch(rule, driver.state.rules[rule.name]?.desired?.hash, tell));
  }
}
