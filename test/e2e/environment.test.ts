/** `env_from` for a legacy application that is configured by its environment alone: ConfigMap, Secret and dotenv file as volumes. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { eventually } from '../fixtures/eventually.ts';
import { isRoot } from '../fixtures/host.ts';
import { createVolume, type Payload, updateVolume } from '../fixtures/kubelet.ts';
import type { Namespace } from '../fixtures/namespace.ts';
import { scratchDirectory } from '../fixtures/scratch.ts';
import { configFile, controllerOf, logged, pause, reinit, startContainer, withTerminationLog } from './harness.ts';

const program = ['sh', join(import.meta.dirname, '../fixtures/programs/legacy.sh')];
const secret = 'hunter2-planted';

interface World {
  readonly directory: string;
  readonly plain: string;
  readonly hidden: string;
  readonly dotenv: string;
  container: Namespace;
}

/** `GREETING` and `LEVEL` come from a ConfigMap, `PASSWORD` from a Secret, and all that a dotenv file in a volume of its own has to say. */
async function start(settings: object = {}, given: { readonly plain?: Payload; readonly dotenv?: string } = {}): Promise<World> {
  const directory = scratchDirectory();
  const [plain, hidden, dotenv] = ['plain', 'hidden', 'dotenv'].map((name) => join(directory, name)) as [string, string, string];
  await createVolume(plain, given.plain ?? { GREETING: 'one\n', LEVEL: 'info' });
  await createVolume(hidden, { PASSWORD: `${secret}-1\n` });
  await createVolume(dotenv, { 'app.env': given.dotenv ?? '# first\nMORE=1\n' });
  const config = configFile({
    command: program,
    env_from: [plain, hidden, join(dotenv, 'app.env')],
    state_dir: join(directory, 'state'),
    stop_timeout: '5s',
    ...settings,
  });
  const command = [reinit, '-c', config];
  writeFileSync(join(directory, 'termination-log'), '');
  const container = await startContainer(isRoot ? withTerminationLog(join(directory, 'termination-log'), command) : command);
  return { directory, plain, hidden, dotenv, container };
}

const starts = ({ container }: World): string[] => [...container.stdout().matchAll(/^start (.*)$/gm)].map(([, text]) => text ?? '');
const says = (world: World, ...texts: readonly string[]) =>
  eventually(`the starts ${texts}, not ${starts(world)}`, () => starts(world).join() === texts.join());
const count = ({ container }: World, pattern: RegExp): number => container.stderr().match(new RegExp(pattern, 'g'))?.length ?? 0;

async function stop({ container }: World): Promise<number> {
  container.signal('SIGTERM');
  return container.exited;
}

