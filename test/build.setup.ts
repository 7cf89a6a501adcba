import { spawnSync } from 'node:child_process';
import { join } from 'node:path';

/** The system tests run what is built; where it is up to date already this takes a moment. */
export function setup(): void {
  buildForTests();
}

export function buildForTests(...options: readonly string[]): void {
  const { status } = spawnSync(process.execPath, [join(import.meta.dirname, '../scripts/build.ts'), ...options], { stdio: 'inherit' });
  if (status !== 0) throw new Error('the build failed');
}
