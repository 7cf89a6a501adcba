import { spawn as spawnProcess } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { afterEach, describe, expect, it } from 'vitest';
import { constants, type LinkEvent } from '../../src/link/messages.ts';
import { eventually } from '../fixtures/eventually.ts';
import { isRoot } from '../fixtures/host.ts';
import { compiled } from '../fixtures/init/compiled.ts';
import { endDriven, event, killLife, type Life, startDriven } from '../fixtures/init/controller.ts';
import { helper, hold, orders, signalTo, spawn, stop } from '../fixtures/init/effects.ts';
import { unlessEmulated } from '../fixtures/init/emulated.ts';
import { says, send, signalsSeen } from '../fixtures/init/init.ts';
import { environment, parse } from '../fixtures/init/report.ts';

afterEach(endDriven);

const notifier = compiled('notifier');
const { notify } = constants.spawnFlags.values;
const { ready, reloading, stopping } = constants.notifyStates.values;

type Notified = Extract<LinkEvent, { kind: 'notified' }>;
const notified = (life: Life): Notified[] => life.events.filter((one): one is Notified => one.kind === 'notified');
const states = (life: Life): number[] => notified(life).map(({ state }) => state);
const last = (life: Life): number => Math.max(...life.events.map(({ seq }) => seq));

/** An application that says what it is told to. */
async function speaking(over = {}) {
  const driven = await startDriven([notifier], { stdin: 'pipe' });
  const { one, controller } = driven;
  const life = await controller.life(0);
  life.commit([orders({ main_end: hold }), spawn(1, { flags: notify, ...over })]);
  const { pid } = await event(life, 'spawned');
  await says(one, 'ready');
  const address = /ready (@.*)/.exec(one.stdout())?.[1] ?? '';
  const told = (what: string): void => void one.stdin?.write(`${what}\n`);
  const say = async (what: string): Promise<void> => {
    const before = one.stdout().length;
    told(what);
    await eventually(`done ${what}`, () => one.stdout().slice(before).includes(`done ${what}`));
  };
  return { ...driven, life, pid, address, say, told };
}

/** What was said before this has been read, or it will never be: what is said last comes last. */
async function heard(life: Life, say: (what: string) => Promise<void>): Promise<number[]> {
  await say('send STOPPING=1|READY=1|RELOADING=1');
  await event(life, 'notified', ({ state }) => state === (ready | reloading | stopping));
  return states(life).slice(0, -1);
}

/** What the sender waits for the end of. */
const takesDescriptors = 'it receives descriptors though init has asked for none';

