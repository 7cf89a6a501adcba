import { readFileSync } from 'node:fs';
import { Script } from 'node:vm';

/** What a bundle's text is wrapped in: the parameters that Node gives a CommonJS module. */
const parameters = 'exports,require,module,__filename,__dirname';

export type Bundle = (
  exports: object,
  require: (id: string) => unknown,
  module: { exports: object },
  filename: string,
  dirname: string,
) => void;

/**
 * Compiles a bundle, from its code cache where V8 takes it: it refuses one made by another V8 or under other flags, and compiles
 * as ever. That is only slower, but `cachedDataRejected` is true then, and the build makes sure that it is not.
 */
export function compileBundle(file: string, cachedData: Buffer | undefined): Script {
  // The bundles are ASCII: esbuild escapes the rest. So V8 holds one byte a character.
  const source = readFileSync(file, 'latin1');
  return new Script(`(function(${parameters}){${source}\n})`, { filename: file, ...(cachedData && { cachedData }) });
}
