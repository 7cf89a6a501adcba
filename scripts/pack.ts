/**
 * What `npm pack` does here before (`begin`) and after (`end`): the packed package.json is another than the repository's, and is in its place
 * while npm packs. `guard` outlives an npm (and a `begin`) that was interrupted, and puts the repository's back.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { isAlive } from './building/alive.ts';
import { root } from './building/paths.ts';
import { run } from './building/run.ts';
import { archNames } from './building/target.ts';
import { type Manifest, packedManifest } from './packing/manifest.ts';
import { stage, staged } from './packing/stage.ts';
import { putManifest, restoreManifest } from './packing/swap.ts';

const [verb, ...pids] = process.argv.slice(2);

switch (verb) {
  case 'begin':
    await begin();
    break;
  case 'end':
    if (!restoreManifest()) throw new Error('package.json was put back while npm packed: the package may be wrong. Pack again');
    break;
  case 'guard':
    await guard(pids.map(Number));
    break;
  default:
    throw new Error('usage: pack.ts begin NPM_PID | end | guard PID…');
}

async function begin(): Promise<void> {
  restoreManifest(); // a machine that went down while npm packed
  for (const arch of archNames) await run([process.execPath, join(root, 'scripts/build.ts'), '--arch', arch]);
  stage();
  const manifest: Manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  const guarding = spawn(process.execPath, [import.meta.filename, 'guard', ...pids, `${process.pid}`], { detached: true, stdio: 'ignore' });
  await once(guarding, 'spawn'); // without a guard nothing is swapped
  guarding.unref();
  await putManifest(packedManifest(manifest, staged));
}

async function guard(owners: readonly number[]): Promise<void> {
  while (owners.some(isAlive)) await delay(50);
  restoreManifest();
}
