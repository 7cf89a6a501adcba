/**
 * The first JavaScript that runs. `main.cjs cli …` is the command line, `main.cjs boot …` the controller.
 *
 * The controller is two bundles: `boot` decides what to start, `late` (watching and what it needs) is loaded while the application
 * starts. `import('./late.ts')` in the source is `require('./late.cjs')` in a bundle, and that comes here, to get its code cache too.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Bundle, compileBundle } from './bundle.ts';

const loaded = new Map<string, { exports: object }>();

/** Evaluates a bundle of this directory, once, and gives what it exports. */
function load(name: string): object {
  const known = loaded.get(name);
  if (known) return known.exports;
  const file = join(__dirname, `${name}.cjs`);
  const module = { exports: {} };
  loaded.set(name, module);
  const bundle: Bundle = compileBundle(file, cacheOf(name)).runInThisContext();
  bundle(module.exports, requireFromBundle, module, file, __dirname);
  return module.exports;
}

function requireFromBundle(id: string): unknown {
  const sibling = /^\.\/(\w+)\.cjs$/.exec(id)?.[1];
  return sibling === undefined ? process.getBuiltinModule(id) : load(sibling);
}

/** Without a cache the bundle is compiled as ever. */
function cacheOf(name: string): Buffer | undefined {
  try {
    return readFileSync(join(__dirname, `${name}.cache`));
  } catch {
    return undefined;
  }
}

const [entry] = process.argv.splice(2, 1);
load(entry === 'cli' ? 'cli' : 'boot');
