/** Configuration that every validator passes, and that the application cannot run with. */
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { installed, isRoot } from '../fixtures/host.ts';
import { updateVolume } from '../fixtures/kubelet.ts';
import { pause } from './harness.ts';
import {
  answer,
  apacheSite,
  lines,
  mainOf,
  nginxSite,
  type PayloadOptions,
  publishing,
  type Site,
  said,
  serves,
  startSite,
  takenPort,
  workersOf,
} from './sites.ts';

const impatient = { confirm: '3s', reload_retries: 0 };

/** Nginx does not take another key for a zone that there is already, and says so only in a reload: a start has no such zone. */
const keyed = (key: string): PayloadOptions => ({ main: `limit_req_zone ${key} zone=one:1m rate=1r/s;` });

async function startKeyed(rule: object) {
  const site = await nginxSite('one', keyed('$binary_remote_addr'));
  const container = await startSite(site, publishing(site, { ...impatient, confirm: '1s', ...rule }));
  return { site, container, main: await mainOf(site, container), workers: await workersOf(site, container) };
}
const changeKey = (site: Site) => updateVolume(site.volume, site.payload('two', keyed('$server_name')));

describe.skipIf(!isRoot || !installed('nginx', 'apache2'))('a change that is valid and does not work', () => {
  it('rollback, nginx: a port that is taken: no new workers, so it goes back and takes the next change', async () => {
    const site = await nginxSite();
    const container = await startSite(site, publishing(site, { on_failure: 'rollback', ...impatient }));
    const main = await mainOf(site, container);
    await updateVolume(site.volume, site.payload('two', { port: await takenPort() }));
    const [unconfirmed] = await said(container, 'unconfirmed');
    expect(unconfirmed?.msg).toMatch(/the reload was not confirmed within 3s .*no worker of process \d+ is younger than the reload signal/);
    expect((await said(container, 'rolled_back'))[0]?.why).toBe('unconfirmed');
    await said(container, 'back_on_good');
    expect(await answer(site)).toBe('one');
    expect(await mainOf(site, container)).toBe(main);
    await updateVolume(site.volume, site.payload('three'));
    await serves(site, 'three');
  });

  it('rollback, apache2: a port that is taken ends it; it is started again on the last good one', async () => {
    const site = await apacheSite();
    const container = await startSite(site, publishing(site, { on_failure: 'rollback' }));
    await updateVolume(site.volume, site.payload('two', { port: await takenPort() }));
    await said(container, 'reload_failed');
    expect((await said(container, 'rolled_back'))[0]?.why).toBe('ended');
    await serves(site, 'one');
    await updateVolume(site.volume, site.payload('three'));
    await serves(site, 'three');
  });

  it('rollback, on_change: restart, apache2: does not come up on the new one, so it comes up on the last good one', async () => {
    const site = await apacheSite();
    const container = await startSite(site, publishing(site, { on_change: 'restart', confirm_by: undefined }));
    await updateVolume(site.volume, site.payload('two', { port: await takenPort() }));
    await said(container, 'restart_failed');
    await said(container, 'rolled_back');
    await serves(site, 'one');
  });

  it('rollback is done once, and what failed is not tried again', async () => {
    const { site, container } = await startKeyed({ on_failure: 'rollback' });
    await changeKey(site);
    await said(container, 'back_on_good');
    await updateVolume(site.volume, site.payload('two', keyed('$server_name')), { force: true });
    await pause(1000);
    expect(lines(container, 'rolled_back')).toHaveLength(1);
    expect(await answer(site)).toBe('one');
  });

  it('restart: what a reload does not take, a restart does', async () => {
    const { site, container, main } = await startKeyed({ on_failure: 'restart' });
    await changeKey(site);
    await said(container, 'restarts_instead');
    await serves(site, 'two');
    expect(await mainOf(site, container)).not.toBe(main);
  });

  it('keep: the application is left as it is, and the log says why', async () => {
    const { site, container, main, workers } = await startKeyed({ on_failure: 'keep' });
    await changeKey(site);
    const [unconfirmed] = await said(container, 'unconfirmed');
    expect(unconfirmed?.msg).toContain('the reload was not confirmed within 1s');
    await pause(1000);
    expect(await mainOf(site, container)).toBe(main);
    expect(await workersOf(site, container)).toEqual(workers);
    expect(await answer(site)).toBe('one');
  });

  it('trap 13, mtime: what is restored is newer than what it replaces', async () => {
    const site = await nginxSite('one', keyed('$binary_remote_addr'));
    const publish = { to: site.to, mode: 'files' };
    const container = await startSite(site, publishing(site, { publish, ...impatient, confirm: '2s' }));
    const mtime = () => statSync(join(site.to, 'nginx.conf')).mtimeMs;
    const first = mtime();
    await changeKey(site);
    await said(container, 'unconfirmed');
    await said(container, 'back_on_good');
    // The failed one was newer than the first, by a second at least.
    expect(mtime()).toBeGreaterThan(first + 1000);
  });
});
