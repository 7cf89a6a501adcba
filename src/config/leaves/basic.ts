import { parseDuration } from '../../core/durations.ts';
import { type Fault, type Kind, list, listKind, scalarKind, value } from '../kinds.ts';
import type { MemoryLimit } from '../model.ts';
import { nearest, noSuch } from '../names.ts';

/** A line break or another control character; a tab is none of them here. */
export const holdsControl = (text: string): boolean => /\p{Cc}/u.test(text.replaceAll('\t', ' '));

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

export const pathFault = (given: string, fault: Fault): string | undefined => {
  if (given.startsWith('/')) return given;
  return fault(given === '' ? 'it is empty' : 'it is not absolute');
};
export const path: Kind<string> = scalarKind(
  { type: 'path', expected: 'an absolute path, such as /etc/app', spelling: value('PATH'), json: { type: 'string', pattern: '^/' } },
  pathFault,
);
/** A place, or that there is to be none, or that a place is looked for. */
export const controlSocket: Kind<string> = scalarKind(
  {
    type: 'auto \\| off \\| path',
    expected: 'auto, off or an absolute path, such as /run/reinit.sock',
    spelling: value('auto|off|PATH'),
    json: { anyOf: [{ enum: ['auto', 'off'] }, { type: 'string', pattern: '^/' }] },
  },
  (given, fault) => (given === 'auto' || given === 'off' ? given : pathFault(given, fault)),
);
const absolute = { type: 'string', pattern: '^/' } as const;
export const paths = (least: number, example: string): Kind<readonly string[]> =>
  listKind(
    {
      type: 'paths',
      expected: `a list of absolute paths, such as [${example}]`,
      spelling: list('PATH', ':'),
      json: { anyOf: [absolute, { type: 'array', items: absolute, ...(least > 0 ? { minItems: least } : {}) }] },
    },
    pathFault,
    least,
  );
export const globs = (example: string): Kind<readonly string[]> =>
  listKind(
    {
      type: 'globs',
      expected: `a list of globs, such as [${example}]`,
      spelling: list('GLOB', ','),
      json: { anyOf: [{ type: 'string' }, { type: 'array', items: { type: 'string' } }] },
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
export const octal = (example: string): Kind<number> =>
  scalarKind(
    {
      type: 'octal',
      expected: `an octal number from 000 to 777, such as ${example}`,
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
const bytesIn = (given: string, fault: Fault): number | undefined => {
  const [, digits = '', unit = ''] = /^(\d{1,12})\s?([a-z]*)$/i.exec(given.trim()) ?? [];
  const factor = Object.hasOwn(sizeUnits, unit.toLowerCase()) ? sizeUnits[unit.toLowerCase()] : undefined;
  if (digits === '' || factor === undefined) return fault('it is not a size');
  const bytes = Number(digits) * factor;
  return bytes < 1 || bytes > 2 ** 40 ? fault('it is out of range: 1 byte to 1024GiB') : bytes;
};
const sizePattern = '[0-9]+ ?([kKmMgG]i?)?[bB]?';
export const size: Kind<number> = scalarKind(
  {
    type: 'size',
    expected: 'a size, such as 512KiB, 64MiB or a number of bytes',
    spelling: value('SIZE'),
    json: {
      anyOf: [
        { type: 'string', pattern: `^${sizePattern}$` },
        { type: 'integer', minimum: 1 },
      ],
    },
  },
  bytesIn,
);
export const memory: Kind<MemoryLimit> = scalarKind(
  {
    type: 'size \\| percent',
    expected: 'a size, such as 512MiB, or a share of the container’s limit, such as 90%',
    spelling: value('SIZE|PERCENT'),
    json: {
      anyOf: [
        { type: 'string', pattern: `^(${sizePattern}|[0-9]{1,3} ?%)$` },
        { type: 'integer', minimum: 1 },
      ],
    },
  },
  (given, fault) => {
    const percent = /^(\d{1,3})\s?%$/.exec(given.trim())?.[1];
    if (percent !== undefined) {
      const share = Number(percent);
      return share < 1 || share > 100 ? fault('it is out of range: 1% to 100%') : { kind: 'percent', percent: share };
    }
    const bytes = bytesIn(given, fault);
    return bytes === undefined ? undefined : { kind: 'bytes', bytes };
  },
);

export const onOff: Kind<boolean> = scalarKind(
  { type: 'boolean', expected: 'true or false', spelling: { form: 'switch' }, json: { type: 'boolean' } },
  (given, fault) => {
    if (/^true$/i.test(given)) return true;
    return /^false$/i.test(given) ? false : fault('it is neither');
  },
);

export const choice = <const C extends string>(choices: readonly C[]): Kind<C> =>
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
      const written = given.toLowerCase();
      return fault(noSuch('choice', nearest(written, choices) ?? nearest(written.replaceAll('_', '-'), choices)));
    },
  );
