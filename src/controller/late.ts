/** What is loaded while the application starts already: the log's real form, and watching. */

import { readFileSync } from 'node:fs';
import { setTimeout } from 'node:timers';
import { policiesOf, type RulePolicy } from '../core/policy.ts';
import type { Reading } from '../core/reading.ts';
import { environmentRule } from '../environment/environment.ts';
import type { Log } from '../log/log.ts';
import { pinoBackend } from '../log/pino.ts';
import { mountOf, parseMounts } from '../watch/mounts.ts';
import type { Generation, WatchEvent } from '../watch/types.ts';
import { startWatch } from '../watch/watch.ts';
import type { LateOptions } from './controller.ts';

/** Files that were told of and cannot be read a moment later: again, so that nothing is lost. */
const againMs = 1_000;

/** For reinit's own file, beside what holds for every watch. */
const ownDefaults = {
  include: [],
  exclude: [],
  recursive: false,
  mode: 'auto',
  settle: 300,
  max_wait: 5_000,
  rescan: 30_000,
  poll_interval: 2_000,
  missing_grace: 5_000,
  max_files: 1,
  max_bytes: 2 * 1024 * 1024,
} as const;

export function startLate(options: LateOptions): void {
  const { config, log, watches, file } = options;
  log.use(pinoBackend(config.log.level));
  for (const rule of policiesOf(config.services.main)) watches.set(rule.name, watchRule(rule, options));
  if (file !== undefined && config.services.main.on_config_change !== 'ignore') watchOwn(file, options);
}

/** Beside the rules, whatever those are called. What it tells is looked at by the controller: the same text as in force is no change. */
function watchOwn(file: string, { log, driver, now }: LateOptions): void {
  startWatch({ ...ownDefaults, paths: [file] }, undefined, (event) => {
    if (event.kind === 'generation') driver.dispatch([{ kind: 'configTold', at: now() }]);
    else if (event.kind === 'warning' || event.kind === 'mode') report(log, file, event, 'file');
  });
}

function watchRule(rule: RulePolicy, { log, driver, shop, now }: LateOptions) {
  const name = rule.name;
  const told = (reading: Reading, swapped: boolean): void =>
    driver.dispatch([{ kind: 'told', rule: name, reading, foreign: swapped || isForeign(rule.paths), at: now() }]);
  const tellVariables = async (swapped: boolean): Promise<void> => {
    const reading = await (await shop.open()).readVariables();
    if (reading) told(reading, swapped);
    else setTimeout(() => void tellVariables(swapped), againMs);
  };
  const variables = rule.source === 'environment';
  const found = (generation: Generation, swapped: boolean): void => (variables ? void tellVariables(swapped) : told(generation, swapped));
  const tell = (event: WatchEvent): void => {
    switch (event.kind) {
      case 'generation':
        found(event.generation, event.swapped);
        break;
      case 'stir':
      case 'calm':
        driver.dispatch([{ kind: event.kind === 'stir' ? 'stirred' : 'calmed', rule: name, at: now() }]);
        break;
      case 'stale':
        driver.dispatch([{ kind: 'stale', rule: name, at: now() }]);
        break;
      default:
        report(log, name, event);
    }
  };
  // What the files hold is not what counts for variables: the first look is told, and compared by what comes of it.
  if (variables) return startWatch(environmentRule(rule.paths, rule), undefined, tell);
  return startWatch(rule, driver.state.rules[name]?.desired?.hash, tell);
}

/** Whether nobody in the container can write there: it sees all of it through mounts that are read-only. Asked anew, since mounts change. */
function isForeign(paths: readonly string[]): boolean {
  try {
    const mounts = parseMounts(readFileSync('/proc/self/mountinfo', 'utf8'));
    return paths.every((path) => mountOf(mounts, path)?.readOnly === true);
  } catch {
    return false;
  }
}

/** What the watch says of a rule; its path is named once where the message begins with it. */
export const warningText = (rule: string, message: string, hint: string): string =>
  `${message.startsWith(rule) ? '' : `${rule}: `}${message}. ${hint}`;

function report(log: Log, name: string, event: Extract<WatchEvent, { kind: 'warning' | 'mode' }>, what: 'rule' | 'file' = 'rule'): void {
  if (event.kind === 'warning') {
    const { code, message, hint } = event;
    log.say('warn', warningText(name, message, hint), { event: 'watch_warning', [what]: name, code });
    return;
  }
  const { mode, reason } = event;
  const level = mode === 'poll' ? 'info' : 'debug';
  log.say(level, `${name}: changes are found by ${mode === 'poll' ? 'polling' : 'events'} (${reason})`, {
    event: 'watch_mode',
    [what]: name,
    mode,
    reason,
  });
}
