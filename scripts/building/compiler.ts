import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fetchedRoot } from './fetch.ts';
import { available } from './run.ts';
import type { Target } from './target.ts';

export interface Compilers {
  /** For a static program; with musl where there is one: with glibc it is ten times as big. */
  readonly static: readonly string[];
  /** For the sanitizers, which the emulator cannot run. */
  readonly sanitizing: readonly string[] | undefined;
}

export function compilersFor(target: Target): Compilers {
  return target.native ? nativeCompilers() : { static: crossCompiler(target), sanitizing: undefined };
}

function nativeCompilers(): Compilers {
  const found = ['musl-gcc', 'cc'].find(available);
  if (found === undefined) throw new Error('init needs a C compiler: musl-gcc or cc');
  return { static: [found], sanitizing: available('cc') ? ['cc'] : undefined };
}

function crossCompiler(target: Target): string[] {
  const gcc = `${target.gnu}-gcc`;
  if (!available(gcc)) throw new Error(`init for ${target.arch} needs ${gcc} (Debian: gcc-${target.gnu})`);
  const specs = muslSpecs(target);
  if (specs !== undefined) return [gcc, `-specs=${specs}`];
  process.stderr.write(`build: no musl for ${target.arch}: init is built with glibc, and ten times as big\n`);
  return [gcc];
}

/** The file by which musl-dev makes GCC use musl (GCC manual, Spec Files), with its paths where the package is unpacked instead of /usr. */
function muslSpecs(target: Target): string | undefined {
  const usr = join(fetchedRoot(target), 'usr');
  const given = join(usr, 'lib', target.musl, 'musl-gcc.specs');
  if (!existsSync(given)) return undefined;
  const specs = join(target.fetched, 'musl-gcc.specs');
  writeFileSync(specs, readFileSync(given, 'utf8').replaceAll('/usr/', `${usr}/`));
  return specs;
}