describe('env_from', () => {
  it('restarts the application for a value that differs, and for nothing else', async () => {
    const world = await start({ environment: { LEVEL: 'mine' } });
    await says(world, 'one mine');
    // A comment, another order, a value that environment has the last word about, a rename that changes no byte.
    await updateVolume(world.dotenv, { 'app.env': '# second\n\nMORE="1"   # the same\n' });
    await updateVolume(world.plain, { GREETING: 'one', LEVEL: 'debug' });
    await updateVolume(world.hidden, { PASSWORD: `${secret}-1` }, { force: true });
    await pause(1_000);
    expect(starts(world)).toEqual(['one mine']);
    await updateVolume(world.plain, { GREETING: 'two', LEVEL: 'debug' });
    await says(world, 'one mine', 'two mine');
    await eventually('it is applied', () => count(world, /"event":"applied"/) === 2);
    expect(count(world, /"event":"change_seen"/)).toBe(1);
    // Now and then a controller dies: what runs is what the next one knows.
    process.kill(await eventually('the controller', () => controllerOf(world.container)), 'SIGKILL');
    await logged(world.container, /controller was started again/);
    await updateVolume(world.dotenv, { 'app.env': 'MORE=1\n' });
    await pause(1_000);
    expect(starts(world)).toHaveLength(2);
    await updateVolume(world.hidden, { PASSWORD: `${secret}-2` });
    await says(world, 'one mine', 'two mine', 'two mine');
    expect(await stop(world)).toBe(0);
  });

  it('names variables, and shows no value: not in the log, not in what it keeps', async () => {
    const world = await start({ log: { level: 'debug' } });
    await says(world, 'one info');
    await updateVolume(world.hidden, { PASSWORD: `${secret}-2`, TOKEN: `${secret}-token` });
    await logged(world.container, /change seen.*PASSWORD/);
    await says(world, 'one info', 'one info');
    // Values where names are expected, and lines that are no such thing.
    await updateVolume(world.dotenv, { 'app.env': `MORE=1\n${secret} line\n` });
    const [refusal] = await logged(world.container, /"event":"refused"/);
    expect(refusal).toMatch(/app\.env, line 2/);
    await updateVolume(world.hidden, { PASSWORD: `${secret}-3` });
    process.kill(await eventually('the controller', () => controllerOf(world.container)), 'SIGKILL');
    await logged(world.container, /controller was started again/);
    expect(await stop(world)).toBe(0);
    expect(world.container.stderr()).toMatch(/PASSWORD/);
    expect(world.container.stderr() + world.container.stdout()).not.toContain(secret);
    if (!isRoot) return;
    const last = readFileSync(join(world.directory, 'termination-log'), 'utf8');
    expect(last).toMatch(/line 2/);
    expect(last).not.toContain(secret);
  });

  it('refuses a dotenv file with its line, and leaves the application alone', async () => {
    const world = await start();
    await says(world, 'one info');
    await updateVolume(world.dotenv, { 'app.env': 'MORE=2\nLESS="open\n' });
    const [line] = await logged(world.container, /"event":"refused"/);
    expect(line).toMatch(/app\.env, line 2: the double quote/);
    await updateVolume(world.dotenv, { 'app.env': 'MORE=2\n' });
    await says(world, 'one info', 'one info');
    expect(await stop(world)).toBe(0);
  });

  it('leaves out a file whose name is no variable, refuses a NUL, and says which', async () => {
    const world = await start({}, { plain: { GREETING: 'one', LEVEL: 'info', 'A=B': 'x' } });
    await says(world, 'one info');
    await logged(world.container, /env_from: 1 file is left out.*A=B/);
    await updateVolume(world.plain, { GREETING: 'o\0ne', LEVEL: 'info' });
    const [line] = await logged(world.container, /"event":"refused"/);
    expect(line).toMatch(/GREETING .* NUL/);
    expect(starts(world)).toHaveLength(1);
    expect(await stop(world)).toBe(0);
  });

  it('asks env_validate, which gets the new variables, and does as it says', async () => {
    const world = await start({ env_validate: [['sh', '-c', 'echo "level is bad" >&2; test "$LEVEL" != bad']] });
    await says(world, 'one info');
    await updateVolume(world.plain, { GREETING: 'two', LEVEL: 'bad' });
    const [line] = await logged(world.container, /"event":"refused"/);
    expect(line).toMatch(/level is bad/);
    expect(starts(world)).toHaveLength(1);
    await updateVolume(world.plain, { GREETING: 'two', LEVEL: 'good' });
    await says(world, 'one info', 'two good');
    expect(await stop(world)).toBe(0);
  });

  it('goes back to the last good environment, once, when the application does not survive the new one', async () => {
    const world = await start({ ready: { exec: ['true'] } });
    await says(world, 'one info');
    await logged(world.container, /"event":"ready"/);
    await updateVolume(world.plain, { GREETING: 'bad', LEVEL: 'info', FATAL: 'yes' });
    await says(world, 'one info', 'bad info', 'one info');
    await logged(world.container, /"event":"rolled_back"/);
    await pause(1_500);
    expect(starts(world)).toEqual(['one info', 'bad info', 'one info']);
    expect(count(world, /"event":"rolled_back"/)).toBe(1);
    await updateVolume(world.plain, { GREETING: 'three', LEVEL: 'info' });
    await says(world, 'one info', 'bad info', 'one info', 'three info');
    expect(await stop(world)).toBe(0);
  });

  it('takes 10,000 variables', async () => {
    const directory = scratchDirectory();
    const names = Array.from({ length: 10_000 }, (_, n) => `VAR_${n}`);
    for (const name of names) writeFileSync(join(directory, name), `of ${name}\n`);
    const container = await startContainer([reinit, '--env-from', directory, '--', 'sh', '-c', 'env | grep -c "^VAR_[0-9]*=of VAR_"']);
    expect(await container.exited).toBe(0);
    expect(container.stdout()).toBe('10000\n');
  });
});
