import { allFields, type Field } from './fields.ts';
import type { Given } from './flags.ts';
import { nearest } from './names.ts';

export interface Variables {
  readonly given: readonly Given[];
  /** About names that look like a mistake; never about values. */
  readonly warnings: readonly string[];
}

const prefix = 'REINIT_';
/** Read elsewhere: the file's name, what stands in for init, the Node that init starts, and what validators get. */
const reserved: readonly string[] = ['REINIT_CONFIG', 'REINIT_HOST', 'REINIT_NODE', 'REINIT_SNAPSHOT_DIR'];
/** What Kubernetes sets in every pod beside a Service called `reinit`. */
const serviceLink = /^REINIT_(SERVICE_|PORT(_|$))/;

/** Settings from REINIT_* variables. An empty one counts as unset, as `docker run -e NAME=` leaves them. */
export function readVariables(env: Readonly<Record<string, string | undefined>>): Variables {
  const names = Object.keys(env).filter((name) => name.startsWith(prefix) && !reserved.includes(name) && env[name] !== '');
  if (names.length === 0) return { given: [], warnings: [] };
  const fields = new Map(
    allFields().flatMap((field): [string, Field][] => (field.variable === undefined ? [] : [[field.variable, field]])),
  );
  const given = names.flatMap((name) => {
    const field = fields.get(name);
    return field === undefined
      ? []
      : textsOf(field, env[name] ?? '').map((text): Given => ({ field, text, place: { kind: 'variable', name } }));
  });
  const strangers = names.filter((name) => !fields.has(name) && !serviceLink.test(name));
  return { given, warnings: strangers.flatMap((name) => nearMiss(name, [...fields.keys(), ...reserved])) };
}

function textsOf(field: Field, value: string): readonly string[] {
  const { spelling } = field.info;
  if (spelling.form === 'map') return value.split(',');
  if (spelling.form === 'list' && spelling.separator !== '') return value.split(spelling.separator).filter((item) => item !== '');
  return [value];
}

function nearMiss(name: string, known: readonly string[]): string[] {
  const near = nearest(
    name.slice(prefix.length),
    known.map((one) => one.slice(prefix.length)),
  );
  return near === undefined ? [] : [`${name} is no setting of reinit: did you mean ${prefix}${near}?`];
}
