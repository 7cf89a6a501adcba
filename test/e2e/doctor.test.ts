/** `reinit doctor` as the built program: beside a reinit that runs, as `docker exec` enters it, and where none does. */
import { execFile } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { type Examined, examined } from '../fixtures/doctoring.ts';
import { eventually } from '../fixtures/eventually.ts';
import { installed, isRoot } from '../fixtures/host.ts';
import type { Namespace } from '../fixtures/namespace.ts';
import { scratchDirectory } from '../fixtures/scratch.ts';
import { childNamed, configFile, reinit, startContainer } from './harness.ts';

/** Runs it to its end, whatever its exit code. */
function run(command: readonly string[], env: NodeJS.ProcessEnv = process.env): Promise<Examined> {
  const [file = '', ...args] = command;
  return new Promise((resolve, reject) => {
    execFile(file, args, { env }, (error, stdout, stderr) => {
      try {
        resolve(examined(typeof error?.code === 'number' ? error.code : 0, stdout === '' ? stderr : stdout));
      } catch (problem) {
        reject(problem);
      }
    });
  });
}

/** As an engine's exec does: into the namespaces of the container, with no parent there. */
const examineIn = (container: Namespace, flags: readonly string[] = [], env = process.env): Promise<Examined> =>
  run(['nsenter', '-t', `${container.pid}`, '-m', '-p', '--', reinit, 'doctor', '--json', ...flags], env);

const examine = (argv: readonly string[], env?: NodeJS.ProcessEnv) => run([reinit, 'doctor', '--json', ...argv], env);

describe.skipIf(!isRoot || !installed('nginx'))('nginx', () => {
  it('what runs is looked at: its flags, its files, the signals that it takes, and one that it does not', async () => {
    const directory = scratchDirectory();
    const conf = join(directory, 'nginx.conf');
    writeFileSync(conf, `pid ${directory}/nginx.pid;\nerror_log stderr;\nevents {}\nhttp { access_log off; }\n`);
    const nginx = ['nginx', '-c', conf, '-g', 'daemon off;'];
    const flags = ['--watch', conf, '--validate', `nginx -t -c ${conf}`, '--reload-signal', 'HUP', '--stop-signal', 'QUIT'];
    const container = await startContainer([reinit, ...flags, '--', ...nginx]);
    await eventually('nginx runs', () => childNamed(container, 'nginx'));
    const found = await eventually('its handlers', async () => {
      const examined = await examineIn(container);
      return examined.get('signals.reload')?.level === 'ok' && examined;
    });
    expect(found.get('signals.stop')?.title).toMatch(/^nginx \(process \d+\) takes QUIT/);
    expect(found.get('pid1.first')?.title).toBe('reinit is PID 1');
    expect(found.get('validate.accepted', conf)?.level).toBe('ok');
    expect(found.code, found.brief().join('\n')).toBe(0);
    const other = await examineIn(container, ['--watch', conf, '--reload-signal', 'RTMIN+3', '--', ...nginx]);
    expect([other.code, other.get('signals.reload')?.title]).toEqual([1, expect.stringMatching(/^nginx .* has no handler for RTMIN\+3/)]);
  });
});

describe.skipIf(!isRoot)('a container', () => {
  it('a script that ignores the signal, with the program below it', async () => {
    const config = configFile({
      command: ['sh', '-c', 'trap "" HUP; echo ready; sleep 600; :'],
      watch: [{ paths: ['/etc/hostname'], reload_signal: 'HUP' }],
    });
    const container = await startContainer([reinit, '-c', config]);
    await eventually('the script', () => container.stdout().includes('ready'));
    const found = await eventually('both are seen', async () => {
      const examined = await examineIn(container);
      return examined.get('signals.shell') && examined;
    });
    expect(found.get('signals.reload')).toMatchObject({ level: 'error', title: expect.stringMatching(/^sh .* ignores HUP/) });
    expect(found.get('signals.shell')?.remedy).toContain('exec');
  });

  it('a shell around reinit; no reinit at all', async () => {
    const config = configFile({ command: ['sleep', '600'] });
    const wrapped = await startContainer(['sh', '-c', '"$@"; exit', 'sh', reinit, '-c', config]);
    await eventually('the application', async () => (await examineIn(wrapped)).get('pid1.shell'));
    const replaced = await startContainer(['sleep', '600']);
    const found = await examineIn(replaced, ['-c', config], { ...process.env, KUBERNETES_SERVICE_HOST: '10.0.0.1' });
    expect(found.get('pid1.replaced')).toMatchObject({ level: 'warn', remedy: expect.stringContaining('args:') });
  });
});

describe('before a start', () => {
  it('validators get the container’s environment, and Node does not', async () => {
    const config = configFile({
      command: ['true'],
      watch: [
        { paths: ['/etc/hostname'], validate: ['sh', '-c', 'echo "$NODE_OPTIONS, $PLANTED_TOKEN, $(ls /proc/self/fd | wc -l)"; exit 1'] },
      ],
    });
    const env = { ...process.env, NODE_OPTIONS: '--no-such-option', LD_PRELOAD: '', PLANTED_TOKEN: 'planted-token', NO_COLOR: '1' };
    const found = await examine(['-c', config], env);
    // 0, 1 and 2, and the directory that ls looks at.
    expect(found.get('validate.refused')?.detail).toBe('--no-such-option, ***, 4');
    expect(found.text).not.toContain('planted');
  });

  it('settings in variables count', async () => {
    // A flag, too: without any, a reinit of somebody else on this machine could be meant.
    const found = await examine(['--reload-signal', 'HUP', '--', 'true'], { ...process.env, REINIT_WATCH: '/no/such/place' });
    expect(found.get('watch.missing')?.title).toContain('/no/such/place');
  });
});
