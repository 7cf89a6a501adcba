import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { eventually } from '../fixtures/eventually.ts';
import { freePort } from '../fixtures/free-port.ts';
import { installed, isRoot } from '../fixtures/host.ts';
import { fetchText } from '../fixtures/http.ts';
import { createVolume, type Payload, updateVolume } from '../fixtures/kubelet.ts';
import { scratchDirectory } from '../fixtures/scratch.ts';
import { haproxyPayload } from './haproxy-site.ts';
import { childNamed, configFile, logged, naive, pause, reinit, startContainer } from './harness.ts';

interface Site {
  readonly volume: string;
  readonly url: string;
  readonly command: readonly string[];
  readonly config: object;
  payload(text: string, directive?: string): Payload;
}

async function makeSite(): Promise<Site> {
  const volume = join(scratchDirectory(), 'volume');
  const port = await freePort();
  const file = join(volume, 'haproxy.cfg');
  const payload = (text: string, directive?: string) => haproxyPayload(port, text, directive);
  await createVolume(volume, payload('one'));
  const command = ['haproxy', '-W', '-db', '-f', file];
  const watch = {
    paths: [volume],
    settle: '50ms',
    reload_after_start: '500ms',
    validate: ['haproxy', '-c', '-f', file],
    on_change: 'reload',
    reload_signal: 'USR2',
    confirm: '1s',
  };
  return { volume, url: `http://127.0.0.1:${port}/`, command, config: { command, stop_signal: 'USR1', watch: [watch] }, payload };
}

const serves = (site: Site, text: string) => eventually(`haproxy serves ${text}`, async () => (await fetchText(site.url)) === text);

describe.skipIf(!isRoot || !installed('haproxy'))('haproxy in master-worker mode', () => {
  it('takes over changes, under the same pid, and refuses a broken one', async () => {
    const site = await makeSite();
    const container = await startContainer([reinit, '-c', configFile(site.config)]);
    await serves(site, 'one');
    const master = childNamed(container, 'haproxy');
    await updateVolume(site.volume, site.payload('two'));
    await serves(site, 'two');
    await updateVolume(site.volume, site.payload('broken', 'htp-request'));
    expect((await logged(container, /unknown keyword/)).join()).toContain('htp-request');
    expect(await fetchText(site.url)).toBe('two');
    await updateVolume(site.volume, site.payload('three'));
    await serves(site, 'three');
    expect(childNamed(container, 'haproxy')).toBe(master);
    container.signal('SIGTERM');
    expect(await container.exited).toBe(0);
  });

  it('gets the last of several changes in a row', async () => {
    const site = await makeSite();
    await startContainer([reinit, '-c', configFile(site.config)]);
    await serves(site, 'one');
    for (let round = 1; round <= 5; round++) {
      await updateVolume(site.volume, site.payload(`round ${round}`));
      await pause(70); // a little more than settle: one reload would be under way
    }
    await serves(site, 'round 5');
  });

  it('control: a naive watch signals while it reloads, and the last change is lost', async () => {
    const lost = async () => {
      const site = await makeSite();
      await startContainer(naive(['--watch', site.volume, '--signal', 'SIGUSR2'], site.command));
      await serves(site, 'one');
      await pause(500);
      await updateVolume(site.volume, site.payload('two'));
      await pause(20);
      await updateVolume(site.volume, site.payload('three'));
      await pause(2000);
      return (await fetchText(site.url).catch(() => 'nothing')) !== 'three';
    };
    // A race: it is lost most of the time.
    await eventually('a lost change', lost, 60_000);
  });
});
