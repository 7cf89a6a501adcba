import { spawn as spawnProcess } from 'node:child_process';
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, describe, expect, it } from 'vitest';
import type { Effect } from '../../src/link/messages.ts';
import { eventually } from '../fixtures/eventually.ts';
import { compiled } from '../fixtures/init/compiled.ts';
import { endDriven, event, type Life, startDriven } from '../fixtures/init/controller.ts';
import { exit, helper, hold, orders, signalTo, spawn, stop } from '../fixtures/init/effects.ts';
import { livingIn, namesIn, reinit, reinitTest, says, send, signalsSeen, startInit } from '../fixtures/init/init.ts';

afterEach(endDriven);

const record = compiled('record');
const forker = compiled('forker');
const deaf = (what: string): string[] => ['/bin/sh', '-c', `trap '' TERM; ${what} echo ready; while :; do sleep 1; done`];
const begin = (life: Life, ...effects: Effect[][]): void => life.commit([orders({ main_end: hold }), ...effects.flat()]);

describe('stop', () => {
  it('is passed on each time, and without a time limit nothing is killed', async () => {
    const one = await startInit([reinit, '--', record, '10', '3']);
    await says(one, 'ready');
    for (const signo of [15, 2, 15]) {
      const before = signalsSeen(one.stdout()).length;
      send(one.pid, signo);
      await eventually('the signal', () => signalsSeen(one.stdout()).length > before);
    }
    expect(namesIn(one)).toEqual(['record', 'reinit']);
    send(one.pid, 10);
    expect(await one.exited).toBe(3);
    expect(signalsSeen(one.stdout()).map(({ signo }) => signo)).toEqual([15, 2, 15, 10]);
  });

  it('continues an application that somebody had stopped', async () => {
    const one = await startInit([
      reinit,
      '--',
      '/bin/sh',
      '-c',
      'trap "exit 4" TERM; echo ready; kill -STOP $$; while :; do sleep 0.01; done',
    ]);
    await says(one, 'ready');
    one.signal('SIGTERM');
    expect(await one.exited).toBe(4);
  });

  it('sends stop_signal instead, and KILL after stop_timeout; both are told', async () => {
    const { one, controller } = await startDriven([record, '64'], {
      react: (life, what) => !what && life.commit([orders({ stop_signal: 12, stop_timeout_ms: 600 }), spawn(1)]),
    });
    const life = await controller.life(0);
    await says(one, 'ready');
    const at = Date.now();
    one.signal('SIGTERM');
    expect(await event(life, 'stopping')).toMatchObject({ signo: 15 });
    expect(await event(life, 'exited')).toMatchObject({ status: 9, cause: 2 });
    expect(Date.now() - at).toBeGreaterThanOrEqual(590);
    expect(await one.exited).toBe(137);
    // Once when it began, and once more before KILL.
    expect(signalsSeen(one.stdout()).map(({ signo }) => signo)).toEqual([12, 12]);
    expect(one.stderr()).toContain('KILL');
  });

  it('before there is an application ends the start with 128+n', async () => {
    for (const [name, code] of [
      ['SIGTERM', 143],
      ['SIGINT', 130],
      ['SIGQUIT', 131],
    ] as const) {
      const { one, controller } = await startDriven([record]);
      await controller.life(0);
      one.signal(name);
      expect(await one.exited).toBe(code);
    }
  });

  it('a signal that is ignored by default waits for exec', async () => {
    for (let i = 0; i < 10; i++) {
      const { one, controller } = await startDriven(['/bin/sh', '-c', 'trap "exit 6" WINCH; while :; do sleep 0.01; done']);
      const life = await controller.life(0);
      life.commit([orders({ stop_signal: 28, stop_timeout_ms: 400 }), spawn(1)]);
      one.signal('SIGTERM');
      // Where the signal found the shell before its trap, the second one, before KILL, does not.
      expect([6, 143]).toContain(await one.exited);
    }
  });

  it('during a restart ends the container, and no further instance starts', async () => {
    const { one, controller } = await startDriven([record, '12', '8']);
    const life = await controller.life(0);
    begin(life, [spawn(1)]);
    await says(one, 'ready');
    life.commit([stop(1, 10)]);
    await says(one, 'signal 10');
    one.signal('SIGTERM');
    await event(life, 'stopping');
    life.commit([stop(1, 10), spawn(2)]);
    expect((await event(life, 'spawn_failed')).stage.toString()).toBe('stopping');
    life.commit([signalTo(1, 1, 10, { guard: 1 })]);
    expect(await event(life, 'signalled')).toMatchObject({ result: 6 });
    send(one.pid, 10);
    await says(one, 'signal 15');
    life.commit([signalTo(2, 1, 12)]);
    expect(await one.exited).toBe(8);
  });

  it('between two instances ends it at once', async () => {
    const { one, controller } = await startDriven([record, '15', '8']);
    const life = await controller.life(0);
    begin(life, [spawn(1)]);
    await says(one, 'ready');
    life.commit([stop(1, 15)]);
    await event(life, 'gone');
    one.signal('SIGTERM');
    expect(await one.exited).toBe(143);
  });

  it('while the end of the main child is held ends it with that code', async () => {
    const { one, controller } = await startDriven([record, '10', '8']);
    const life = await controller.life(0);
    begin(life, [spawn(1)]);
    await says(one, 'ready');
    send(one.pid, 10);
    await event(life, 'exited');
    one.signal('SIGTERM');
    expect(await one.exited).toBe(8);
  });

  it('within 250 ms of a reload signal waits for those', async () => {
    const { one, controller } = await startDriven(['/bin/sh', '-c', 'trap : HUP; echo ready; while :; do sleep 0.01; done']);
    const life = await controller.life(0);
    begin(life, [spawn(1)]);
    await says(one, 'ready');
    life.commit([signalTo(1, 1, 1, { guard: 1 })]);
    const reloaded = await event(life, 'signalled');
    expect(reloaded.result).toBe(0);
    one.signal('SIGTERM');
    const exited = await event(life, 'exited');
    expect(exited.at_ms - reloaded.at_ms).toBeGreaterThanOrEqual(250);
  });

  it('within 1 s of a reload signal is sent once more, for it may have been lost; without a reload it is not', async () => {
    const losesOne = [
      '/bin/sh',
      '-c',
      'trap : HUP; trap \'n=x$n; echo "got $n"; [ $n = x ] || exit 3\' TERM; echo ready; while :; do sleep 0.01; done',
    ];
    for (const reload of [true, false]) {
      const { one, controller } = await startDriven(losesOne);
      const life = await controller.life(0);
      begin(life, [spawn(1)]);
      await says(one, 'ready');
      if (reload) {
        life.commit([signalTo(1, 1, 1, { guard: 1 })]);
        await event(life, 'signalled');
      }
      one.signal('SIGTERM');
      await says(one, 'got x');
      if (reload) await event(life, 'exited', ({ status }) => status >> 8 === 3);
      else await expect(Promise.race([event(life, 'exited'), delay(2500, 'still there')])).resolves.toBe('still there');
    }
  });
});

