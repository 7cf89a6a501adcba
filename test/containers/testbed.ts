/**
 * Before the container tests of an engine: it is up, the release image is built with it, and from that an image on each base. After them nothing is
 * left but what was there before; a test bed that was up already (`test/containers/testbed/testbed up`) stays up.
 */
import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, readFileSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import type { TestProject } from 'vitest/node';
import { npmPack } from '../../scripts/building/npm-pack.ts';
import { build, root } from '../../scripts/building/paths.ts';
import { run } from '../../scripts/building/run.ts';
import { type Base, bases, engines, hasEngine, reloaderFor } from './engine.ts';

const testbed = join(import.meta.dirname, 'testbed/testbed');
const recipe = join(import.meta.dirname, 'image');
const reloader = join(root, 'test/fixtures/programs/reloader.c');

export const setup = (project: TestProject): Promise<(() => void) | undefined> => bringUp(project.name);

/** What it returns takes it down again. */
export async function bringUp(engine: string): Promise<(() => void) | undefined> {
  if (!hasEngine(engine)) return undefined; // its tests are skipped
  const mounts = readFileSync('/proc/self/mounts', 'utf8');
  const stays = spawnSync(testbed, ['is-up']).status === 0;
  if (!stays) call([testbed, 'up']);
  Object.assign(process.env, environment());
  try {
    await buildImages();
  } catch (error) {
    if (!stays) call([testbed, 'down']);
    throw error;
  }
  return () => {
    if (spawnSync(testbed, ['is-up']).status !== 0) return; // the other engine's tests have ended it
    for (const name of engines.filter(hasEngine)) expectNothingLeft(name);
    if (stays) return;
    call([testbed, 'down']);
    if (readFileSync('/proc/self/mounts', 'utf8') !== mounts) throw new Error('the container tests left a mount behind');
  };
}

/** What `testbed env` exports, as variables of this process and so of its children. */
function environment(): Record<string, string> {
  const script = `eval "$('${testbed}' env)" && env -0`;
  const lines = call(['bash', '-c', script]).split('\0').filter(Boolean);
  return Object.fromEntries(lines.map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]));
}

function expectNothingLeft(engine: string): void {
  const left = call([engine, 'ps', '-aq']).trim();
  if (left !== '') throw new Error(`the container tests left containers in ${engine}: ${left}`);
}

/** Says to the other engine's setup, in the same process, that this was done. */
const builtMark = 'REINIT_TEST_IMAGES';

/** For all engines at the same time: a build mostly waits for the network, or for one compiler. */
async function buildImages(): Promise<void> {
  if (process.env[builtMark] !== undefined) return;
  for (const name of Object.keys(bases) as Base[]) prepareContext(name);
  // The npm package, as `npm pack` makes it.
  renameSync(await npmPack(contextOf('node')), join(contextOf('node'), 'reinit.tgz'));
  await Promise.all(engines.filter(hasEngine).map(buildImagesOf));
  process.env[builtMark] = 'built';
}

const contextOf = (name: Base): string => join(build, 'containers', name);

function prepareContext(name: Base): void {
  const context = contextOf(name);
  mkdirSync(context, { recursive: true });
  for (const file of ['Dockerfile', 'reinit.yaml']) copyFileSync(join(recipe, file), join(context, file));
  call([...bases[name].compiler, '-std=gnu11', '-O1', '-o', reloaderFor(name), reloader]);
}

async function buildImagesOf(engine: string): Promise<void> {
  const image = async (tag: string, network: string, ...args: readonly string[]) =>
    void (await run([engine, 'build', '-q', '--network', network, '-t', tag, ...args]));
  await image('reinit', 'host', '-f', join(root, 'docker/Dockerfile'), root);
  for (const name of Object.keys(bases) as Base[])
    await image(`reinit-test/${name}`, 'none', '--build-arg', `BASE=${bases[name].image}`, contextOf(name));
  await image('reinit-test/npm', 'none', '-f', join(recipe, 'npm.Dockerfile'), contextOf('node'));
}

function call([program = '', ...args]: readonly string[]): string {
  const { status, stdout, stderr } = spawnSync(program, args, { encoding: 'utf8', cwd: root });
  if (status !== 0) throw new Error(`${program} ${args.join(' ')} failed (${status}):\n${stdout}\n${stderr}`);
  return stdout;
}
