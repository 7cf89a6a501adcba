/**
 * The environment out of mounted files (`env_from`): what a spawn will set, over the container's own environment.
 *
 * The files are read as a watch reads them, so that all values are of one generation of their volumes: what counts is the content whose
 * hash stands in a consistent reading, never one that was read beside it. Values are in the result's `variables` and nowhere else.
 */
import { isUtf8 } from 'node:buffer';
import { basename, dirname } from 'node:path';
import { createReader, type ReaderEnvironment, type Reading } from '../watch/generation.ts';
import { type Operations, realOperations } from '../watch/operations.ts';
import { createSha256 } from '../watch/sha256.ts';
import type { ReadRule, WatchedRule } from '../watch/types.ts';
import { createDigest } from './digest.ts';
import { isVariableName, withoutFinalNewline } from './directory.ts';
import { parseDotenv } from './dotenv.ts';
import { sizeProblem } from './limits.ts';

export interface EnvironmentSource {
  /** `env_from`: directories and dotenv files; later ones win. A missing one has no variables. */
  readonly paths: readonly string[];
  /** `environment`: wins over all files; null takes a variable away. */
  readonly override: Readonly<Record<string, string | null>>;
  /** Of the hashes (see digest.ts): random, secret, the same for all controllers of a container. */
  readonly key: Uint8Array;
}

export type EnvironmentReading =
  | {
      readonly kind: 'read';
      /** Two environments are the same if their hashes are, whatever the files look like. Reveals nothing. */
      readonly hash: string;
      /** After `override`, sorted by name. */
      readonly variables: ReadonlyMap<string, string>;
      /** Name → hash of name and value, for messages and comparing. Reveals no value. */
      readonly files: ReadonlyMap<string, string>;
      /** Names of files that are no names of variables; for `skippedWarning`. */
      readonly skipped: readonly string[];
      /** Those of `paths` that do not exist. */
      readonly missing: readonly string[];
      /** What the watch of the same paths calls this state: for its `known`. A plain hash of contents: not for logs, not to be kept. */
      readonly generation: string;
    }
  /** No environment can be made of these files. `problem` is for people; `hash` is another one for other content. */
  | { readonly kind: 'problem'; readonly hash: string; readonly problem: string; readonly generation: string }
  /** The files kept changing, or do not answer. */
  | Exclude<Reading, { kind: 'read' }>;

type Read = Extract<Reading, { kind: 'read' }>;

/** Before the limits of an environment matter: what overridden variables and comments may add to it. */
const maxFileBytes = 4 * 2 ** 20;
const maxFiles = 65_536;

/** What is watched for `env_from`: the very files that `readEnvironment` reads. `times` says how, as for any other rule. */
export function environmentRule(paths: readonly string[], times: Omit<WatchedRule, keyof ReadRule>): WatchedRule {
  const { mode, settle, max_wait, rescan, poll_interval, missing_grace } = times;
  return { ...readRule(paths), mode, settle, max_wait, rescan, poll_interval, missing_grace };
}

const readRule = (paths: readonly string[]): ReadRule => ({
  paths: paths.map((path) => path.replace(/(?<=.)\/+$/, '')),
  include: [],
  exclude: [],
  recursive: false,
  max_files: maxFiles,
  max_bytes: maxFileBytes,
});

/** @param given parts of the world; before the application runs, `{ direct: directOperations }` is fastest */
export async function readEnvironment(source: EnvironmentSource, given: Partial<ReaderEnvironment> = {}): Promise<EnvironmentReading> {
  const rule = readRule(source.paths);
  const contents = new Map<string, Buffer>();
  const operations = keeping(given.operations ?? realOperations, contents);
  const direct = given.direct && keeping(given.direct, contents);
  const reading = await createReader(rule, { ...given, operations, direct }).read();
  if (reading.kind !== 'read') return reading;
  const digest = createDigest(source.key);
  const generation = reading.generation.hash;
  const found = environmentOf(rule, reading, contents, source.override);
  if (typeof found === 'string') {
    const problem = `env_from: ${found}`;
    return { kind: 'problem', hash: digest.ofProblem(problem, generation), problem, generation };
  }
  const { variables, skipped } = found;
  const files = new Map([...variables].map(([name, value]) => [name, digest.ofOne(name, value)]));
  return { kind: 'read', hash: digest.ofAll(variables), variables, files, skipped, missing: [...reading.plan.missing.keys()], generation };
}