describe('the end of an instance', () => {
  it.each([
    ['a daemon that ignores TERM', deaf(`setsid sh -c 'trap "" TERM; while :; do sleep 1; done' >/dev/null 2>&1 &`)],
    ['a tree that keeps forking', [forker]],
    ['a daemon that keeps forking', [forker, '-d']],
  ])('is all of it, %s too, before it is told', async (_, command) => {
    const { one, controller } = await startDriven(command);
    const life = await controller.life(0);
    begin(life, [spawn(1)]);
    await says(one, /ready|forking/);
    life.commit([stop(1, 15, 500)]);
    const gone = await event(life, 'gone');
    expect(namesIn(one)).toEqual(['reinit', 'reinit-pump', 'relay']);
    expect(life.events.map(({ kind }) => kind)).toEqual(['spawned', 'exited', 'gone']);
    expect(gone.killed).toBeGreaterThan(0);
    life.commit([spawn(2)], { ack: gone.seq });
    await event(life, 'spawned', ({ token }) => token === 2);
  });

  it('leaves what entered from outside alone, and the helpers', async () => {
    const { one, controller } = await startDriven(deaf(''));
    const life = await controller.life(0);
    begin(life, [spawn(1)], [spawn(7, { role: 2, argv: [Buffer.from('/bin/sleep'), Buffer.from('1007')] })]);
    await says(one, 'ready');
    const guest = spawnProcess('nsenter', ['-t', String(one.pid), '-p', '-m', 'sh', '-c', 'sleep 1005 & echo in; wait'], { stdio: 'pipe' });
    try {
      await new Promise((resolve) => guest.stdout.once('data', resolve));
      life.commit([stop(1, 15, 100)]);
      await event(life, 'gone');
      expect(namesIn(one)).toEqual(['reinit', 'reinit-pump', 'relay', 'sh', 'sleep', 'sleep']);
    } finally {
      guest.kill('SIGKILL');
    }
  });

  it('stop of a helper kills its group, and nothing else', async () => {
    const { one, controller } = await startDriven([record]);
    const life = await controller.life(0);
    begin(life, [spawn(1)], [spawn(7, { role: 2, argv: ['/bin/sh', '-c', 'sleep 1007; echo'].map((text) => Buffer.from(text)) })]);
    await says(one, 'ready');
    await event(life, 'spawned', ({ token }) => token === 7);
    life.commit([stop(7)]);
    expect(await event(life, 'exited', ({ token }) => token === 7)).toMatchObject({ status: 9, cause: 2 });
    life.commit([stop(7), signalTo(1, 1, 10)]);
    await says(one, 'signal 10');
    expect(signalsSeen(one.stdout()).map(({ signo }) => signo)).toEqual([10]);
    await eventually('its group too', () => namesIn(one).join() === 'record,reinit,reinit-pump,relay');
  });

  it('is told also where the program could not be started', async () => {
    const { one, controller } = await startDriven([record], {
      react: (life, what) => what?.kind === 'spawn_failed' && life.commit([], { ack: what.seq }),
    });
    const life = await controller.life(0);
    life.commit([
      orders({ main_end: hold }),
      helper(7, ['/bin/sh', '-c', `setsid sh -c 'trap "" TERM; while :; do sleep 1; done' & sleep 0.2`]),
    ]);
    await event(life, 'exited');
    life.commit([spawn(1, { cwd: Buffer.from('/nonexistent') }), stop(1, 15)]);
    expect((await event(life, 'spawn_failed')).stage.toString()).toBe('cwd');
    const gone = await event(life, 'gone');
    expect(namesIn(one)).toEqual(['reinit', 'reinit-pump', 'relay']);
    life.commit([spawn(2)], { ack: gone.seq });
    await event(life, 'spawned', ({ token }) => token === 2);
  });

  it('where init is not PID 1, is that of its helpers, too', async () => {
    const { one, controller } = await startDriven([record], {
      through: ['/bin/sh', '-c', '"$@"; echo left $?; exec cat', 'sh'],
      stdin: 'pipe',
    });
    const life = await controller.life(0);
    begin(life, [spawn(1)], [helper(7, ['/bin/sleep', '1007'])]);
    await event(life, 'spawned', ({ token }) => token === 7);
    life.commit([exit(3)]);
    await says(one, 'left 3');
    await eventually('only the shell is left', () => livingIn(one).join() === 'cat');
  });
});

describe('a decision about the end of the main child', () => {
  it('is not the stop of a helper', async () => {
    const { one, controller } = await startDriven([record, '10', '6']);
    const life = await controller.life(0);
    life.commit([orders(), spawn(1), helper(7, ['/bin/sleep', '1007'])]);
    await event(life, 'spawned', ({ token }) => token === 7);
    await says(one, 'ready');
    send(one.pid, 10);
    await event(life, 'exited', ({ token }) => token === 1);
    life.commit([stop(7)]);
    expect(await Promise.race([one.exited, eventually('', () => false, 4000).catch(() => 'hangs')])).toBe(6);
  });

  it('that holds it keeps the code, for when the controller cannot be kept up', async () => {
    const { one, controller } = await startDriven([record, '10', '6'], { binary: reinitTest });
    const life = await controller.life(0);
    life.commit([orders(), spawn(1)]);
    await says(one, 'ready');
    send(one.pid, 10);
    await event(life, 'exited');
    life.commit([orders({ main_end: hold })]);
    await controller.close();
    expect(await one.exited).toBe(6);
  });
});
