import { beforeAll, describe, expect, it } from 'vitest';
import { eventually } from '../fixtures/eventually.ts';
import { updateVolume } from '../fixtures/kubelet.ts';
import { command, engine, isAvailable, startContainer } from './engine.ts';
import { startJob } from './job.ts';
import { buildLifeImage, logsOf, received, recorderCode, type Signal, settings, signo, startRecorder, watching } from './life.ts';

describe.skipIf(!isAvailable)('what comes from the engine while the application runs', () => {
  let image = '';
  beforeAll(async () => {
    image = await buildLifeImage();
  });

  const modes: readonly (readonly [string, () => readonly string[]])[] = [
    ['a plain init', () => []],
    ['a configured one', () => settings(watching)],
  ];

  it.each(modes)('%s: kill delivers each signal once, and TERM is a stop', async (_, flags) => {
    const container = await startRecorder(image, flags());
    const signals: Signal[] = ['SIGHUP', 'SIGUSR1', 'SIGUSR2', 'SIGWINCH', 'SIGRTMIN+3'];
    for (const signal of signals) {
      await container.signal(signal);
      await eventually(`${signal} is forwarded`, () => received(container).includes(signo[signal]));
    }
    await container.signal('SIGTERM');
    expect(await container.exited).toBe(recorderCode);
    expect(received(container)).toEqual([...signals, 'SIGTERM' as const].map((signal) => signo[signal]));
  });

  it('what has entered by exec is not the application’s: a restart leaves it alone', async () => {
    const { container, volume } = await startJob('debian', {
      flags: settings({
        watch: [{ paths: ['/etc/app'], settle: '50ms', on_change: 'restart', confirm: '100ms' }],
        stop_timeout: '5s',
      }),
    });
    const entered = command('exec', container.name, 'sh', '-c', 'sleep 600 & echo $! && wait').catch(() => '');
    await eventually('it has entered', async () => (await container.exec('sh', '-c', 'cat /proc/[0-9]*/cmdline')).includes('sleep'));
    await updateVolume(volume, { text: 'two' });
    await eventually('the application is another one', () => container.stdout().includes('start two'), 30_000);
    expect(await container.exec('sh', '-c', 'cat /proc/[0-9]*/cmdline | tr "\\0" " "')).toContain('sleep 600');
    expect(await container.exec('/opt/reinit/bin/reinit', 'version')).toMatch(/^reinit \d/);
    expect(await container.exec('/opt/reinit/bin/reinit', 'validate')).toContain('/etc/app');
    await container.stop(20);
    expect(await container.exited).toBe(7);
    await entered;
  });

  it('a pause is not taken for a hang, and what changed meanwhile is applied after it', async () => {
    const { container, volume } = await startJob('debian');
    await command('pause', container.name);
    await updateVolume(volume, { text: 'two' });
    await new Promise((resolve) => setTimeout(resolve, 11_000)); // init takes a controller that says nothing for 10 s to hang
    await command('unpause', container.name);
    await eventually('the change is applied', () => container.stdout().includes('reload two'), 30_000);
    await container.stop(20);
    expect(await container.exited).toBe(7);
    expect(container.stderr()).not.toMatch(/controller/);
  });

  it('logs keeps the two streams apart, and lines whole', async () => {
    const script = 'for i in $(seq 500); do echo "out $i $0"; echo "err $i $0" >&2; done; exit 3';
    const flags = settings(watching);
    const container = await startContainer(image, { flags, command: ['bash', '-c', script, 'x'.repeat(1000)] });
    expect(await container.exited).toBe(3);
    const { stdout, stderr } = await logsOf(container);
    const of = (text: string, word: string) => text.split('\n').filter((line) => line.includes(`${word} `) && line.endsWith('xxx'));
    const whole = (word: string) => Array.from({ length: 500 }, (_, i) => `${word} ${i + 1} ${'x'.repeat(1000)}`);
    expect(stdout.trimEnd().split('\n')).toEqual(whole('out'));
    expect(of(stderr, 'err')).toEqual(whole('err'));
    expect(stderr.split('\n').filter((line) => line !== '' && !line.startsWith('err ') && !line.startsWith('{'))).toEqual([]);
    expect(stderr).toContain('ended by itself');
  });

  it('a health check is the image’s own, or one that needs no program of it', async () => {
    const flags = ['--health-interval', '1s', '--health-cmd', '/opt/reinit/bin/reinit version', ...settings(watching)];
    const container = await startRecorder(image, flags);
    if (engine === 'podman') await command('healthcheck', 'run', container.name); // by a timer of systemd's, where there is one
    const health = engine === 'podman' ? '{{.State.Healthcheck.Status}}' : '{{.State.Health.Status}}';
    await eventually('it is healthy', async () => (await container.inspect(health)) === 'healthy', 30_000);
    await container.stop(20);
    expect(await container.exited).toBe(recorderCode);
    expect(received(container)).toEqual([signo.SIGTERM]);
  });
});
