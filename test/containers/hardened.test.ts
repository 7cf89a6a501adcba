/** What a cluster's policies take away, and that the job is done without it. */
import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { eventually } from '../fixtures/eventually.ts';
import { createVolume } from '../fixtures/kubelet.ts';
import { type Base, type Container, engine, isAvailable, reloaderFor, startContainer } from './engine.ts';
import { applicationIn, completeJob, configuration, expectReloads, makeShared, startJob } from './job.ts';

/** No place at all that could be written: /dev/shm goes with the IPC namespace, /run and /tmp, which podman adds, by name. */
const nothingWritable = ['--read-only', '--ipc', 'none', ...(engine === 'podman' ? ['--read-only-tmpfs=false'] : [])];
const nameless = ['--user', '1234567:1234567', ...(engine === 'podman' ? ['--passwd=false'] : [])];
const unprivileged = ['--cap-drop', 'ALL', '--security-opt', 'no-new-privileges'];
const scarce = ['--pids-limit', '24', '-m', '64m'];
const restricted = [...nothingWritable, ...nameless, ...unprivileged, ...scarce];

const statusOf = async (container: Container) => {
  const pid = await container.pid();
  return spawnSync('cat', [`/proc/${pid}/status`], { encoding: 'utf8' }).stdout;
};

describe.skipIf(!isAvailable)('a hardened container', () => {
  it.each<Base>(['scratch', 'distroless', 'debian'])('"restricted", with nothing writable, 24 processes and 64 MiB: %s', async (base) => {
    const job = await startJob(base, { flags: restricted });
    expect(await statusOf(job.container)).toMatch(/^Uid:\t1234567\t.*^CapBnd:\t0+$.*^NoNewPrivs:\t1$/ms);
    await completeJob(job);
  });

  it.each<Base>(['distroless', 'musl'])('root without capabilities, /tmp without exec, a preload for everybody: %s', async (base) => {
    const preload = join(makeShared(), 'ld.so.preload');
    writeFileSync(preload, '/nowhere.so\n');
    const mounts = [
      '--tmpfs',
      '/tmp:rw,noexec',
      '-v',
      `${preload}:/etc/ld.so.preload:ro`,
      '-v',
      `${reloaderFor('scratch')}:/bin/reloader:ro`,
    ];
    const container = await expectReloads(base, { flags: [...unprivileged, ...mounts] });
    expect(container.stderr()).not.toMatch(/preload|"level":"(warn|error)","time":"[^"]*","name":"reinit","event":"(?!refused)/);
  });

  // Docker's user namespaces are a setting of its daemon, for all containers: what is shown here is podman's.
  const withNamespaces: readonly Base[] = engine === 'podman' ? ['scratch', 'debian'] : [];
  it.each(withNamespaces)('in a user namespace, with an application that is not its root: %s', async (base) => {
    const job = await startJob(base, { flags: ['--uidmap', '0:200000:65536', '-e', 'REINIT_USER=1234:1234'] });
    expect(await statusOf(job.container)).toMatch(/^Uid:\t200000\t/m);
    const status = spawnSync('cat', [`/proc/${await applicationIn(job.container)}/status`], { encoding: 'utf8' }).stdout;
    expect(status).toMatch(/^Uid:\t201234\t/m);
    await completeJob(job);
  });
});

describe.skipIf(!isAvailable).each<Base>(['scratch', 'debian'])('an application of another user, and few capabilities: %s', (base) => {
  const flags = (...capabilities: readonly string[]) => [
    '--cap-drop',
    'ALL',
    ...capabilities.flatMap((name) => ['--cap-add', name]),
    '-e',
    'REINIT_USER=1234:1234',
  ];

  it('without KILL nothing is started, and KILL is asked for', async () => {
    const container = await startContainer(`reinit-test/${base}`, { flags: flags('SETUID', 'SETGID') });
    expect(await container.exited).toBe(126);
    expect(container.stderr()).toMatch(/CAP_KILL.*Add KILL to the container/);
    expect(container.stdout()).toBe('');
  });

  it('SETUID, SETGID and KILL are enough', async () => {
    await expectReloads(base, { flags: flags('SETUID', 'SETGID', 'KILL') });
  });
});

describe.skipIf(!isAvailable).each<Base>(['scratch', 'debian'])('settings that need a place to write, where there is none: %s', (base) => {
  it('publish is refused, and says what to mount', async () => {
    const volume = makeShared();
    await createVolume(volume, { text: 'one' });
    const publish = ['-v', `${volume}:/etc/app:ro`, '-v', `${configuration({ publish: '/run/app' })}:/etc/reinit.yaml:ro`];
    const container = await startContainer(`reinit-test/${base}`, { flags: [...restricted, ...publish] });
    expect(await container.exited).toBe(102);
    expect(container.stderr()).toMatch(/publish\.to: [^"]*\/run\/app[^"]*emptyDir/);
  });

  it('a validator of copies is missed at the first change; the application runs on', async () => {
    const snapshot = configuration({ validate: ['/bin/reloader', '--check', '{{snapshot}}/text'] });
    const { container, volume } = await startJob(base, { flags: [...restricted, '-v', `${snapshot}:/etc/reinit.yaml:ro`] });
    await createVolume(volume, { text: 'two' });
    await eventually('the change is not applied', () => /there is no place for copies[^"]*emptyDir/.test(container.stderr()), 30_000);
    await container.stop(20);
    expect(await container.exited).toBe(7);
    expect(container.stdout()).not.toContain('reload');
  });
});
