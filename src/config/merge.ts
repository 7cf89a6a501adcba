import { splitCommand } from './argv.ts';
import { type Path, pathKey } from './document.ts';
import type { Mistake, Place } from './errors.ts';
import type { Field } from './fields.ts';
import type { Given } from './flags.ts';
import { isMapping, type Raw } from './kinds.ts';

/** Settings under merge: what they are, and where those came from that are not the file's. */
export interface Merged {
  raw: Readonly<Record<string, Raw>>;
  readonly places: Map<string, Place>;
  readonly mistakes: Mistake[];
}

/**
 * Lays values from flags or variables over what there is, setting by setting: a value or a list takes the place of the former, the entries
 * of a mapping join it. Those of the watch group make one rule, which takes the place of all former rules.
 */
export function overlay(merged: Merged, given: readonly Given[]): void {
  const byField = Map.groupBy(given, ({ field }) => field.key);
  const rule: Record<string, Raw> = Object.create(null);
  for (const values of byField.values()) {
    const [first] = values;
    if (first === undefined) continue;
    if (first.field.group === 'watch')
      rule[first.field.name] = assemble(merged, ['watch', 0, first.field.name], first.field, values, undefined);
    else top(merged, first.field, values);
  }
  if (Object.keys(rule).length > 0) addRule(merged, rule, given);
}

function top(merged: Merged, field: Field, values: readonly Given[]): void {
  if (field.group === 'service') {
    merged.raw = { ...merged.raw, [field.name]: assemble(merged, [field.name], field, values, merged.raw[field.name]) };
    return;
  }
  const { group, name } = field;
  const former = long(group, merged.raw[group]);
  const value = assemble(merged, [group, name], field, values, undefined);
  if (former !== undefined) merged.raw = { ...merged.raw, [group]: { ...former, [name]: value } };
}

/** What a group's settings join; undefined where it is no mapping, and no short form of one either: it stays, for the schema to refuse. */
function long(group: string, former: Raw | undefined): { readonly [name: string]: Raw } | undefined {
  if (former === undefined) return {};
  if (group === 'http' && typeof former === 'string') return { listen: former };
  return isMapping(former) ? former : undefined;
}

/** A rule begun by variables is completed by flags; one of the file is replaced. */
function addRule(merged: Merged, rule: Readonly<Record<string, Raw>>, given: readonly Given[]): void {
  const origin = given.find(({ field }) => field.group === 'watch');
  const begun = merged.places.has(pathKey(['watch'])) && Array.isArray(merged.raw.watch) ? (merged.raw.watch[0] as Raw) : undefined;
  merged.raw = { ...merged.raw, watch: [{ ...(isMapping(begun) ? begun : {}), ...rule }] };
  if (origin !== undefined && begun === undefined) merged.places.set(pathKey(['watch']), origin.place);
}

function assemble(merged: Merged, path: Path, field: Field, values: readonly Given[], former: Raw | undefined): Raw {
  const last = values.at(-1);
  if (last === undefined) return null;
  const { spelling } = field.info;
  if (spelling.form === 'map') return entries(merged, path, values, former);
  merged.places.set(pathKey(path), last.place);
  if (spelling.form !== 'list') return last.text;
  return spelling.separator === '' ? commands(merged, values) : values.map(({ text }) => text);
}

/** Several commands are several strings, each of which has to be split on its own. */
function commands(merged: Merged, values: readonly Given[]): Raw {
  return values.flatMap(({ text, place }) => {
    const split = splitCommand(text);
    if (split.ok) return [split.argv];
    merged.mistakes.push({ place, setting: undefined, problem: split.problem, expected: "a command, such as 'nginx -t'" });
    return [];
  });
}

function entries(merged: Merged, path: Path, values: readonly Given[], former: Raw | undefined): Raw {
  // compose's list of NAME=value stays a list: the last one of a name counts.
  if (Array.isArray(former)) {
    for (const [index, { place }] of values.entries()) merged.places.set(pathKey([...path, former.length + index]), place);
    return [...former, ...values.map(({ text }) => text)];
  }
  const result: Record<string, Raw> = Object.assign(Object.create(null), isMapping(former) ? former : {});
  for (const { text, place } of values) {
    const equals = text.indexOf('=');
    if (equals < 0) {
      merged.mistakes.push({ place, setting: undefined, problem: 'there is no = in it', expected: 'NAME=VALUE' });
      continue;
    }
    const name = text.slice(0, equals);
    result[name] = text.slice(equals + 1);
    merged.places.set(pathKey([...path, name]), place);
  }
  return result;
}
