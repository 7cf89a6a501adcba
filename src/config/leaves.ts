import { parseDuration } from '../core/durations.ts';
import { parseSignal, sigkill, signalName, signalNames, sigstop } from '../core/signals.ts';
import { splitCommand } from './argv.ts';
import { type Fault, isMapping, type Kind, kind, listKind, mapKind, type Raw, scalar, scalarKind, wrongShape } from './kinds.ts';
import type { SignalRule } from './model.ts';
import { nearest } from './names.ts';

const value = (placeholder: string) => ({ form: 'value', placeholder }) as const;
const list = (placeholder: string, separator: string) => ({ form: 'list', placeholder, separator }) as const;
const map = (placeholder: string) => ({ form: 'map', placeholder }) as const;
const strings = { type: 'array', items: { type: 'string' } } as const;

export const text = (expected: string, placeholder: string): Kind<string> =>
  scalarKind({ type: 'text', expected, spelling: value(placeholder), json: { type: 'string', minLength: 1 } }, (given, fault) =>
    given.trim() === '' ? fault('it is empty') : given,
  );

/** Looked up at spawn; here only the form is known. Numbers come in as text. */
export const user: Kind<string> = scalarKind(
  {
    type: 'user',
    expected: 'a user, such as www-data, 101 or 101:101',
    spelling: value('USER[:GROUP]'),
    json: { type: ['string', 'integer'] },
  },
  (given, fault) => (/^[^\s:]+(:[^\s:]+)?$/.test(given) ? given : fault('it is not of the form USER or USER:GROUP')),
);

const pathFault = (given: string, fault: Fault): string | undefined => {
  if (given.startsWith('/')) return given;
  return fault(given === '' ? 'it is empty' : 'it is not absolute');
};
export const path: Kind<string> = scalarKind(
  { type: 'path', expected: 'an absolute path, such as /etc/app', spelling: value('PATH'), json: { type: 'string', pattern: '^/' } },
  pathFault,
);
const absolute = { type: 'string', pattern: '^/' } as const;
export const paths: Kind<readonly string[]> = listKind(
  {
    type: 'paths',
    expected: 'a list of absolute paths, such as [/etc/nginx]',
    spelling: list('PATH', ':'),
    json: { anyOf: [absolute, { type: 'array', items: absolute, minItems: 1 }] },
  },
  pathFault,
);
export const globs: Kind<readonly string[]> = listKind(
  {
    type: 'globs',
    expected: 'a list of globs, such as ["*.swp"]',
    spelling: list('GLOB', ','),
    json: { anyOf: [{ type: 'string' }, strings] },
  },
  (given, fault) => (given === '' ? fault('it is empty') : given),
);

export const duration = (least = 0): Kind<number> =>
  scalarKind(
    {
      type: 'duration',
      expected: 'a duration, such as 300ms, 25s or 1m30s',
      spelling: value('DURATION'),
      json: { anyOf: [{ type: 'string', pattern: '^(0|(([0-9]+\\.?[0-9]*|\\.[0-9]+)(ns|us|µs|ms|s|m|h))+)$' }, { const: 0 }] },
    },
    (given, fault) => {
      const read = parseDuration(given);
      if (!read.ok) return fault(read.problem);
      return read.ms < least ? fault(`it is too short: at least ${least}ms`) : read.ms;
    },
  );

export const integer = (least: number, most: number): Kind<number> =>
  scalarKind(
    {
      type: 'number',
      expected: `a whole number from ${least} to ${most}`,
      spelling: value('N'),
      json: { type: 'integer', minimum: least, maximum: most },
    },
    (given, fault) => {
      if (!/^[+-]?\d{1,16}$/.test(given.trim())) return fault('it is not a whole number');
      const n = Number(given);
      return n < least || n > most ? fault('it is out of range') : n;
    },
  );

