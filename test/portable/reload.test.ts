import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { configFile, logged, reinit } from '../e2e/harness.ts';
import { byWorkers, fast, nginxSite, type Site, said, serves } from '../e2e/sites.ts';
import { eventually } from '../fixtures/eventually.ts';
import { installed, isRoot } from '../fixtures/host.ts';
import { updateVolume } from '../fixtures/kubelet.ts';
import { scratchDirectory } from '../fixtures/scratch.ts';
import { applicationOf, controllerOf, hosts, kill, type Portable, startPortable } from './portable.ts';

const nginxConfig = (site: Site): object => ({
  command: ['nginx', '-c', join(site.volume, 'nginx.conf'), '-g', 'daemon off;'],
  stop_signal: 'QUIT',
  watch: [
    { paths: [site.volume], validate: ['nginx', '-t', '-c', join(site.volume, 'nginx.conf')], reload_signal: 'HUP', ...fast, ...byWorkers },
  ],
});

describe.skipIf(!installed('nginx')).each(hosts)('nginx, started by %s', (_name, host) => {
  async function start(): Promise<{ site: Site; run: Portable }> {
    const site = await nginxSite();
    const run = startPortable([...host, '-c', configFile(nginxConfig(site))]);
    await serves(site, 'one');
    return { site, run };
  }

  it('takes a change over under the same pid, refuses a broken one, and stops', async () => {
    const { site, run } = await start();
    const master = await applicationOf(run);
    await updateVolume(site.volume, site.payload('two'));
    await serves(site, 'two');
    await said(run, 'applied');
    await updateVolume(site.volume, site.payload('three', { directive: 'retrun' }));
    const [refused] = await said(run, 'refused');
    expect(refused?.output).toContain('unknown directive "retrun"');
    await serves(site, 'two');
    expect(await applicationOf(run)).toBe(master);
    run.signal('SIGTERM');
    expect(await run.exited).toBe(0);
  });

  it('does not notice that the controller is killed', async () => {
    const { site, run } = await start();
    const master = await applicationOf(run);
    const controller = await controllerOf(run);
    kill(controller);
    await said(run, 'controller_restarted');
    expect(await controllerOf(run)).not.toBe(controller);
    await updateVolume(site.volume, site.payload('two'));
    await serves(site, 'two');
    await said(run, 'applied');
    expect(await applicationOf(run)).toBe(master);
    run.signal('SIGTERM');
    expect(await run.exited).toBe(0);
  });
});

/** Prints what it has read, and ends as it is asked to. */
const reader = (file: string): string[] => ['bash', '-c', `trap 'exit 5' TERM; echo "read $(cat ${file})"; while :; do sleep 0.02; done`];

describe('portable mode', () => {
  it('restarts the application for a change, with what it has left', async () => {
    const file = join(scratchDirectory(), 'app.conf');
    writeFileSync(file, 'one');
    const left = `bash -c 'trap "echo swept; exit" TERM; while :; do sleep 0.02; done' &`;
    const command = ['bash', '-c', `${left} ${reader(file)[2]}`];
    const config = { command, watch: [{ paths: [file], on_change: 'restart', settle: '50ms', confirm: '100ms' }] };
    const run = startPortable([reinit, '-c', configFile(config)]);
    await eventually('the first', () => run.stdout().includes('read one\n'));
    const first = await applicationOf(run);
    writeFileSync(file, 'two');
    await eventually('the second', () => run.stdout().includes('read two\n'));
    expect(run.stdout()).toContain('swept\n');
    await said(run, 'applied');
    expect(await applicationOf(run)).not.toBe(first);
    run.signal('SIGTERM');
    expect(await run.exited).toBe(5);
  });

  it('starts an application again that has ended', async () => {
    const run = startPortable([
      reinit,
      '--restart',
      'on-failure',
      '--restart-delay',
      '50ms',
      '--',
      'sh',
      '-c',
      'echo up; sleep 0.2; exit 3',
    ]);
    await eventually('three starts', () => run.stdout().startsWith('up\nup\nup\n'));
    run.signal('SIGTERM');
    await run.exited;
  });

  it('ends with mistakes before anything is started', async () => {
    const run = startPortable([reinit, '--stop-timeout', 'soon', '--', 'sh', '-c', 'echo started']);
    expect(await run.exited).toBe(100);
    expect(run.stderr()).toContain('--stop-timeout');
    expect(run.stdout()).toBe('');
  });

  it('a program that is not there: 127, told once', async () => {
    const run = startPortable([reinit, '--stop-timeout', '1s', '--', '/no/such/program']);
    expect(await run.exited).toBe(127);
    expect(run.stderr().match(/cannot start/g)).toHaveLength(1);
  });

  it('a validator that hangs is killed, and the change refused', async () => {
    const file = join(scratchDirectory(), 'app.conf');
    writeFileSync(file, 'one');
    const validate = ['sh', '-c', 'echo thinking; sleep 1000 | cat'];
    const rule = { paths: [file], validate, validate_timeout: '300ms', settle: '50ms' };
    const run = startPortable([reinit, '-c', configFile({ command: reader(file), watch: [rule] })]);
    await eventually('it runs', () => run.stdout().includes('read one\n'));
    writeFileSync(file, 'two');
    const [refused] = await said(run, 'refused');
    expect(refused).toMatchObject({ output: 'thinking' });
    expect(refused?.msg).toContain('timed out');
    run.signal('SIGTERM');
    expect(await run.exited).toBe(5);
  });

  it.skipIf(!isRoot)('works without /proc, and says what it cannot see', async () => {
    const file = join(scratchDirectory(), 'app.conf');
    writeFileSync(file, 'one');
    const within = ['unshare', '--mount', 'sh', '-c', 'mount -t tmpfs tmpfs /proc && exec "$@"', 'sh'];
    const command = ['bash', '-c', `trap 'echo "read $(cat ${file})"' HUP; trap 'exit 5' TERM; echo up; while :; do sleep 0.02; done`];
    const rule = { paths: [file], settle: '50ms', confirm_by: 'workers', confirm: '2s', reload_after_start: '100ms' };
    const run = startPortable([reinit, '-c', configFile({ command, watch: [rule] })], { within });
    await eventually('it runs', () => run.stdout().includes('up\n'));
    writeFileSync(file, 'two');
    await eventually('it has read', () => run.stdout().includes('read two\n'));
    await said(run, 'applied');
    expect(await logged(run, /portable mode.*no look whether a signal is caught.*passed over: confirm_by: workers/)).toHaveLength(1);
    run.signal('SIGTERM');
    expect(await run.exited).toBe(5);
  });

  it('an application that does not catch the signal is not signalled', async () => {
    const file = join(scratchDirectory(), 'app.conf');
    writeFileSync(file, 'one');
    const rule = { paths: [file], settle: '50ms', reload_after_start: '100ms', on_failure: 'keep' };
    const run = startPortable([reinit, '-c', configFile({ command: ['sleep', '1000'], watch: [rule] })]);
    await said(run, 'started');
    const application = await applicationOf(run);
    writeFileSync(file, 'two');
    await logged(run, /not_caught|does not catch|not caught/);
    expect(readFileSync(`/proc/${application}/comm`, 'utf8')).toBe('sleep\n');
    run.signal('SIGTERM');
    expect(await run.exited).toBe(143);
  });
});
