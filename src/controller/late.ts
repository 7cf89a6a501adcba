/** What is loaded while the application starts already: the log's real form, and watching. */

import { readFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers';
import type { HttpSettings } from '../config/model.ts';
import type { Controller } from '../control/control.ts';
import { choosePlace, type Place } from '../control/place.ts';
import { policiesOf, type RulePolicy } from '../core/policy.ts';
import type { Reading } from '../core/reading.ts';
import { version } from '../core/version.ts';
import { environmentRule } from '../environment/environment.ts';
import { createJournal, type Journal } from '../journal/journal.ts';
import { openJournalFile } from '../journal/journal-file.ts';
import type { Log } from '../log/log.ts';
import { pinoBackend } from '../log/pino.ts';
import { mountOf, parseMounts } from '../watch/mounts.ts';
import type { Generation, WatchEvent } from '../watch/types.ts';
import { startWatch } from '../watch/watch.ts';
import type { LateOptions } from './controller.ts';
import { reportMode, reportWarning, watchedBy } from './watch-lines.ts';
import { watchOwn } from './watch-own.ts';

/** Files that were told of and cannot be read a moment later: again, so that nothing is lost. */
const againMs = 1_000;

export async function startLate(options: LateOptions): Promise<void> {
  const { config, log, watches } = options;
  const since = new Date().toISOString();
  const place = await choosePlace(config.services.main.control_socket);
  const journal = createJournal(
    'directory' in place && place.directory !== undefined ? openJournalFile(join(place.directory, 'journal')) : undefined,
  );
  const { notify } = config.services.main;
  if (notify.length > 0) (await import('../notify/notify.ts')).startNotify({ targets: notify, journal, log, env: process.env });
  log.use((destination) => {
    const write = pinoBackend(config.log.level)(destination);
    return (line) => {
      journal.add(line);
      write(line);
    };
  });
  for (const rule of policiesOf(config.services.main)) watches.set(rule.name, watchRule(rule, options));
  watchOwn(options);
  const controller = controllerOf(journal, since, options);
  if ('problem' in place) tellNoControl(place.problem, options);
  else await control(place, controller, log);
  if (config.http) await http(config.http, controller, log);
}

async function control(place: Place, controller: Controller, log: Log): Promise<void> {
  const { startControl } = await import('../control/control.ts');
  await startControl(place, controller, log);
}

async function http(settings: HttpSettings, controller: Controller, log: Log): Promise<void> {
  const { startHttp } = await import('../http/http.ts');
  startHttp(settings, controller, log);
}

/** What operators reach, by whatever way. */
function controllerOf(
  journal: Journal,
  since: string,
  { config, driver, steps, watches, now, count, generation }: LateOptions,
): Controller {
  return {
    config,
    reinit: { host: hostname(), version, pid: process.pid, controller_generation: generation, since },
    journal,
    state: () => driver.state,
    dispatch: driver.dispatch,
    onStep(listener) {
      steps.add(listener);
      return () => steps.delete(listener);
    },
    now,
    count,
    watched: (rule) => watchedBy(rule, watches.get(rule)),
    look: (rule) => watches.get(rule)?.look(),
    // Its parent is init, to which a stop from inside is as good as one from outside.
    stop: (signo) => process.kill(process.ppid, signo),
  };
}

function tellNoControl(problem: string, { config, log }: LateOptions): void {
  if (config.services.main.control_socket === 'off') return;
  log.say(
    'info',
    `no control socket, so reinit status and the others do not work in this container: ${problem}. Mount a tmpfs on /run, or set control_socket.`,
    { event: 'no_control_socket', reason: problem },
  );
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
      case 'warning':
        reportWarning(log, 'rule', name, event);
        break;
      case 'mode':
        reportMode(log, 'rule', name, event);
        break;
      default:
        event satisfies never;
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
