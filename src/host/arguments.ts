/** What a command line means, read as init reads it (src/init/args.c): tini's flags, reinit's settings, `--`, the command. Pure. */

import { parseSignal } from '../core/signals.ts';
import { operatingVerbs } from '../operate/verbs.ts';

export type Task =
  | { readonly kind: 'cli' }
  | { readonly kind: 'version' }
  | { readonly kind: 'usage' }
  | ({ readonly kind: 'configured' } & CommandLine)
  | ({ readonly kind: 'plain' } & CommandLine);

export interface CommandLine {
  /** reinit's own flags. */
  readonly own: readonly string[];
  /** Empty: what the configuration says. */
  readonly command: readonly string[];
  readonly group: boolean;
  /** Exit codes that count as 0. */
  readonly okCodes: readonly number[];
  /** What was asked for and cannot be had here. */
  readonly ignored: readonly string[];
}

interface Plain {
  group: boolean;
  okCodes: number[];
  ignored: string[];
}

const cliVerbs: readonly string[] = [
  ...['validate', 'doctor', 'preset', 'schema', 'completion', 'help', '--help', '-h'],
  ...operatingVerbs.map(({ name }) => name),
];

/** @param configured whether a variable or a file holds settings */
export function readArguments(argv: readonly string[], configured: boolean): Task {
  const [first] = argv;
  if (first === 'version' || first === '--version') return { kind: 'version' };
  if (first !== undefined && cliVerbs.includes(first)) return { kind: 'cli' };
  const run = first === 'run';
  const given = run ? argv.slice(1) : argv;
  const plain: Plain = { group: false, okCodes: [], ignored: [] };
  if (first === 'attach') return attachment(argv, plain);
  const flags = plainFlags(given, plain);
  const settings = isFlag(given[flags]);
  const end = settings ? indexOfDashes(given) : flags;
  const command = given.slice(given[end] === '--' ? end + 1 : end);
  const line = { own: given.slice(0, end), command, ...plain };
  if (run || settings || configured) return { kind: 'configured', ...line };
  return command.length === 0 ? { kind: 'usage' } : { kind: 'plain', ...line };
}

/** A word that the configuration has to see, which then refuses it by name (limits.ts). */
function attachment(argv: readonly string[], plain: Plain): Task {
  if (cliVerbs.includes(argv[1] ?? '')) return { kind: 'cli' };
  const end = indexOfDashes(argv);
  return { kind: 'configured', own: argv.slice(0, end), command: argv.slice(end + 1), ...plain };
}

/** Init's own variables are no settings. */
const notSettings: readonly string[] = ['REINIT_HOST', 'REINIT_NODE', 'REINIT_CONTROL_SOCKET'];

/** A variable that is a setting, or a file where one is looked for: then a command line without settings is no plain one. */
export const isConfigured = (env: Readonly<Record<string, string | undefined>>, fileExists: boolean): boolean =>
  fileExists || Object.keys(env).some((name) => /^REINIT_(?!TEST_)/.test(name) && !notSettings.includes(name));

const isFlag = (word: string | undefined): boolean => word?.startsWith('-') === true && word !== '--';

function indexOfDashes(words: readonly string[]): number {
  const at = words.indexOf('--');
  return at < 0 ? words.length : at;
}

/** How many words are tini's flags. */
function plainFlags(words: readonly string[], plain: Plain): number {
  let at = 0;
  while (isFlag(words[at])) {
    const took = plainFlag(words[at] ?? '', words[at + 1], plain);
    if (took === 0) break;
    at += took;
  }
  return at;
}

/** As getopt(3) takes them: `-g`, `-gvs`, `-e 143`, `-e143`. 0: there is another one among them; else how many words they took. */
function plainFlag(word: string, next: string | undefined, plain: Plain): number {
  const taken: Plain = { group: plain.group, okCodes: [...plain.okCodes], ignored: [...plain.ignored] };
  let took = word.length > 1 ? 1 : 0;
  for (let at = 1; at < word.length; at++) {
    const letter = word.charAt(at);
    const rest = word.slice(at + 1);
    const value = rest === '' ? next : rest;
    if (letter === 'g') taken.group = true;
    else if (letter === 'e' && value !== undefined) taken.okCodes.push(Number.parseInt(value, 10) & 255);
    else if (letter === 'p' && value !== undefined && parseSignal(value) !== undefined) taken.ignored.push('-p');
    else if (!'vsw'.includes(letter)) return 0;
    if (letter === 'e' || letter === 'p') {
      took = rest === '' ? 2 : 1;
      break;
    }
  }
  Object.assign(plain, taken);
  return took;
}
