import { randomBytes } from 'node:crypto';
import { chmodSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { eventually } from '../../fixtures/eventually.ts';
import { installed, isRoot } from '../../fixtures/host.ts';
import { createVolume, type Payload, updateVolume } from '../../fixtures/kubelet.ts';
import type { Namespace } from '../../fixtures/namespace.ts';
import { scratchDirectory } from '../../fixtures/scratch.ts';
import { childNamed, logged } from '../harness.ts';
import { ask, startMachine } from '../machine.ts';

const passwords = (user: string): Payload => ({ auth: `${user}:pass\n` });

/** Logs in, as the text protocol does it, and gives all answers. A server that does not let one in may hold the connection, or cut it off. */
function talk(container: Namespace, user: string, ...lines: readonly string[]): Promise<string> {
  const words = `${user} pass`;
  const all = [`set login 0 0 ${words.length}`, words, ...lines, 'quit', ''].join('\\r\\n');
  return ask(container, ['bash', '-c', `exec 3<>/dev/tcp/127.0.0.1/11211; printf '${all}' >&3; timeout 1 cat <&3 || true`]);
}
const letsIn = (container: Namespace, user: string) =>
  eventually(`${user} may log in`, async () => (await talk(container, user)).startsWith('STORED'));

async function start(more: object, options: readonly string[] = [], before: readonly string[] = []) {
  const directory = scratchDirectory();
  chmodSync(directory, 0o755);
  const volume = join(directory, 'volume');
  await createVolume(volume, passwords('one'));
  const command = [...before, 'memcached', '-l', '127.0.0.1', '-Y', '/etc/memcached/auth', ...options];
  const container = await startMachine({ preset: 'memcached', user: 'memcache', command, ...more }, { '/etc/memcached': volume });
  await logged(container, /is ready/);
  await letsIn(container, 'one');
  return { volume, container };
}

describe.skipIf(!isRoot || !installed('memcached'))('preset: memcached', () => {
  it('is restarted for new passwords, and with -e has its items still', async () => {
    const memory = `/dev/shm/reinit-e2e-${randomBytes(4).toString('hex')}`;
    onTestFinished(() => {
      for (const suffix of ['', '.meta']) rmSync(`${memory}${suffix}`, { force: true });
    });
    const { volume, container } = await start({}, ['-e', memory, '-m', '64'], ['sh', '-c', 'sleep 1; exec "$@"', 'sh']);
    expect(await talk(container, 'one', 'set key 0 0 5', 'value')).toMatch(/STORED\s+STORED/);
    const before = childNamed(container, 'memcached');
    await updateVolume(volume, passwords('two'));
    await letsIn(container, 'two');
    expect(await talk(container, 'one')).toMatch(/authentication failure|unauthenticated/);
    expect(await talk(container, 'two', 'get key')).toContain('value');
    expect(childNamed(container, 'memcached')).not.toBe(before);
    await logged(container, /applied: restarted/);
    container.signal('SIGTERM');
    expect(await container.exited).toBe(0);
  });

  it('reads its passwords again at HUP: a rule for them alone need not restart it', async () => {
    const { volume, container } = await start({ watch: [{ on_change: 'reload', confirm: '1s' }] });
    const before = childNamed(container, 'memcached');
    await updateVolume(volume, passwords('two'));
    await letsIn(container, 'two');
    await logged(container, /applied: reloaded/);
    expect(childNamed(container, 'memcached')).toBe(before);
  });
});
