import { lstatSync, mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { eventually } from '../fixtures/eventually.ts';
import { installed, isRoot } from '../fixtures/host.ts';
import { updateVolume } from '../fixtures/kubelet.ts';
import { configFile, logged, reinit, startContainer } from './harness.ts';
import { answer, apacheSite, lines, mainOf, nginxSite, prepared, publishing, said, serves, startSite, workersOf } from './sites.ts';

const isThere = isRoot && installed('nginx', 'apache2');
const servers = [
  { name: 'nginx', make: nginxSite, broken: 'retrun' },
  { name: 'apache2', make: apacheSite, broken: 'ErorDocument' },
] as const;
const modes = ['flip', 'files'] as const;
const cases = servers.flatMap((server) => modes.map((mode) => ({ ...server, mode })));

describe.skipIf(!isThere)('publish', () => {
  it.each(cases)('$name, $mode: reads accepted generations only, also when it is started again', async ({ make, broken, mode }) => {
    const site = await make();
    const publish = { to: site.to, mode };
    const container = await startSite(site, publishing(site, { publish }, { restart: 'always', restart_delay: '50ms' }));
    expect(lstatSync(site.to).isSymbolicLink()).toBe(mode === 'flip');
    await updateVolume(site.volume, site.payload('two'));
    await serves(site, 'two');
    await said(container, 'applied', 2);
    await updateVolume(site.volume, site.payload('broken', { directive: broken }));
    expect((await said(container, 'refused'))[0]?.output).toContain(broken);
    const main = await mainOf(site, container);
    process.kill(main, 'SIGKILL');
    await eventually('another main process', async () => (await mainOf(site, container)) !== main);
    await serves(site, 'two');
    await updateVolume(site.volume, site.payload('three'));
    await serves(site, 'three');
  });

  it('nginx: a root file system that cannot be written, and a tmpfs', async () => {
    const site = await nginxSite();
    const run = join(site.directory, 'run');
    const readOnly = 'mount -o remount,bind,ro /; mount -t tmpfs none "$1"';
    const container = await startContainer(prepared(readOnly, [run], [reinit, '-c', configFile(publishing(site))]));
    await serves(site, 'one');
    expect(() => writeFileSync(join(`/proc/${container.pid}/root`, site.directory, 'file'), '')).toThrow('EROFS');
    await updateVolume(site.volume, site.payload('two'));
    await serves(site, 'two');
    expect(readFileSync(join(`/proc/${container.pid}/root`, site.to, 'conf.d/site.conf'), 'utf8')).toContain('two');
  });

  it('nginx: a root file system that cannot be written, and nothing else: says what to mount', async () => {
    const site = await nginxSite();
    const readOnly = 'mount -o remount,bind,ro /';
    const container = await startContainer(prepared(readOnly, [], [reinit, '-c', configFile(publishing(site))]));
    const [line] = await logged(container, /publish\.to/);
    expect(line).toMatch(/publish\.to: .*read-only file system; mount an emptyDir/);
  });

  it.each(modes)('%s: a target that somebody else made keeps the application from starting, and is as it was', async (mode) => {
    const site = await nginxSite();
    mkdirSync(site.to);
    writeFileSync(join(site.to, 'theirs'), 'precious');
    const container = await startContainer([reinit, '-c', configFile(publishing(site, { publish: { to: site.to, mode } }))]);
    expect(await container.exited).toBe(102);
    const [line] = lines(container, 'not_published');
    expect(line?.msg).toMatch(
      /nginx is not started: publish\.to: \S+ (is a directory that reinit did not make|holds files that reinit did not put there)/,
    );
    expect(readFileSync(join(site.to, 'theirs'), 'utf8')).toBe('precious');
    expect(readdirSync(site.to)).toEqual(['theirs']);
  });

  it('a link that somebody put in the place of ours is not overwritten, and the application goes on', async () => {
    const site = await nginxSite();
    const container = await startSite(site, publishing(site));
    const workers = await workersOf(site, container);
    const theirs = join(site.directory, 'theirs');
    mkdirSync(theirs);
    rmSync(site.to);
    symlinkSync(theirs, site.to);
    await updateVolume(site.volume, site.payload('two'));
    const [failed] = await said(container, 'not_staged');
    expect(failed?.msg).toMatch(/publish\.to: \S+ is a link that reinit did not make, and is not touched/);
    expect(await workersOf(site, container)).toEqual(workers);
    expect(await answer(site)).toBe('one');
    expect(lines(container, 'applied').filter(({ how }) => how === 'reload')).toEqual([]);
  });
});
