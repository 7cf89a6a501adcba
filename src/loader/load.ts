import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Script } from 'node:vm';
import { type Bundle, compileBundle } from './bundle.ts';

/**
 * Loads the bundles of one directory, each once, each from its code cache where there is one.
 *
 * `import('./late.ts')` in the source is `require('./late.cjs')` in a bundle, and that comes here.
 *
 * @param compiled told of each bundle: the build makes the code caches so
 */
export function createLoader(directory: string, compiled?: (name: string, script: Script) => void): (name: string) => object {
  const loaded = new Map<string, { exports: object }>();

  function load(name: string): object {
    const known = loaded.get(name);
    if (known) return known.exports;
    const file = join(directory, `${name}.cjs`);
    const module = { exports: {} };
    loaded.set(name, module);
    const script = compileBundle(file, cacheOf(name));
    compiled?.(name, script);
    const bundle: Bundle = script.runInThisContext();
    bundle(module.exports, requireFromBundle, module, file, directory);
    return module.exports;
  }

  function requireFromBundle(id: string): unknown {
    const sibling = /^\.\/(\w+)\.cjs$/.exec(id)?.[1];
    return sibling === undefined ? process.getBuiltinModule(id) : load(sibling);
  }

  /** Without a cache the bundle is compiled as ever. */
  function cacheOf(name: string): Buffer | undefined {
    try {
      return readFileSync(join(directory, `${name}.cache`));
    } catch {
      return undefined;
    }
  }

  return load;
}
