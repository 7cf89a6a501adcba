import { type JsonSchema, toJsonSchema } from '@valibot/to-json-schema';
import { aboutOf, infoOf, type Schema } from '../../src/config/fields.ts';
import type { KindInfo, Parts } from '../../src/config/kinds.ts';
import { settings } from '../../src/config/schema.ts';

type Json = Readonly<Record<string, unknown>>;

/** The JSON Schema of the YAML file, for editors: what the file may hold before reinit reads it. */
export function configurationSchema(): Json {
  const generated = toJsonSchema(settings, {
    typeMode: 'input',
    overrideSchema: ({ valibotSchema, jsonSchema }) => leafSchema(valibotSchema as Schema, jsonSchema.description),
  }) as Json;
  const { $schema, ...rest } = generated;
  return { $schema, title: 'reinit configuration', description: 'reinit.yaml: see docs/reference/configuration.md', ...rest };
}

/** A leaf brings its own: to valibot it is text of any kind. */
function leafSchema(schema: Schema, written?: string): JsonSchema | undefined {
  const info = infoOf(schema);
  if (info === undefined) return undefined;
  const { description, fallback } = aboutOf(schema);
  const about = description === '' ? written : description;
  const given = fallback === undefined ? undefined : literal(fallback, info.json);
  return {
    ...formsOf(info),
    ...(about === undefined ? {} : { description: about }),
    ...(given === undefined ? {} : { default: given }),
  } as JsonSchema;
}

/** What is short for a mapping, and the mapping itself; one item, and a list of them. */
function formsOf({ json, parts, item }: KindInfo): Json {
  if (item !== undefined) {
    const one = leafSchema(item) as Json;
    return { anyOf: [one, { type: 'array', items: one }] };
  }
  if (parts === undefined) return json;
  const whole = mappingOf(parts);
  if (Object.keys(json).length === 0) return whole;
  return { anyOf: [...(Array.isArray(json.anyOf) ? json.anyOf : [json]), whole] };
}

function mappingOf(parts: Parts): Json {
  const names = Object.keys(parts);
  const required = names.filter((name) => aboutOf(parts[name] as Schema).required);
  return {
    type: 'object',
    properties: Object.fromEntries(names.map((name) => [name, leafSchema(parts[name] as Schema)])),
    ...(required.length > 0 ? { required } : {}),
    additionalProperties: false,
  };
}

/** Defaults are text in the schema; an editor wants YAML's own types. */
function literal(fallback: unknown, json: Json): unknown {
  if (json.type === 'boolean') return fallback === 'true';
  return json.type === 'integer' ? Number(fallback) : fallback;
}
