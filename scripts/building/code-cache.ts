import { chmodSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { build, root } from './paths.ts';
import { run } from './run.ts';
import { runtimeCommand, runtimeStamp } from './runtime.ts';
import { place, step } from './step.ts';
import type { Target } from './target.ts';

const maker = join(root, 'scripts/building/make-cache.ts');
const warmer = join(root, 'scripts/building/warm-cache.ts');
const loader = join(root, 'src/loader/load.ts');
const controllerBundles = ['boot', 'late', 'workshop', 'control'];
/** Those that somebody waits for, or an engine's healthcheck. What only reads configuration is compiled as ever: its cache would be the largest of all. */
const commandBundles = ['cli', 'operate'];
/** Those with a code cache beside them. */
export const cached: readonly string[] = [...controllerBundles, ...commandBundles];
const cacheOf = ({ libDir }: Target, name: string): string => join(libDir, `${name}.cache`);
const bundleOf = ({ libDir }: Target, name: string): string => join(libDir, `${name}.cjs`);

/** A V8 code cache beside each bundle, made and checked by the shipped Node, started as init starts it. */
export async function buildCodeCache(target: Target): Promise<void> {
  if (target.runner === undefined) {
    for (const name of cached) rmSync(cacheOf(target, name), { force: true });
    process.stderr.write(
      `build: no code cache for ${target.arch}, whose Node cannot be run here without ${target.emulator}: starts take longer\n`,
    );
    return;
  }
  const node = runtimeCommand(target);
  const inputs = [node.join(' '), runtimeStamp(target), ...[maker, warmer, loader].map((file) => readFileSync(file, 'utf8'))];
  await cacheController(target, 'controller', inputs, usualSettings, ['boot', 'late', 'control']);
  await cacheController(target, 'workshop', inputs, publishingSettings, ['workshop']);
  for (const name of commandBundles) {
    const [bundle, cache] = [bundleOf(target, name), cacheOf(target, name)];
    await step(`${target.arch}-cache-${name}`, [...inputs, readFileSync(bundle, 'utf8')], [cache], () =>
      place(cache, async (temporary) => {
        await run([...node, maker, bundle, temporary]);
        await check(target, name, temporary);
      }),
    );
  }
}

/** V8 refuses a cache in silence, and compiles as ever. */
const check = (target: Target, name: string, cache: string) =>
  run([...runtimeCommand(target), maker, bundleOf(target, name), cache, 'check']);

/** @param wanted of these bundles the caches are kept */
async function cacheController(
  target: Target,
  name: string,
  inputs: readonly string[],
  settings: Settings,
  wanted: readonly string[],
): Promise<void> {
  const texts = controllerBundles.map((bundle) => readFileSync(bundleOf(target, bundle), 'utf8'));
  const outputs = wanted.map((bundle) => cacheOf(target, bundle));
  await step(`${target.arch}-cache-${name}`, [...inputs, settings(''), ...texts], outputs, () => warm(target, settings, wanted));
}

type Settings = (directory: string) => string;

/** What most people write, and no more: what is met in the run is in the cache and costs every start, what is not is compiled when it is met. */
const usualSettings: Settings = (directory) => `
control_socket: ${directory}/control.sock
stop_signal: QUIT
log: { format: json }
watch:
  - paths: [${directory}/watched]
    validate: [nginx, -t]
    on_change: reload
    reload_signal: HUP
`;

const publishingSettings: Settings = (directory) => `
control_socket: ${directory}/control.sock
log: { format: json }
env_from: [${directory}/variables]
watch:
  - paths: [${directory}/watched]
    publish: ${directory}/published
    on_change: reload
`;

/** Runs the controller under init on a small configuration, with a stand-in for Node that keeps what it compiles. */
async function warm(target: Target, settings: Settings, wanted: readonly string[]): Promise<void> {
  const directory = join(build, 'warm');
  rmSync(directory, { recursive: true, force: true });
  for (const name of ['watched', 'variables']) mkdirSync(join(directory, name), { recursive: true });
  for (const name of controllerBundles) writeFileSync(join(directory, `${name}.cjs`), readFileSync(bundleOf(target, name)));
  const node = join(directory, 'node');
  const quoted = [...runtimeCommand(target), warmer, directory, target.native ? 1000 : 5000].map((word) => `'${word}'`).join(' ');
  writeFileSync(node, `#!/bin/sh\nexec ${quoted} "$@"\n`);
  chmodSync(node, 0o755);
  writeFileSync(join(directory, 'watched/a.conf'), 'a\n');
  writeFileSync(join(directory, 'variables/NAME'), 'value\n');
  writeFileSync(join(directory, 'reinit.yaml'), settings(directory));
  const init = [...(target.runner ?? []), join(target.binDir, 'reinit'), '-c', join(directory, 'reinit.yaml')];
  const untilDone = ['timeout', '120', 'sh', '-c', 'until [ -e "$0" ]; do sleep 0.1; done', join(directory, 'done')];
  // Nothing of the caller's: a REINIT_* of theirs would be a setting.
  await run(['env', '-i', `PATH=${process.env.PATH}`, `REINIT_NODE=${node}`, ...init, '--', ...untilDone]);
  for (const name of wanted) {
    const made = join(directory, `${name}.cache`);
    await check(target, name, made);
    renameSync(made, cacheOf(target, name));
  }
}