/** Octal always, as chmod and umask(1) read it; YAML 1.2 on its own would make 22 of 022. */
export const umask: Kind<number> = scalarKind(
  {
    type: 'octal',
    expected: 'an octal number from 000 to 777, such as 022',
    spelling: value('OCTAL'),
    json: { type: ['string', 'integer'] },
  },
  (given, fault) => (/^(0o?)?[0-7]{1,3}$/.test(given) ? Number.parseInt(given.replace(/^0o/, ''), 8) : fault('it is not such a number')),
);

const sizeUnits: Readonly<Record<string, number>> = {
  '': 1,
  b: 1,
  k: 1e3,
  kb: 1e3,
  m: 1e6,
  mb: 1e6,
  g: 1e9,
  gb: 1e9,
  ki: 2 ** 10,
  kib: 2 ** 10,
  mi: 2 ** 20,
  mib: 2 ** 20,
  gi: 2 ** 30,
  gib: 2 ** 30,
};
export const size: Kind<number> = scalarKind(
  {
    type: 'size',
    expected: 'a size, such as 512KiB, 64MiB or a number of bytes',
    spelling: value('SIZE'),
    json: {
      anyOf: [
        { type: 'string', pattern: '^[0-9]+ ?([kKmMgG]i?)?[bB]?$' },
        { type: 'integer', minimum: 1 },
      ],
    },
  },
  (given, fault) => {
    const [, digits = '', unit = ''] = /^(\d{1,12})\s?([a-z]*)$/i.exec(given.trim()) ?? [];
    const factor = Object.hasOwn(sizeUnits, unit.toLowerCase()) ? sizeUnits[unit.toLowerCase()] : undefined;
    if (digits === '' || factor === undefined) return fault('it is not a size');
    const bytes = Number(digits) * factor;
    return bytes < 1 || bytes > 2 ** 40 ? fault('it is out of range: 1 byte to 1024GiB') : bytes;
  },
);

export const onOff: Kind<boolean> = scalarKind(
  { type: 'boolean', expected: 'true or false', spelling: { form: 'switch' }, json: { type: 'boolean' } },
  (given, fault) => {
    if (/^true$/i.test(given)) return true;
    return /^false$/i.test(given) ? false : fault('it is neither');
  },
);

/** `planned` are words of a later version: said so, rather than called unknown. */
export const choice = <const C extends string>(choices: readonly C[], planned: readonly string[] = []): Kind<C> =>
  scalarKind(
    {
      type: choices.join(' \\| '),
      expected: choices.join(', ').replace(/, ([^,]*)$/, ' or $1'),
      spelling: value(choices.join('|')),
      json: { enum: choices },
    },
    (given, fault) => {
      const found = choices.find((one) => one === given);
      if (found !== undefined) return found;
      if (planned.includes(given)) return fault('this is planned, and not supported by this version');
      const near = nearest(given.toLowerCase().replaceAll('_', '-'), choices);
      return fault(`there is no such choice${near === undefined ? '' : `: did you mean ${near}?`}`);
    },
  );

const catchable = 'KILL and STOP cannot be caught by any program';
const signalText = 'a signal, such as HUP, SIGUSR1, RTMIN+1 or 10';

/** @param caught somebody has to catch it (KILL and STOP make no sense). */
function readSignal(given: string, caught: boolean, fault: (problem: string) => undefined): number | undefined {
  const n = parseSignal(given);
  if (n === undefined) {
    const near = nearest(given.toUpperCase().replace(/^SIG/, ''), signalNames);
    fault(`there is no such signal${near === undefined ? '' : `: did you mean ${near}?`}`);
  } else if (caught && (n === sigkill || n === sigstop)) {
    fault(catchable);
    return undefined;
  }
  return n;
}

const signalJson = { type: ['string', 'integer'] } as const;
export const signal = (caught: boolean): Kind<number> =>
  scalarKind({ type: 'signal', expected: signalText, spelling: value('SIGNAL'), json: signalJson }, (given, fault) =>
    readSignal(given, caught, fault),
  );

/** KILL is a blunt way to stop, STOP is none at all. */
export const stopSignal: Kind<number> = scalarKind(
  { type: 'signal', expected: signalText, spelling: value('SIGNAL'), json: signalJson },
  (given, fault) => {
    const n = readSignal(given, false, fault);
    return n === sigstop ? fault('STOP freezes a program, it does not end it') : n;
  },
);

