/** How real web servers fail, each test named after what was seen. The others of that kind are in the files of their theme. */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { eventually } from '../fixtures/eventually.ts';
import { installed, isRoot } from '../fixtures/host.ts';
import { startLoad } from '../fixtures/http.ts';
import { createVolume, updateVolume } from '../fixtures/kubelet.ts';
import type { Namespace } from '../fixtures/namespace.ts';
import { configFile, logged, pause, reinit, startContainer } from './harness.ts';
import { answer, apacheSite, byWorkers, fast, lines, mainOf, nginxSite, publishing, type Site, said, serves, startSite } from './sites.ts';

const servers = [
  { name: 'nginx', make: nginxSite },
  { name: 'apache2', make: apacheSite },
] as const;
const reloads = (container: Namespace) => lines(container, 'applied').filter(({ how }) => how === 'reload');

/** Everything that nginx writes to, for a user that is not root. */
function giveTo(user: string, site: Site): void {
  execFileSync('chown', ['-R', user, site.directory]);
}

describe.skipIf(!isRoot || !installed('nginx', 'apache2'))('traps', () => {
  it('1, who owns the output: nginx of another user, and its validator, open /dev/stderr and /dev/stdout by path', async () => {
    const site = await nginxSite('one', { main: 'error_log /dev/stderr; access_log /dev/stdout;' });
    giveTo('www-data', site);
    const main = join(site.volume, 'nginx.conf');
    const rule = { paths: [site.volume], validate: ['nginx', '-t', '-c', main], reload_signal: 'HUP', ...fast, ...byWorkers };
    const config = { command: ['nginx', '-c', main, '-g', 'daemon off;'], user: 'www-data', stop_signal: 'QUIT', watch: [rule] };
    const container = await startSite(site, config);
    await updateVolume(site.volume, site.payload('two', { main: 'error_log /dev/stderr; access_log /dev/stdout;' }));
    await serves(site, 'two');
    expect(readFileSync(`/proc/${await mainOf(site, container)}/status`, 'utf8')).not.toMatch(/^Uid:\t0/m);
    expect(container.stderr()).not.toContain('Permission denied');
  });

  it.each(servers)('4, early signals kill: a change in the first moments of $name waits for it', async ({ make }) => {
    const site = await make();
    const config = publishing(site, { reload_after_start: '1s', settle: '10ms' });
    const container = await startContainer([reinit, '-c', configFile(config)]);
    await said(container, 'started');
    await updateVolume(site.volume, site.payload('two'));
    await serves(site, 'two');
    expect(lines(container, 'started')).toHaveLength(1);
    expect(lines(container, 'ended')).toEqual([]);
    expect(lines(container, 'reload_failed')).toEqual([]);
  });

  it.each(servers)('5, the second of two close signals is lost: $name has the last of three changes', async ({ make }) => {
    const site = await make();
    const container = await startSite(site, publishing(site, { settle: '1ms' }));
    await updateVolume(site.volume, site.payload('two'));
    await eventually('the first is on its way', () => lines(container, 'change_seen').length > 0);
    await updateVolume(site.volume, site.payload('three'));
    await pause(20);
    await updateVolume(site.volume, site.payload('four'));
    await serves(site, 'four');
  });

  it.each(servers)('6, a stop signal in a reload is lost or turns ugly: $name ends with 0, and soon', async ({ make }) => {
    const site = await make();
    const container = await startSite(site, publishing(site, {}, { log: { level: 'debug' } }));
    await pause(400);
    await updateVolume(site.volume, site.payload('two'));
    await said(container, 'signalled');
    container.signal('SIGTERM');
    const began = performance.now();
    expect(await container.exited).toBe(0);
    expect(performance.now() - began).toBeLessThan(5000);
  });

  it('9, apache2 acts on the signal up to a second later: it is confirmed then, and once', async () => {
    const site = await apacheSite();
    const container = await startSite(site, publishing(site));
    for (const text of ['two', 'three', 'four']) {
      await updateVolume(site.volume, site.payload(text));
      await serves(site, text);
    }
    await eventually('confirmed', () => reloads(container).length === 3);
    expect(lines(container, 'unconfirmed')).toEqual([]);
  });

  it('10, requests on fresh connections see nothing of a rollback of nginx', async () => {
    const key = (name: string) => ({ main: `limit_req_zone ${name} zone=one:1m rate=1r/s;` });
    const site = await nginxSite('one', key('$binary_remote_addr'));
    const container = await startSite(site, publishing(site, { confirm: '1s', reload_retries: 0 }));
    const load = startLoad(site.url);
    await updateVolume(site.volume, site.payload('two', key('$server_name')));
    await said(container, 'back_on_good');
    const { requests, failures } = await load.stop();
    expect(failures).toEqual([]);
    expect(requests).toBeGreaterThan(100);
  });

  it('14, a Secret that only root can read: refused as the user that nginx runs as, who would end at the reload', async () => {
    const site = await nginxSite();
    const secret = join(site.directory, 'secret');
    await createVolume(secret, { 'more.conf': '# one\n' });
    giveTo('www-data', site);
    const withSecret = { main: `include ${secret}/*.conf;` };
    await updateVolume(site.volume, site.payload('one', withSecret));
    const main = join(site.volume, 'nginx.conf');
    const rule = { paths: [site.volume, secret], validate: ['nginx', '-t', '-c', main], reload_signal: 'HUP', ...fast, ...byWorkers };
    const config = { command: ['nginx', '-c', main, '-g', 'daemon off;'], user: 'www-data', stop_signal: 'QUIT', watch: [rule] };
    const container = await startSite(site, config);
    const mainPid = await mainOf(site, container);
    await updateVolume(secret, { 'more.conf': '# two\n' }, { mode: 0o400 });
    const [line] = await logged(container, /Permission denied/);
    expect(line).toContain('more.conf');
    expect(await answer(site)).toBe('one');
    expect(await mainOf(site, container)).toBe(mainPid);
    expect(reloads(container)).toEqual([]);
  });
});
