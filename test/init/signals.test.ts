import { execFileSync } from 'node:child_process';
import { afterEach, describe, expect, it } from 'vitest';
import { eventually } from '../fixtures/eventually.ts';
import { compiled } from '../fixtures/init/compiled.ts';
import { endDriven, event, startDriven } from '../fixtures/init/controller.ts';
import { action, hold, orders, signalTo, spawn, stop } from '../fixtures/init/effects.ts';
import { isEmulated, movesRealTime, unlessEmulated } from '../fixtures/init/emulated.ts';
import { naive, reinit, says, send, signalsSeen, startInit, tini } from '../fixtures/init/init.ts';

afterEach(endDriven);

const record = compiled('record');
/** What the kernel keeps for itself (KILL, STOP), init's own (CHLD), and faults, which are about the process that has them. */
const notForwarded = new Set([9, 17, 19, 4, 5, 7, 8, 11, 31]);
const stopping = new Set([2, 3, 15]);
const forwardable = Array.from({ length: 64 }, (_, index) => index + 1).filter(
  (signo) => !notForwarded.has(signo) && !(isEmulated && signo > 31), // the emulator moves real-time signals
);

const early = (tries: number, step: string, command: readonly string[]): string[] =>
  execFileSync(compiled('early'), ['15', String(tries), step, ...command], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] })
    .trim()
    .split('\n');

