import { type JsonSchema, toJsonSchema } from '@valibot/to-json-schema';
import * as v from 'valibot';
import type { KindInfo } from '../../src/config/kinds.ts';
import { settings } from '../../src/config/schema.ts';

type Json = Readonly<Record<string, unknown>>;

/** The JSON Schema of the YAML file, for editors: what the file may hold before reinit reads it. */
export function configurationSchema(): Json {
  const generated = toJsonSchema(settings, {
    typeMode: 'input',
    overrideSchema: ({ valibotSchema, jsonSchema }) => leafSchema(valibotSchema as v.GenericSchema, jsonSchema.description),
  }) as Json;
  const { $schema, ...rest } = generated;
  return { $schema, title: 'reinit configuration', description: 'reinit.yaml: see docs/reference/configuration.md', ...rest };
}

/** A leaf brings its own: to valibot it is text of any kind. */
function leafSchema(schema: v.GenericSchema, fallbackDescription: string | undefined): JsonSchema | undefined {
  const inner = 'wrapped' in schema ? (schema.wrapped as v.GenericSchema) : schema;
  const info = v.getMetadata(inner as Parameters<typeof v.getMetadata>[0]) as Partial<KindInfo>;
  if (info.json === undefined) return undefined;
  const description = v.getDescription(inner as Parameters<typeof v.getDescription>[0]) ?? fallbackDescription;
  const fallback = 'default' in schema ? literal(schema.default, info.json) : undefined;
  return {
    ...info.json,
    ...(description === undefined ? {} : { description }),
    ...(fallback === undefined ? {} : { default: fallback }),
  } as JsonSchema;
}

/** Defaults are text in the schema; an editor wants YAML's own types. */
function literal(fallback: unknown, json: Json): unknown {
  if (json.type === 'boolean') return fallback === 'true';
  return json.type === 'integer' ? Number(fallback) : fallback;
}
