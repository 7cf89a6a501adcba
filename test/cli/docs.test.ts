import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import schema from '../../docs/reference/reinit.schema.json' with { type: 'json' };
import { allFields } from '../../src/config/fields.ts';

const root = join(import.meta.dirname, '../..');
const page = (name: string): string => readFileSync(join(root, 'docs/reference', name), 'utf8');

test('the pages are what the sources say', () => {
  execFileSync(process.execPath, [join(root, 'scripts/gen-docs.ts'), '--check'], { stdio: 'pipe' });
});

describe('every setting', () => {
  test.each(allFields().map((field) => [field.key, field] as const))('%s', (key, field) => {
    expect(field.description).toMatch(/\.$|…$/);
    expect(page('configuration.md')).toContain(`### \`${key}\``);
    if (field.flag !== undefined) expect(page('cli.md')).toContain(`--${field.flag}`);
    if (field.variable !== undefined) expect(page('cli.md')).toContain(field.variable);
  });
});

test('flags and variables are spelled from the key, and are unlike each other', () => {
  const flags = allFields().flatMap(({ flag }) => flag ?? []);
  expect(new Set(flags).size).toBe(flags.length);
  expect(allFields().find(({ key }) => key === 'stop_timeout')).toMatchObject({ flag: 'stop-timeout', variable: 'REINIT_STOP_TIMEOUT' });
  expect(allFields().find(({ key }) => key === 'log.level')).toMatchObject({ flag: 'log-level', variable: 'REINIT_LOG_LEVEL' });
  expect(allFields().find(({ key }) => key === 'watch[].paths')).toMatchObject({ flag: 'watch', variable: 'REINIT_WATCH' });
  expect(allFields().find(({ key }) => key === 'environment')).toMatchObject({ flag: 'environment', variable: undefined });
});

test('a setting that is a mapping: its keys are on the page and in the JSON Schema', () => {
  expect(page('configuration.md')).toContain('| `http_get.port` | port | required |');
  expect(page('configuration.md')).toContain('| `header_files` |');
  const [short, long] = schema.properties.ready.anyOf;
  expect(short).toMatchObject({ type: 'string' });
  expect(long).toMatchObject({ type: 'object', additionalProperties: false, properties: { http_get: { required: ['port'] } } });
  expect(schema.properties.sockets.anyOf[1]).toMatchObject({ type: 'array', items: { anyOf: [{}, { required: ['listen'] }] } });
});

test('the JSON Schema knows the same keys, strictly', () => {
  const properties: Readonly<Record<string, object>> = schema.properties;
  const top = allFields()
    .filter(({ group }) => group === 'service')
    .map(({ name }) => name);
  expect(Object.keys(properties).toSorted()).toEqual([...top, 'attach', 'http', 'log', 'output', 'watch'].toSorted());
  expect(schema.properties.watch.items.required).toEqual(['paths']);
  expect(schema.additionalProperties).toBe(false);
});
