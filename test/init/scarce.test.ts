import { execFileSync } from 'node:child_process';
import { readdirSync, readlinkSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, describe, expect, it } from 'vitest';
import { eventually } from '../fixtures/eventually.ts';
import { isRoot } from '../fixtures/host.ts';
import { compiled } from '../fixtures/init/compiled.ts';
import { endDriven, event, killLife, startDriven } from '../fixtures/init/controller.ts';
import { hold, orders, signalTo, spawn, stop } from '../fixtures/init/effects.ts';
import { hostPid, namesIn, reinit, reinitTest, says, send, startInit, statusField } from '../fixtures/init/init.ts';
import { processesOf } from '../fixtures/namespace.ts';

afterEach(endDriven);

/** A user that nobody is, so that RLIMIT_NPROC counts what is here alone. */
const nobody = 61_234;
const maxFiles = (pid: number, limit: number): void => void execFileSync('prlimit', ['--pid', String(pid), `--nofile=${limit}:4096`]);
/** init holds more descriptors than this: it gets no further one. */
const none = 4;
const deaf = ['/bin/sh', '-c', `setsid sh -c 'trap "" TERM; while :; do sleep 1; done' >/dev/null 2>&1 & echo ready; sleep 1000`];

describe.skipIf(!isRoot)('without a further descriptor', () => {
  it('a guarded signal is put off: not to know is not to allow', async () => {
    const { one, controller } = await startDriven(['/bin/sleep', '1000']);
    const life = await controller.life(0);
    life.commit([orders(), spawn(1)]);
    await event(life, 'spawned');
    maxFiles(one.pid, none);
    life.commit([signalTo(1, 1, 1, { guard: 1 })]);
    expect(await event(life, 'signalled')).toMatchObject({ result: 2 });
    maxFiles(one.pid, 1024);
    life.commit([signalTo(2, 1, 1, { guard: 1 })]);
    expect(await event(life, 'signalled', ({ id }) => id === 2)).toMatchObject({ result: 4 });
    expect(namesIn(one)).toContain('sleep');
  });

  it('an instance is not taken for gone that init cannot see', async () => {
    const { one, controller } = await startDriven(deaf);
    const life = await controller.life(0);
    life.commit([orders({ main_end: hold }), spawn(1)]);
    await says(one, 'ready');
    maxFiles(one.pid, none);
    life.commit([stop(1, 15)]);
    await event(life, 'exited');
    await delay(300);
    expect(life.events.map(({ kind }) => kind)).not.toContain('gone');
    maxFiles(one.pid, 1024);
    await event(life, 'gone');
    expect(namesIn(one)).toEqual(['reinit', 'reinit-pump', 'relay']);
  });

  it('the end of the application is the end of the container, though no controller can be started that it was held for', async () => {
    const { one, controller } = await startDriven([compiled('record'), '10', '6'], { binary: reinitTest });
    const life = await controller.life(0);
    life.commit([orders({ main_end: hold }), spawn(1)]);
    await says(one, 'ready');
    maxFiles(one.pid, none);
    killLife(one, life);
    send(one.pid, 10);
    expect(await one.exited).toBe(6);
    expect(one.stderr()).toMatch(/cannot be started \([^)]+\)[\s\S]*cannot be kept up \(/);
  });
});

describe.skipIf(!isRoot)('without a further process', () => {
  const alone = ['prlimit', '--nproc=1'];

  it('says what could not be started, and leaves with 126', async () => {
    // Nothing is waited for: each time would take a second.
    await eventually('it leaves at once', async () => {
      const at = Date.now();
      const one = await startInit([...alone, reinit, '--', '/bin/true'], { uid: nobody });
      expect(await one.exited).toBe(126);
      expect(one.stderr()).toBe('reinit: error: cannot start /bin/true: fork: Resource temporarily unavailable\n');
      return Date.now() - at < 900;
    });
  });

  it('says that the controller cannot be started, and leaves with 111', async () => {
    const one = await startInit([...alone, reinitTest, 'run', '--', '/bin/true'], { uid: nobody });
    expect(await one.exited).toBe(111);
    expect(one.stderr()).toMatch(/Resource temporarily unavailable/);
    expect(one.stderr()).toMatch(/leaving with 111/);
  });
});

describe('the pump', () => {
  const pumpOf = (one: Awaited<ReturnType<typeof startInit>>): number =>
    processesOf(one.id).find((pid) => statusField(pid, 'Name') === 'reinit-pump') ?? 0;

  it('holds nothing of the container but its stderr', async () => {
    const { one, controller } = await startDriven(['/bin/true']);
    await controller.life(0);
    const pump = pumpOf(one);
    const held = readdirSync(`/proc/${pump}/fd`).map((fd) => readlinkSync(`/proc/${pump}/fd/${fd}`));
    const mine = (fd: number): string => readlinkSync(`/proc/${one.pid}/fd/${fd}`);
    expect(held).toContain(mine(2));
    expect(held).not.toContain(mine(1));
    expect(held).toHaveLength(2);
  });

  it('can be killed: another one goes on, and the controller’s stderr stays good', async () => {
    const { one, controller } = await startDriven(['/bin/true']);
    const life = await controller.life(0);
    const first = pumpOf(one);
    process.kill(first, 'SIGKILL');
    await eventually('another pump', () => ![0, first].includes(pumpOf(one)));
    // What the controller writes: the relay says nothing by itself, so the line goes into its descriptor.
    execFileSync('sh', ['-c', `echo from the controller > /proc/${hostPid(one, life.nsPid)}/fd/2`]);
    await eventually('the line', () => one.stderr().includes('from the controller'));
  });
});
