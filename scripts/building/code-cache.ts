import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { cached } from './bundles.ts';
import { libDir, root } from './paths.ts';
import { run } from './run.ts';
import { runtimeCommand, runtimeStamp } from './runtime.ts';
import { place, step } from './step.ts';

const maker = join(root, 'scripts/building/make-cache.ts');

/** A V8 code cache beside each bundle, made and checked by the shipped Node, started as init starts it. */
export async function buildCodeCache(): Promise<void> {
  const command = runtimeCommand();
  for (const name of cached) {
    const bundle = join(libDir, `${name}.cjs`);
    const cache = join(libDir, `${name}.cache`);
    const inputs = [command.join(' '), runtimeStamp(), readFileSync(maker, 'utf8'), readFileSync(bundle, 'utf8')];
    await step(`cache-${name}`, inputs, [cache], async () => {
      await place(cache, (temporary) => run([...command, maker, bundle, temporary]));
      await run([...command, maker, bundle, cache, 'check']);
    });
  }
}