export const signalList: Kind<readonly number[]> = listKind(
  {
    type: 'signals',
    expected: 'a list of signals, such as [TERM, INT, QUIT]',
    spelling: list('SIGNAL', ','),
    json: { anyOf: [signalJson, { type: 'array', items: signalJson }] },
  },
  (given, fault) => readSignal(given, true, fault),
);

/** What the kernel sends because of init's own faults and children is not the application's. */
const inits = new Map([
  ['CHLD', 17],
  ['ILL', 4],
  ['TRAP', 5],
  ['BUS', 7],
  ['FPE', 8],
  ['SEGV', 11],
  ['SYS', 31],
]);

export const signalRules: Kind<Readonly<Record<number, SignalRule>>> = mapKind<number, SignalRule>(
  {
    type: 'map: signal → drop, stop or signal',
    expected: 'signal: drop, stop or another signal, such as {USR2: drop, HUP: USR1}',
    spelling: map('SIGNAL=RULE'),
    json: { type: 'object', additionalProperties: signalJson },
  },
  (name, raw, fault) => {
    const from = readSignal(name, true, fault);
    const rule = scalar(raw, fault);
    if (from === undefined || rule === undefined) return undefined;
    if ([...inits.values()].includes(from)) {
      fault(`${signalName(from)} is never passed on: it is about init's own faults and children`);
      return undefined;
    }
    if (rule === 'drop' || rule === 'stop') return [from, { kind: rule }] as const;
    const as = readSignal(rule, false, (problem) => fault(problem));
    return as === undefined ? undefined : ([from, { kind: 'forward', as }] as const);
  },
);

const byte = (given: string): number | undefined => (/^\d{1,3}$/.test(given) && Number(given) <= 255 ? Number(given) : undefined);
export const exitCodes: Kind<Readonly<Record<number, number>>> = mapKind(
  {
    type: 'map: code → code',
    expected: 'exit codes from 0 to 255, such as {143: 0}',
    spelling: map('CODE=CODE'),
    json: { type: 'object', additionalProperties: { type: 'integer', minimum: 0, maximum: 255 } },
  },
  (name, raw, fault) => {
    const from = byte(name);
    const given = scalar(raw, fault);
    if (given === undefined) return undefined;
    const to = byte(given);
    if (from !== undefined && to !== undefined) return [from, to] as const;
    fault('it is not an exit code');
    return undefined;
  },
);

const resources = [
  'as',
  'core',
  'cpu',
  'data',
  'fsize',
  'locks',
  'memlock',
  'msgqueue',
  'nice',
  'nofile',
  'nproc',
  'rss',
  'rtprio',
  'rttime',
  'sigpending',
  'stack',
];
/** Names of setrlimit(2) in lower case, as compose and docker spell them. */
export const limits: Kind<Readonly<Record<string, string>>> = mapKind(
  {
    type: 'map: name → limit or soft:hard',
    expected: 'limits, such as {nofile: "1024:4096", core: 0, memlock: unlimited}',
    spelling: map('NAME=SOFT[:HARD]'),
    json: { type: 'object', propertyNames: { enum: resources }, additionalProperties: { type: ['string', 'integer'] } },
  },
  (name, raw, fault) => {
    if (!resources.includes(name)) {
      const near = nearest(name, resources);
      fault(`there is no such limit${near === undefined ? '' : `: did you mean ${near}?`}`);
      return undefined;
    }
    const given = scalar(raw, fault);
    if (given === undefined) return undefined;
    const found = /^(\d{1,18}|unlimited)(?::(\d{1,18}|unlimited))?$/.exec(given);
    if (found === null) {
      fault('it is neither a number, unlimited, nor soft:hard');
      return undefined;
    }
    const [, soft = '', hard = soft] = found;
    const number = (limit: string): number => (limit === 'unlimited' ? Number.POSITIVE_INFINITY : Number(limit));
    if (number(soft) <= number(hard)) return [name, `${soft}:${hard}`] as const;
    fault('its soft limit is above its hard one');
    return undefined;
  },
);

