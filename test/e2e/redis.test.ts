import { once } from 'node:events';
import { mkdirSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { eventually } from '../fixtures/eventually.ts';
import { freePort } from '../fixtures/free-port.ts';
import { installed } from '../fixtures/host.ts';
import { createVolume, type Payload, updateVolume } from '../fixtures/kubelet.ts';
import { scratchDirectory } from '../fixtures/scratch.ts';
import { childNamed, configFile, naive, reinit, startContainer } from './harness.ts';

interface Store {
  readonly volume: string;
  readonly port: number;
  readonly command: readonly string[];
  payload(maxmemory: string): Payload;
}

async function makeStore(): Promise<Store> {
  const directory = scratchDirectory();
  const port = await freePort();
  const volume = join(directory, 'volume');
  const payload = (maxmemory: string) => ({
    'redis.conf': `bind 127.0.0.1\nport ${port}\ndir ${directory}\nsave 3600 1\nmaxmemory ${maxmemory}\n`,
  });
  await createVolume(volume, payload('64mb'));
  return { volume, port, command: ['redis-server', join(volume, 'redis.conf')], payload };
}

/** One command of redis's inline protocol, and its answer as it comes. */
async function ask(port: number, command: string): Promise<string> {
  const socket = connect(port, '127.0.0.1');
  socket.end(`${command}\r\n`);
  let answer = '';
  socket.setEncoding('utf8').on('data', (text: string) => {
    answer += text;
  });
  await once(socket, 'close');
  return answer;
}

const maxmemory = async ({ port }: Store) => /\r\n(\d+)\r\n$/.exec(await ask(port, 'CONFIG GET maxmemory'))?.[1];
const ready = (store: Store) => eventually('redis answers', async () => (await ask(store.port, 'PING')) === '+PONG\r\n');

async function fill({ port }: Store): Promise<void> {
  for (let key = 0; key < 100; key++) expect(await ask(port, `SET key:${key} value:${key}`)).toBe('+OK\r\n');
}

describe.skipIf(!installed('redis-server'))('redis, which cannot reload', () => {
  it('is restarted for a change, and loses no data', async () => {
    const store = await makeStore();
    const watch = [{ paths: [store.volume], settle: '50ms', on_change: 'restart' }];
    const container = await startContainer([reinit, '-c', configFile({ command: store.command, watch })]);
    await ready(store);
    await fill(store);
    const before = childNamed(container, 'redis-server');
    await updateVolume(store.volume, store.payload('32mb'));
    await eventually('the new setting', async () => (await maxmemory(store)) === `${32 * 1024 * 1024}`);
    expect(await ask(store.port, 'DBSIZE')).toBe(':100\r\n');
    expect(await ask(store.port, 'GET key:99')).toContain('value:99');
    expect(childNamed(container, 'redis-server')).not.toBe(before);
    container.signal('SIGTERM');
    expect(await container.exited).toBe(0);
  });

  it('control: a restart that does not wait for the old one ends the container', async () => {
    const store = await makeStore();
    const container = await startContainer(naive(['--watch', store.volume, '--restart'], store.command));
    await ready(store);
    // One event. kubelet's change has several: each starts one more and ends the one before, and whether the last finds its port free is a race.
    mkdirSync(join(store.volume, 'new'));
    expect(await container.exited).not.toBe(0);
  });
});
