import { formatDuration } from '../core/durations.ts';
import { type Path, settingName } from './document.ts';
import type { Mistake, Place } from './errors.ts';
import type { Settings } from './schema.ts';

/** Mistakes that only two settings make together. */
export function contradictions(settings: Settings, locate: (path: Path) => Place): readonly Mistake[] {
  const found: Mistake[] = [];
  const add = (path: Path, problem: string, hint?: string): void => {
    found.push({ place: locate(path), setting: settingName(path), problem, hint });
  };
  if (settings.restart_delay > settings.restart_max_delay) {
    add(
      ['restart_delay'],
      `it is longer than restart_max_delay, ${formatDuration(settings.restart_max_delay)}`,
      'raise restart_max_delay, too',
    );
  }
  settings.watch.forEach((rule, index) => {
    if (rule.settle > rule.max_wait)
      add(['watch', index, 'settle'], `it is longer than max_wait, ${formatDuration(rule.max_wait)}`, 'raise max_wait, too');
    const twin = rule.name === undefined ? -1 : settings.watch.findIndex((other) => other.name === rule.name);
    if (twin >= 0 && twin < index) add(['watch', index, 'name'], 'another rule has this name');
  });
  return found;
}
