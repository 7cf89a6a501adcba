/**
 * `npm run gen`: writes docs/reference from the schema, the flags and the catalogue of exit codes.
 * With `--check` nothing is written; it leaves with 1 if a page is not what would be written.
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { configurationSchema } from './docs/json-schema.ts';
import { jsonText } from './docs/json-text.ts';
import { cliPage, configurationPage, exitCodesPage } from './docs/pages.ts';

const directory = join(import.meta.dirname, '../docs/reference');
const pages: Readonly<Record<string, string>> = {
  'configuration.md': configurationPage(),
  'cli.md': cliPage(),
  'exit-codes.md': exitCodesPage(),
  'reinit.schema.json': jsonText(configurationSchema()),
};

const stale = Object.entries(pages).filter(([name, text]) => text !== current(name));
if (process.argv.includes('--check')) {
  for (const [name] of stale) process.stderr.write(`docs/reference/${name} is stale: npm run gen\n`);
  process.exitCode = stale.length > 0 ? 1 : 0;
} else {
  mkdirSync(directory, { recursive: true });
  for (const [name, text] of stale) writeFileSync(join(directory, name), text);
}

function current(name: string): string | undefined {
  try {
    return readFileSync(join(directory, name), 'utf8');
  } catch {
    return undefined;
  }
}
