/**
 * `npm run build`: the relocatable tree in dist/ and init's variants for tests in build/. What is up to date is left alone.
 */
import { mkdirSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { nodeFlags } from '../src/loader/node-flags.ts';
import { buildBundles } from './building/bundles.ts';
import { buildCodeCache } from './building/code-cache.ts';
import { buildInit } from './building/init.ts';
import { withLock } from './building/lock.ts';
import { build, libDir, root } from './building/paths.ts';
import { run } from './building/run.ts';
import { buildRuntime } from './building/runtime.ts';
import { writeIfNew } from './building/step.ts';

try {
  await withLock(buildAll);
} catch (error) {
  process.stderr.write(`build: ${error instanceof Error ? error.message : error}\n`);
  process.exitCode = 1;
}

async function buildAll(): Promise<void> {
  const { version }: { version: string } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  const gen = join(build, 'gen');
  mkdirSync(gen, { recursive: true });
  await run([process.execPath, join(root, 'scripts/gen-messages.ts')]);
  await Promise.all([buildInit(gen, version), buildController(version)]);
  await buildCodeCache(); // by a start of the controller under init
  for (const variant of ['test', 'asan']) linkLibrary(variant);
}

async function buildController(version: string): Promise<void> {
  await buildBundles(version);
  await buildRuntime();
  await writeIfNew(join(libDir, 'node.flags'), `${nodeFlags.join('\n')}\n`);
}

/** A variant of init finds its controller beside itself, as the real one does. */
function linkLibrary(variant: string): void {
  const lib = join(build, variant, 'lib');
  rmSync(lib, { force: true });
  mkdirSync(join(build, variant), { recursive: true });
  symlinkSync('../../dist/lib', lib);
}
