import { execFileSync, spawnSync } from 'node:child_process';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { cached } from '../../scripts/building/code-cache.ts';
import { binDir, dist, libDir, root } from '../../scripts/building/paths.ts';
import { runtimeCommand } from '../../scripts/building/runtime.ts';
import { gzippedSize, limits, rawSize } from '../../scripts/building/size.ts';
import { nodeFlags } from '../../src/loader/node-flags.ts';
import { configFile, startContainer } from '../e2e/harness.ts';
import { eventually } from '../fixtures/eventually.ts';
import { isRoot } from '../fixtures/host.ts';
import { processesOf } from '../fixtures/namespace.ts';

const init = join(binDir, 'reinit');
const has = (program: string) => spawnSync(program, ['--version']).error === undefined;
const PT_INTERP = 3;

/** The kinds of an ELF program's segments, from its program headers (elf(5)). */
function segments(file: string): number[] {
  const elf = readFileSync(file);
  const start = Number(elf.readBigUInt64LE(32));
  const size = elf.readUInt16LE(54);
  return Array.from({ length: elf.readUInt16LE(56) }, (_, index) => elf.readUInt32LE(start + index * size));
}

describe('init', () => {
  it('needs no loader and no library', () => expect(segments(init)).not.toContain(PT_INTERP));

  it.skipIf(!has('musl-gcc'))('has at most 80 kB', () => expect(statSync(init).size).toBeLessThanOrEqual(80 * 1024));

  it('says the version of the package', () => {
    const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
    expect(execFileSync(init, ['version'], { encoding: 'utf8' })).toBe(`reinit ${version}\n`);
  });
});

describe('the runtime', () => {
  const run = (args: readonly string[], env = {}) => {
    const [program = '', ...rest] = [...runtimeCommand(), ...args];
    return execFileSync(program, rest, { encoding: 'utf8', env, stdio: ['ignore', 'pipe', 'pipe'] });
  };

  it('is the Node of the build', () => expect(run(['-p', 'process.version']).trim()).toBe(process.version));

  it('takes every library from the tree, whatever LD_LIBRARY_PATH says', () => {
    const report = run(['-p', 'process.report.excludeNetwork = true; JSON.stringify(process.report.getReport().sharedObjects)'], {
      LD_LIBRARY_PATH: '/usr/lib/x86_64-linux-gnu:/usr/lib/aarch64-linux-gnu',
    });
    const files: string[] = JSON.parse(report).filter((file: string) => file.startsWith('/'));
    expect(files.length).toBeGreaterThan(5);
    expect(files.filter((file) => !file.startsWith(`${libDir}/`))).toEqual([]);
  });

  it('takes the code cache of each bundle', () => {
    const maker = join(root, 'scripts/building/make-cache.ts');
    for (const name of cached) run([maker, join(libDir, `${name}.cjs`), join(libDir, `${name}.cache`), 'check']);
  });

  it('refuses a code cache under other flags: the check can fail', () => {
    const maker = join(root, 'scripts/building/make-cache.ts');
    const other = ['--no-lazy', maker, join(libDir, 'boot.cjs'), join(libDir, 'boot.cache'), 'check'];
    expect(() => run(other)).toThrow(/refused/);
  });

  it('names its flags', () => expect(readFileSync(join(libDir, 'node.flags'), 'utf8').trim().split('\n')).toEqual([...nodeFlags]));

  it.skipIf(!isRoot)('is started by init with these flags', async () => {
    const container = await startContainer([init, '-c', configFile({}), '--', 'sleep', '1000']);
    const words = await eventually('the controller', () =>
      processesOf(container.id)
        .map((pid) => readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0'))
        .find((cmdline) => cmdline.includes(join(libDir, 'main.cjs'))),
    );
    expect(words.slice(0, words.indexOf(join(libDir, 'main.cjs')))).toEqual(runtimeCommand());
  });

  it('has portable mode in a bundle of its own, of which no other one has anything', () => {
    const speaksOfTrees = (name: string) => readFileSync(join(libDir, `${name}.cjs`), 'latin1').includes('--ppid');
    expect(['portable', ...cached, 'main'].filter(speaksOfTrees)).toEqual(['portable']);
  });

  it('ships the licences of what is in it', () => {
    const npm = readFileSync(join(libDir, 'licenses/npm.txt'), 'utf8');
    for (const name of ['chokidar', 'pino', 'yaml', 'valibot']) expect(npm).toContain(`=== ${name} `);
    const node = readFileSync(join(libDir, 'licenses/node.txt'), 'utf8');
    for (const name of ['Node.js', 'libc6', 'libgcc-s1', 'libstdc++6', 'LGPL-2.1', 'GPL-3']) expect(node).toContain(`=== ${name} ===`);
  });

  it.skipIf(!has('musl-gcc'))('ships the licence of what is linked into init', () => {
    expect(readFileSync(join(libDir, 'licenses/init.txt'), 'utf8')).toContain('=== musl-dev ===');
  });
});

describe('the tree', () => {
  it('is as small as it has to be', async () => {
    expect(rawSize(dist)).toBeLessThanOrEqual(limits.raw);
    expect(await gzippedSize(dist)).toBeLessThanOrEqual(limits.gzipped);
  });
});

describe('a second build', () => {
  it('leaves everything as it is', () => {
    const times = () => readdirSync(dist, { recursive: true, encoding: 'utf8' }).map((file) => [file, statSync(join(dist, file)).mtimeMs]);
    const rebuild = () => execFileSync(process.execPath, [join(root, 'scripts/build.ts')]);
    rebuild();
    const before = times();
    rebuild();
    // Directories change their time with the temporary names in them; files must not.
    const files = ([file]: readonly unknown[]) => statSync(join(dist, String(file))).isFile();
    expect(times().filter(files)).toEqual(before.filter(files));
  });
});
