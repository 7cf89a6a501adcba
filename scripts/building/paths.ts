import { join } from 'node:path';

export const root = join(import.meta.dirname, '../..');
/** What is not shipped: generated headers, variants of init for tests, stamps. */
export const build = join(root, 'build');
/** The relocatable tree for this machine: `bin/reinit` finds `lib/reinit` beside itself. */
export const dist = join(root, 'dist');
export const binDir = join(dist, 'bin');
export const libDir = join(dist, 'lib/reinit');
