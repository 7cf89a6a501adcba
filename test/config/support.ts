import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ConfigError, type Mistake } from '../../src/config/errors.ts';
import { type LoadOptions, loadConfig } from '../../src/config/load.ts';
import type { Config, ServiceConfig, WatchRule } from '../../src/config/model.ts';
import { scratchDirectory } from '../fixtures/scratch.ts';

export type Outcome =
  | { readonly config: Config; readonly mistakes: readonly [] }
  | { readonly config: undefined; readonly mistakes: readonly Mistake[]; readonly text: string };

export function writeConfig(content: string | Buffer): string {
  const file = join(scratchDirectory(), 'reinit.yaml');
  writeFileSync(file, content);
  return file;
}

/** Loads as a start would, with a command after `--` unless told otherwise; without a file there is none. */
export function load(options: Partial<LoadOptions> & { readonly yaml?: string | Buffer }): Outcome {
  const defaultFile = options.yaml === undefined ? '/nonexistent/reinit.yaml' : writeConfig(options.yaml);
  try {
    return { config: loadConfig({ argv: [], env: {}, hasCommand: true, defaultFile, ...options }), mistakes: [] };
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return { config: undefined, mistakes: error.mistakes, text: error.render() };
  }
}

export function loadMain(options: Parameters<typeof load>[0]): ServiceConfig {
  const { config, ...rest } = load(options);
  if (config === undefined) throw new Error('text' in rest ? rest.text : 'no config');
  return config.services.main;
}

export function refused(options: Parameters<typeof load>[0]): { readonly mistakes: readonly Mistake[]; readonly text: string } {
  const outcome = load(options);
  if (outcome.config !== undefined) throw new Error('this should have been refused');
  return outcome;
}

/** `line:column setting: problem`, or the flag or variable. */
export function brief({ place, setting, problem }: Mistake): string {
  const at =
    place.kind === 'file'
      ? place.at === undefined
        ? 'file'
        : `${place.at.line}:${place.at.column}`
      : place.kind === 'flag'
        ? place.flag
        : place.kind === 'variable'
          ? place.name
          : '';
  return `${at} ${setting ?? '-'}: ${problem}`;
}

/** A rule that watches `/a`, with more of its settings. */
export const inRule = (settings: string): string => `watch: [{paths: [/a], ${settings}}]`;
export const loadRule = (settings: string): WatchRule => loadMain({ yaml: inRule(settings) }).watch[0] as WatchRule;

/** What is wrong, without the place: `setting: problem`, each. */
export const problems = (yaml: string): readonly string[] =>
  refused({ yaml }).mistakes.map(({ setting, problem }) => `${setting ?? '-'}: ${problem}`);
