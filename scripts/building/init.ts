import { globSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { binDir, build, root } from './paths.ts';
import { available, run } from './run.ts';
import { place, step } from './step.ts';

interface Variant {
  readonly name: string;
  readonly compilers: readonly string[];
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
  '-flto',
  '-static',
  '-s',
  '-ffunction-sections',
  '-fdata-sections',
  '-fno-asynchronous-unwind-tables',
  '-Wl,--gc-sections',
  '-Wl,-z,relro',
  '-Wl,-z,now',
  '-Wl,-z,noexecstack',
  '-Wl,--build-id=none',
];
const sanitized = [
  ...strict,
  '-O1',
  '-g',
  '-fno-omit-frame-pointer',
  '-fsanitize=address,undefined',
  '-fno-sanitize-recover=all',
  '-DREINIT_TEST',
];

/** musl first: a static program with glibc is ten times as big. */
const native = ['musl-gcc', 'cc'];

const variants: readonly Variant[] = [
  { name: 'init', compilers: native, flags: small, output: join(binDir, 'reinit'), optional: false },
  { name: 'init-test', compilers: native, flags: [...small, '-DREINIT_TEST'], output: join(build, 'test/bin/reinit'), optional: false },
  { name: 'init-asan', compilers: ['cc'], flags: sanitized, output: join(build, 'asan/bin/reinit'), optional: true },
  { name: 'init-arm64', compilers: ['aarch64-linux-gnu-gcc'], flags: small, output: join(build, 'arm64/reinit'), optional: true },
];

/** init and its variants. `gen` holds the generated header; `version` is what `reinit --version` says. */
export async function buildInit(gen: string, version: string): Promise<void> {
  const sources = globSync('src/init/*.c', { cwd: root }).sort();
  if (sources.length === 0) throw new Error('no C sources in src/init');
  const texts = [...sources, ...globSync('src/init/*.h', { cwd: root }).sort()].map(
    (file) => `${file}\n${readFileSync(join(root, file), 'utf8')}`,
  );
  const headers = globSync('*.h', { cwd: gen }).map((file) => readFileSync(join(gen, file), 'utf8'));
  await Promise.all(variants.map((variant) => buildVariant(variant, version, gen, sources, [...texts, ...headers])));
}

async function buildVariant(
  variant: Variant,
  version: string,
  gen: string,
  sources: readonly string[],
  texts: readonly string[],
): Promise<void> {
  const compiler = variant.compilers.find(available);
  if (compiler === undefined) {
    if (!variant.optional) throw new Error(`${variant.name} needs a C compiler: ${variant.compilers.join(' or ')}`);
    return;
  }
  const flags = [...variant.flags, `-DREINIT_VERSION="${version}"`, `-I${gen}`, '-Isrc/init', `-ffile-prefix-map=${root}=.`];
  await step(variant.name, [compiler, ...flags, ...texts], [variant.output], () => compile(variant, compiler, flags, sources));
}

async function compile(variant: Variant, compiler: string, flags: readonly string[], sources: readonly string[]): Promise<void> {
  mkdirSync(join(variant.output, '..'), { recursive: true });
  try {
    await place(variant.output, (temporary) => run([compiler, ...flags, '-o', temporary, ...sources]));
  } catch (error) {
    if (!variant.optional) throw error;
    process.stderr.write(`build: ${variant.name} left out: ${error instanceof Error ? error.message : error}\n`);
  }
}
