/** Where nothing can be published: a target that is somebody else's, a read-only root, a full disk. */
import { mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { eventually } from '../fixtures/eventually.ts';
import { isRoot } from '../fixtures/host.ts';
import { createVolume, updateVolume } from '../fixtures/kubelet.ts';
import type { Namespace } from '../fixtures/namespace.ts';
import { scratchDirectory } from '../fixtures/scratch.ts';
import { configFile, logged, pause, reinit, startContainer } from './harness.ts';

const programs = join(import.meta.dirname, '../fixtures/programs');

interface Site {
  readonly directory: string;
  readonly volume: string;
  /** `prepare`: what is done in the container's mount namespace before. */
  start(target: string, prepare?: string, settings?: object): Promise<Namespace>;
}

async function makeSite(): Promise<Site> {
  const directory = scratchDirectory();
  const volume = join(directory, 'volume');
  await createVolume(volume, { conf: 'one' });
  return {
    directory,
    volume,
    start: (target, prepare = ':', settings = {}) => {
      const rule = { paths: [volume], publish: target, settle: '10ms', reload_after_start: '100ms', confirm: '50ms' };
      const command = ['python3', join(programs, 'reads.py'), target];
      const config = configFile({ command, watch: [rule], ...settings });
      return startContainer(['sh', '-c', `${prepare} && exec "$@"`, 'sh', reinit, '-c', config]);
    },
  };
}

const says = (container: Namespace, text: string, timeoutMs?: number) =>
  eventually(text, () => container.stdout().split('\n').includes(text), timeoutMs);

async function stop(container: Namespace): Promise<void> {
  container.signal('SIGTERM');
  expect(await container.exited).toBe(0);
}

describe('a target that is not ours', () => {
  const directoryWithFiles = (target: string): void => {
    mkdirSync(target);
    writeFileSync(join(target, 'precious'), 'mine');
  };

  it.each<[string, (target: string) => void]>([
    ['a directory with files', directoryWithFiles],
    ['a file', (target) => writeFileSync(target, 'mine')],
    ['a link', (target) => symlinkSync('/etc', target)],
  ])('%s is not touched, and the message names the setting', async (_, make) => {
    const { directory, start } = await makeSite();
    const target = join(directory, 'target');
    make(target);
    const container = await start(target);
    expect(await container.exited).toBe(102);
    expect(container.stderr()).toMatch(/is not started: publish\.to: .*target/);
    expect(container.stdout()).toBe('');
  });

  it('what was ours and became another’s while the application runs: it goes on, and a later change works once it is gone', async () => {
    const { directory, volume, start } = await makeSite();
    const target = join(directory, 'target');
    const container = await start(target);
    await says(container, 'start one');
    rmSync(target);
    directoryWithFiles(target);
    await updateVolume(volume, { conf: 'two' });
    const [line] = await logged(container, /"event":"(not_staged|publish_failed)"/);
    expect(line).toMatch(/publish\.to: .*target is a directory that reinit did not make, and is not touched/);
    expect(readFileSync(join(target, 'precious'), 'utf8')).toBe('mine');
    rmSync(target, { recursive: true });
    await updateVolume(volume, { conf: 'three' });
    await says(container, 'hup three', 40_000);
    expect(container.stdout()).toBe('start one\nhup three\n');
    await stop(container);
  });
});

describe.skipIf(!isRoot)('a read-only root', () => {
  const readOnly = 'mount -o remount,bind,ro /';

  it('with a tmpfs for what is published: works', async () => {
    const { volume, start } = await makeSite();
    const container = await start('/run/app/conf', `mount -t tmpfs tmpfs /run && ${readOnly}`);
    await says(container, 'start one');
    await updateVolume(volume, { conf: 'two' });
    await says(container, 'hup two');
    await stop(container);
  });

  it('without one: says what to mount where', async () => {
    const { start } = await makeSite();
    const container = await start('/var/lib/app/conf', readOnly);
    expect(await container.exited).toBe(102);
    expect(container.stderr()).toMatch(/publish\.to: \/var\/lib\/app.* read-only file system; mount an emptyDir/);
  });

  it('is no matter to variables, even where nothing at all can be written', async () => {
    const directory = scratchDirectory();
    await createVolume(directory, { GREETING: 'one' });
    const config = configFile({ command: ['sh', join(programs, 'legacy.sh')], env_from: [directory] });
    const nowhere = `mount -t tmpfs -o ro tmpfs /dev/shm && mount -t tmpfs -o ro tmpfs /run && ${readOnly}`;
    const container = await startContainer(['sh', '-c', `${nowhere} && exec "$@"`, 'sh', reinit, '-c', config]);
    await says(container, 'start one none');
    await updateVolume(directory, { GREETING: 'two' });
    await says(container, 'start two none');
    await stop(container);
  });
});

describe.skipIf(!isRoot)('a full disk', () => {
  it('leaves the application as it is; a smaller change works', async () => {
    const { volume, start } = await makeSite();
    const container = await start(
      '/run/app/conf',
      'mount -t tmpfs tmpfs /run && mkdir /run/app && mount -t tmpfs -o size=64k tmpfs /run/app',
    );
    await says(container, 'start one');
    await updateVolume(volume, { conf: 'x'.repeat(300_000) });
    const [line] = await logged(container, /"event":"(not_staged|publish_failed)"/);
    expect(line).toMatch(/publish\.to: .* no room .*ENOSPC/);
    await pause(300);
    expect(container.stdout()).toBe('start one\n');
    await updateVolume(volume, { conf: 'three' });
    await says(container, 'hup three');
    expect(container.stdout()).toBe('start one\nhup three\n');
    await stop(container);
  });

  it('that has room again is noticed', async () => {
    const { directory, volume, start } = await makeSite();
    const fill = 'head -c 1000000 /dev/zero >/run/app/filler';
    const container = await start(
      '/run/app/conf',
      'mount -t tmpfs tmpfs /run && mkdir /run/app && mount -t tmpfs -o size=64k tmpfs /run/app',
      {
        command: [
          'sh',
          '-c',
          `(while [ ! -e ${directory}/fill ]; do sleep 0.05; done; ${fill}; echo full) & exec python3 ${programs}/reads.py /run/app/conf`,
        ],
      },
    );
    await says(container, 'start one');
    writeFileSync(join(directory, 'fill'), '');
    await says(container, 'full');
    await updateVolume(volume, { conf: 'two' });
    await logged(container, /"event":"(not_staged|publish_failed)".*ENOSPC/);
    expect(container.stdout()).not.toMatch(/hup/);
    rmSync(`/proc/${container.pid}/root/run/app/filler`);
    await says(container, 'hup two', 40_000);
    await stop(container);
  });
});
