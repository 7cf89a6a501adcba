import { chmodSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { eventually } from '../../fixtures/eventually.ts';
import { fetchFastCgi } from '../../fixtures/fastcgi.ts';
import { installed, isRoot } from '../../fixtures/host.ts';
import { createVolume, type Payload, updateVolume } from '../../fixtures/kubelet.ts';
import { scratchDirectory } from '../../fixtures/scratch.ts';
import { childNamed, logged } from '../harness.ts';
import { startMachine } from '../machine.ts';

const program = 'php-fpm8.2';

function makePool() {
  const directory = scratchDirectory();
  chmodSync(directory, 0o755);
  const socket = join(directory, 'php.sock');
  const payload = (answer: string, more = ''): Payload => ({
    'php-fpm.conf': `[global]
error_log = /proc/self/fd/2
[www]
user = www-data
listen = ${socket}
pm = ondemand
pm.max_children = 2
ping.path = /ping
ping.response = ${answer}
${more}
`,
  });
  const answers = (text: string) => eventually(`php-fpm answers ${text}`, async () => (await fetchFastCgi(socket, '/ping')) === text);
  return { directory, volume: join(directory, 'volume'), payload, answers };
}

async function start(watch: object = {}) {
  const pool = makePool();
  await createVolume(pool.volume, pool.payload('one'));
  const rule = { paths: ['/etc/php/8.2/fpm'], validate: [program, '-t'], ...watch };
  const config = { preset: 'php-fpm', command: [program, '-F'], ready: 'notify', watch: [rule] };
  const container = await startMachine(config, { '/etc/php/8.2/fpm': pool.volume });
  await logged(container, /is ready/);
  await pool.answers('one');
  return { ...pool, container };
}

describe.skipIf(!isRoot || !installed(program))('preset: php-fpm', () => {
  it("says itself that it is ready, reloads under the same pid, and refuses a broken file with php-fpm's words", async () => {
    const { volume, payload, answers, container } = await start();
    const master = childNamed(container, program);
    await updateVolume(volume, payload('two'));
    await answers('two');
    await logged(container, /applied: reloaded/);
    await updateVolume(volume, payload('broken', 'pm.max_childrn = 3'));
    expect((await logged(container, /refused: php-fpm8.2 says no/)).join()).toContain("unknown entry 'pm.max_childrn'");
    await answers('two');
    expect(childNamed(container, program)).toBe(master);
    container.signal('SIGTERM');
    expect(await container.exited).toBe(0);
  });

  it('confirmed by notify, it need not be waited for', async () => {
    const { volume, payload, container } = await start({ confirm_by: 'notify', confirm: '10s' });
    await updateVolume(volume, payload('two'));
    const [line = ''] = await logged(container, /applied: reloaded/);
    expect(Number(/"ms":(\d+)/.exec(line)?.[1])).toBeLessThan(3000);
  });
});

describe.skipIf(!isRoot || !installed(program))('trap 7: a signal with a configuration that cannot run ends php-fpm', () => {
  it('is started again, and with publish on the last good configuration', async () => {
    const pool = makePool();
    await createVolume(pool.volume, pool.payload('one'));
    const to = join(pool.directory, 'published');
    const rule = {
      paths: [pool.volume],
      publish: to,
      validate: [program, '-t', '-y', '{{snapshot}}/php-fpm.conf'],
      good_after: '1s',
      settle: '50ms',
    };
    const config = { preset: 'php-fpm', command: [program, '-F', '-y', join(to, 'php-fpm.conf')], ready: 'notify', watch: [rule] };
    const container = await startMachine(config);
    await pool.answers('one');
    await logged(container, /is ready/);
    // php-fpm -t cannot know that somebody listens there.
    const taken = join(pool.directory, 'taken.sock');
    const other = createServer().listen(taken);
    onTestFinished(() => void other.close());
    await updateVolume(
      pool.volume,
      pool.payload('two', `[second]\nuser = www-data\nlisten = ${taken}\npm = ondemand\npm.max_children = 2`),
    );
    expect((await logged(container, /goes back from/)).join()).toContain('did not stay up');
    await logged(container, /again, after the failed change/);
    await pool.answers('one');
    await updateVolume(pool.volume, pool.payload('three'));
    await pool.answers('three');
  });
});
