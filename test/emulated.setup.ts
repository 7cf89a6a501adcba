import { foreign } from '../scripts/building/target.ts';
import { buildForTests } from './build.setup.ts';

/** Where there is no emulator the tests of test/emulated are skipped. */
export function setup(): void {
  if (foreign.runner) buildForTests('--arch', foreign.arch);
}
