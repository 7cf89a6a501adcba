import { formatDuration } from '../core/durations.ts';
import { confirmTime } from './complete.ts';
import { maxMistakes, type Path, settingName } from './document.ts';
import type { Mistake, Place } from './errors.ts';
import { publishMistakes } from './published.ts';
import type { Settings } from './schema.ts';

/** Reports a mistake at a setting. */
export type Add = (path: Path, problem: string, hint?: string) => void;
export type Rule = Settings['watch'][number];

/** Each is a watch of its own; and a rule is compared with each other one. */
const maxRules = 100;

/** Mistakes that only several settings make together. */
export function contradictions(settings: Settings, locate: (path: Path) => Place): readonly Mistake[] {
  const found: Mistake[] = [];
  const add: Add = (path, problem, hint) => {
    if (found.length < maxMistakes) found.push({ place: locate(path), setting: settingName(path), problem, hint });
  };
  if (settings.watch.length > maxRules) {
    add(['watch'], `there are more than ${maxRules} rules`, 'one rule may watch several paths');
    return found;
  }
  serviceMistakes(settings, add);
  settings.watch.forEach((rule, index) => {
    const at = ['watch', index];
    if (rule.settle > rule.max_wait)
      add([...at, 'settle'], `it is longer than max_wait, ${formatDuration(rule.max_wait)}`, 'raise max_wait, too');
    const twin = rule.name === undefined ? -1 : settings.watch.findIndex((other) => other.name === rule.name);
    if (twin >= 0 && twin < index) add([...at, 'name'], 'another rule has this name');
    actionMistakes(rule, at, add);
    confirmMistakes(rule, at, add);
  });
  outputMistakes(settings, add);
  publishMistakes(settings, add);
  return found;
}

function serviceMistakes(settings: Settings, add: Add): void {
  if (settings.restart_delay > settings.restart_max_delay) {
    add(
      ['restart_delay'],
      `it is longer than restart_max_delay, ${formatDuration(settings.restart_max_delay)}`,
      'raise restart_max_delay, too',
    );
  }
  if (settings.ready?.check.kind === 'workers')
    add(['ready'], 'workers says something after a reload only', 'ask the application: ready: tcp://127.0.0.1:8080, or notify');
  if (settings.env_validate.length > 0 && settings.env_from.length === 0)
    add(['env_validate'], 'there is no env_from whose variables it could check', 'add env_from: [/etc/app-env]');
}

/** JSON has the time in each line, and no place before it. */
function outputMistakes({ output }: Settings, add: Add): void {
  if (output?.format !== 'json') return;
  if (output.prefix !== undefined) add(['output', 'prefix'], 'format is json, and a line with a prefix is none', 'remove one of the two');
  if (output.timestamps) add(['output', 'timestamps'], 'format is json, and each line has the time already', 'remove it');
}

/** What an action needs, and what no action would use. */
function actionMistakes(rule: Rule, at: Path, add: Add): void {
  const given = { exec: rule.exec.length > 0, http: rule.http !== undefined };
  const needed = { exec: 'exec: [nginx, -s, reload]', http: 'http: http://127.0.0.1:9090/-/reload' };
  for (const action of ['exec', 'http'] as const) {
    if (rule.on_change === action && !given[action])
      add([...at, 'on_change'], `it is ${action}, and there is no ${action} that says what to do`, `add ${needed[action]}`);
    if (rule.on_change !== action && given[action])
      add([...at, action], `on_change is ${rule.on_change}, so this would never be used`, `add on_change: ${action}, or remove it`);
  }
}

function confirmMistakes(rule: Rule, at: Path, add: Add): void {
  const { confirm_by: probe, on_change: action } = rule;
  if (rule.on_failure === 'rollback' && rule.publish === undefined)
    add(
      [...at, 'on_failure'],
      'without publish there is nothing to roll back to',
      'add publish: /run/app/config, and let the application read that',
    );
  if (probe === undefined) return;
  if (action === 'none') add([...at, 'confirm_by'], 'on_change is none, so there is nothing to confirm');
  else if (action === 'restart' && probe.check.kind === 'workers')
    add([...at, 'confirm_by'], 'workers says something after a reload only, and on_change is restart', 'use ready');
  const time = confirmTime(rule);
  if (probe.initial_delay >= time)
    add(
      [...at, 'confirm_by'],
      `it would not be asked in time: its initial_delay is ${formatDuration(probe.initial_delay)}, and confirm is ${formatDuration(time)}`,
      'raise confirm',
    );
}