describe('signals', () => {
  unlessEmulated('its own start takes the first moments')(
    'of the first moments end the container: 100 tries from the first system call on, 0 lost',
    () => {
      const ends = early(100, '60', [reinit, '--', '/bin/sleep', '60']);
      expect(ends).toEqual(Array.from({ length: 100 }, () => 'ended 143'));
    },
  );

  unlessEmulated('it runs no peer')('of the first moments are lost by a Node wrapper', () => {
    expect(early(1, '+5000', [...naive, '/bin/sleep', '60'])).toContain('lost');
  });

  it('that can be forwarded are, each once', async () => {
    const one = await startInit([reinit, '--', record, '15', '7']);
    await says(one, 'ready');
    for (const signo of forwardable.filter((signo) => !stopping.has(signo))) {
      send(one.pid, signo);
      await says(one, new RegExp(`^signal ${signo} `, 'm'));
    }
    for (const signo of [2, 3, 15]) {
      send(one.pid, signo);
      await says(one, new RegExp(`^signal ${signo} `, 'm'));
    }
    expect(await one.exited).toBe(7);
    const seen = signalsSeen(one.stdout()).map(({ signo }) => signo);
    expect(seen).toEqual([...forwardable.filter((signo) => !stopping.has(signo)), 2, 3, 15]);
  });

  it('of real time come in queue order, as often as sent, with their values', async () => {
    const one = await startInit([reinit, '--', record, '15']);
    await says(one, 'ready');
    const sent = Array.from({ length: 400 }, (_, index) => `${34 + (index % 3)}:${index}`);
    send(one.pid, ...sent);
    await eventually('all of them', () => signalsSeen(one.stdout()).length === sent.length);
    const seen = signalsSeen(one.stdout());
    for (const signo of [34, 35, 36]) {
      const expected = sent.filter((what) => what.startsWith(`${signo}:`)).map((what) => Number(what.split(':')[1]));
      expect(seen.filter((one) => one.signo === signo).map(({ value }) => value)).toEqual(expected);
    }
    expect(seen.every(({ code }) => code === -1)).toBe(true);
  });

  unlessEmulated('it runs no peer')('of real time lose their values under tini', async () => {
    const one = await startInit([tini, '--', record, '15']);
    await says(one, 'ready');
    send(one.pid, '40:77');
    await says(one, 'signal 40');
    expect(signalsSeen(one.stdout())).not.toContainEqual({ signo: 40, code: -1, value: 77 });
  });

  it('go to the whole group with -g, and only to the process without', async () => {
    const script = `${record} 15 & ${record} 15 & trap 'echo shell' USR1; echo ready; while :; do wait; done`;
    for (const [flags, expected] of [
      [['-g'], 2],
      [[], 0],
    ] as const) {
      const one = await startInit([reinit, ...flags, '--', '/bin/sh', '-c', script]);
      await eventually('three ready', () => one.stdout().match(/ready/g)?.length === 3);
      one.signal('SIGUSR1');
      await says(one, 'shell');
      await eventually('the group', () => signalsSeen(one.stdout()).length === expected);
      one.signal('SIGUSR1');
      await eventually('the shell again', () => one.stdout().match(/shell/g)?.length === 2);
      await eventually('the group again', () => signalsSeen(one.stdout()).length === 2 * expected);
    }
  });

  it('that init had inherited as ignored are default again', async () => {
    const inherited = [
      '/bin/sh',
      '-c',
      `trap '' HUP TERM USR1 CHLD; exec "$@"`,
      'sh',
      reinit,
      '--',
      '/bin/grep',
      'Sig',
      '/proc/self/status',
    ];
    const one = await startInit(inherited);
    expect(await one.exited).toBe(0);
    expect(one.stdout()).toMatch(/^SigIgn:\t0{16}$/m);
    expect(one.stdout()).toMatch(/^SigBlk:\t0{16}$/m);
    expect(one.stdout()).toMatch(/^SigPnd:\t0{16}$/m);
  });

  unlessEmulated('it runs no peer')('that tini had inherited as ignored stay so', async () => {
    const one = await startInit(['/bin/sh', '-c', `trap '' HUP; exec ${tini} -- /bin/grep Sig /proc/self/status`]);
    await one.exited;
    expect(one.stdout()).not.toMatch(/^SigIgn:\t0{16}$/m);
  });

  it('PIPE of its own is nobody’s; PIPE from outside is forwarded', async () => {
    // The pump is dead and its pipe broken when init says its next line.
    const { one, controller } = await startDriven([record, '15'], { react: (life, what) => !what && life.commit([spawn(1), orders()]) });
    await says(one, 'ready');
    const life = await controller.life(0);
    for (let i = 0; i < 3; i++) {
      execFileSync('/bin/sh', ['-c', `for p in $(pgrep --ns ${one.pid} --nslist pid reinit-pump); do kill -9 $p; done; true`]);
      life.raw(Buffer.from([1, 0, 0, 0]));
      await eventually('another controller', () => controller.lives.length > i + 1);
      controller.lives[i + 1]?.raw(Buffer.from([1, 0, 0, 0]));
    }
    send(one.pid, 10);
    await says(one, 'signal 10');
    expect(signalsSeen(one.stdout()).map(({ signo }) => signo)).toEqual([10]);
    send(one.pid, 13);
    await says(one, 'signal 13');
  });

  unlessEmulated(movesRealTime)('are rewritten, dropped, handed and forwarded as the orders say', async () => {
    const given = orders({ actions: { 12: action.drop, 1: action.hand, 36: action.hand }, targets: { 10: 1, 35: 40 } });
    const { one, controller } = await startDriven([record, '15'], { react: (life, what) => !what && life.commit([spawn(1), given]) });
    await says(one, 'ready');
    const life = await controller.life(0);
    send(one.pid, 12, 1, '36:5', '36:6');
    await event(life, 'signal', ({ value }) => value === 6);
    send(one.pid, 10, '35:9');
    await says(one, 'signal 40 -1 9');
    expect(signalsSeen(one.stdout()).map(({ signo }) => signo)).toEqual([1, 40]);
    const handed = life.events.flatMap((one) => (one.kind === 'signal' ? [[one.signo, one.value, one.sender]] : []));
    expect(handed).toEqual([
      [1, 0, 0],
      [36, 5, 0],
      [36, 6, 0],
    ]);
  });

  it('standard ones that are handed coalesce until acknowledged, and one that came after being told is told again', async () => {
    const given = orders({ actions: { 10: action.hand } });
    const { one, controller } = await startDriven([record, '15'], { react: (life, what) => !what && life.commit([spawn(1), given]) });
    const life = await controller.life(0);
    await says(one, 'ready');
    send(one.pid, 10);
    const first = await event(life, 'signal');
    for (let i = 0; i < 2000; i += 100) send(one.pid, ...Array.from({ length: 100 }, () => 10));
    life.commit([signalTo(1, 1, 12)]);
    await event(life, 'signalled');
    expect(life.events.filter(({ kind }) => kind === 'signal')).toHaveLength(1);
    life.commit([], { ack: first.seq });
    await event(life, 'signal', ({ seq }) => seq > first.seq);
    life.commit([signalTo(2, 1, 12)], { ack: Math.max(...life.events.map(({ seq }) => seq)) });
    await event(life, 'signalled', ({ id }) => id === 2);
    expect(life.events.filter(({ kind }) => kind === 'signal')).toHaveLength(2);
  });

  it('that come while no application runs reach the next one, once', async () => {
    const { one, controller } = await startDriven(['/bin/sleep', '60']);
    const life = await controller.life(0);
    life.commit([orders({ main_end: hold })]);
    send(one.pid, 10);
    life.commit([signalTo(1, 1, 1)]);
    const ack = (await event(life, 'signalled')).seq;
    life.commit([spawn(1)], { ack });
    expect((await event(life, 'exited')).status).toBe(10);
    life.commit([stop(1)]);
    await event(life, 'gone');
    life.commit([spawn(2), signalTo(2, 2, 14)], { ack: (await event(life, 'gone')).seq });
    expect((await event(life, 'exited', ({ token }) => token === 2)).status).toBe(14);
  });
});
