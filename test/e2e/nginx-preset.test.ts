import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { eventually } from '../fixtures/eventually.ts';
import { installed, isRoot } from '../fixtures/host.ts';
import { updateVolume } from '../fixtures/kubelet.ts';
import { childrenOf, configFile, pause, reinit, startContainer } from './harness.ts';
import { answer, lines, mainOf, nginxSite, prepared, type Site, said, serves, workersOf } from './sites.ts';

/** `preset: nginx`, and not one setting more. */
const config = { preset: 'nginx', command: ['nginx', '-g', 'daemon off;'] };

/** /etc/nginx is the ConfigMap; /dev is the container's own, and has the file that kubelet puts there. */
const likeKubelet = `
mount --bind "$1" /etc/nginx
mkdir "$2"; mount -t tmpfs none "$2"
for node in null zero urandom; do : >"$2/$node"; mount --bind "/dev/$node" "$2/$node"; done
ln -s /proc/self/fd "$2/fd"; ln -s fd/1 "$2/stdout"; ln -s fd/2 "$2/stderr"
: >"$2/termination-log"; mount --bind "$3" "$2/termination-log"
mount --rbind "$2" /dev`;

async function start(site: Site) {
  const last = join(site.directory, 'termination-log');
  writeFileSync(last, '');
  const command = prepared(likeKubelet, [site.volume, join(site.directory, 'dev'), last], [reinit, '-c', configFile(config)]);
  const container = await startContainer(command);
  await serves(site, 'one');
  return { container, lastWords: () => readFileSync(last, 'utf8') };
}

describe.skipIf(!isRoot || !installed('nginx'))('preset: nginx', () => {
  it('validates, reloads, is confirmed by new workers, and stops gracefully, in one readable line each', async () => {
    const site = await nginxSite();
    const { container } = await start(site);
    const main = await mainOf(site, container);
    const workers = await workersOf(site, container);
    await updateVolume(site.volume, site.payload('two'));
    await serves(site, 'two');
    const [applied] = await said(container, 'applied');
    expect(applied?.msg).toMatch(/^change [0-9a-f]+ of \/etc\/nginx applied: reloaded, \S+ after it was seen$/);
    expect(await mainOf(site, container)).toBe(main);
    expect(await workersOf(site, container)).not.toEqual(workers);
    const [seen] = lines(container, 'change_seen');
    expect(seen?.msg).toMatch(/^change seen in \/etc\/nginx \(conf\.d\/site\.conf\): [0-9a-f]+ → [0-9a-f]+$/);
    container.signal('SIGTERM');
    expect(await container.exited).toBe(0);
    expect(lines(container, 'container_stop')).toHaveLength(1);
    expect(container.stderr()).not.toContain('exited on signal');
  });

  it("refuses a broken change once, in nginx's own words, which are also the container's last ones", async () => {
    const site = await nginxSite();
    const { container, lastWords } = await start(site);
    const workers = await workersOf(site, container);
    await updateVolume(site.volume, site.payload('broken', { directive: 'retrun' }));
    const [refused] = await said(container, 'refused');
    expect(refused?.output).toMatch(/unknown directive "retrun" in \/etc\/nginx\/conf\.d\/site\.conf:2/);
    await eventually('last words', () => lastWords().includes('unknown directive "retrun"'));
    await updateVolume(site.volume, site.payload('broken', { directive: 'retrun' }), { force: true });
    await pause(1000);
    expect(lines(container, 'refused')).toHaveLength(1);
    expect(await workersOf(site, container)).toEqual(workers);
    expect(await answer(site)).toBe('one');
  });

  it('clears the last words with the next good change, and with the same good bytes', async () => {
    const site = await nginxSite();
    const { container, lastWords } = await start(site);
    const main = await mainOf(site, container);
    // Of a change in the first moments nobody knows whether the application has found it: a reload would follow.
    await updateVolume(site.volume, site.payload('two'));
    await said(container, 'applied');
    const workers = await eventually('the old one is gone', async () => {
      const all = await workersOf(site, container);
      return all.length === 1 && all;
    });
    await updateVolume(site.volume, site.payload('broken', { directive: 'retrun' }));
    await eventually('last words', () => lastWords().includes('retrun'));
    await updateVolume(site.volume, site.payload('two'));
    await said(container, 'back');
    await eventually('none', () => lastWords() === '');
    expect(childrenOf(main).sort()).toEqual(workers);
    await updateVolume(site.volume, site.payload('broken', { directive: 'retrun' }));
    await eventually('last words', () => lastWords().includes('retrun'));
    await updateVolume(site.volume, site.payload('three'));
    await serves(site, 'three');
    await eventually('none', () => lastWords() === '');
  });
});
