import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import { eventually } from '../fixtures/eventually.ts';
import { installed, isRoot } from '../fixtures/host.ts';
import { updateVolume } from '../fixtures/kubelet.ts';
import { pause } from './harness.ts';
import { answer, lines, nginxSite, publishing, type Site, said, serves, startSite, workersOf } from './sites.ts';

/** A client that never finishes its request: the worker that has it does not end before. Returns its end. */
async function slowClient({ port }: Site): Promise<() => void> {
  const socket = connect(port, '127.0.0.1').on('error', () => {});
  onTestFinished(() => void socket.destroy());
  await once(socket, 'connect');
  socket.write('GET / HTTP/1.1\r\nHost: localhost\r\n');
  await pause(100); // the worker has to read it: a silent connection is closed in a reload
  return () => void socket.destroy();
}

const titleOf = (pid = 0): string => readFileSync(`/proc/${pid}/cmdline`, 'utf8');

describe.skipIf(!isRoot || !installed('nginx'))('max_draining', () => {
  it('holds reloads while more old workers drain than that, and goes on once they have ended', async () => {
    const site = await nginxSite();
    const container = await startSite(site, publishing(site, { max_draining: 1 }));
    const change = (text: string) => updateVolume(site.volume, site.payload(text));
    const [first] = await workersOf(site, container);
    const ends = [await slowClient(site)];
    await change('two');
    await said(container, 'applied', 2);
    // It takes connections for 100 ms more (ngx_reconfigure).
    await eventually('the first worker takes none any more', () => titleOf(first).includes('is shutting down'));
    ends.push(await slowClient(site));
    await change('three'); // one drains
    await said(container, 'applied', 3);
    await serves(site, 'three');
    await eventually('two old workers and a new one', async () => (await workersOf(site, container)).length === 3);
    await change('four'); // two drain
    const [draining] = await said(container, 'draining');
    expect(draining?.msg).toContain('2 old workers of the application still drain, more than max_draining (1)');
    await change('five');
    await pause(1500);
    expect(await answer(site)).toBe('three');
    expect(lines(container, 'draining')).toHaveLength(1);
    ends[0]?.();
    await serves(site, 'five');
    ends[1]?.();
    await eventually('the old workers have ended', async () => (await workersOf(site, container)).length === 1);
  });
});
