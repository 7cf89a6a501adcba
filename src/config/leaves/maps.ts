import { isMapping, type Kind, kind, map, mapKind, type Raw, scalar, wrongShape } from '../kinds.ts';
import { nearest, noSuch } from '../names.ts';

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

/** setrlimit(2). */
export const resources = [
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
] as const;
export type Resource = (typeof resources)[number];

const isResource = (name: string): name is Resource => resources.some((one) => one === name);

/** Names of setrlimit(2) in lower case, as compose and docker spell them. */
export const limits: Kind<Readonly<Record<string, string>>> = mapKind(
  {
    type: 'map: name → limit or soft:hard',
    expected: 'limits, such as {nofile: "1024:4096", core: 0, memlock: unlimited}',
    spelling: map('NAME=SOFT[:HARD]'),
    json: { type: 'object', propertyNames: { enum: resources }, additionalProperties: { type: ['string', 'integer'] } },
  },
  (name, raw, fault) => {
    if (!isResource(name)) {
      fault(noSuch('limit', nearest(name, resources)));
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
    secret: /./s,
    json: {
      anyOf: [
        { type: 'object', additionalProperties: { type: ['string', 'number', 'boolean', 'null'] } },
        { type: 'array', items: { type: 'string' } },
      ],
    },
  },
  (raw, fault) => {
    const entries: [string, string | null][] = [];
    if (Array.isArray(raw)) for (const [index, item] of raw.entries()) listedVariable(item, (problem) => fault(problem, index), entries);
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
  if (name === '' || /[=\0\s]/.test(name) || name === '__proto__') {
    fault('this cannot be the name of a variable');
    return;
  }
  const given = raw === null ? null : scalar(raw, fault);
  if (given !== undefined) entries.push([name, given]);
}
