/** Somebody on call: what a running reinit says and does, asked by its own command line, with real nginx. */
import { execFile } from 'node:child_process';
import { existsSync, lstatSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import type { Generation } from '../../src/control/history.ts';
import type { Outcome } from '../../src/control/protocol.ts';
import type { Entry } from '../../src/journal/journal.ts';
import type { TreeSample } from '../../src/usage/usage.ts';
import { eventually } from '../fixtures/eventually.ts';
import { installed, isRoot } from '../fixtures/host.ts';
import { updateVolume } from '../fixtures/kubelet.ts';
import type { Namespace } from '../fixtures/namespace.ts';
import { operate, reportFrom, talk } from '../fixtures/operate.ts';
import { scratchDirectory } from '../fixtures/scratch.ts';
import { configFile, controllerOf, reinit, startContainer } from './harness.ts';
import { byWorkers, lines, mainOf, nginxSite, publishing, type Site, said, serves } from './sites.ts';

interface Operated {
  readonly site: Site;
  readonly container: Namespace;
  readonly socket: string;
  ask(...argv: readonly string[]): ReturnType<typeof operate>;
}

const quick = { confirm: '3s', good_after: '0s' };

async function start(config: (site: Site) => object): Promise<Operated> {
  const site = await nginxSite();
  const socket = join(site.directory, 'c.sock');
  const env = { ...process.env, REINIT_CONTROL_SOCKET: socket };
  const container = await startContainer([reinit, '-c', configFile(config(site))], { env });
  await serves(site, 'one');
  await eventually('the socket', () => existsSync(socket));
  await eventually('it is in sync', async () => (await reportFrom(socket)).in_sync);
  return { site, container, socket, ask: (...argv) => operate(socket, ...argv) };
}

const published = (site: Site): object => publishing(site, quick);
/** nginx reads the volume itself. */
const live = (site: Site): object => ({
  command: ['nginx', '-c', join(site.volume, 'nginx.conf'), '-g', 'daemon off;'],
  stop_signal: 'QUIT',
  watch: [
    {
      name: 'site',
      paths: [site.volume],
      validate: ['nginx', '-t', '-c', join(site.volume, 'nginx.conf')],
      reload_signal: 'HUP',
      settle: '50ms',
      reload_after_start: '0s',
      reload_retries: 0,
      ...byWorkers,
      ...quick,
    },
  ],
});
const broken = (site: Site) => site.payload('two', { directive: 'retrun' });
const json = <T>({ out }: { out: string }): T => JSON.parse(out) as T;

describe.skipIf(!isRoot || !installed('nginx'))('a running reinit', () => {
  it('says what runs, what was refused and why, and does what is asked', async () => {
    const { site, container, socket, ask } = await start(live);
    const main = await mainOf(site, container);
    expect((await ask('status', '--check')).code).toBe(0);
    expect((await ask('status')).out).toMatch(/application {4}running, ready, pid \d+, since \d+s\nconfiguration {2}in sync\n/);
    expect((lstatSync(socket).mode & 0o777).toString(8)).toBe('600');

    await updateVolume(site.volume, broken(site));
    await said(container, 'refused');
    const refused = await ask('status');
    expect(refused.out).toMatch(/site +refused/);
    expect(refused.out).toMatch(/ {4}\| .*unknown directive "retrun"/);
    expect((await ask('status', '--check')).code).toBe(0);
    expect((await ask('status', '--check', '--strict')).code).toBe(1);

    const again = await ask('reload', 'site');
    expect([again.code, again.out]).toEqual([
      1,
      expect.stringMatching(/refused: nginx says no[\s\S]*refused: the application runs; site is refused\n$/),
    ]);
    const checked = await ask('check', '--json');
    expect([checked.code, json<Outcome>(checked).entries.map(({ event }) => event)]).toEqual([1, ['asked', 'checked']]);
    const accepted = await ask('accept', '--timeout', '30s');
    expect([accepted.code, accepted.out]).toEqual([1, expect.stringContaining('was not confirmed')]); // nginx has not taken it either
    expect(await mainOf(site, container)).toBe(main);

    await updateVolume(site.volume, site.payload('three'));
    await serves(site, 'three');
    await eventually('in sync', async () => (await reportFrom(socket)).in_sync);
    expect((await ask('reload')).code).toBe(0);
    expect((await ask('check')).out).toContain('is valid');
    const fates = json<Generation[]>(await ask('history', '--json')).map(({ fate, files, output }) => ({ fate, files, output }));
    expect(fates).toContainEqual({
      fate: 'failed', // after it was refused, and taken all the same
      files: [join(site.volume, 'conf.d/site.conf')],
      output: expect.stringContaining('unknown directive'),
    });
    expect(fates.at(-1)?.fate).toBe('applied');

    expect((await ask('signal', 'WINCH')).out).toBe('WINCH is being sent to the application\n');
    await said(container, 'asked_signal');
    expect((await ask('signal', 'NOSUCH')).error).toContain('there is no signal NOSUCH');
    expect((await ask('reload', '/nowhere')).error).toBe('reinit: there is no rule /nowhere. There are: site.\n');
    expect((await ask('rollback')).error).toContain('Set `publish`');
    expect((await ask('pin', 'site', 'x', '--bogus')).code).toBe(100);

    expect((await ask('restart')).code).toBe(0);
    expect(await mainOf(site, container)).not.toBe(main);
    expect(json<Entry[]>({ out: `[${(await ask('events', '--json', '--last', '3')).out.trim().split('\n').join(',')}]` })).toHaveLength(3);

    expect(await ask('top', '--once')).toMatchObject({ code: 1, error: expect.stringContaining('another number here') });
    const inside = ['--target', `${container.pid}`, '--pid', '--mount', reinit, 'top', '--once', '--json', '--socket', socket];
    const tree = json<TreeSample>({ out: await promisify(execFile)('nsenter', inside).then(({ stdout }) => stdout) });
    expect(tree.processes.map(({ name }) => name)).toEqual(Array(tree.processes.length).fill('nginx'));
    expect(tree.memory).toBeGreaterThan(2 ** 20);

    expect((await ask('stop')).out).toBe('the container is being stopped (TERM)\n');
    expect(await container.exited).toBe(0);
    expect(await ask('status')).toMatchObject({ code: 103, error: expect.stringContaining('no running reinit is reached') });
  });

  it('pin, unpin, rollback and back: the application runs with what the operator wants, over a crash of the controller', async () => {
    const { site, container, socket, ask } = await start(published);
    await updateVolume(site.volume, site.payload('two'));
    await serves(site, 'two');
    await eventually('something to go back to', async () => (await reportFrom(socket)).rules[0]?.rollback_to != null);
    expect((await ask('rollback')).code).toBe(0);
    await serves(site, 'one');
    expect((await reportFrom(socket)).rules[0]).toMatchObject({ standing: 'refused', in_sync: false });
    expect((await ask('rollback')).code).toBe(0);
    await serves(site, 'two');

    expect((await ask('pin')).code).toBe(0);
    await updateVolume(site.volume, site.payload('three'));
    await eventually('it waits', async () => (await reportFrom(socket)).rules[0]?.standing === 'pinned');
    expect((await ask('reload')).error).toContain('is pinned');
    process.kill(await eventually('the controller', () => controllerOf(container)), 'SIGKILL');
    await said(container, 'controller_restarted');
    const after = await eventually('the next one answers', async () => (await ask('status', '--check')).code === 0 && reportFrom(socket));
    expect(after.reinit.controller_generation).toBe(1);
    expect(after.rules[0]).toMatchObject({ standing: 'pinned', pinned: true });
    expect(
      json<Entry[]>({ out: `[${(await ask('events', '--json')).out.trim().split('\n').join(',')}]` }).some(
        ({ event }) => event === 'controller_restarted',
      ),
    ).toBe(true);
    await serves(site, 'two');
    expect((await ask('unpin')).code).toBe(0);
    await serves(site, 'three');
  });

  it('events --follow tells as it happens', async () => {
    const { site, container, socket } = await start(live);
    const follower = execFile(reinit, ['events', '--follow', '--json', '--last', '0'], {
      env: { ...process.env, REINIT_CONTROL_SOCKET: socket },
    });
    let told = '';
    follower.stdout?.on('data', (text) => (told += text));
    await eventually('it follows', async () => (await operate(socket, 'signal', 'WINCH')).code === 0 && told.includes('asked_signal'));
    await updateVolume(site.volume, site.payload('two'));
    await eventually('it is told', () => told.includes('"event":"applied"'));
    follower.kill();
    expect(lines(container, 'bug')).toEqual([]);
  });

  it('another user is refused; hostile ones are bounded, and the application is served all the while', async () => {
    const { site, container, socket, ask } = await start(live);
    const asNobody = `setpriv --reuid 65534 --regid 65534 --clear-groups ${reinit} status --socket ${socket}`;
    const refusedUser = await new Promise<string>((resolve) => execFile('sh', ['-c', asNobody], (_, __, error) => resolve(error)));
    expect(refusedUser).toMatch(/EACCES|is for the user that reinit runs as/);
    const controller = await eventually('the controller', () => controllerOf(container));

    expect(await talk(socket, Buffer.alloc(70 * 1024, 'x'))).toContain('"code":"too_much"');
    await talk(socket, Buffer.alloc(10 * 1024 * 1024, 'x')); // closed while it still writes
    const half = talk(socket, '{"v":1,"id":3,"verb":"status"'); // closed after 10 s
    expect(await talk(socket, 'GET / HTTP/1.1\r\n\r\n', (all) => all.includes('no_json'))).toContain('no_json');
    expect(await talk(socket, '{"v":2,"id":3,"verb":"status"}\n', (all) => all.includes('\n'))).toContain(
      '"id":3,"ok":false,"error":{"code":"version"',
    );
    expect(await talk(socket, '{"v":1,"id":4,"verb":"reload","rules":[1]}\n', (all) => all.includes('\n'))).toContain('bad_request');
    const silent = Array.from({ length: 1_000 }, () => talk(socket, ''));
    await serves(site, 'one');
    expect(readFileSync(`/proc/${controller}/status`, 'utf8')).toMatch(/^Name:/);
    const flooded = '{"v":1,"id":1,"verb":"status"}\n'.repeat(100_000);
    await talk(socket, flooded);
    expect(await half).toBe('');
    await Promise.all(silent); // closed, too
    expect((await ask('status', '--check')).code).toBe(0);
    expect(controllerOf(container)).toBe(controller);
    expect(lines(container, 'bug')).toEqual([]);
  });

  it('control_socket: off, and a place that cannot be written: one line, and everything else as ever', async () => {
    const directory = scratchDirectory();
    const run = (place: string) =>
      startContainer([reinit, '-c', configFile({ watch: [{ paths: [directory], on_change: 'none' }] }), '--', 'sleep', '60'], {
        env: { ...process.env, REINIT_CONTROL_SOCKET: place },
      });
    const off = await run('off');
    await said(off, 'started');
    const nowhere = await run('/proc/nowhere/c.sock');
    expect((await said(nowhere, 'no_control_socket'))[0]?.msg).toContain(
      'reinit status and the others do not work in this container: /proc/nowhere',
    );
    expect(lines(off, 'no_control_socket')).toEqual([]);
  });
});
