import { posix } from 'node:path';
import type { Mistake, Place } from '../errors.ts';
import { isMapping, type Raw } from '../kinds.ts';
import { isWithin } from '../within.ts';
import { presetOf } from './catalogue.ts';
import type { Preset, PresetSetting } from './types.ts';

type Settings = Readonly<Record<string, Raw>>;

/** What belongs to one action and makes no sense with another. */
const ofTheAction: readonly string[] = ['reload_signal', 'exec', 'http', 'confirm_by', 'confirm', 'max_draining'];

/**
 * The user's settings over those of the preset that they name, setting by setting. The preset's rule stands below each rule of the user, and
 * is the only one where the user says nothing about `watch`. An unknown preset is left to the schema.
 */
export function underlay(raw: Settings): Settings {
  const preset = presetOf(raw.preset);
  if (preset === undefined) return raw;
  const { watch } = raw;
  const rules = watch === undefined ? [{}] : watch;
  return {
    ...settingsOf(preset.service),
    ...raw,
    watch: Array.isArray(rules) ? rules.map((rule: Raw) => (isMapping(rule) ? { ...ruleBelow(preset, rule), ...rule } : rule)) : rules,
  };
}

function ruleBelow(preset: Preset, rule: Settings): Settings {
  const own = rule.publish === undefined ? settingsOf(preset.rule) : publishedSettings(preset);
  const action = own.on_change ?? 'reload';
  const other = rule.on_change !== undefined && rule.on_change !== action;
  return Object.fromEntries(Object.entries(own).filter(([name]) => !other || !ofTheAction.includes(name)));
}

/** Where the configuration is published, its validator checks the copy: paths below the preset's own directory are paths in that. */
function publishedSettings({ rule }: Preset): Settings {
  const directories = pathsOf(settingsOf(rule).paths);
  const inCopy = (word: Raw): Raw =>
    typeof word === 'string' ? directories.reduce((text, directory) => text.replace(`${directory}/`, '{{snapshot}}/'), word) : word;
  const values = rule.map(({ name, value, published }): [string, Raw] => {
    if (name !== 'validate') return [name, value];
    return [name, published ?? (Array.isArray(value) ? value.map(inCopy) : value)];
  });
  return Object.fromEntries(values);
}

export const settingsOf = (settings: readonly PresetSetting[]): Settings =>
  Object.fromEntries(settings.map(({ name, value }) => [name, value]));

/**
 * A preset's validator that names a file checks the wrong one where the configuration is somewhere else: that would be a false accept.
 *
 * @param raw the user's settings, without the preset's
 */
export function presetMistakes(raw: Settings, locate: (path: readonly string[]) => Place): readonly Mistake[] {
  const preset = presetOf(raw.preset);
  const validate = preset === undefined ? undefined : settingsOf(preset.rule).validate;
  if (!Array.isArray(raw.watch) || !Array.isArray(validate)) return [];
  const rules = raw.watch.filter((rule) => isMapping(rule));
  const relying = rules.find((rule) => rule.validate === undefined && rule.publish === undefined);
  const file = validate.flatMap((word: Raw) => (typeof word === 'string' ? (/(?:^|=)(\/.*)$/.exec(word)?.[1] ?? []) : []))[0];
  const watched = rules.flatMap((rule) => pathsOf(rule.paths));
  if (relying === undefined || file === undefined || watched.length === 0 || rules.some((rule) => rule.paths === undefined)) return [];
  if (watched.some((path) => isWithin(file, path))) return [];
  const there = watched[0]?.endsWith(posix.basename(file)) ? watched[0] : posix.join(watched[0] ?? '', posix.basename(file));
  const words = validate.map((word: Raw) => String(word).replace(file, there));
  return [
    {
      place: locate(['preset']),
      setting: 'preset',
      problem: `its validate checks ${file}, which no rule watches`,
      hint: `name the file that your application reads, in the rule: validate: [${words.join(', ')}]`,
    },
  ];
}

const pathsOf = (raw: Raw | undefined): readonly string[] =>
  typeof raw === 'string' ? [raw] : Array.isArray(raw) ? raw.filter((path: Raw) => typeof path === 'string') : [];