/** The same operations, which keep what they hash: by its hash, so that a reading finds exactly the bytes it speaks of. */
function keeping(operations: Operations, contents: Map<string, Buffer>): Operations {
  return {
    ...operations,
    hash: async (path, expected) => {
      const content = await operations.content(path, expected);
      const digest = createSha256();
      digest.update(content);
      const hash = digest.hex();
      contents.set(hash, content);
      return hash;
    },
  };
}

/** A value before anybody has looked whether it can be one. */
interface Candidate {
  readonly path: string;
  readonly value: Buffer | string;
}

interface Collected {
  readonly candidates: Map<string, Candidate>;
  readonly skipped: Set<string>;
}

/** The problem, where there is one. */
function environmentOf(
  rule: ReadRule,
  reading: Read,
  contents: ReadonlyMap<string, Buffer>,
  override: EnvironmentSource['override'],
): string | { readonly variables: ReadonlyMap<string, string>; readonly skipped: readonly string[] } {
  const incomplete = unreadable(rule, reading);
  if (incomplete !== undefined) return incomplete;
  const collected = collect(rule, reading, contents);
  if (typeof collected === 'string') return collected;
  for (const name of Object.keys(override)) collected.candidates.delete(name);
  const variables = decode(collected.candidates);
  if (typeof variables === 'string') return variables;
  for (const [name, value] of Object.entries(override)) if (value !== null) variables.set(name, value);
  const sorted = new Map([...variables].sort(([a], [b]) => (a < b ? -1 : 1)));
  return sizeProblem(sorted) ?? { variables: sorted, skipped: [...collected.skipped].sort() };
}

/** An environment with some variables left out at random would be worse than none. */
function unreadable(rule: ReadRule, { unknown, leftOut }: Read): string | undefined {
  for (const [path, code] of unknown) {
    if (code === 'special') return `${path} is neither a file nor a directory`;
    if (code !== 'EILSEQ')
      return `${path} cannot be read (${code}). Give the user that reinit runs as the right to read it (fsGroup, defaultMode)`;
  }
  if (leftOut === undefined) return undefined;
  const limit = leftOut.why === 'files' ? `${rule.max_files} files` : `${rule.max_bytes} bytes in files`;
  return `${leftOut.path} is too much: there are more than ${limit}. Take what is no variable out of the directory`;
}

/** Path after path, so that later ones win. The problem, where there is one. */
function collect(rule: ReadRule, { plan, generation, unknown }: Read, contents: ReadonlyMap<string, Buffer>): Collected | string {
  const candidates = new Map<string, Candidate>();
  // What is unknown by now has a name that is not even UTF-8.
  const skipped = new Set([...unknown.keys()].map((path) => basename(path)));
  const byDirectory = Map.groupBy(
    plan.files.filter(({ direct }) => !direct),
    ({ path }) => dirname(path),
  );
  const contentOf = (path: string) => {
    const content = contents.get(generation.files.get(path) ?? '');
    if (content === undefined) throw new Error(`the content of ${path} was not kept`);
    return content;
  };
  for (const root of rule.paths) {
    if (generation.files.get(root)) {
      const problem = addDotenv(candidates, root, contentOf(root));
      if (problem !== undefined) return problem;
      continue;
    }
    for (const { path } of byDirectory.get(root) ?? []) {
      const name = basename(path);
      if (isVariableName(name)) candidates.set(name, { path, value: withoutFinalNewline(contentOf(path)) });
      else skipped.add(name);
    }
  }
  return { candidates, skipped };
}

function addDotenv(candidates: Map<string, Candidate>, path: string, content: Buffer): string | undefined {
  if (!isUtf8(content)) return `${path} is not UTF-8 text, as a dotenv file has to be`;
  const parsed = parseDotenv(content.toString('utf8'));
  if (!parsed.ok) return `${path}, ${parsed.problem}`;
  for (const [name, value] of parsed.variables) candidates.set(name, { path, value });
  return undefined;
}

function decode(candidates: ReadonlyMap<string, Candidate>): Map<string, string> | string {
  const variables = new Map<string, string>();
  for (const [name, { path, value }] of candidates) {
    if (typeof value !== 'string' && !isUtf8(value))
      return `the value of ${name} (${path}) is not UTF-8 text. Let the application read it from a file that is mounted elsewhere`;
    const text = value.toString('utf8');
    if (text.includes('\0')) return `the value of ${name} (${path}) has a NUL byte, which no variable can have`;
    variables.set(name, text);
  }
  return variables;
}
