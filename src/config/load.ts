import * as v from 'valibot';
import { attachMistakes } from './attached.ts';
import { toConfig } from './complete.ts';
import { contradictions } from './contradictions.ts';
import { type FileSettings, maxMistakes, type Path, pathKey, place as placeInFile, readDocument, settingName } from './document.ts';
import { doubts } from './doubts.ts';
import { ConfigError, type Mistake, type Place } from './errors.ts';
import { parseFlags } from './flags.ts';
import { type Merged, overlay } from './merge.ts';
import type { Config } from './model.ts';
import { presetMistakes, underlay } from './presets/underlay.ts';
import { type ReadResult, readConfigFile } from './read-file.ts';
import { settings } from './schema.ts';
import { readVariables } from './variables.ts';

export const defaultFile = '/etc/reinit.yaml';

export interface LoadOptions {
  /** init's arguments before `--`. */
  readonly argv: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Whether a command stands after `--`: it wins over the file's. */
  readonly hasCommand: boolean;
  /** Whether a command may be missing altogether; the default is that it may not. */
  readonly commandOptional?: boolean;
  /** Gives the file's text; the default reads it. */
  readonly read?: (file: string) => ReadResult;
  /** Gets what is worth a line and no mistake: a variable that is nearly a setting. */
  readonly warn?: (message: string) => void;
  /** Gets it where there is no file and none was named; the default is `warn`. */
  readonly noFile?: (message: string) => void;
  /** Read where neither flag nor variable names a file; it may be missing. */
  readonly defaultFile?: string;
}

interface Loaded {
  readonly file: string | undefined;
  readonly settings: FileSettings | undefined;
  readonly mistakes: readonly Mistake[];
}

/**
 * File, variables and flags (the later wins) as one complete configuration.
 *
 * @throws {ConfigError} with every mistake there is.
 */
export function loadConfig(options: LoadOptions): Config {
  const flags = parseFlags(options.argv);
  const loaded = loadFile(flags.config, options);
  const variables = readVariables(options.env);
  for (const warning of variables.warnings) options.warn?.(warning);
  const merged: Merged = {
    raw: loaded.settings?.raw ?? {},
    places: new Map(),
    mistakes: [...loaded.mistakes, ...(loaded.settings?.mistakes ?? []), ...flags.mistakes],
  };
  overlay(merged, variables.given);
  overlay(merged, flags.given);
  if (flags.attach && merged.raw.attach === undefined) merged.raw = { ...merged.raw, attach: {} };
  const config = check(merged, loaded, options);
  for (const doubt of doubts(config)) options.warn?.(doubt);
  return config;
}

function check(merged: Merged, loaded: Loaded, { hasCommand, commandOptional = false }: LoadOptions): Config {
  const locate = (path: Path): Place => placeOf(path, merged, loaded);
  const parsed = v.safeParse(settings, underlay(merged.raw));
  const mistakes = parsed.success
    ? [
        ...presetMistakes(merged.raw, locate),
        ...contradictions(parsed.output, locate),
        ...attachMistakes(parsed.output, merged.raw, hasCommand, locate),
      ]
    : parsed.issues.slice(0, maxMistakes).map((issue) => issueMistake(issue, locate));
  const all = [...merged.mistakes, ...mistakes];
  if (all.length === 0 && !hasCommand && !commandOptional && merged.raw.command === undefined && merged.raw.attach === undefined)
    all.push(noCommand(loaded.file));
  if (all.length > 0 || !parsed.success) throw new ConfigError(inOrder(all));
  return toConfig(hasCommand ? { ...parsed.output, command: [] } : parsed.output);
}

function loadFile(flag: string | undefined, options: LoadOptions): Loaded {
  const named = flag ?? (options.env.REINIT_CONFIG === '' ? undefined : options.env.REINIT_CONFIG);
  const file = named ?? options.defaultFile ?? defaultFile;
  const read = (options.read ?? readConfigFile)(file);
  if (read.ok) return { file, settings: readDocument(file, read.text), mistakes: [] };
  if (read.missing && named === undefined) {
    if (options.commandOptional) (options.noFile ?? options.warn)?.(`there is no ${file}: this is what flags, variables and defaults say`);
    return { file: undefined, settings: undefined, mistakes: [] };
  }
  return {
    file,
    settings: undefined,
    mistakes: [{ place: { kind: 'file', file }, setting: undefined, problem: read.problem, hint: read.hint }],
  };
}

/** The nearest known place on the way down to a setting: the flag or variable that gave it, else the file. */
function placeOf(path: Path, merged: Merged, loaded: Loaded): Place {
  const prefixes = Array.from({ length: path.length + 1 }, (_, index) => pathKey(path.slice(0, path.length - index)));
  for (const prefix of prefixes) {
    const given = merged.places.get(prefix);
    if (given !== undefined) return given;
  }
  const span = prefixes.map((prefix) => loaded.settings?.spans.get(prefix)).find((found) => found !== undefined);
  if (loaded.file === undefined || loaded.settings === undefined) return { kind: 'nowhere' };
  return span === undefined ? { kind: 'file', file: loaded.file } : placeInFile(loaded.file, loaded.settings.source, span);
}

function issueMistake(issue: v.BaseIssue<unknown>, locate: (path: Path) => Place): Mistake {
  const path = (issue.path ?? []).map(({ key }): string | number => (typeof key === 'number' ? key : String(key)));
  const base = { place: locate(path), setting: settingName(path) };
  if (issue.kind === 'transformation') return { ...base, problem: issue.message, expected: issue.expected ?? undefined };
  if (issue.type === 'strict_object' && issue.path?.at(-1)?.origin === 'key') return missing(path, locate);
  const list = issue.type === 'array';
  return {
    ...base,
    problem: list ? 'this must be a list' : 'this must be a mapping',
    expected: list ? 'a list of rules, such as - paths: [/etc/nginx]' : 'lines such as settle: 300ms',
  };
}

function missing(path: Path, locate: (path: Path) => Place): Mistake {
  const rule = path.slice(0, -1);
  const place = locate(rule);
  const hint =
    place.kind === 'flag'
      ? 'this flag is about a watch rule: add --watch PATH'
      : place.kind === 'variable'
        ? 'this variable is about a watch rule: add REINIT_WATCH'
        : 'add paths: [/etc/nginx]';
  return { place, setting: settingName(rule), problem: `${String(path.at(-1))} is missing`, hint };
}

function noCommand(file: string | undefined): Mistake {
  return {
    place: file === undefined ? { kind: 'nowhere' } : { kind: 'file', file },
    setting: undefined,
    problem: 'there is no command to run',
    hint: `give it after --, as in: reinit -- nginx -g 'daemon off;', or as command: in ${file ?? defaultFile}. In an image: ENTRYPOINT ["reinit", "--"] and CMD ["nginx", …]. In Kubernetes only args: keeps the ENTRYPOINT; command: replaces it`,
  };
}

/** As somebody reads: file from top to bottom, then variables, then flags. */
function inOrder(mistakes: readonly Mistake[]): readonly Mistake[] {
  return mistakes.toSorted((a, b) => rank(a) - rank(b));
}

function rank({ place }: Mistake): number {
  const last = Number.MAX_SAFE_INTEGER;
  if (place.kind !== 'file') return place.kind === 'flag' ? last : last - 1;
  return place.at === undefined ? 0 : place.at.line * 2 ** 21 + place.at.column;
}
