/** reinit's own configuration: what a controller begins on, and what would come of what the file holds now. */
import { resolve } from 'node:path';
import { ConfigError } from '../config/errors.ts';
import { loadConfig } from '../config/load.ts';
import type { Config } from '../config/model.ts';
import { type ReadResult, readConfigFile } from '../config/read-file.ts';
import type { JobResult } from '../core/jobs.ts';
import { type ConfigVerdict, type Source, sourceOf } from '../core/own-config.ts';
import { changedForGood, changedRules, needsRestart, type StartSettings, startSettingsOf } from '../core/start-settings.ts';
import type { State } from '../core/state.ts';
import { wordsOf } from '../core/words.ts';
import type { Hello } from '../link/messages.ts';
import { createSha256 } from '../watch/sha256.ts';
import { withDistinctNames } from './rule-names.ts';
import { withShares } from './splay.ts';
import { lookUpUsers, UserProblem } from './users.ts';

export interface OwnOptions {
  readonly argv: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly hello: Hello;
}

/** `file`: undefined where there is none, and flags and variables say everything. */
export interface Loaded {
  readonly config: Config;
  readonly file: string | undefined;
  readonly source: Source | undefined;
}

/**
 * @param kept what is in force already; undefined: what the file holds
 * @throws ConfigError
 */
export function loadOwn(options: OwnOptions, kept: Source | undefined, warn?: (message: string) => void): Loaded {
  let file: string | undefined;
  let source = kept;
  const read = (path: string): ReadResult => {
    const result: ReadResult = kept?.text === undefined ? readConfigFile(path) : { ok: true, text: kept.text };
    if (result.ok) file = resolve(path); // as it is watched; where it was read from is where init was started
    if (result.ok && kept?.text === undefined) source = sourceOf(hashOf(result.text), result.text);
    return result;
  };
  return { config: configFrom(options, read, warn), file, source: file === undefined ? undefined : source };
}

function configFrom({ argv, env, hello }: OwnOptions, read: (file: string) => ReadResult, warn?: (message: string) => void): Config {
  const loaded = loadConfig({ argv, env, hasCommand: hello.command.length > 0, read, ...(warn && { warn }) });
  return withShares(withDistinctNames(loaded), env);
}

interface Running {
  readonly file: string;
  readonly hash: string;
  readonly config: Config;
  /** What the application has been started with; undefined: not known. */
  readonly started: StartSettings | undefined;
}

/** The file was readable a moment ago, for the watch has told of it; should it hang by now, init ends this controller, and the next begins without it. */
function judgeOwn(options: OwnOptions, { file, hash: running, config, started }: Running): ConfigVerdict {
  const read = readConfigFile(file);
  if (!read.ok) return bad(hashOf(read.problem), `${file}: ${read.problem}`);
  const hash = hashOf(read.text);
  if (hash === running) return { kind: 'same' };
  try {
    const next = configFrom(options, () => read);
    lookUpUsers(next, options.hello);
    const [before, after] = [config.services.main, next.services.main];
    const fixed = changedForGood(before, after);
    if (fixed.length > 0) return bad(hash, fixedWords(file, fixed));
    const restart = started ? needsRestart(started, startSettingsOf(after)) : [];
    return { kind: 'good', source: sourceOf(hash, read.text), restart, rules: changedRules(before, after) };
  } catch (error) {
    if (error instanceof ConfigError) return bad(hash, error.render());
    if (error instanceof UserProblem) return bad(hash, `${file}: ${error.message}`);
    throw error;
  }
}

const fixedWords = (file: string, settings: readonly string[]): string =>
  `${file}: ${settings.join(' and ')} cannot be changed while the container lives: start a new container for it, or put back what was there`;

const bad = (hash: string, words: string): ConfigVerdict => ({ kind: 'bad', hash, words: wordsOf(Buffer.from(words), 0) });

function hashOf(text: string): string {
  const digest = createSha256();
  digest.update(text);
  return digest.hex();
}

/** The answer to the job. */
export function checkOwn(options: OwnOptions, { config, file, source }: Loaded, { own }: State): JobResult {
  if (file === undefined || !source) return { kind: 'checked', verdict: { kind: 'same' } };
  return { kind: 'checked', verdict: judgeOwn(options, { file, hash: source.hash, config, started: own?.started }) };
}
