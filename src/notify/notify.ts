/** Tells others what went wrong (`notify`). A bundle of its own, loaded where it is configured. */
import { setTimeout } from 'node:timers';
import type { NotifyTarget } from '../config/model.ts';
import type { Journal } from '../journal/journal.ts';
import type { Log } from '../log/log.ts';
import { eventOf } from './events.ts';
import { podOf } from './forms.ts';
import { openTarget, type TargetWorld } from './target.ts';

export interface NotifyOptions {
  readonly targets: readonly NotifyTarget[];
  readonly journal: Pick<Journal, 'subscribe'>;
  readonly log: Pick<Log, 'say' | 'raw'>;
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** From here on: what the journal holds already was told by another controller, or is too old. */
export function startNotify({ targets, journal, log, env }: NotifyOptions): void {
  const pod = podOf(env);
  const tells = targets.map((target, index) => openTarget(target, { ...worldOf(`notify[${index}]`, log), pod }));
  journal.subscribe((entry) => {
    const event = eventOf(entry);
    if (event) for (const tell of tells) tell(event);
  });
}

function worldOf(setting: string, log: NotifyOptions['log']): Omit<TargetWorld, 'pod'> {
  return {
    retryDelayMs: 1_000,
    now: Date.now,
    later: (ms, call) => void setTimeout(call, ms).unref(),
    print: (line) => log.raw(`${line}\n`),
    changed(problem) {
      if (problem === undefined) log.say('info', `${setting}: events can be told again`, { event: 'notify_works' });
      else
        log.say('warn', `${setting}: an event could not be told: ${problem}. The next ones are tried.`, {
          event: 'notify_failed',
          reason: problem,
        });
    },
    lost: (count) =>
      log.say('warn', `${setting}: ${count} events were not told, since too many others waited`, { event: 'notify_dropped', count }),
  };
}
