import { execFileSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { cached } from '../../scripts/building/code-cache.ts';
import { root } from '../../scripts/building/paths.ts';
import { runtimeCommand } from '../../scripts/building/runtime.ts';
import { gzippedSize, limits, rawSize } from '../../scripts/building/size.ts';
import { foreign } from '../../scripts/building/target.ts';
import { nodeFlags } from '../../src/loader/node-flags.ts';
import { configFile, logged, startContainer } from '../e2e/harness.ts';
import { compiledProgram } from '../fixtures/init/compiled.ts';
import { emulate } from '../fixtures/init/emulated.ts';
import { scratchDirectory } from '../fixtures/scratch.ts';

const { tree, binDir, libDir } = foreign;
const init = join(binDir, 'reinit');
/** e_machine (elf(5)). */
const machines = { amd64: 62, arm64: 183 };
const machineOf = (file: string): number => readFileSync(file).readUInt16LE(18);

const licencesIn = (directory: string, part: string): string[] =>
  [...readFileSync(join(directory, 'licenses', `${part}.txt`), 'utf8').matchAll(/^=== (.*) ===$/gm)].map(([, name = '']) => name);

describe.skipIf(foreign.runner === undefined)(`the tree for ${foreign.arch}, emulated`, () => {
  const run = (args: readonly string[], env = {}): string => {
    const [program = '', ...rest] = [...runtimeCommand(foreign), ...args];
    return execFileSync(program, rest, { encoding: 'utf8', env, stdio: ['ignore', 'pipe', 'pipe'] });
  };

  it('is of that architecture', () => {
    for (const name of ['bin/reinit', 'lib/reinit/node', 'lib/reinit/libc.so.6'])
      expect(machineOf(join(tree, name))).toBe(machines[foreign.arch]);
  });

  // The other architecture's code is a little longer, and its segments are aligned to larger pages.
  it('has an init of at most 88 kB, made with musl', () => expect(statSync(init).size).toBeLessThanOrEqual(88 * 1024));

  it('is as small as it has to be, licences included', async () => {
    expect(rawSize(tree)).toBeLessThanOrEqual(limits.raw);
    expect(await gzippedSize(tree)).toBeLessThanOrEqual(limits.gzipped);
    expect(licencesIn(libDir, 'node')).toEqual(
      expect.arrayContaining(['Node.js', 'libc6', 'libgcc-s1', 'libstdc++6', 'LGPL-2.1', 'GPL-3']),
    );
    expect(licencesIn(libDir, 'init')).toEqual(['musl-dev', 'libgcc-s1']);
  });

  it('runs the Node of the build, with its own libraries', () => {
    const script = 'process.report.excludeNetwork = true; JSON.stringify([process.version, process.report.getReport().sharedObjects])';
    const [version, files]: [string, string[]] = JSON.parse(run(['-p', script]));
    expect(version).toBe(process.version);
    expect(files.filter((file) => /\.so/.test(file) && file.startsWith('/') && !file.startsWith(`${libDir}/`))).toEqual([]);
  });

  // The build has tried the one that it made them on.
  it('takes the code cache of each bundle on another processor, too', { timeout: 300_000 }, () => {
    const maker = join(root, 'scripts/building/make-cache.ts');
    const other = { amd64: 'Nehalem', arm64: 'cortex-a53' }[foreign.arch];
    for (const name of cached) run([maker, join(libDir, `${name}.cjs`), join(libDir, `${name}.cache`), 'check'], { QEMU_CPU: other });
  });

  it('takes a change over: reloads once, and ends with the application’s code', async () => {
    const directory = scratchDirectory();
    const watched = join(directory, 'conf');
    const file = join(watched, 'app.conf');
    mkdirSync(watched);
    writeFileSync(file, 'one\n');
    const node = join(directory, 'node');
    const words = runtimeCommand(foreign).slice(0, -nodeFlags.length);
    writeFileSync(node, `#!/bin/sh\nexec ${words.map((word) => `'${word}'`).join(' ')} "$@"\n`);
    chmodSync(node, 0o755);
    const config = configFile({ watch: [{ paths: [watched], on_change: 'reload', reload_signal: 'HUP', confirm: '1s' }] });
    const command = [emulate('tree', init), '-c', config, '--', compiledProgram('reloader'), file];
    const container = await startContainer(command, { env: { ...process.env, REINIT_NODE: node } });
    await logged(container, /started .*reloader, pid/, 1, 60_000);
    writeFileSync(file, 'two\n');
    await logged(container, /applied: reloaded/, 1, 60_000);
    expect(container.stdout()).toBe('start one\nreload two\n');
    container.signal('SIGTERM');
    expect(await container.exited).toBe(7);
    expect(existsSync(join(libDir, 'boot.cache'))).toBe(true);
  });
});
