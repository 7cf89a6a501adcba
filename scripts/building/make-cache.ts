/**
 * `make-cache.ts <bundle> <cache>` writes the V8 code cache of a bundle; `make-cache.ts <bundle> <cache> check` fails if V8 refuses it.
 * Runs under the shipped Node with the shipped flags: V8 refuses a cache of any other.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { setFlagsFromString } from 'node:v8';
import { compileBundle } from '../../src/loader/bundle.ts';

const [bundle = '', cache = '', mode] = process.argv.slice(2);

if (mode === 'check') {
  const { cachedDataRejected } = compileBundle(bundle, readFileSync(cache));
  if (cachedDataRejected !== false) throw new Error(`${cache} is refused`);
} else {
  // Functions too, not only the top level. The flag is taken back: the cache carries a hash of the flags.
  setFlagsFromString('--no-lazy');
  const script = compileBundle(bundle, undefined);
  setFlagsFromString('--lazy');
  writeFileSync(cache, script.createCachedData());
}
