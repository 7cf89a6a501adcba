import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { eventually } from '../fixtures/eventually.ts';
import { installed, isRoot } from '../fixtures/host.ts';
import { updateVolume } from '../fixtures/kubelet.ts';
import { pause } from './harness.ts';
import { byWorkers, fast, lines, mainOf, nginxSite, type Site, said, serves, startSite } from './sites.ts';

/** Not from kubelet: a directory of its own, in which everybody can write. */
async function writableSite(): Promise<Site> {
  const site = await nginxSite();
  const volume = join(site.directory, 'config');
  write({ ...site, volume }, 'one');
  return { ...site, volume };
}

function write(site: Site, text: string): void {
  for (const [name, content] of Object.entries(site.payload(text))) {
    mkdirSync(dirname(join(site.volume, name)), { recursive: true });
    writeFileSync(join(site.volume, name), content);
  }
}

const quick = { ...byWorkers, confirm_by: { workers: true, period: '20ms' }, ...fast };

describe.skipIf(!isRoot || !installed('nginx'))('a loop', () => {
  it('of a hook that writes into the watched directory at each reload is held, and the log says what to do', async () => {
    const site = await writableSite();
    const main = join(site.volume, 'nginx.conf');
    // As people do it: a stamp beside the configuration, for the next one who looks.
    const hook = `nginx -t -q -c ${main} && kill -HUP $(cat ${site.directory}/run/nginx.pid) && date +%s%N >${site.volume}/last-reload`;
    const rule = { paths: [site.volume], on_change: 'exec', exec: [['sh', '-c', hook]], ...quick };
    const container = await startSite(site, { command: ['nginx', '-c', main, '-g', 'daemon off;'], stop_signal: 'QUIT', watch: [rule] });
    write(site, 'two');
    const [held] = await said(container, 'loop_held');
    expect(held?.level).toBe('error');
    expect(held?.msg).toMatch(
      /has changed \d+ times in a row right after it was applied: .* writes there itself\. Held for \d+s; .*exclude/,
    );
    expect(held?.msg).toContain(site.volume);
    const applied = lines(container, 'applied').length;
    await pause(2000);
    // The change before the one that was one too many was on its way.
    expect(lines(container, 'applied').length).toBeLessThanOrEqual(applied + 1);
    await serves(site, 'two');
  });

  it('is none where the stamp is left out (exclude)', async () => {
    const site = await writableSite();
    const main = join(site.volume, 'nginx.conf');
    const hook = `kill -HUP $(cat ${site.directory}/run/nginx.pid) && date +%s%N >${site.volume}/last-reload`;
    const rule = { paths: [site.volume], exclude: ['last-reload'], on_change: 'exec', exec: [['sh', '-c', hook]], ...quick };
    const container = await startSite(site, { command: ['nginx', '-c', main, '-g', 'daemon off;'], stop_signal: 'QUIT', watch: [rule] });
    write(site, 'two');
    await serves(site, 'two');
    await pause(1500);
    expect(lines(container, 'applied').filter(({ how }) => how === 'exec')).toHaveLength(1);
  });

  it('is none where kubelet brings change after change, each right after the one before was applied', async () => {
    const site = await nginxSite();
    const main = join(site.volume, 'nginx.conf');
    const rule = { paths: [site.volume], validate: ['nginx', '-t', '-c', main], reload_signal: 'HUP', ...quick };
    const container = await startSite(site, { command: ['nginx', '-c', main, '-g', 'daemon off;'], stop_signal: 'QUIT', watch: [rule] });
    const master = await mainOf(site, container);
    for (let round = 1; round <= 12; round++) {
      await updateVolume(site.volume, site.payload(`${round}`));
      await serves(site, `${round}`);
      const count = round;
      await eventually('applied', () => lines(container, 'applied').filter(({ how }) => how === 'reload').length >= count);
    }
    expect(lines(container, 'loop_held')).toEqual([]);
    expect(await mainOf(site, container)).toBe(master);
  });
});
