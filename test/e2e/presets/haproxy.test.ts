import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { installed, isRoot } from '../../fixtures/host.ts';
import { createVolume, updateVolume } from '../../fixtures/kubelet.ts';
import { scratchDirectory } from '../../fixtures/scratch.ts';
import { haproxyPayload } from '../haproxy-site.ts';
import { childNamed, logged } from '../harness.ts';
import { get, serves, startMachine } from '../machine.ts';

const payload = (text: string, directive?: string) => haproxyPayload(8080, text, directive);
const url = 'http://127.0.0.1:8080/';
const config = {
  preset: 'haproxy',
  command: ['haproxy', '-Ws', '-f', '/usr/local/etc/haproxy/haproxy.cfg'],
  ready: 'notify',
};

async function start(more: object = {}) {
  const volume = join(scratchDirectory(), 'volume');
  await createVolume(volume, payload('one'));
  const container = await startMachine({ ...config, ...more }, { '/usr/local/etc/haproxy': volume });
  await logged(container, /haproxy is ready/);
  await serves(container, url, 'one');
  return { volume, container };
}

describe.skipIf(!isRoot || !installed('haproxy'))('preset: haproxy', () => {
  it('is told to be ready by haproxy itself, reloads under the same pid, and refuses a broken file with its words', async () => {
    const { volume, container } = await start();
    const master = childNamed(container, 'haproxy');
    await updateVolume(volume, payload('two'));
    await serves(container, url, 'two');
    await logged(container, /applied: reloaded/);
    await updateVolume(volume, payload('broken', 'htp-request'));
    expect((await logged(container, /refused: haproxy says no/)).join()).toContain("unknown keyword 'htp-request'");
    expect(await get(container, url)).toBe('two');
    expect(childNamed(container, 'haproxy')).toBe(master);
    container.signal('SIGTERM');
    expect(await container.exited).toBe(0);
  });

  it('sees by its workers that a reload failed which its check cannot foresee: a port that is taken', async () => {
    const { volume, container } = await start({ watch: [{ confirm: '4s', reload_retries: 0 }] });
    const taken = payload('two')['haproxy.cfg']?.toString().replace('127.0.0.1:8080', '127.0.0.2:8080,192.0.2.1:8080');
    await updateVolume(volume, { 'haproxy.cfg': taken ?? '' });
    expect((await logged(container, /was not confirmed/)).join()).toContain('confirm_by');
    expect(await get(container, url)).toBe('one');
  });

  it('confirmed by notify: RELOADING=1 twice and READY=1 are one reload', async () => {
    const { volume, container } = await start({ watch: [{ confirm_by: 'notify' }] });
    for (const text of ['two', 'three']) {
      await updateVolume(volume, payload(text));
      await serves(container, url, text);
    }
    expect(await logged(container, /applied: reloaded/, 2)).toHaveLength(2);
    expect(container.stderr()).not.toMatch(/not confirmed/);
  });

  it('with publish, what has no new workers is taken back, and haproxy leaves its wait mode with the last good one', async () => {
    const directory = scratchDirectory();
    const [volume, to] = [join(directory, 'volume'), join(directory, 'published')];
    await createVolume(volume, payload('one'));
    const validate = ['haproxy', '-c', '-f', '{{snapshot}}/haproxy.cfg'];
    const rule = { paths: [volume], publish: to, validate, confirm: '4s', reload_retries: 0, good_after: '500ms' };
    const command = ['haproxy', '-Ws', '-f', join(to, 'haproxy.cfg')];
    const container = await startMachine({ ...config, command, watch: [rule] });
    await serves(container, url, 'one');
    await updateVolume(volume, payload('two'));
    await serves(container, url, 'two');
    await logged(container, /applied: reloaded/);
    const master = childNamed(container, 'haproxy');
    const taken = payload('three')['haproxy.cfg']?.toString().replace('127.0.0.1:8080', '127.0.0.1:8080,192.0.2.1:8080');
    await updateVolume(volume, { 'haproxy.cfg': taken ?? '' });
    await logged(container, /goes back from .* has not confirmed the new one/);
    await logged(container, /is back on/);
    expect(await get(container, url)).toBe('two');
    await updateVolume(volume, payload('four'));
    await serves(container, url, 'four');
    expect(childNamed(container, 'haproxy')).toBe(master);
  });
});
