import { chmodSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { eventually } from '../../fixtures/eventually.ts';
import { installed, isRoot } from '../../fixtures/host.ts';
import { createVolume, type Payload, updateVolume } from '../../fixtures/kubelet.ts';
import type { Namespace } from '../../fixtures/namespace.ts';
import { scratchDirectory } from '../../fixtures/scratch.ts';
import { logged, pause } from '../harness.ts';
import { ask, startMachine } from '../machine.ts';

const cli = (container: Namespace, ...words: readonly string[]) => ask(container, ['redis-cli', ...words]);

async function makeStore() {
  const directory = scratchDirectory();
  chmodSync(directory, 0o777);
  const volume = join(directory, 'volume');
  const payload = (line: string): Payload => ({ 'redis.conf': `bind 127.0.0.1\ndir ${directory}\nsave 3600 1\n${line}\n` });
  await createVolume(volume, payload('maxclients 101'));
  return { directory, volume, payload };
}
const takes = (container: Namespace, clients: number) =>
  eventually(`maxclients ${clients}`, async () => (await cli(container, 'CONFIG', 'GET', 'maxclients')).endsWith(`\n${clients}`));

describe.skipIf(!isRoot || !installed('redis-server', 'redis-cli'))('preset: redis', () => {
  it('is restarted for a change, keeps its keys, and stops gracefully', async () => {
    const { volume, payload } = await makeStore();
    const config = { preset: 'redis', user: 'nobody', command: ['redis-server', '/usr/local/etc/redis/redis.conf'] };
    const container = await startMachine(config, { '/usr/local/etc/redis': volume });
    await logged(container, /redis-server is ready/);
    expect(await cli(container, 'SET', 'key', 'value')).toBe('OK');
    await updateVolume(volume, payload('maxclients 102'));
    await takes(container, 102);
    expect(await cli(container, 'GET', 'key')).toBe('value');
    await logged(container, /applied: restarted/);
    container.signal('SIGTERM');
    expect(await container.exited).toBe(0);
    expect(container.stdout()).toContain('DB saved on disk');
  });

  it('has no check of its own: with publish a broken file costs one restart, and the last good one is back', async () => {
    const { directory, volume, payload } = await makeStore();
    const to = join(directory, 'published');
    const watch = [{ paths: [volume], publish: to, settle: '50ms', good_after: '1s' }];
    const config = { preset: 'redis', user: 'nobody', command: ['redis-server', join(to, 'redis.conf')], watch };
    const container = await startMachine(config);
    await logged(container, /redis-server is ready/);
    expect(await cli(container, 'SET', 'key', 'value')).toBe('OK');
    await updateVolume(volume, payload('maxclints 103'));
    await logged(container, /goes back from/);
    await logged(container, /again, after the failed change/);
    await takes(container, 101);
    expect(await cli(container, 'GET', 'key')).toBe('value');
    expect(container.stdout() + container.stderr()).toContain("'maxclints 103'");
    await logged(container, /is ready/, 2);
    await pause(1000); // it is not tried again, however long the good one runs
    expect(await logged(container, /goes back from/)).toHaveLength(1);
    await updateVolume(volume, payload('maxclients 104'));
    await takes(container, 104);
  });
});
