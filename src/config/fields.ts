import * as v from 'valibot';
import type { KindInfo, Parts } from './kinds.ts';
import { httpServer } from './leaves/listen.ts';
import { attach, log, output, service, settings } from './schema.ts';
import { watchRule } from './watch-rule.ts';

/** A setting as people meet it: its key, and what follows from it. */
export interface Field {
  /** Where it stands in the YAML: `stop_timeout`, `log.level`, `http.listen`, `watch[].settle`. */
  readonly key: string;
  readonly group: 'service' | 'attach' | 'output' | 'log' | 'http' | 'watch';
  readonly name: string;
  readonly info: KindInfo;
  readonly description: string;
  readonly fallback: string | readonly string[] | Readonly<Record<string, never>> | undefined;
  readonly required: boolean;
  /** Without the dashes; undefined where there is none. */
  readonly flag: string | undefined;
  readonly variable: string | undefined;
}

export type Schema = v.GenericSchema;

/** What the shape of the file is, without the meaning of its leaves. A leaf whose mapping has keys of its own is an object with `hints`. */
export type Shape =
  | { readonly kind: 'leaf' }
  | { readonly kind: 'list'; readonly item: Schema }
  | { readonly kind: 'object'; readonly entries: Readonly<Record<string, Schema>>; readonly hints?: KindInfo['hints'] };

export function shapeOf(schema: Schema): Shape {
  const inner = unwrap(schema);
  const { parts, item, hints } = infoOf(inner) ?? {};
  if (parts !== undefined) return { kind: 'object', entries: parts, hints: hints ?? {} };
  if (item !== undefined) return { kind: 'list', item };
  if ('entries' in inner) return { kind: 'object', entries: inner.entries as Readonly<Record<string, Schema>> };
  if ('item' in inner) return { kind: 'list', item: inner.item as Schema };
  return { kind: 'leaf' };
}

/** What is known about a setting or a part of one; undefined for the mappings and lists that hold settings. */
export function infoOf(schema: Schema): KindInfo | undefined {
  const info = v.getMetadata(unwrap(schema) as Parameters<typeof v.getMetadata>[0]);
  return 'spelling' in info ? (info as unknown as KindInfo) : undefined;
}

/** What a setting, or a part of one, is said to mean, and what it is where it is not given. */
export function aboutOf(schema: Schema): Pick<Field, 'description' | 'fallback' | 'required'> {
  return {
    description: v.getDescription(unwrap(schema) as Parameters<typeof v.getDescription>[0]) ?? '',
    fallback: 'default' in schema ? (schema.default as Field['fallback']) : undefined,
    required: !('wrapped' in schema),
  };
}

export const rootSchema: Schema = settings as unknown as Schema;

const unwrap = (schema: Schema): Schema => ('wrapped' in schema ? unwrap(schema.wrapped as Schema) : schema);

let known: readonly Field[] | undefined;

/** All leaves, in the order of the schema. */
export function allFields(): readonly Field[] {
  known ??= [
    ...fieldsOf('service', service as unknown as Readonly<Record<string, Schema>>),
    ...fieldsOf('attach', attach.entries as unknown as Readonly<Record<string, Schema>>),
    ...fieldsOf('watch', watchRule.entries as unknown as Readonly<Record<string, Schema>>),
    ...fieldsOf('output', output.entries as unknown as Readonly<Record<string, Schema>>),
    ...fieldsOf('log', log.entries as unknown as Readonly<Record<string, Schema>>),
    ...fieldsOf('http', infoOf(httpServer as Schema)?.parts as Parts),
  ];
  return known;
}

/** One idea, one spelling: `stop_timeout` is `--stop-timeout` and REINIT_STOP_TIMEOUT. Only the paths of a watch rule are called after the rule. */
function fieldsOf(group: Field['group'], entries: Readonly<Record<string, Schema>>): Field[] {
  return Object.entries(entries).flatMap(([name, schema]) => {
    const info = infoOf(schema);
    if (info === undefined) return [];
    const spelled = spelling(group, name);
    const none = info.spelling.form === 'none' || spelled === undefined;
    return {
      key: keyOf(group, name),
      group,
      name,
      info,
      ...aboutOf(schema),
      flag: none ? undefined : spelled.replaceAll('_', '-'),
      variable: none || name === 'environment' ? undefined : `REINIT_${spelled.toUpperCase()}`,
    };
  });
}

function keyOf(group: Field['group'], name: string): string {
  if (group === 'service') return name;
  return group === 'watch' ? `watch[].${name}` : `${group}.${name}`;
}

function spelling(group: Field['group'], name: string): string | undefined {
  if (group === 'service') return name;
  if (group !== 'watch') return `${group}_${name}`;
  if (name === 'name') return undefined;
  return name === 'paths' ? 'watch' : name;
}
