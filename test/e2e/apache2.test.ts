import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { eventually } from '../fixtures/eventually.ts';
import { freePort } from '../fixtures/free-port.ts';
import { installed, isRoot } from '../fixtures/host.ts';
import { fetchText } from '../fixtures/http.ts';
import { createVolume, type Payload, updateVolume } from '../fixtures/kubelet.ts';
import type { Namespace } from '../fixtures/namespace.ts';
import { scratchDirectory } from '../fixtures/scratch.ts';
import { childNamed, configFile, logged, naive, reinit, startContainer } from './harness.ts';
import { startTerminal } from './terminal.ts';

interface Site {
  readonly volume: string;
  readonly url: string;
  readonly command: readonly string[];
  readonly config: object;
  payload(text: string, directive?: string): Payload;
}

const modules = ['mpm_event', 'authz_core', 'rewrite'];

async function makeSite(): Promise<Site> {
  const directory = scratchDirectory();
  const port = await freePort();
  const volume = join(directory, 'volume');
  const loads = modules.map((name) => `LoadModule ${name}_module /usr/lib/apache2/modules/mod_${name}.so`).join('\n');
  const main = `ServerRoot ${directory}\nServerName localhost\nPidFile ${directory}/apache2.pid\nListen 127.0.0.1:${port}\nErrorLog /dev/stderr\nUser www-data\nGroup www-data\n${loads}\n`;
  const payload = (text: string, directive = 'ErrorDocument') => ({
    'apache2.conf': `${main}DocumentRoot ${directory}\nRewriteEngine on\nRewriteRule ^ - [R=404]\n${directive} 404 "${text}\n`,
  });
  await createVolume(volume, payload('one'));
  const command = ['apache2', '-f', join(volume, 'apache2.conf'), '-D', 'FOREGROUND'];
  const config = {
    command,
    stop_signal: 'WINCH',
    watch: [
      {
        paths: [volume],
        settle: '50ms',
        reload_after_start: '500ms',
        validate: ['apache2', '-f', join(volume, 'apache2.conf'), '-t'],
        on_change: 'reload',
        reload_signal: 'USR1',
      },
    ],
  };
  return { volume, url: `http://127.0.0.1:${port}/`, command, config, payload };
}

const serves = (site: Site, text: string) => eventually(`apache2 serves ${text}`, async () => (await answer(site)) === text);

/** Its answer is an error document: the text is configuration, and no file is needed. */
const answer = (site: Site) => fetchText(site.url, 404);

async function start(site: Site): Promise<Namespace> {
  const container = await startContainer([reinit, '-c', configFile(site.config)]);
  await serves(site, 'one');
  return container;
}

describe.skipIf(!isRoot || !installed('apache2'))('apache2', () => {
  it('takes over changes, under the same pid, and refuses a broken one', async () => {
    const site = await makeSite();
    const container = await start(site);
    const main = childNamed(container, 'apache2');
    await updateVolume(site.volume, site.payload('two'));
    await serves(site, 'two');
    await updateVolume(site.volume, site.payload('broken', 'ErorDocument'));
    expect((await logged(container, /Invalid command/)).join()).toContain('ErorDocument');
    expect(await answer(site)).toBe('two');
    await updateVolume(site.volume, site.payload('three'));
    await serves(site, 'three');
    expect(childNamed(container, 'apache2')).toBe(main);
    container.signal('SIGTERM');
    expect(await container.exited).toBe(0);
  });

  it('control: a naive watch signals it to death with the broken change', async () => {
    const site = await makeSite();
    const container = await startContainer(naive(['--watch', site.volume, '--signal', 'SIGUSR1'], site.command));
    await serves(site, 'one');
    await updateVolume(site.volume, site.payload('broken', 'ErorDocument'));
    expect(await container.exited).not.toBe(0);
  });

  it('stops gracefully on WINCH from outside, which is what docker stop sends to the official image', async () => {
    const container = await start(await makeSite());
    container.signal('SIGWINCH');
    expect(await container.exited).toBe(0);
  });

  it("does not stop when its terminal's size changes", async () => {
    const site = await makeSite();
    const terminal = await startTerminal([reinit, '-c', configFile(site.config)]);
    await serves(site, 'one');
    terminal.resize(100, 40);
    await updateVolume(site.volume, site.payload('two'));
    await serves(site, 'two');
    terminal.resize(101, 41);
    await updateVolume(site.volume, site.payload('three'));
    await serves(site, 'three');
    terminal.type('\u0003'); // Ctrl-C
    expect(await terminal.exited).toBe(0);
  });

  it.skipIf(!installed('tini'))('control: under tini it does', async () => {
    const site = await makeSite();
    const terminal = await startTerminal(['tini', '--', ...site.command]);
    await serves(site, 'one');
    terminal.resize(100, 40);
    expect(await terminal.exited).toBe(0);
  });
});
