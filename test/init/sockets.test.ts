import { chmodSync, existsSync, lstatSync, mkdtempSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { connect, createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { constants, type Effect } from '../../src/link/messages.ts';
import { eventually } from '../fixtures/eventually.ts';
import { isRoot } from '../fixtures/host.ts';
import { compiled } from '../fixtures/init/compiled.ts';
import { endDriven, event, killLife, type Life, startDriven } from '../fixtures/init/controller.ts';
import { type Address, helper, hold, listen, orders, spawn, stop } from '../fixtures/init/effects.ts';
import { says } from '../fixtures/init/init.ts';
import { descriptors, environment, parse } from '../fixtures/init/report.ts';

const directory = mkdtempSync(join(tmpdir(), 'reinit-sockets-'));
chmodSync(directory, 0o755);
const servers = new Set<Server>();
afterAll(() => rmSync(directory, { recursive: true, force: true }));
afterEach(async () => {
  await endDriven();
  for (const server of servers) server.close();
  servers.clear();
});

const record = compiled('record');
let files = 0;
const fresh = (): string => join(directory, `socket-${files++}`);

/** Listens, as another program would. */
function server(where: string | { port: number; host: string }): Promise<Server> {
  const one = createServer();
  servers.add(one);
  return new Promise((resolve, reject) => {
    one.once('error', reject);
    one.listen(where, () => resolve(one));
  });
}

/** A port that is free on the loopback interface, now. */
async function freePort(host = '127.0.0.1'): Promise<number> {
  const one = await server({ port: 0, host });
  const { port } = one.address() as { port: number };
  servers.delete(one);
  await new Promise((resolve) => one.close(resolve));
  return port;
}

/** Resolves once the kernel has accepted a connection: somebody listens. */
function connects(where: string | { port: number; host: string }): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = typeof where === 'string' ? connect(where) : connect(where.port, where.host);
    socket.once('connect', () => resolve(void socket.destroy())).once('error', reject);
  });
}

/** All that who listens there sends. */
function received(path: string): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = '';
    connect(path)
      .on('data', (bytes) => {
        text += bytes;
      })
      .on('end', () => resolve(text))
      .on('error', reject);
  });
}

/** A socket file that nobody listens on any more. */
async function stale(path: string): Promise<void> {
  const { one, life } = await asked(listen(1, 'old', { path }));
  await answer(life, 1);
  await one.kill();
  expect(lstatSync(path).isSocket()).toBe(true);
  await expect(connects(path)).rejects.toThrow('ECONNREFUSED');
}

const answer = (life: Life, id: number) => event(life, 'listening', (one) => one.id === id);

async function asked(...effects: ReturnType<typeof listen>[]) {
  const driven = await startDriven([record, '15', '4']);
  const life = await driven.controller.life(0);
  life.commit([orders({ main_end: hold }), ...effects]);
  return { ...driven, life };
}

async function refused(address: Address, over = {}) {
  const { life, one } = await asked(listen(1, 'one', address, over));
  const { error, stage, text } = await answer(life, 1);
  return { error, stage: stage.toString(), text: text.toString(), one };
}

const [EACCES, ENOTSOCK, EADDRINUSE, ENAMETOOLONG, EMFILE] = [13, 88, 98, 36, 24];

