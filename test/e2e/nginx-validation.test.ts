/**
 * A validator is honest where it reads the candidate, and nothing else. `include` is relative to the directory of the main file, whichever
 * `-c` names (nginx.org, Core functionality; ngx_init_cycle's conf_prefix): a main file that includes by relative paths takes its own copies along.
 */
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { installed, isRoot } from '../fixtures/host.ts';
import { updateVolume } from '../fixtures/kubelet.ts';
import { configFile, reinit, startContainer, withVolume } from './harness.ts';
import { answer, byWorkers, fast, lines, nginxSite, publishing, type Site, said, serves, startSite, workersOf } from './sites.ts';

const broken = { directive: 'retrun' };

/** The main file names the published files by their whole path. */
const absolute = (site: Site) => ({ include: join(site.to, 'conf.d/*.conf') });
const withAbsolute = (site: Site, text: string, options: object = {}) => site.payload(text, { ...options, ...absolute(site) });

describe.skipIf(!isRoot || !installed('nginx'))('validators of nginx', () => {
  it('refuses a broken included file in the live directory, absolute includes or not (no copy)', async () => {
    const include = '/etc/nginx/conf.d/*.conf';
    const site = await nginxSite('one', { include });
    const rule = { paths: ['/etc/nginx'], validate: ['nginx', '-t'], reload_signal: 'HUP', ...fast, ...byWorkers };
    const config = { command: ['nginx', '-g', 'daemon off;'], stop_signal: 'QUIT', watch: [rule] };
    const container = await startContainer(withVolume(site.volume, '/etc/nginx', [reinit, '-c', configFile(config)]));
    await serves(site, 'one');
    await updateVolume(site.volume, site.payload('broken', { ...broken, include }));
    expect((await said(container, 'refused'))[0]?.output).toContain('retrun');
    expect(lines(container, 'applied').filter(({ how }) => how === 'reload')).toEqual([]);
    expect(await answer(site)).toBe('one');
  });

  it('refuses a broken included file of the candidate, where the includes are relative (publish)', async () => {
    const site = await nginxSite();
    const container = await startSite(site, publishing(site));
    const workers = await workersOf(site, container);
    await updateVolume(site.volume, site.payload('broken', broken));
    expect((await said(container, 'refused'))[0]?.output).toMatch(/retrun.*conf\.d\/site\.conf:2/);
    expect(await workersOf(site, container)).toEqual(workers);
    await updateVolume(site.volume, site.payload('two'));
    await serves(site, 'two');
  });

  it('does so with -p of the candidate, too', async () => {
    const site = await nginxSite();
    const validate = ['nginx', '-t', '-p', '{{snapshot}}', '-c', '{{snapshot}}/nginx.conf'];
    const container = await startSite(site, publishing(site, { validate }));
    await updateVolume(site.volume, site.payload('broken', broken));
    expect((await said(container, 'refused'))[0]?.output).toMatch(/retrun.*conf\.d\/site\.conf:2/);
  });

  it('control: absolute includes pass a broken candidate; new workers are missed, and it goes back', async () => {
    const site = await nginxSite();
    // The first start has nothing published yet that an absolute path could find.
    const container = await startSite(site, publishing(site, { confirm: '2s', reload_retries: 0 }));
    await updateVolume(site.volume, withAbsolute(site, 'two'));
    await serves(site, 'two');
    await said(container, 'applied', 2);
    await updateVolume(site.volume, withAbsolute(site, 'broken', broken));
    const [back] = await said(container, 'rolled_back');
    expect(back?.why).toBe('unconfirmed');
    await said(container, 'back_on_good');
    expect(lines(container, 'refused')).toEqual([]);
    expect(await answer(site)).toBe('two');
  });
});
