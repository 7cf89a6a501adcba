import { chmodSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { eventually } from '../fixtures/eventually.ts';
import type { Foreign } from '../fixtures/foreign.ts';
import { installed, isRoot } from '../fixtures/host.ts';
import { updateVolume } from '../fixtures/kubelet.ts';
import type { Namespace } from '../fixtures/namespace.ts';
import { childrenOf, configFile, pause, reinit, startContainer } from './harness.ts';
import { startIn, startPod, startSidecar } from './pod.ts';
import { byWorkers, fast, lines, nginxSite, type Site, said, serves } from './sites.ts';

const match = ['--match', 'nginx: master'];
const aside = 65_534;

const check = (site: Site): string[] => ['nginx', '-t', '-c', join(site.volume, 'nginx.conf')];
const configOf = (site: Site, rule: object = {}): object => ({
  watch: [{ paths: [site.volume], ...fast, validate: check(site), ...byWorkers, ...rule }],
});

/** nginx in its container, once it serves. */
async function startNginx(pod: Namespace, site: Site, text = 'one'): Promise<Foreign> {
  const nginx = await startIn(pod, ['nginx', '-c', join(site.volume, 'nginx.conf'), '-g', 'daemon off;']);
  await serves(site, text);
  return nginx;
}

async function startBoth(site: Site, rule: object = {}) {
  const pod = await startPod();
  await pause(200); // files that are hardly older than the process prove nothing
  const nginx = await startNginx(pod, site);
  const sidecar = await startSidecar(pod, configOf(site, rule), match);
  await said(sidecar, 'attached');
  return { pod, nginx, sidecar };
}

/** A reload makes a new one; old ones may go at any time. */
const newestWorker = ({ pid }: Foreign): number => Math.max(...childrenOf(pid));
const isAlive = ({ pid }: Foreign): boolean => {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
};

describe.skipIf(!isRoot || !installed('nginx'))('attach: nginx in another container', () => {
  it('takes over changes, is not told of a broken one, and outlives the sidecar', async () => {
    const site = await nginxSite();
    const { nginx, sidecar } = await startBoth(site);
    expect(await said(sidecar, 'attached')).toMatchObject([{ pid: nginx.nsPid }]);
    for (const text of ['two', 'three']) {
      await updateVolume(site.volume, site.payload(text));
      await serves(site, text);
    }
    await said(sidecar, 'applied', 2);
    const worker = newestWorker(nginx);
    await updateVolume(site.volume, site.payload('broken', { directive: 'retrun' }));
    const [refused] = await said(sidecar, 'refused');
    expect(refused?.output).toMatch(/unknown directive "retrun"/);
    process.kill(sidecar.pid, 'SIGTERM');
    expect(await sidecar.exited).toBe(0);
    expect(newestWorker(nginx)).toBe(worker);
    await serves(site, 'three');
  });

  it('is not signalled for what it has found at its start, and is for what came between that and the sidecar', async () => {
    const site = await nginxSite();
    const { pod, nginx, sidecar } = await startBoth(site);
    const worker = newestWorker(nginx);
    await pause(1500);
    expect(newestWorker(nginx)).toBe(worker);
    await sidecar.end();
    await updateVolume(site.volume, site.payload('two'));
    const next = await startSidecar(pod, configOf(site), match);
    await said(next, 'applied');
    await serves(site, 'two');
  });

  it('is followed over its restarts: what it finds as it starts needs no signal, what comes later does', async () => {
    const site = await nginxSite();
    const { pod, nginx, sidecar } = await startBoth(site);
    await nginx.end();
    await said(sidecar, 'target_ended');
    await updateVolume(site.volume, site.payload('two'));
    await said(sidecar, 'change_seen');
    const next = await startNginx(pod, site, 'two');
    expect(await said(sidecar, 'attached', 2)).toMatchObject([{ pid: nginx.nsPid }, { pid: next.nsPid }]);
    const worker = newestWorker(next);
    await pause(1500);
    expect(newestWorker(next)).toBe(worker);
    await updateVolume(site.volume, site.payload('three'));
    await serves(site, 'three');
    await said(sidecar, 'applied', 1);
  });

  it('goes while a change is checked: nothing is signalled, and its next start finds the change', async () => {
    const site = await nginxSite();
    const { pod, nginx, sidecar } = await startBoth(site, { validate: ['sh', '-c', `sleep 1; ${check(site).join(' ')}`] });
    await updateVolume(site.volume, site.payload('two'));
    await said(sidecar, 'change_seen');
    await nginx.end();
    const next = await startNginx(pod, site, 'two');
    await said(sidecar, 'attached', 2);
    const worker = newestWorker(next);
    await pause(1500);
    expect(newestWorker(next)).toBe(worker);
    expect(lines(sidecar, 'applied')).toEqual([]);
    expect(lines(sidecar, 'reload_failed')).toEqual([]);
  });

  it('two masters: both are named, none is signalled, until one is left', async () => {
    const [site, other] = [await nginxSite(), await nginxSite()];
    const pod = await startPod();
    const nginx = await startNginx(pod, site);
    const second = await startNginx(pod, other);
    const sidecar = await startSidecar(pod, configOf(site), match);
    const [told] = await said(sidecar, 'target_ambiguous');
    expect(told?.processes).toEqual([`${nginx.nsPid} (nginx)`, `${second.nsPid} (nginx)`]);
    const worker = [nginx, second].map(newestWorker);
    await updateVolume(site.volume, site.payload('two'));
    await said(sidecar, 'change_seen');
    await pause(1500);
    expect([nginx, second].map(newestWorker)).toEqual(worker);
    await second.end();
    expect(await said(sidecar, 'attached')).toMatchObject([{ pid: nginx.nsPid }]);
    await serves(site, 'two');
  });

  it('waits for it, and takes nothing for it that only mentions it', async () => {
    const site = await nginxSite();
    const pod = await startPod();
    const shell = await startIn(pod, ['sh', '-c', 'echo "nginx: master"; sleep 1000; true']);
    const grep = await startIn(pod, ['tail', '-f', '/dev/null', '--pid', '1', '--', 'nginx: master']);
    const sidecar = await startSidecar(pod, configOf(site), match);
    await said(sidecar, 'target_awaited');
    await pause(1500);
    expect(lines(sidecar, 'attached')).toEqual([]);
    expect(lines(sidecar, 'target_awaited')).toHaveLength(1);
    const nginx = await startNginx(pod, site);
    expect(await said(sidecar, 'attached')).toMatchObject([{ pid: nginx.nsPid }]);
    await updateVolume(site.volume, site.payload('two'));
    await serves(site, 'two');
    expect([shell, grep].map(isAlive)).toEqual([true, true]);
  });

  it('is found by its pid file, which is not believed for another process', async () => {
    const site = await nginxSite();
    const pod = await startPod();
    const nginx = await startNginx(pod, site);
    const file = join(site.directory, 'run/nginx.pid');
    const sidecar = await startSidecar(pod, configOf(site), ['--pid-file', file, '--name', 'nginx']);
    expect(await said(sidecar, 'attached')).toMatchObject([{ pid: nginx.nsPid }]);
    const stranger = await startSidecar(pod, configOf(site), ['--pid-file', file, '--name', 'httpd']);
    expect((await said(stranger, 'target_awaited'))[0]?.msg).toMatch(/which .*nginx\.pid names, is another one/);
  });

  it('stays attached when the controller is killed', async () => {
    const site = await nginxSite();
    const { sidecar } = await startBoth(site);
    const controller = await eventually('the controller', () => childrenOf(sidecar.pid)[0]);
    process.kill(controller, 'SIGKILL');
    await said(sidecar, 'controller_restarted');
    await updateVolume(site.volume, site.payload('two'));
    await serves(site, 'two');
    await said(sidecar, 'applied');
    expect(lines(sidecar, 'attached')).toHaveLength(1);
  });

  it('as another user, without CAP_KILL: says so at once, fails the change by name, and does not crash', async () => {
    const site = await nginxSite();
    const pod = await startPod();
    const nginx = await startNginx(pod, site);
    chmodSync(site.directory, 0o755);
    const sidecar = await startSidecar(pod, configOf(site, { validate: [] }), match, { uid: aside });
    expect((await said(sidecar, 'target_not_permitted'))[0]?.msg).toMatch(/another user.*runAsUser.*KILL/);
    const worker = newestWorker(nginx);
    await updateVolume(site.volume, site.payload('two'));
    expect((await said(sidecar, 'signal_refused'))[0]?.msg).toMatch(/EPERM/);
    expect(newestWorker(nginx)).toBe(worker);
    process.kill(sidecar.pid, 'SIGTERM');
    expect(await sidecar.exited).toBe(0);
  });

  it('publishes what is accepted for it, before it is there', async () => {
    const site = await nginxSite();
    const pod = await startPod();
    const rule = { publish: site.to, validate: ['nginx', '-t', '-c', '{{snapshot}}/nginx.conf'] };
    const sidecar = await startSidecar(pod, configOf(site, rule), match);
    await said(sidecar, 'target_awaited');
    await updateVolume(site.volume, site.payload('two'));
    await said(sidecar, 'applied');
    await startIn(pod, ['nginx', '-c', join(site.to, 'nginx.conf'), '-g', 'daemon off;']);
    await serves(site, 'two');
    await said(sidecar, 'attached');
    await updateVolume(site.volume, site.payload('three'));
    await serves(site, 'three');
    await updateVolume(site.volume, site.payload('broken', { directive: 'retrun' }));
    await said(sidecar, 'refused');
    await serves(site, 'three');
  });
});

describe.skipIf(!isRoot)('attach', () => {
  const unshared = /not shared\. In Kubernetes set shareProcessNamespace: true/;

  it.each([
    ['PID 1 itself', []],
    ['below an init', [reinit, '--']],
  ])('in a namespace that is not shared, as %s: 100, with the remedy', async (_, above) => {
    const command = [...above, reinit, 'attach', '-c', configFile({ watch: [{ paths: ['/etc/hosts'] }] }), ...match];
    const container = await startContainer(command);
    expect(await container.exited).toBe(100);
    expect(container.stderr()).toMatch(unshared);
  });

  it('leaves at once, while it waits', async () => {
    const pod = await startPod();
    const sidecar = await startSidecar(pod, { watch: [{ paths: ['/etc/hosts'] }] }, match);
    await said(sidecar, 'target_awaited');
    process.kill(sidecar.pid, 'SIGTERM');
    expect(await sidecar.exited).toBe(0);
  });

  it('by request, no process has to be known', async () => {
    const requests: string[] = [];
    const server = createServer((request, response) => {
      requests.push(`${request.method} ${request.url}`);
      response.end('ok');
    }).listen(0, '127.0.0.1');
    onTestFinished(() => void server.close());
    await eventually('it listens', () => server.listening);
    const { port } = server.address() as AddressInfo;
    const site = await nginxSite();
    const sidecar = await startSidecar(await startPod(), {
      watch: [{ paths: [site.volume], ...fast, on_change: 'http', http: `http://127.0.0.1:${port}/-/reload`, confirm: '100ms' }],
    });
    await pause(1000);
    expect(requests).toEqual([]);
    await updateVolume(site.volume, site.payload('two'));
    await said(sidecar, 'applied');
    expect(requests).toEqual(['POST /-/reload']);
  });
});