describe('listen', () => {
  it('binds and holds TCP and Unix sockets, over the end of controllers, without an application', async () => {
    const [port, port6, path] = [await freePort(), await freePort('::1'), fresh()];
    const effects = [listen(1, 'web', { port }), listen(2, 'six', { port: port6, ipv6: true }), listen(3, 'ctl', { path })];
    const { one, controller, life } = await asked(...effects);
    for (const id of [1, 2, 3]) expect(await answer(life, id)).toMatchObject({ error: 0, stage: Buffer.alloc(0) });
    const all = [{ port, host: '127.0.0.1' }, { port: port6, host: '::1' }, path];
    for (const where of all) await connects(where);
    killLife(one, life);
    const next = await controller.life(1);
    for (const where of all) await connects(where);
    // The same again, as a controller asks that does not know what the one before it has got.
    next.commit([listen(7, 'web', { port }), listen(8, 'ctl', { path })], { ack: next.hello().next_seq - 1 });
    for (const id of [7, 8]) expect(await answer(next, id)).toMatchObject({ error: 0 });
  });

  it('on :: is for IPv4, too', async () => {
    const port = await freePort();
    const { life } = await asked(listen(1, 'both', { port, ipv6: true, host: Array(16).fill(0) }));
    expect(await answer(life, 1)).toMatchObject({ error: 0 });
    await connects({ port, host: '::1' });
    await connects({ port, host: '127.0.0.1' });
  });

  it('gives a Unix socket its mode and its owner, and removes its file at the end', async () => {
    const path = fresh();
    const owner = isRoot ? { uid: 1234, gid: 2345 } : {};
    const { one, life } = await asked(listen(1, 'ctl', { path }, { mode: 0o620, ...owner }));
    expect(await answer(life, 1)).toMatchObject({ error: 0 });
    const { mode, uid, gid } = statSync(path);
    expect((mode & 0o777).toString(8)).toBe('620');
    if (isRoot) expect([uid, gid]).toEqual([1234, 2345]);
    one.signal('SIGTERM');
    expect(await one.exited).toBe(143);
    expect(existsSync(path)).toBe(false);
  });

  it('leaves a file at the end that has taken the place of its own', async () => {
    const path = fresh();
    const { one, life } = await asked(listen(1, 'ctl', { path }));
    await answer(life, 1);
    rmSync(path);
    await server(path);
    one.signal('SIGTERM');
    await one.exited;
    await connects(path);
  });

  it('takes the place of a stale socket file', async () => {
    const path = fresh();
    await stale(path);
    const { life } = await asked(listen(1, 'ctl', { path }));
    expect(await answer(life, 1)).toMatchObject({ error: 0 });
    await connects(path);
  });

  it('tells of an address in use, and takes nothing away from who uses it', async () => {
    const [port, path] = [await freePort(), fresh()];
    await server({ port, host: '127.0.0.1' });
    await server(path);
    for (const address of [{ port }, { path }]) {
      expect(await refused(address)).toMatchObject({ error: EADDRINUSE, stage: 'bind', text: expect.stringMatching(/in use/) });
    }
    await connects(path);
  });

  it('shares a port with reuse_port only', async () => {
    const port = await freePort();
    const share = { reuse_port: 1 };
    const first = await asked(listen(1, 'web', { port }, share));
    expect(await answer(first.life, 1)).toMatchObject({ error: 0 });
    expect((await refused({ port }, share)).error).toBe(0);
    expect((await refused({ port })).error).toBe(EADDRINUSE);
  });

  it('never touches what is no socket', async () => {
    const [file, link] = [fresh(), fresh()];
    writeFileSync(file, 'kept');
    symlinkSync(file, link);
    for (const path of [file, link]) {
      const { one, ...told } = await refused({ path });
      expect(told).toMatchObject({ error: ENOTSOCK, stage: 'bind', text: expect.stringMatching(/socket/i) });
      await one.kill();
      expect(readFileSync(path, 'utf8')).toBe('kept');
    }
    expect(lstatSync(link).isSymbolicLink()).toBe(true);
  });

  it('tells of a path that is too long, and of a directory that is not there', async () => {
    expect(await refused({ path: `/tmp/${'x'.repeat(103)}` })).toMatchObject({ error: ENAMETOOLONG, stage: 'bind' });
    expect(await refused({ path: '/nonexistent/socket' })).toMatchObject({ error: 2, stage: 'bind' });
  });

  it.skipIf(!isRoot)('tells of an owner that it may not give, and leaves no file behind', async () => {
    const path = fresh();
    const { life } = await startDriven([record], { uid: 4321 }).then(async ({ controller }) => ({ life: await controller.life(0) }));
    chmodSync(directory, 0o777);
    life.commit([listen(1, 'ctl', { path }, { uid: 1 }), listen(2, 'low', { path: '/socket' })]);
    const { error, stage } = await answer(life, 1);
    chmodSync(directory, 0o755);
    expect([error, stage.toString()]).toEqual([1, 'owner']);
    expect(existsSync(path)).toBe(false);
    expect(await answer(life, 2)).toMatchObject({ error: EACCES });
  });

  it('holds sixteen, and says so at the next one', async () => {
    const paths = Array.from({ length: 17 }, fresh);
    const { life } = await asked(...paths.map((path, index) => listen(index, `s${index}`, { path })));
    for (let id = 0; id < 16; id++) expect((await answer(life, id)).error).toBe(0);
    const last = await answer(life, 16);
    expect(last).toMatchObject({ error: EMFILE });
    expect([last.stage.toString(), last.text.toString()]).toEqual(['limit', '16 sockets are held already, and that is the most']);
    expect(existsSync(paths[16] ?? '')).toBe(false);
    life.commit([listen(20, 's3', { path: paths[3] ?? '' })]);
    expect((await answer(life, 20)).error).toBe(0);
  });

  it('whose message is malformed ends the controller, and nothing is bound', async () => {
    const path = fresh();
    const bad = [
      listen(1, '', { path }),
      listen(1, 'x'.repeat(65), { path }),
      listen(1, 'a:b', { path }),
      listen(1, 'a\nb', { path }),
      listen(1, 'a', { path: `${path}\0x` }),
      listen(1, 'a', { path: '' }),
      listen(1, 'a', { path }, { mode: 0o1777 }),
      listen(1, 'a', { path }, { uid: -2 }),
      listen(1, 'a', { path }, { reuse_port: 2 }),
      listen(1, 'a', { path }, { family: 4 }),
      listen(1, 'a', { port: 1, host: [1, 2, 3] }),
    ];
    const { one, controller } = await startDriven([record]);
    for (const [index, effect] of bad.entries()) {
      const life = await controller.life(index);
      // What has been acknowledged makes the next controller come at once.
      life.commit([listen(99, '', { path: '' }, { name: Buffer.from(`ok${index}`), address: Buffer.from(fresh()) })]);
      const { seq } = await answer(life, 99);
      life.commit([], { ack: seq });
      life.commit([listen(2, 'first', { path }), effect]);
      await eventually(`case ${index} ends it`, life.ended);
    }
    expect(existsSync(path)).toBe(false);
    await eventually('it is told', () => one.stderr().match(/broke the protocol/g)?.length === bad.length);
  });
});

