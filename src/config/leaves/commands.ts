import { splitCommand } from '../argv.ts';
import { type Fault, type Kind, kind, list, type Raw, scalar, wrongShape } from '../kinds.ts';

export const argvJson = { anyOf: [{ type: 'string' }, { type: 'array', items: { type: ['string', 'number'] }, minItems: 1 }] } as const;

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
export const argvs = (example: string): Kind<readonly (readonly string[])[]> =>
  kind(
    {
      type: 'command, or list of commands',
      expected: `a command, such as ${example}, or a list of commands`,
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
