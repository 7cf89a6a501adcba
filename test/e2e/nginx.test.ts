import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { eventually } from '../fixtures/eventually.ts';
import { freePort } from '../fixtures/free-port.ts';
import { installed, isRoot } from '../fixtures/host.ts';
import { fetchText, startLoad } from '../fixtures/http.ts';
import { createVolume, type Payload, updateVolume } from '../fixtures/kubelet.ts';
import type { Namespace } from '../fixtures/namespace.ts';
import { scratchDirectory } from '../fixtures/scratch.ts';
import { childNamed, childrenOf, configFile, logged, naive, pause, reinit, startContainer, withVolume } from './harness.ts';

const nginx = ['nginx', '-g', 'daemon off;'];
const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'];

interface Site {
  readonly volume: string;
  readonly url: string;
  payload(text: string, directive?: string): Payload;
}

/** All of /etc/nginx is one ConfigMap volume, one of its items nested, as `items: [{key: site, path: conf.d/default.conf}]` makes it. */
async function makeSite(): Promise<Site> {
  const directory = scratchDirectory();
  const port = await freePort();
  const paths = temporary.map((name) => `${name}_temp_path ${directory}/${name};`).join(' ');
  const main = `pid ${directory}/nginx.pid; error_log stderr; events {} http { access_log off; ${paths} include /etc/nginx/conf.d/*.conf; }\n`;
  const site = (text: string, directive: string) =>
    `server { listen 127.0.0.1:${port};\n location / { ${directive} 200 "${text}\\n"; } }\n`;
  const payload = (text: string, directive = 'return') => ({ 'nginx.conf': main, 'conf.d/default.conf': site(text, directive) });
  const volume = join(directory, 'volume');
  await createVolume(volume, payload('one'));
  return { volume, url: `http://127.0.0.1:${port}/`, payload };
}

const config = {
  command: nginx,
  stop_signal: 'QUIT',
  watch: [
    { paths: ['/etc/nginx'], settle: '50ms', validate: ['nginx', '-t'], confirm: '250ms', on_change: 'reload', reload_signal: 'HUP' },
  ],
};

async function start(site: Site, command: readonly string[] = [reinit, '-c', configFile(config)]): Promise<Namespace> {
  const container = await startContainer(withVolume(site.volume, '/etc/nginx', command));
  await serves(site, 'one');
  return container;
}

const serves = (site: Site, text: string, timeoutMs?: number) =>
  eventually(`nginx serves ${text}`, async () => (await fetchText(site.url)) === text, timeoutMs);

const masterOf = (container: Namespace) => eventually('the master', () => childNamed(container, 'nginx'));
const workersOf = async (container: Namespace) => childrenOf(await masterOf(container)).sort();

describe.skipIf(!isRoot || !installed('nginx'))('nginx', () => {
  it('takes over change after change, under the same pid', async () => {
    const site = await makeSite();
    const container = await start(site);
    const master = await masterOf(container);
    for (const text of ['two', 'three', 'four']) {
      await updateVolume(site.volume, site.payload(text));
      await serves(site, text);
    }
    expect(await masterOf(container)).toBe(master);
    container.signal('SIGTERM');
    expect(await container.exited).toBe(0);
  });

  it('control: a watch on the file goes deaf with the first change', async () => {
    const site = await makeSite();
    await start(site, naive(['--watch', '/etc/nginx/conf.d/default.conf', '--signal', 'SIGHUP'], nginx));
    for (const text of ['two', 'three']) {
      await updateVolume(site.volume, site.payload(text));
      await pause(1000);
    }
    expect(await fetchText(site.url)).not.toBe('three');
  });

  it('is not signalled for a broken change, whose fault is told in its own words', async () => {
    const site = await makeSite();
    const container = await start(site);
    const workers = await workersOf(container);
    await updateVolume(site.volume, site.payload('broken', 'retrun'));
    const lines = await logged(container, /unknown directive/);
    expect(lines.join()).toMatch(/unknown directive .*retrun.*default\.conf:2/);
    expect(await workersOf(container)).toEqual(workers);
    expect(await fetchText(site.url)).toBe('one');
    await updateVolume(site.volume, site.payload('two'));
    await serves(site, 'two');
  });

  it('is not signalled for a swap that changes no byte', async () => {
    const site = await makeSite();
    const container = await start(site);
    const workers = await workersOf(container);
    await updateVolume(site.volume, site.payload('one'), { force: true });
    await pause(1000);
    expect(await workersOf(container)).toEqual(workers);
  });

  it('control: a watch on the directory signals for nothing', async () => {
    const site = await makeSite();
    const container = await start(site, naive(['--watch', '/etc/nginx', '--signal', 'SIGHUP'], nginx));
    const workers = await workersOf(container);
    await updateVolume(site.volume, site.payload('one'), { force: true });
    await eventually('other workers', async () => (await workersOf(container)).join() !== workers.join());
  });

  it('answers every request through 50 reloads', async () => {
    const site = await makeSite();
    await start(site);
    const load = startLoad(site.url);
    for (let round = 1; round <= 50; round++) {
      await updateVolume(site.volume, site.payload(`round ${round}`));
      await serves(site, `round ${round}`);
    }
    const { requests, failures } = await load.stop();
    expect(requests).toBeGreaterThan(1000);
    expect(failures).toEqual([]);
  });

  it('control: the same load sees a naive restart', async () => {
    const site = await makeSite();
    await start(site, naive(['--watch', '/etc/nginx', '--restart'], nginx));
    const load = startLoad(site.url);
    await updateVolume(site.volume, site.payload('two'));
    await pause(1000);
    const { failures } = await load.stop();
    expect(failures.length).toBeGreaterThan(0);
  });
});
