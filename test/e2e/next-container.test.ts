/** What outlives a container in `state_dir`: a new one on a refused configuration starts with the last good one. */
import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { eventually } from '../fixtures/eventually.ts';
import { isRoot } from '../fixtures/host.ts';
import { createVolume, updateVolume } from '../fixtures/kubelet.ts';
import type { Namespace } from '../fixtures/namespace.ts';
import { scratchDirectory } from '../fixtures/scratch.ts';
import { configFile, logged, reinit, startContainer, withTerminationLog, withVolume } from './harness.ts';

const reader = join(import.meta.dirname, '../fixtures/programs/reads.py');
/** Of a container of its own each time. */
const target = '/run/app/conf';

interface Place {
  readonly volume: string;
  readonly state: string;
  readonly log: string;
  start(prepare?: string): Promise<Namespace>;
}

async function makePlace(stateDir: 'kept' | 'none' | 'tmpfs' = 'kept', settings: object = {}): Promise<Place> {
  const directory = scratchDirectory();
  const [volume, mounted, state, log] = ['volume', 'mounted', 'state', 'log'].map((name) => join(directory, name)) as [
    string,
    string,
    string,
    string,
  ];
  mkdirSync(mounted);
  writeFileSync(log, '');
  await createVolume(volume, { conf: 'good1' });
  const rule = {
    paths: [mounted],
    publish: target,
    validate: ['sh', '-c', '! grep bad "$REINIT_SNAPSHOT_DIR"/* >&2'],
    settle: '20ms',
    reload_after_start: '100ms',
    confirm: '50ms',
    good_after: '100ms',
  };
  const config = configFile({
    command: ['python3', reader, target],
    ...(stateDir !== 'none' && { state_dir: stateDir === 'kept' ? state : '/run/state' }),
    log: { level: 'debug' },
    watch: [rule],
    ...settings,
  });
  const start = (prepare = ':') => {
    const script = `mount -t tmpfs tmpfs /run && ${prepare} && exec "$@"`;
    return startContainer(withTerminationLog(log, withVolume(volume, mounted, ['sh', '-c', script, 'sh', reinit, '-c', config])));
  };
  return { volume, state, log, start };
}

const says = (container: Namespace, text: string) => eventually(text, () => container.stdout().includes(text));

async function stop(container: Namespace): Promise<void> {
  container.signal('SIGTERM');
  expect(await container.exited).toBe(0);
}

/** A first container that has run on `good1` for long enough, and is gone. */
async function firstOne(place: Place, prepare?: string): Promise<void> {
  const container = await place.start(prepare);
  await says(container, 'start good1');
  await logged(container, /"event":"good"/);
  await stop(container);
}

describe.skipIf(!isRoot)('state_dir', () => {
  it('lets the next container start on the last good configuration, and says so', async () => {
    const place = await makePlace();
    await firstOne(place);
    await updateVolume(place.volume, { conf: 'bad2' });
    const second = await place.start();
    await says(second, 'start good1');
    const [line] = await logged(second, /"event":"starts_on_good"/);
    expect(line).toMatch(/the last good one: [0-9a-f]{12} was not accepted/);
    expect(readFileSync(place.log, 'utf8')).toMatch(/refused|not accepted/);
    await stop(second);
    writeFileSync(place.log, '');
    // What had been refused is known: the next one need not ask again.
    const third = await place.start();
    await says(third, 'start good1');
    await logged(third, /"event":"starts_on_good"/);
    expect(readFileSync(place.log, 'utf8')).toMatch(/the last good one/);
    // Corrected: nothing of it remains.
    await updateVolume(place.volume, { conf: 'good3' });
    await says(third, 'hup good3');
    await logged(third, /"event":"good".*|is good/);
    await eventually('an empty termination log', () => readFileSync(place.log, 'utf8') === '');
    await stop(third);
    const fourth = await place.start();
    await says(fourth, 'start good3');
    await logged(fourth, /"event":"applied"/);
    expect(fourth.stderr()).not.toMatch(/starts_on_good|refused/);
    await stop(fourth);
    expect(statSync(place.state).mode & 0o066, 'nobody else lists what is kept').toBe(0);
  });

  it('knows a change that was refused while the first container ran', async () => {
    const place = await makePlace();
    const first = await place.start();
    await says(first, 'start good1');
    await logged(first, /"event":"good"/);
    await updateVolume(place.volume, { conf: 'bad2' });
    await logged(first, /"event":"refused"/);
    await stop(first);
    const second = await place.start();
    await says(second, 'start good1');
    await logged(second, /"event":"starts_on_good"/);
    await stop(second);
  });

  it('without it the next one leaves with 102, and says why', async () => {
    const place = await makePlace('none');
    await firstOne(place);
    await updateVolume(place.volume, { conf: 'bad2' });
    const second = await place.start();
    expect(await second.exited).toBe(102);
    expect(second.stderr()).toMatch(/"event":"refused".*bad2/);
    expect(second.stderr()).toMatch(/is not started: .*state_dir/);
    expect(second.stdout()).toBe('');
    expect(readFileSync(place.log, 'utf8')).toMatch(/bad2/);
  });

  it('on a tmpfs of the container nothing is kept', async () => {
    const place = await makePlace('tmpfs');
    await firstOne(place);
    await updateVolume(place.volume, { conf: 'bad2' });
    expect(await (await place.start()).exited).toBe(102);
  });

  it('that cannot be written is told at the start, with what to do', async () => {
    const place = await makePlace();
    mkdirSync(place.state);
    const readOnly = `mount --bind ${place.state} ${place.state} && mount -o remount,bind,ro ${place.state}`;
    const container = await place.start(readOnly);
    expect(await container.exited).toBe(102);
    expect(container.stderr()).toMatch(/is not started: state_dir: .* cannot be written: read-only file system; mount an emptyDir/);
    expect(readdirSync(place.state)).toEqual([]);
  });

  it('holds for variables, too', async () => {
    const directory = scratchDirectory();
    const [variables, state] = [join(directory, 'variables'), join(directory, 'state')];
    await createVolume(variables, { 'app.env': 'GREETING=good1\n' });
    const legacy = join(import.meta.dirname, '../fixtures/programs/legacy.sh');
    const config = configFile({
      command: ['sh', legacy],
      env_from: [join(variables, 'app.env')],
      state_dir: state,
      ready: { exec: ['true'] },
    });
    const start = () => startContainer([reinit, '-c', config]);
    const first = await start();
    await says(first, 'start good1');
    await logged(first, /"event":"ready"/); // so it is good at once
    await eventually('what is kept', () => readFileSync(join(state, 'state.json'), 'utf8').includes('"good"'));
    await stop(first);
    await updateVolume(variables, { 'app.env': 'GREETING="bad2\n' });
    const second = await start();
    await says(second, 'start good1');
    await logged(second, /"event":"starts_on_good"/);
    await logged(second, /app\.env, line 1/);
    await updateVolume(variables, { 'app.env': 'GREETING=good3\n' });
    await says(second, 'start good3');
    await stop(second);
  });
});
