import { existsSync, linkSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { build, root } from '../building/paths.ts';
import { write } from '../building/step.ts';

const current = join(root, 'package.json');
/** The repository's own package.json while the packed one is in its place: another name of the same file. */
const kept = join(build, 'package.json.kept');

/** npm packs the package.json that it finds. Each step is one rename: there is a whole one at any moment. */
export async function putManifest(manifest: object): Promise<void> {
  linkSync(current, kept);
  await write(current, `${JSON.stringify(manifest, null, 2)}\n`);
}

/** @returns whether there was anything to put back */
export function restoreManifest(): boolean {
  if (!existsSync(kept)) return false;
  renameSync(kept, current);
  return true;
}