describe('notify', () => {
  it('tells the states of a datagram with the sender, and nothing of the rest', async () => {
    const { life, pid, say } = await speaking();
    for (const text of ['READY=1', 'STATUS=busy|RELOADING=1|MONOTONIC_USEC=1', 'READY=1|', 'STOPPING=1|READY=1']) await say(`send ${text}`);
    for (const text of ['WATCHDOG=1', 'READY=0', 'XREADY=1', 'READY=11', 'STATUS=READY=1', ' READY=1', '|']) await say(`send ${text}`);
    expect(await heard(life, say)).toEqual([ready, reloading, ready, stopping | ready]);
    expect(notified(life).every((one) => one.pid === pid && one.token === 1)).toBe(true);
  });

  it('belongs to the instance also from a descendant', async () => {
    const { life, pid, say } = await speaking();
    await say('child READY=1');
    const { state, token, ...from } = await event(life, 'notified');
    expect([state, token]).toEqual([ready, 1]);
    expect(from.pid).not.toBe(pid);
  });

  it('is an address that nobody can guess, for who asks only; the container’s own one is left otherwise', async () => {
    const env = { PATH: '/bin', NOTIFY_SOCKET: '/run/systemd/notify' };
    const addresses = new Set<string>();
    for (const [flags, expected] of [
      [notify, /^NOTIFY_SOCKET=@reinit-[0-9a-f]{32}$/],
      [notify, /^NOTIFY_SOCKET=@reinit-[0-9a-f]{32}$/],
      [0, /^NOTIFY_SOCKET=\/run\/systemd\/notify$/],
    ] as const) {
      const { one, controller } = await startDriven([compiled('report')], { env });
      const life = await controller.life(0);
      life.commit([orders({ main_end: hold }), spawn(1, { flags })]);
      await event(life, 'exited');
      const found = environment(parse(one.stdout())).filter((variable) => variable.startsWith('NOTIFY_SOCKET='));
      expect(found).toHaveLength(1);
      expect(found[0]).toMatch(expected);
      addresses.add(found[0] ?? '');
    }
    expect(addresses.size).toBe(3);
  });

  it('of a stranger, a helper and a forger is nothing', async () => {
    const { one, life, address, say } = await speaking();
    const out = spawnProcess(notifier, [address], { stdio: ['pipe', 'pipe', 'inherit'] });
    const guest = spawnProcess('nsenter', ['-t', String(one.pid), '-p', '-m', notifier, address], { stdio: ['pipe', 'pipe', 'inherit'] });
    try {
      for (const stranger of [out, guest]) {
        const done = new Promise((resolve) => stranger.stdout.on('data', (text) => String(text).includes('done') && resolve(undefined)));
        stranger.stdin.write('send READY=1\n');
        await done;
      }
      life.commit([helper(7, ['/bin/sh', '-c', `echo 'send READY=1' | ${notifier} ${address}`])]);
      await event(life, 'exited', ({ token }) => token === 7);
      for (const pid of [1, life.nsPid]) await say(`forge ${pid} READY=1`);
      expect(await heard(life, say)).toEqual([]);
    } finally {
      out.kill('SIGKILL');
      guest.kill('SIGKILL');
    }
  });

  it.skipIf(!isRoot)('cannot be forged for another’s pid without privileges', async () => {
    const { one, life, say } = await speaking({ uid: 1234, gid: 1234 });
    await say('forge 1 READY=1');
    await says(one, 'refused 1');
    expect(await heard(life, say)).toEqual([]);
  });

  unlessEmulated(takesDescriptors)('takes no descriptor that is sent along, and so answers BARRIER=1', async () => {
    const { one, life, say } = await speaking();
    const count = (): number => readdirSync(`/proc/${one.pid}/fd`).length;
    await say('send RELOADING=1');
    await event(life, 'notified');
    const before = count();
    await say('fds 1 BARRIER=1');
    for (let i = 0; i < 20; i++) await say('fds 253 FDSTORE=1|READY=1');
    expect((await heard(life, say)).at(-1)).toBe(ready);
    expect(count()).toBe(before);
  });

  (existsSync('/usr/bin/systemd-notify') ? unlessEmulated(takesDescriptors) : it.skip)(
    'of systemd-notify, which waits to be heard, is heard',
    async () => {
      const script = 'systemd-notify --ready && echo told; exec sleep 1000';
      const { one, controller } = await startDriven(['/bin/sh', '-c', script]);
      const life = await controller.life(0);
      life.commit([orders({ main_end: hold }), spawn(1, { flags: notify })]);
      expect(await event(life, 'notified')).toMatchObject({ token: 1, state: ready });
      await says(one, 'told');
    },
  );

  it('that is too long is ignored', async () => {
    const { life, say } = await speaking();
    await say('big 4097');
    await say('big 100000');
    expect(await heard(life, say)).toEqual([]);
    await say('big 4096');
    await event(life, 'notified', ({ state }) => state === ready);
  });

  it('repeated before it is told is told once; a storm is bounded, its last word is not lost, and signals go on', async () => {
    const { one, controller, life, say, told } = await speaking();
    await say('send READY=1');
    await event(life, 'notified');
    killLife(one, life);
    const second = await controller.life(1);
    // From here on the controller acknowledges nothing.
    for (let i = 0; i < 100; i++) told(`send ${i % 2 ? 'READY=1' : 'RELOADING=1'}`);
    await say('storm 1000 READY=1');
    await say('send STOPPING=1');
    send(one.pid, 12);
    await event(second, 'exited'); // the notifier takes no signal
    expect(states(second).length).toBeLessThanOrEqual(64);
    second.commit([], { ack: last(second) });
    await event(second, 'notified', ({ state }) => state === stopping);
    expect(states(second).at(-1)).toBe(stopping);
    expect(states(second).length).toBeLessThanOrEqual(65);
  });

  it('waits for a controller, and comes again to the next one', async () => {
    const { one, controller, life, say } = await speaking();
    await say('send READY=1');
    await event(life, 'notified');
    killLife(one, life);
    for (let i = 0; i < 3; i++) await say('send RELOADING=1');
    const second = await controller.life(1);
    await event(second, 'notified', ({ state }) => state === reloading);
    await eventually('both', () => states(second).length >= 2);
    expect(states(second)[0]).toBe(ready);
    second.commit([], { ack: last(second) });
    await say('send READY=1');
    await event(second, 'notified', ({ seq, state }) => state === ready && seq > last(life));
  });

  it('leaves the rest of commits their room, however much is said', async () => {
    const { life, say, told } = await speaking();
    for (let i = 0; i < 100; i++) told(`send ${i % 2 ? 'READY=1' : 'RELOADING=1'}`);
    await say('send READY=1');
    await eventually('they wait', () => states(life).length === 64);
    const many = Array.from({ length: 128 }, (_, id) => signalTo(id + 1, 99, 10));
    life.commit(many);
    await event(life, 'signalled', ({ id }) => id === 128);
    expect(life.ended()).toBe(false);
  });

  it('of an instance that is being stopped is still its own', async () => {
    const { one, life, say } = await speaking({ argv: [], env_set: [] });
    life.commit([stop(1, 28)]); // WINCH: it is ignored
    await say('send STOPPING=1');
    await event(life, 'notified', ({ state }) => state === stopping);
    expect(signalsSeen(one.stdout())).toEqual([]);
  });
});
