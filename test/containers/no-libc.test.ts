import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { startContainer } from '../e2e/harness.ts';
import { eventually } from '../fixtures/eventually.ts';
import { createVolume, updateVolume } from '../fixtures/kubelet.ts';
import { type Namespace, processesOf } from '../fixtures/namespace.ts';
import { hasMusl, isRoot, muslImage, scratchImage } from './image.ts';

const yaml = `
command: [/bin/reloader, --env, /etc/app/text]
watch:
  - paths: [/etc/app]
    settle: 50ms
    reload_after_start: 0s
    validate: [/bin/reloader, --check, /etc/app/text]
    confirm: 200ms
    on_change: reload
    reload_signal: HUP
`;

/** What an image's environment can do to a Node that is not careful. */
const hostile = {
  LD_PRELOAD: '/nowhere.so',
  LD_LIBRARY_PATH: '/garbage',
  NODE_OPTIONS: '--require=/nowhere.js',
  NODE_EXTRA_CA_CERTS: '/nowhere.pem',
  NODE_V8_COVERAGE: '/coverage',
  OPENSSL_CONF: '/nowhere.cnf',
  GLIBC_TUNABLES: 'glibc.malloc.check=3',
  UV_THREADPOOL_SIZE: '1024',
  MALLOC_ARENA_MAX: '1',
};

interface Start {
  readonly uid?: number;
  /** What the image's ENV says. It is set inside, for PID 1 only: out here it would reach unshare(1). */
  readonly variables?: Readonly<Record<string, string>>;
}

async function start(root: string, { uid, variables = {} }: Start) {
  const volume = join(root, 'etc/app');
  await createVolume(volume, { text: 'one' });
  writeFileSync(join(root, 'etc/reinit.yaml'), yaml);
  const settings = Object.entries(variables).map(([name, value]) => `${name}=${value}`);
  const command = ['/bin/reloader', '--with', ...settings, '--', '/opt/reinit/bin/reinit'];
  const container = await startContainer(command, { root, env: { PATH: '/bin' }, ...(uid !== undefined && { uid }) });
  await eventually('the application starts', () => container.stdout().includes('start one\n'));
  return { volume, container };
}

/** The whole job: a change is applied, a broken one refused, the next applied, and the end is the application's. */
async function expectReloads(root: string, options: Start = {}): Promise<Namespace> {
  const { volume, container } = await start(root, options);
  await eventually('the watch is on', async () => {
    await updateVolume(volume, { text: `two` });
    return container.stdout().includes('reload two\n');
  });
  await updateVolume(volume, { text: 'bad three' });
  await eventually('the change is refused', () => container.stderr().includes('cannot use'));
  await updateVolume(volume, { text: 'four' });
  await eventually('the next change is applied', () => container.stdout().includes('reload four\n'));
  container.signal('SIGTERM');
  expect(await container.exited).toBe(7);
  expect(
    container
      .stdout()
      .split('\n')
      .filter((line) => /^(start|reload) /.test(line)),
  ).toEqual(['start one', 'reload two', 'reload four']);
  expect(processesOf(container.id)).toEqual([]);
  return container;
}

describe.skipIf(!isRoot)('the tree in an image without a C library', () => {
  it('runs in an image that holds nothing else', async () => {
    await expectReloads(scratchImage());
  });

  it('runs as a user without a name, with no /tmp and nothing writable', async () => {
    const root = scratchImage();
    await expectReloads(root, { uid: 12345 });
  });

  it('does not see what the environment says to Node and the loader; the application does', async () => {
    const root = scratchImage();
    mkdirSync(join(root, 'garbage'));
    writeFileSync(join(root, 'garbage/libc.so.6'), 'not a library');
    const container = await expectReloads(root, { variables: hostile });
    for (const [name, value] of Object.entries(hostile)) expect(container.stdout()).toContain(`env ${name}=${value}\n`);
    expect(container.stderr()).not.toMatch(/nowhere|garbage/);
  });

  it('does not preload what /etc/ld.so.preload names', async () => {
    const root = scratchImage();
    writeFileSync(join(root, 'etc/ld.so.preload'), '/nowhere.so\n');
    const container = await expectReloads(root);
    expect(container.stderr()).not.toContain('preload');
  });

  it.skipIf(!hasMusl)('runs beside musl, with an application that needs musl', async () => {
    await expectReloads(muslImage());
  });

  it.skipIf(!hasMusl)('is not reached by musl libraries that the image preloads', async () => {
    const root = muslImage();
    await expectReloads(root, { variables: { LD_PRELOAD: '/lib/ld-musl-x86_64.so.1' } });
  });
});
