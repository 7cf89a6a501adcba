import { globSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { compilersFor } from './compiler.ts';
import { root } from './paths.ts';
import { run } from './run.ts';
import { place, step } from './step.ts';
import type { Target } from './target.ts';

interface Variant {
  readonly name: string;
  readonly compiler: readonly string[];
  readonly flags: readonly string[];
  readonly output: string;
  /** Goes without, with a note, where the compiler cannot make it. */
  readonly optional: boolean;
}

const strict = ['-std=c11', '-Wall', '-Wextra', '-Werror', '-fstack-protector-strong'];
// Static and not PIE: nothing to relocate at start, no page made private for it.
const small = [
  ...strict,
  '-Os',
  '-static',
  '-s',
  '-ffunction-sections',
  '-fdata-sections',
  '-fno-asynchronous-unwind-tables',
  '-fno-unwind-tables',
  '-Wl,--gc-sections',
  '-Wl,-z,now',
  '-Wl,-z,noexecstack',
  '-Wl,--build-id=none',
];
/** Read-only after start is what the loader writes, here the constant tables; it begins at a page, and pages of arm64 have up to 64 kB, all zeros in the file. */
const relro = { amd64: '-Wl,-z,relro', arm64: '-Wl,-z,norelro' };
const sanitized = [
  ...strict,
  '-O1',
  '-g',
  '-fno-omit-frame-pointer',
  '-fsanitize=address,undefined',
  '-fno-sanitize-recover=all',
  '-DREINIT_TEST',
];

function variantsFor(target: Target, forTests: boolean): Variant[] {
  const { sanitizing, static: compiler } = compilersFor(target);
  const flags = [...small, relro[target.arch]];
  const inVariant = (name: string) => join(target.variants, name, 'bin/reinit');
  const shipped: Variant = { name: 'init', compiler, flags, output: join(target.binDir, 'reinit'), optional: false };
  if (!forTests) return [shipped];
  const all: Variant[] = [
    shipped,
    { name: 'init-test', compiler, flags: [...flags, '-DREINIT_TEST'], output: inVariant('test'), optional: false },
  ];
  if (sanitizing) all.push({ name: 'init-asan', compiler: sanitizing, flags: sanitized, output: inVariant('asan'), optional: true });
  return all;
}

export interface InitOptions {
  /** Holds the generated header. */
  readonly gen: string;
  /** What `reinit --version` says. */
  readonly version: string;
  /** With the variants that are not shipped. */
  readonly forTests: boolean;
}

export async function buildInit(target: Target, { gen, version, forTests }: InitOptions): Promise<void> {
  const sources = globSync('src/init/*.c', { cwd: root }).sort();
  if (sources.length === 0) throw new Error('no C sources in src/init');
  const texts = [...sources, ...globSync('src/init/*.h', { cwd: root }).sort()].map(
    (file) => `${file}\n${readFileSync(join(root, file), 'utf8')}`,
  );
  const headers = globSync('*.h', { cwd: gen }).map((file) => readFileSync(join(gen, file), 'utf8'));
  const common = [`-DREINIT_VERSION="${version}"`, `-I${gen}`, '-Isrc/init', `-ffile-prefix-map=${root}=.`];
  const make = async (variant: Variant): Promise<void> => {
    const command = [...variant.compiler, ...variant.flags, ...common];
    const inputs = [...command, ...texts, ...headers];
    await step(`${target.arch}-${variant.name}`, inputs, [variant.output], () => compile(variant, command, sources));
  };
  await Promise.all(variantsFor(target, forTests).map(make));
}

async function compile(variant: Variant, command: readonly string[], sources: readonly string[]): Promise<void> {
  mkdirSync(join(variant.output, '..'), { recursive: true });
  try {
    await place(variant.output, (temporary) => run([...command, '-o', temporary, ...sources]));
  } catch (error) {
    if (!variant.optional) throw error;
    process.stderr.write(`build: ${variant.name} left out: ${error instanceof Error ? error.message : error}\n`);
  }
}
