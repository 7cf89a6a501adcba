/** reinit.yaml in a ConfigMap volume, changed under the real program: the application has one pid through all of it. */
import { createHash } from 'node:crypto';
import { mkdirSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { eventually } from '../fixtures/eventually.ts';
import { isRoot } from '../fixtures/host.ts';
import { createVolume, updateVolume } from '../fixtures/kubelet.ts';
import type { Namespace } from '../fixtures/namespace.ts';
import { randomFrom } from '../fixtures/random.ts';
import { scratchDirectory } from '../fixtures/scratch.ts';
import { childNamed, controllerOf, logged, pause, reinit, startContainer, withVolume } from './harness.ts';

interface Mounted {
  readonly container: Namespace;
  readonly pid: number;
  /** The file holds these settings from now on. */
  write(settings: object | string): Promise<void>;
}

const settings = { command: ['sleep', '1000'], log: { format: 'json' }, notify: [{ to: 'log' }] };
const pod = { POD_NAME: 'web-1', POD_NAMESPACE: 'shop' };

async function startMounted(): Promise<Mounted> {
  const directory = scratchDirectory();
  const [volume, mounted] = [join(directory, 'volume'), join(directory, 'etc')];
  mkdirSync(mounted);
  const payload = (given: object | string) => ({ 'reinit.yaml': typeof given === 'string' ? given : JSON.stringify(given) });
  await createVolume(volume, payload(settings));
  const container = await startContainer(withVolume(volume, mounted, [reinit, '-c', join(mounted, 'reinit.yaml')]), {
    env: { ...process.env, ...pod },
  });
  const pid = await eventually('the application', () => childNamed(container, 'sleep'));
  return { container, pid, write: (given) => updateVolume(volume, payload(given)) };
}

const inForce = (container: Namespace): Promise<readonly string[]> => logged(container, /"event":"config_taken_over"/);
const ended = /the controller ended/;

it.skipIf(!isRoot)('a good one is taken over, a bad one is not, whoever of the controllers has to know', async () => {
  const { container, pid, write } = await startMounted();
  await write({ ...settings, stop_signal: 'USR1' });
  await inForce(container);
  expect(container.stderr(), 'a hand-over is no crash').not.toMatch(ended);
  await write('stop_signal: USR2\nuzer: app\n');
  const [refused] = await logged(container, /"event":"config_refused"/);
  expect(refused).toMatch(/reinit\.yaml:2:1.*uzer.*did you mean user/);
  const before = await eventually('a controller', () => controllerOf(container));
  process.kill(before, 'SIGKILL');
  await eventually('the next controller', () => ![undefined, before].includes(controllerOf(container)));
  await logged(container, /"event":"controller_restarted"/);
  expect(childNamed(container, 'sleep')).toBe(pid);
  // USR1 of the accepted one: init has it from this controller, too.
  container.signal('SIGTERM');
  expect(await container.exited).toBe(128 + 10);
});

it.skipIf(!isRoot)('what takes a restart: once; an application that cannot start on it is back on what was before', async () => {
  const { container, pid, write } = await startMounted();
  await write({ ...settings, environment: { COLOR: 'blue' } });
  const blue = await eventually('another application', () => [childNamed(container, 'sleep')].find((one) => one && one !== pid));
  await logged(container, /"event":"started".*changed configuration/);
  await write({ ...settings, command: ['/no/such/program'] });
  await logged(container, /"event":"config_went_back"/); // the first one has proven itself by then
  const [event] = await logged(container, /"kind":"Event"/);
  expect(JSON.parse(event ?? '')).toMatchObject({ reason: 'ReinitConfigRolledBack', involvedObject: { name: 'web-1', namespace: 'shop' } });
  const again = await eventually('the application', () => [childNamed(container, 'sleep')].find((one) => one && one !== blue));
  container.signal('SIGTERM');
  expect([again, await container.exited]).toEqual([expect.any(Number), 143]);
});

it.skipIf(!isRoot)(
  'a storm of changes, and kill -9 of the controller at random moments of it: the last one counts, the application stays',
  async () => {
    const { container, pid, write } = await startMounted();
    const seed = Date.now() % 1_000_000;
    process.stdout.write(`own configuration: seed ${seed}\n`);
    const random = randomFrom(seed);
    for (let change = 0; change < 12; change += 1) {
      await write(change % 3 === 2 ? 'nonsense: 1\n' : { ...settings, restart_limit: change });
      await pause(random(900));
      const controller = controllerOf(container);
      if (controller !== undefined && change % 2 === 0) process.kill(controller, 'SIGKILL');
    }
    const last = { ...settings, stop_signal: 'USR1' };
    await write(last);
    const hash = createHash('sha256').update(JSON.stringify(last)).digest('hex').slice(0, 12);
    await logged(container, new RegExp(`"event":"config_taken_over".*${hash}`));
    expect(childNamed(container, 'sleep')).toBe(pid);
    container.signal('SIGTERM');
    expect(await container.exited).toBe(128 + 10);
  },
);

it('a file that is named from where the container starts is watched there', async () => {
  const directory = scratchDirectory();
  const file = join(directory, 'reinit.yaml');
  writeFileSync(file, JSON.stringify(settings));
  const container = await startContainer([reinit, '-c', 'reinit.yaml'], { cwd: directory });
  await logged(container, /"event":"started"/);
  writeFileSync(`${file}.new`, JSON.stringify({ ...settings, stop_signal: 'USR1' }));
  renameSync(`${file}.new`, file);
  await inForce(container);
  expect(container.stderr()).not.toContain('watch_warning');
  container.signal('SIGTERM');
  expect(await container.exited).toBe(128 + 10);
});
