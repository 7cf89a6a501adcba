import { chmodSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { cached } from './bundles.ts';
import { binDir, build, libDir, root } from './paths.ts';
import { run } from './run.ts';
import { runtimeCommand, runtimeStamp } from './runtime.ts';
import { place, step } from './step.ts';

const maker = join(root, 'scripts/building/make-cache.ts');
const warmer = join(root, 'scripts/building/warm-cache.ts');
const loader = join(root, 'src/loader/load.ts');
const cacheOf = (name: string): string => join(libDir, `${name}.cache`);
const bundleOf = (name: string): string => join(libDir, `${name}.cjs`);

/** A V8 code cache beside each bundle, made and checked by the shipped Node, started as init starts it. */
export async function buildCodeCache(): Promise<void> {
  const inputs = [runtimeCommand().join(' '), runtimeStamp(), ...[maker, warmer, loader].map((file) => readFileSync(file, 'utf8'))];
  await cacheController('cache-controller', inputs, usualSettings, ['boot', 'late']);
  await cacheController('cache-workshop', inputs, publishingSettings, ['workshop']);
  await step('cache-cli', [...inputs, readFileSync(bundleOf('cli'), 'utf8')], [cacheOf('cli')], () =>
    place(cacheOf('cli'), (temporary) => run([...runtimeCommand(), maker, bundleOf('cli'), temporary])),
  );
  for (const name of cached) await run([...runtimeCommand(), maker, bundleOf(name), cacheOf(name), 'check']);
}

/** @param wanted of these bundles the caches are kept */
async function cacheController(name: string, inputs: readonly string[], settings: Settings, wanted: readonly string[]): Promise<void> {
  const bundles = ['boot', 'late', 'workshop'];
  const texts = bundles.map((bundle) => readFileSync(bundleOf(bundle), 'utf8'));
  await step(name, [...inputs, settings(''), ...texts], wanted.map(cacheOf), () => warm(bundles, settings, wanted));
}

type Settings = (directory: string) => string;

/** What most people write, and no more: what is met in the run is in the cache and costs every start, what is not is compiled when it is met. */
const usualSettings: Settings = (directory) => `
stop_signal: QUIT
log: { format: json }
watch:
  - paths: [${directory}/watched]
    validate: [nginx, -t]
    on_change: reload
    reload_signal: HUP
`;

const publishingSettings: Settings = (directory) => `
log: { format: json }
env_from: [${directory}/variables]
watch:
  - paths: [${directory}/watched]
    publish: ${directory}/published
    on_change: reload
`;

/** Runs the controller under init on a small configuration, with a stand-in for Node that keeps what it compiles. */
async function warm(bundles: readonly string[], settings: Settings, wanted: readonly string[]): Promise<void> {
  const directory = join(build, 'warm');
  rmSync(directory, { recursive: true, force: true });
  for (const name of ['watched', 'variables']) mkdirSync(join(directory, name), { recursive: true });
  for (const name of bundles) writeFileSync(join(directory, `${name}.cjs`), readFileSync(bundleOf(name)));
  const node = join(directory, 'node');
  const quoted = [...runtimeCommand(), warmer, directory].map((word) => `'${word}'`).join(' ');
  writeFileSync(node, `#!/bin/sh\nexec ${quoted} "$@"\n`);
  chmodSync(node, 0o755);
  writeFileSync(join(directory, 'watched/a.conf'), 'a\n');
  writeFileSync(join(directory, 'variables/NAME'), 'value\n');
  writeFileSync(join(directory, 'reinit.yaml'), settings(directory));
  await run(['env', `REINIT_NODE=${node}`, join(binDir, 'reinit'), '-c', join(directory, 'reinit.yaml'), '--', 'sleep', '2']);
  for (const name of wanted) renameSync(join(directory, `${name}.cache`), cacheOf(name));
}
