import { beforeAll, describe, expect, it } from 'vitest';
import { eventually } from '../fixtures/eventually.ts';
import { updateVolume } from '../fixtures/kubelet.ts';
import { command, engine, isAvailable, startContainer } from './engine.ts';
import { startJob } from './job.ts';
import { buildLifeImage, logsOf, settings, watching } from './life.ts';

const lives = (stdout: string): string[] => stdout.split('\n').filter((line) => /^(start|reload) /.test(line));

describe.skipIf(!isAvailable)('a container that is started again', () => {
  let image = '';
  beforeAll(async () => {
    image = await buildLifeImage();
  });

  it('what its last life left in /run, /tmp and state_dir disturbs nothing, also where that was killed', async () => {
    const config = {
      command: ['/bin/reloader', '/run/published/text'],
      sockets: ['unix:/run/app.sock'],
      state_dir: '/var/lib/reinit',
      watch: [
        {
          paths: ['/etc/app'],
          publish: '/run/published',
          settle: '50ms',
          validate: ['/bin/reloader', '--check', '/etc/app/text'],
          reload_after_start: '0s',
          confirm: '100ms',
        },
      ],
    };
    const { container, volume } = await startJob('debian', { flags: settings(config), command: ['/bin/reloader', '/run/published/text'] });
    await updateVolume(volume, { text: 'two' });
    await eventually('the change is applied', () => container.stdout().includes('reload two'), 30_000);
    await container.signal('KILL');
    expect(await container.exited).toBe(137);
    const said = async (line: string) => lives((await logsOf(container)).stdout).at(-1) === line;
    await command('start', container.name);
    await eventually('the second life begins where the first was', () => said('start two'), 30_000);
    await command('restart', '-t', '20', container.name);
    await eventually('the third life', async () => lives((await logsOf(container)).stdout).length === 4, 30_000);
    await updateVolume(volume, { text: 'bad three' });
    await eventually('a broken change is refused', async () => (await logsOf(container)).stderr.includes('cannot use'), 30_000);
    await updateVolume(volume, { text: 'four' });
    await eventually('the next is applied', () => said('reload four'), 30_000);
    expect(await container.exec('sh', '-c', 'ls /run')).toContain('app.sock');
    await container.stop(20);
    expect(await command('wait', container.name)).toBe('7');
    const { stdout, stderr } = await logsOf(container);
    expect(lives(stdout)).toEqual(['start one', 'reload two', 'start two', 'start two', 'reload four']);
    expect(stderr).not.toMatch(/"level":"error"(?!.*refused)/);
  });

  it('restart policies of the engine see the application’s exit code', async () => {
    const flags = ['--restart', 'on-failure:2', ...settings(watching)];
    const container = await startContainer(image, { flags, command: ['sh', '-c', 'echo life; exit 3'] });
    await eventually('two restarts', async () => (await logsOf(container)).stdout === 'life\nlife\nlife\n', 60_000);
    await eventually('it is over', async () => (await container.inspect('{{.State.Status}}')) === 'exited', 30_000);
    expect(await container.inspect('{{.State.ExitCode}} {{.RestartCount}}')).toBe('3 2');
  });

  /** Takes more memory than there is, a second after its start: by then there is a controller. */
  const glutton = ['perl', '-e', '$| = 1; print "ready\\n"; sleep 1; my @all; push @all, "x" x 1e6 while 1'];
  const small = ['-m', '64m'];
  const modes: readonly (readonly [string, () => readonly string[]])[] = [
    ['a plain init', () => []],
    ['a configured one', () => settings(watching)],
  ];

  it.each(modes)('an application that the kernel killed for want of memory, under %s: 137, and it is said', async (_, flags) => {
    const container = await startContainer(image, { flags: [...small, ...flags()], command: glutton });
    expect(await container.exited).toBe(137);
    expect(container.stderr()).toMatch(/killed, by all appearances for want of memory.*so far: [1-9]/);
    if (engine === 'docker') expect(await container.inspect('{{.State.OOMKilled}}')).toBe('true');
  });

  it('is started again by reinit’s own policy, and by the engine’s', async () => {
    const own = settings({ ...watching, restart: 'on-failure', restart_limit: 1, restart_delay: '100ms' });
    const container = await startContainer(image, { flags: [...small, ...own], command: glutton });
    expect(await container.exited).toBe(137);
    expect(container.stdout()).toBe('ready\nready\n');
    const other = await startContainer(image, { flags: [...small, '--restart', 'on-failure:1'], command: glutton });
    await eventually('it was restarted', async () => (await logsOf(other)).stdout === 'ready\nready\n', 60_000);
    await eventually('it is over', async () => (await other.inspect('{{.State.Status}}')) === 'exited', 30_000);
    expect(await other.inspect('{{.State.ExitCode}}')).toBe('137');
  });
});
