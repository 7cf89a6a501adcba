import { parseSignal } from '../core/signals.ts';
import type { Mistake, Place } from './errors.ts';
import { allFields, type Field } from './fields.ts';
import { nearest, shorten } from './names.ts';

/** One value for a setting, from a flag or a variable: text, as the schema reads it. */
export interface Given {
  readonly field: Field;
  readonly text: string;
  readonly place: Place;
}

export interface Flags {
  readonly config: string | undefined;
  /** `reinit attach`: nothing is to be started. */
  readonly attach: boolean;
  readonly given: readonly Given[];
  readonly mistakes: readonly Mistake[];
}

/** Flags that are not settings, and other spellings: the rest is derived from the schema. */
export const flagAliases: Readonly<Record<string, string>> = {
  env: 'environment',
  match: 'attach-match',
  name: 'attach-name',
  'pid-file': 'attach-pid-file',
};

/** What says how reinit is meant to run, before the flags. */
const verbs: readonly string[] = ['run', 'attach'];

interface Parse {
  readonly fields: ReadonlyMap<string, Field>;
  readonly rest: string[];
  readonly given: Given[];
  readonly mistakes: Mistake[];
  config: string | undefined;
}

/** Reads the arguments before `--`. All mistakes are collected; nothing is printed and nobody exits. */
export function parseFlags(argv: readonly string[]): Flags {
  const fields = new Map(allFields().flatMap((field): [string, Field][] => (field.flag === undefined ? [] : [[field.flag, field]])));
  const parse: Parse = {
    fields,
    rest: verbs.includes(argv[0] ?? '') ? argv.slice(1) : [...argv],
    given: [],
    mistakes: [],
    config: undefined,
  };
  for (let arg = parse.rest.shift(); arg !== undefined && arg !== '--'; arg = parse.rest.shift()) {
    if (arg.startsWith('--')) long(parse, arg);
    else if (arg.startsWith('-') && arg.length > 1) shorts(parse, arg);
    else {
      fault(
        parse,
        shorten(arg),
        'this is neither a flag nor the value of one',
        'put -- before the command: reinit [flags] -- command arguments…',
      );
      break;
    }
  }
  return { config: parse.config, attach: argv[0] === 'attach', given: parse.given, mistakes: parse.mistakes };
}

function long(parse: Parse, arg: string): void {
  const equals = arg.indexOf('=');
  const written = equals < 0 ? arg.slice(2) : arg.slice(2, equals);
  const inline = equals < 0 ? undefined : arg.slice(equals + 1);
  const flag = `--${written}`;
  if (written === 'config') {
    parse.config = takeValue(parse, flag, inline) ?? parse.config;
    return;
  }
  const name = Object.hasOwn(flagAliases, written) ? flagAliases[written] : written;
  const field = name === undefined ? undefined : parse.fields.get(name);
  if (field !== undefined) {
    setting(parse, flag, field, inline);
    return;
  }
  const negated = written.startsWith('no-') ? parse.fields.get(written.slice(3)) : undefined;
  if (negated?.info.spelling.form === 'switch' && inline === undefined) give(parse, negated, 'false', flag);
  else unknown(parse, written);
}

function setting(parse: Parse, flag: string, field: Field, inline: string | undefined): void {
  const value = field.info.spelling.form === 'switch' ? (inline ?? 'true') : takeValue(parse, flag, inline);
  if (value !== undefined) give(parse, field, value, flag);
}

/** tini's flags, so that reinit can stand where tini stood; several in one word as getopt allows. */
function shorts(parse: Parse, arg: string): void {
  for (let at = 1; at < arg.length; at += 1) {
    const letter = arg.charAt(at);
    const flag = `-${letter}`;
    if ('cep'.includes(letter)) {
      const value = takeValue(parse, flag, at + 1 < arg.length ? arg.slice(at + 1) : undefined);
      if (value !== undefined) shortValue(parse, letter, flag, value);
      return;
    }
    if (letter === 'g') giveNamed(parse, 'signal-target', 'group', flag);
    else if (letter === 'v') giveNamed(parse, 'log-level', 'debug', flag);
    // -s and -w need nothing: reinit is a subreaper where it can be, and tells of what it reaps, anyway.
    else if (letter !== 's' && letter !== 'w') {
      fault(parse, flag, 'unknown flag', 'the short flags are -c, -e, -g, -p, -s, -v and -w; see reinit help');
      return;
    }
  }
}

function shortValue(parse: Parse, letter: string, flag: string, value: string): void {
  if (letter === 'c') parse.config = value;
  else if (letter === 'e') giveNamed(parse, 'exit-codes', `${value}=0`, flag);
  else if (parseSignal(value) === undefined) fault(parse, flag, 'there is no such signal');
}

function takeValue(parse: Parse, flag: string, inline: string | undefined): string | undefined {
  const value = inline ?? parse.rest.shift();
  if (value !== undefined && value !== '--') return value;
  if (value === '--') parse.rest.unshift('--');
  fault(parse, flag, 'a value is missing after this flag');
  return undefined;
}

function give(parse: Parse, field: Field, text: string, flag: string): void {
  parse.given.push({ field, text, place: { kind: 'flag', flag } });
}

function giveNamed(parse: Parse, name: string, text: string, flag: string): void {
  const field = parse.fields.get(name);
  if (field !== undefined) give(parse, field, text, flag);
}

function unknown(parse: Parse, written: string): void {
  // Its value, if it has one, is no mistake of its own.
  if (parse.rest[0]?.startsWith('-') === false) parse.rest.shift();
  const names = [...parse.fields.keys(), ...Object.keys(flagAliases), 'config'];
  const near = nearest(written.replaceAll('_', '-').toLowerCase(), names);
  fault(parse, shorten(`--${written}`), 'unknown flag', near === undefined ? 'see reinit help' : `did you mean --${near}?`);
}

function fault(parse: Parse, flag: string, problem: string, hint?: string): void {
  parse.mistakes.push({ place: { kind: 'flag', flag }, setting: undefined, problem, hint });
}