/** Values never appear in a fault: they may be secrets. */
export const environment: Kind<Readonly<Record<string, string | null>>> = kind(
  {
    type: 'map: name → value or null',
    expected: 'variables, such as {TZ: UTC} (null takes one away)',
    spelling: map('NAME=VALUE'),
    json: { anyOf: [{ type: 'object', additionalProperties: { type: ['string', 'number', 'boolean', 'null'] } }, strings] },
  },
  (raw, fault) => {
    const entries: [string, string | null][] = [];
    if (Array.isArray(raw)) raw.forEach((item, index) => listedVariable(item, (problem) => fault(problem, index), entries));
    else if (isMapping(raw))
      for (const name of Object.keys(raw)) namedVariable(name, raw[name] ?? null, (problem) => fault(problem, name), entries);
    else fault(wrongShape(raw));
    return Object.fromEntries(entries);
  },
);

function listedVariable(item: Raw, fault: (problem: string) => undefined, entries: [string, string | null][]): void {
  const given = scalar(item, fault);
  if (given === undefined) return;
  const equals = given.indexOf('=');
  if (equals < 0) fault('there is no = in it: write NAME=value');
  else namedVariable(given.slice(0, equals), given.slice(equals + 1), fault, entries);
}

function namedVariable(name: string, raw: Raw, fault: (problem: string) => undefined, entries: [string, string | null][]): void {
  if (name === '' || /[=\0\s]/.test(name) || name === '__proto__') return fault('this cannot be the name of a variable');
  const given = raw === null ? null : scalar(raw, fault);
  if (given !== undefined) entries.push([name, given]);
}

const argvJson = { anyOf: [{ type: 'string' }, { type: 'array', items: { type: ['string', 'number'] }, minItems: 1 }] } as const;

function readArgv(raw: Raw, fault: Fault, ...at: readonly number[]): readonly string[] | undefined {
  if (typeof raw === 'string') {
    const split = splitCommand(raw);
    return split.ok ? checkedArgv(split.argv, fault, at) : fault(split.problem, ...at);
  }
  if (!Array.isArray(raw)) return fault(wrongShape(raw), ...at);
  const words = raw.map((word, index) => scalar(word, fault, ...at, index));
  return words.some((word) => word === undefined) ? undefined : checkedArgv(words as string[], fault, at);
}

function checkedArgv(argv: readonly string[], fault: Fault, at: readonly number[]): readonly string[] | undefined {
  if (argv.length === 0) return fault('it is empty', ...at);
  return argv[0] === '' ? fault('the name of the program is empty', ...at) : argv;
}

export const argv: Kind<readonly string[]> = kind(
  { type: 'command', expected: 'a command, such as [nginx, -g, "daemon off;"]', spelling: { form: 'none' }, json: argvJson },
  (raw, fault) => readArgv(raw, fault),
);

/** One command as a string or a list of words, or a list of such lists. */
export const argvs: Kind<readonly (readonly string[])[]> = kind(
  {
    type: 'command, or list of commands',
    expected: 'a command, such as [nginx, -t], or a list of commands',
    spelling: list('COMMAND', ''),
    json: { anyOf: [...argvJson.anyOf, { type: 'array', items: { type: 'array', items: { type: ['string', 'number'] }, minItems: 1 } }] },
  },
  (raw, fault) => {
    const several = Array.isArray(raw) && raw.length > 0 && raw.every((item) => typeof item !== 'string' && item !== null);
    if (several) return (raw as readonly Raw[]).map((one, index) => readArgv(one, fault, index)).filter((one) => one !== undefined);
    if (Array.isArray(raw) && raw.length === 0) return [];
    if (Array.isArray(raw) && raw.some((item) => Array.isArray(item))) return fault('it mixes words and lists of words');
    const one = readArgv(raw, fault);
    return one === undefined ? undefined : [one];
  },
);
