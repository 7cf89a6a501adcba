import { chmodSync, copyFileSync, globSync, mkdirSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { libDir, root } from '../building/paths.ts';
import { archNames, platformOf, treeOf } from '../building/target.ts';

/** In the repository and in the package alike: npm packs files where they are. */
export const staged = 'build/npm';

/**
 * Puts the package's own files together out of the trees: the inits, each in a directory from where it finds `../lib/reinit`; the bundles,
 * without their code caches, which only the Node that made them takes.
 */
export function stage(): void {
  const target = join(root, staged);
  rmSync(target, { recursive: true, force: true });
  put(join(root, 'src/npm/reinit.sh'), join(target, 'bin/reinit'), 0o755);
  for (const arch of archNames) put(join(treeOf(arch), 'bin/reinit'), join(target, platformOf(arch), 'reinit'), 0o755);
  for (const file of globSync(['*.cjs', 'licenses/{npm,init}.txt'], { cwd: libDir }))
    put(join(libDir, file), join(target, 'lib/reinit', file), 0o644);
}

function put(from: string, to: string, mode: number): void {
  mkdirSync(dirname(to), { recursive: true });
  copyFileSync(from, to);
  chmodSync(to, mode);
}
