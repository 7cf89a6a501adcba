import { stringify } from 'yaml';
import type { Raw } from '../kinds.ts';
import { type PresetName, presets } from './catalogue.ts';
import type { Preset, PresetSetting } from './types.ts';

const width = 110;
const howItCounts = 'Your own settings win, each by itself; those of the rule are for all of your rules.';

/** The preset as YAML that may stand in reinit.yaml, each setting below the reason for it. */
export function presetText(name: PresetName): string {
  const preset: Preset = presets[name];
  const rule = [...preset.rule.map((setting) => lines(setting)), ...preset.examples.filter((one) => one.rule).map(exampleLines)];
  const service = [...preset.service.map((setting) => lines(setting)), ...preset.examples.filter((one) => !one.rule).map(exampleLines)];
  const parts = [
    [...comment(`What preset: ${name} means. ${preset.about} ${howItCounts}`), ''],
    ...service,
    ['watch:', ...asItem(rule.flat())],
  ];
  return `${parts.map((part) => part.join('\n')).join('\n')}\n`;
}

const lines = ({ name, value, why }: PresetSetting): string[] => [...comment(why), `${name}: ${flow(value)}`];
/** Two signs: without them it is YAML, unlike the reason above. */
const exampleLines = ({ name, value, why }: PresetSetting): string[] => [...comment(`${why} For example:`), `#   ${name}: ${flow(value)}`];

/** The dash stands before the first setting, below the comment to it. */
function asItem(rule: readonly string[]): string[] {
  const first = rule.findIndex((line) => !line.startsWith('#'));
  return rule.map((line, index) => `${index === first ? '  - ' : '    '}${line}`);
}

const flow = (value: Raw): string =>
  stringify(plain(value), { collectionStyle: 'flow', flowCollectionPadding: false, lineWidth: 0 }).trimEnd();

/** Numbers are text to the schema, and need no quotes. */
function plain(value: Raw): unknown {
  if (typeof value === 'string') return /^\d+$/.test(value) ? Number(value) : value;
  return value;
}

function comment(text: string): string[] {
  const wrapped: string[] = [];
  let line = '#';
  for (const word of text.split(' ')) {
    if (line.length + 1 + word.length > width) {
      wrapped.push(line);
      line = '#';
    }
    line += ` ${word}`;
  }
  return [...wrapped, line];
}
