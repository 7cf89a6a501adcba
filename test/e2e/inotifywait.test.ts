/** What docs/how-to/replace-inotifywait.md says of such a script, shown with the script that stands there. */
import { chmodSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { root } from '../../scripts/building/paths.ts';
import { eventually } from '../fixtures/eventually.ts';
import { installed, isRoot } from '../fixtures/host.ts';
import { fetchText } from '../fixtures/http.ts';
import { type KubeletStep, updateVolume } from '../fixtures/kubelet.ts';
import type { Namespace } from '../fixtures/namespace.ts';
import { childNamed, childrenOf, logged, pause, startContainer, withVolume } from './harness.ts';
import { nginxSite, type Site } from './sites.ts';

const page = readFileSync(join(root, 'docs/how-to/replace-inotifywait.md'), 'utf8');
const script = /^```sh\n([\s\S]*?)^```$/m.exec(page)?.[1] ?? '';

/** nginx as the script finds it: a reload of it is told, and takes so long that what comes in the meantime is no accident. */
function slowReloads(site: Site): string {
  const wrapper = join(site.directory, 'nginx');
  writeFileSync(wrapper, '#!/bin/sh\n/usr/sbin/nginx "$@" || exit\n[ "$1" != -s ] || { echo reloaded >&2; sleep 1; }\n');
  chmodSync(wrapper, 0o755);
  return `${site.directory}:${process.env.PATH}`;
}

async function start(site: Site): Promise<Namespace> {
  const command = withVolume(site.volume, '/etc/nginx', ['sh', '-c', script]);
  const container = await startContainer(command, { env: { ...process.env, PATH: slowReloads(site) } });
  await serves(site, 'one');
  await eventually('it watches', () => childNamed(container, 'inotifywait'));
  await logged(container, /Watches established/);
  return container;
}

const serves = (site: Site, text: string) => eventually(`nginx serves ${text}`, async () => (await fetchText(site.url)) === text);
const serverOf = (container: Namespace) => eventually('the server', () => childNamed(container, 'nginx'));
const isUp = async (container: Namespace): Promise<boolean> => (await Promise.race([container.exited, pause(1000)])) === undefined;

describe.skipIf(!isRoot || !installed('nginx') || !installed('inotifywait'))('a script with inotifywait', () => {
  it('as PID 1 takes no notice of TERM', async () => {
    const container = await start(await nginxSite());
    container.signal('SIGTERM');
    expect(await isUp(container)).toBe(true);
  });

  it('stays up with nothing in it when the server has died', async () => {
    const container = await start(await nginxSite());
    const master = await serverOf(container);
    for (const pid of [master, ...childrenOf(master)]) process.kill(pid, 'SIGKILL');
    await eventually('no server', () => childNamed(container, 'nginx') === undefined);
    expect(await isUp(container)).toBe(true);
  });

  it('does not see a change that comes while it is at work', async () => {
    const site = await nginxSite();
    const container = await start(site);
    await updateVolume(site.volume, site.payload('two'));
    await logged(container, /^reloaded/);
    await updateVolume(site.volume, site.payload('three'));
    await logged(container, /Watches established/, 2);
    await pause(1000);
    expect(await fetchText(site.url)).not.toBe('three');
  });

  it('does not see what is written below the directory', async () => {
    const site = await nginxSite();
    const container = await start(site);
    writeFileSync(join(site.volume, 'conf.d/site.conf'), site.payload('two')['conf.d/site.conf'] ?? '');
    await pause(1000);
    expect(container.stderr()).not.toContain('reloaded');
    expect(await fetchText(site.url)).toBe('one');
  });

  it('reloads before kubelet has written the first file', async () => {
    const site = await nginxSite();
    const container = await start(site);
    const reloaded = async (step: KubeletStep) => void (step === 'directory' && (await logged(container, /^reloaded/)));
    await updateVolume(site.volume, site.payload('two'), { onStep: reloaded });
  });

  it('reloads for a swap to the same bytes', async () => {
    const site = await nginxSite();
    const container = await start(site);
    await updateVolume(site.volume, site.payload('one'), { force: true });
    await logged(container, /^reloaded/);
  });
});
