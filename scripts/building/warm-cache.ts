/**
 * Stands in for the controller in a short real run under init (REINIT_NODE), and then writes the code caches of what it ran.
 *
 * A cache that is made after a run holds the functions that a start needs and no others: less to read, less to keep in memory than with all.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Script } from 'node:vm';
import { createLoader } from '../../src/loader/load.ts';

/** `warmMs`: after the last bundle was loaded, when nothing is compiled any more. */
const [directory = '', warmMs, ...given] = process.argv.slice(2);
const own = given.slice(given.indexOf('boot') + 1);
const scripts = new Map<string, Script>();

process.argv.splice(2, process.argv.length, ...own);
createLoader(directory, (name, script) => scripts.set(name, script))('boot');

/** What a start loads last. On a busy machine that takes its time. */
const last = 'control';
const lookMs = 50;

function whenWarm(call: () => void): void {
  if (scripts.has(last)) setTimeout(call, Number(warmMs));
  else setTimeout(() => whenWarm(call), lookMs);
}

whenWarm(() => {
  for (const [name, script] of scripts) writeFileSync(join(directory, `${name}.cache`), script.createCachedData());
  writeFileSync(join(directory, 'done'), '');
});