describe('spawn with sockets', () => {
  const { sockets } = constants.spawnFlags.values;
  const report = compiled('report');
  /** Binds `first`, spawns report, and gives what it tells. */
  async function reported(first: readonly Effect[], over = {}, options: Parameters<typeof startDriven>[1] = {}) {
    const { one, controller } = await startDriven([report], options);
    const life = await controller.life(0);
    life.commit([orders({ main_end: hold }), ...first, spawn(1, { flags: sockets, ...over })]);
    await event(life, 'exited');
    return { lines: parse(one.stdout()), one, life };
  }
  const ours = (lines: ReadonlyMap<string, readonly string[]>): string[] =>
    environment(lines).filter((variable) => /^(LISTEN_|SERVER_STARTER)/.test(variable));

  it('passes them in their order from 3 on, with the variables of systemd and Server::Starter', async () => {
    const [port, port6, path] = [await freePort(), await freePort('::1'), fresh()];
    const held = [listen(1, 'web', { port }), listen(2, 'six', { port: port6, ipv6: true }), listen(3, 'ctl', { path })];
    const env = { PATH: '/bin', LISTEN_PID: '77', LISTEN_FDS: '9', KEPT: '1' };
    const { lines, one } = await reported(held, { env_set: [Buffer.from('LISTEN_FDNAMES=other')] }, { env });
    expect(ours(lines).sort()).toEqual([
      'LISTEN_FDNAMES=web:six:ctl',
      'LISTEN_FDS=3',
      `LISTEN_PID=${lines.get('pid')?.[0]}`,
      `SERVER_STARTER_PORT=127.0.0.1:${port}=3;[::1]:${port6}=4;${path}=5`,
    ]);
    expect(environment(lines)).toContain('KEPT=1');
    const passed = descriptors(lines);
    expect([...passed.keys()]).toEqual([0, 1, 2, 3, 4, 5]);
    const inodes = [...passed.values()].slice(3).map((file) => file.split(':')[1] ?? '');
    const hex = (one: number): string => `:${one.toString(16).toUpperCase().padStart(4, '0')}`;
    const table = (name: string): string => readFileSync(`/proc/${one.pid}/net/${name}`, 'utf8');
    const listening = (text: string, what: string): string => text.split('\n').find((line) => line.includes(what)) ?? '';
    expect(listening(table('tcp'), `0100007F${hex(port)} 00000000:0000 0A`)).toContain(inodes[0]);
    expect(listening(table('tcp6'), `${hex(port6)} `)).toContain(inodes[1]);
    expect(listening(table('unix'), path)).toContain(inodes[2]);
  });

  it('passes sixteen, wherever init’s own descriptors are, and tells of a failure all the same', async () => {
    const paths = Array.from({ length: 16 }, fresh);
    const held = paths.map((path, id) => listen(id, `s${id}`, { path }));
    const { one, controller } = await startDriven([report]);
    const life = await controller.life(0);
    // What these helpers have taken is free again for the last sockets, and for the pipe that tells of exec: none is where it is to go.
    const first = [7, 8, 9, 10].map((token) => helper(token, ['/bin/sleep', '0.2'], { flags: constants.spawnFlags.values.capture }));
    life.commit([orders({ main_end: hold }), ...first, ...held.slice(0, 14)]);
    for (const token of [7, 8, 9, 10]) await event(life, 'exited', (one) => one.token === token);
    life.commit([...held.slice(14), spawn(2, { flags: sockets, argv: [Buffer.from('/nonexistent')] })]);
    const failed = await event(life, 'spawn_failed');
    expect(failed.stage.toString()).toBe('exec');
    life.commit([spawn(1, { flags: sockets, rlimits: [Buffer.from('nofile=64:64')] })], { ack: failed.seq });
    await event(life, 'exited', ({ token }) => token === 1);
    const lines = parse(one.stdout());
    expect([...descriptors(lines).keys()]).toEqual(Array.from({ length: 19 }, (_, fd) => fd));
    const inodes = [...descriptors(lines).values()].slice(3).map((file) => file.split(':')[1] ?? '');
    const table = readFileSync(`/proc/${one.pid}/net/unix`, 'utf8').split('\n');
    expect(
      inodes.map((inode) =>
        table
          .find((line) => line.includes(` ${inode} `))
          ?.split(' ')
          .at(-1),
      ),
    ).toEqual(paths);
  });

  it('that are not asked for, or not there, changes nothing', async () => {
    const env = { PATH: '/bin', LISTEN_PID: '77', LISTEN_FDS: '9' };
    const before = ['LISTEN_FDS=9', 'LISTEN_PID=77'];
    for (const [first, flags] of [
      [[listen(1, 'ctl', { path: fresh() })], 0],
      [[], sockets],
    ] as const) {
      const { lines } = await reported(first, { flags }, { env });
      expect(ours(lines).sort()).toEqual(before);
      expect([...descriptors(lines).keys()]).toEqual([0, 1, 2]);
    }
  });

  it('gives the next instance the same ones: who connects in between waits', async () => {
    const path = fresh();
    const serve =
      'import os,socket;s=socket.socket(fileno=3);print("serving",flush=True);c=s.accept()[0];c.send(b"hello "+os.environ["NAME"].encode());c.close()';
    const { one, controller } = await startDriven(['python3', '-c', serve]);
    const life = await controller.life(0);
    const named = (token: number): Effect => spawn(token, { flags: sockets, env_set: [Buffer.from(`NAME=${token}`)] });
    life.commit([orders({ main_end: hold }), listen(1, 'ctl', { path }), named(1)]);
    await says(one, 'serving');
    expect(await received(path)).toBe('hello 1');
    await event(life, 'exited');
    const waiting = received(path);
    life.commit([stop(1)]);
    life.commit([named(2)], { ack: (await event(life, 'gone')).seq });
    expect(await waiting).toBe('hello 2');
  });
});
