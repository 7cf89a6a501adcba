import { chmodSync, copyFileSync, existsSync, globSync, mkdirSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { binDir, build, libDir, root } from '../building/paths.ts';

/** In the repository and in the package alike: npm packs files where they are. */
export const staged = 'build/npm';

/** init by the directory that holds it; each finds `../lib/reinit`, as in the released tree. */
const inits = { 'linux-x64': join(binDir, 'reinit'), 'linux-arm64': join(build, 'arm64/reinit') };

/** Puts the package's own files together: both inits, and the bundles without their code caches, which only the Node that made them takes. */
export function stage(): void {
  const target = join(root, staged);
  rmSync(target, { recursive: true, force: true });
  put(join(root, 'src/npm/reinit.sh'), join(target, 'bin/reinit'), 0o755);
  for (const [directory, init] of Object.entries(inits)) {
    if (!existsSync(init)) throw new Error(`no init for ${directory} (${init}): is its compiler installed?`);
    put(init, join(target, directory, 'reinit'), 0o755);
  }
  for (const file of globSync(['*.cjs', 'licenses/{npm,init}.txt'], { cwd: libDir }))
    put(join(libDir, file), join(target, 'lib/reinit', file), 0o644);
}

function put(from: string, to: string, mode: number): void {
  mkdirSync(dirname(to), { recursive: true });
  copyFileSync(from, to);
  chmodSync(to, mode);
}
