import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, describe, expect, it } from 'vitest';
import { encodeCommit } from '../../src/link/codec.ts';
import { constants } from '../../src/link/messages.ts';
import { eventually } from '../fixtures/eventually.ts';
import { compiled } from '../fixtures/init/compiled.ts';
import { endDriven, event, killLife, startDriven } from '../fixtures/init/controller.ts';
import { action, count, exit, helper, hold, orders, signalTo, spawn, stop } from '../fixtures/init/effects.ts';
import { movesRealTime, unlessEmulated } from '../fixtures/init/emulated.ts';
import { hostPid, namesIn, reinit, reinitTest, says, send, signalsSeen, startInit, statusField } from '../fixtures/init/init.ts';

afterEach(endDriven);

const record = compiled('record');
const capture = constants.spawnFlags.values.capture;
const handAll = orders({ main_end: hold, actions: { 12: action.hand, 40: action.hand } });

async function running(options: Parameters<typeof startDriven>[1] = {}, command = [record, '15', '5']) {
  const driven = await startDriven(command, {
    react: (life, what) => !what && life.slots().length === 0 && life.commit([handAll, spawn(1)]),
    ...options,
  });
  const life = await driven.controller.life(0);
  await event(life, 'spawned');
  await says(driven.one, /./);
  return { ...driven, life };
}

describe('the controller', () => {
  unlessEmulated(movesRealTime)(
    'is told on request how many orphans were reaped and signals passed on, over the lives of controllers',
    async () => {
      const { one, controller, life } = await running();
      send(one.pid, 10, '40:1');
      await eventually('the one that is not handed over has come', () => signalsSeen(one.stdout()).length === 1);
      life.commit([count(1), helper(7, ['/bin/sh', '-c', '(setsid sh -c : &); (setsid sh -c : &); exit 3'])]);
      await event(life, 'exited');
      const told = async (of: typeof life, id: number) => {
        of.commit([count(id)]);
        return eventually('an answer', () => of.counted.find((one) => one.id === id));
      };
      expect(life.counted[0]).toEqual({ kind: 'counted', id: 1, orphans: 0, forwarded: 1 });
      await eventually('the orphans', async () => (await told(life, 2 + life.counted.length)).orphans === 2);
      killLife(one, life);
      const second = await controller.life(1);
      expect(await told(second, 1)).toEqual({ kind: 'counted', id: 1, orphans: 2, forwarded: 1 });
    },
  );

  unlessEmulated(movesRealTime)('is told the state at the begin, and all that it has not acknowledged, also after kill -9', async () => {
    const { one, controller, life } = await running();
    const { helloFlags } = constants;
    expect(life.hello()).toMatchObject({
      generation: 0,
      main_token: 0,
      stop_signal: 0,
      slots: 0,
      flags: helloFlags.values.pid1 | helloFlags.values.can_kill,
    });
    expect(life.hello().command).toEqual([Buffer.from(record)]);
    expect(life.hello().memo).toHaveLength(0);
    const memo = Buffer.alloc(64 * 1024, 'memo');
    life.commit([helper(7, ['/bin/sh', '-c', 'echo said; exit 3'], { flags: capture })], { memo });
    const before = await event(life, 'exited');
    killLife(one, life);
    send(one.pid, '40:1', 12);
    const second = await controller.life(1);
    expect(second.hello()).toMatchObject({ generation: 1, main_token: 1, slots: 2 });
    expect(second.hello().memo.equals(memo)).toBe(true);
    expect(second.slots().map(({ token, role, state }) => [token, role, state])).toEqual([
      [1, 1, 2],
      [7, 2, 3],
    ]);
    await event(second, 'signal', ({ signo }) => signo === 40);
    await event(second, 'signal', ({ signo }) => signo === 12);
    const kept = second.events.filter(({ kind }) => kind !== 'signal');
    expect(kept).toEqual(life.events);
    expect(before).toMatchObject({ status: 3 << 8, output_total: 5 });
    expect(before.output.toString()).toBe('said\n');
    second.commit([], { ack: Math.max(...second.events.map(({ seq }) => seq)) });
    second.commit([signalTo(1, 1, 10)]);
    await event(second, 'signalled');
    killLife(one, second);
    const third = await controller.life(2);
    expect(third.slots().map(({ token }) => token)).toEqual([1]);
    await event(third, 'signalled');
    expect(third.events).toHaveLength(1);
    expect(one.stderr()).toContain('the application does not notice');
  });

  it('understands its hello also where the command is too long to be told', async () => {
    const { one, controller } = await startDriven(['x'.repeat(5000)]);
    const life = await controller.life(0);
    expect(life.hello().command).toEqual([]);
    life.commit([orders(), spawn(1)]);
    expect((await event(life, 'spawn_failed')).stage.toString()).toBe('exec');
    expect(await one.exited).toBe(127);
  });

  it('that never stops talking cannot keep init from a signal', async () => {
    const { one, controller } = await startDriven([record]);
    const life = await controller.life(0);
    const commit = encodeCommit(0, undefined, []);
    const many = Buffer.alloc(commit.length * 500_000, commit);
    for (let i = 0; i < 40; i++) life.raw(many);
    await delay(300);
    const at = Date.now();
    one.signal('SIGTERM');
    expect(await one.exited).toBe(143);
    expect(Date.now() - at).toBeLessThan(1000);
  });

  it('may ask twice for the same token: one process, one answer', async () => {
    const { life } = await running();
    life.commit([helper(7, ['/bin/sleep', '0.3']), helper(7, ['/bin/sleep', '0.3'])]);
    life.commit([helper(7, ['/bin/sleep', '0.3']), spawn(1)]);
    await event(life, 'exited');
    life.commit([signalTo(1, 1, 10)]);
    await event(life, 'signalled');
    expect(life.events.filter(({ kind }) => kind === 'spawned')).toHaveLength(2);
    expect(life.events.filter(({ kind }) => kind === 'exited' || kind === 'spawn_failed')).toHaveLength(1);
  });

  it('commits all or nothing, and what follows a refused commit is not applied', async () => {
    const { one, controller, life } = await running();
    const memo = Buffer.from('wrong');
    const cases = [
      [spawn(0)],
      [spawn(9, { role: 3 })],
      [helper(9, ['/bin/true'], { flags: 32 })],
      [spawn(9, { flags: 256 })],
      [helper(9, ['a\0b'])],
      [helper(9, ['/bin/true'], { uid: -2 })],
      [helper(9, ['/bin/true'], { uid: 1, groups: [Buffer.from('wheel')] })],
      [helper(9, ['/bin/true'], { uid: 1, groups: [Buffer.from('')] })],
      [helper(9, ['/bin/true'], { env_set: [Buffer.from('no equals sign')] })],
      [signalTo(2, 1, 65)],
      [signalTo(2, 1, 0)],
      [signalTo(2, 1, 10, { scope: 2 })],
      [stop(1, 65)],
      [orders({ actions: { 10: 4 } })],
      [orders({ targets: { 10: 0 } })],
      [orders({ targets: { 10: 65 } })],
      [orders({ main_end: 2 })],
      Array.from({ length: 64 }, (_, i) => helper(100 + i, ['/bin/true'])),
      Array.from({ length: 129 }, (_, i) => signalTo(100 + i, 1, 10)),
    ];
    let current = life;
    for (const [index, bad] of cases.entries()) {
      // Something to acknowledge, so that this life has done something and the next comes at once.
      current.commit([signalTo(1000 + index, 99, 10)]);
      const answer = await event(current, 'signalled', ({ id }) => id === 1000 + index);
      current.commit([], { ack: answer.seq });
      current.commit([signalTo(1, 1, 10), ...bad, exit(1)], { ack: answer.seq, memo });
      current.commit([signalTo(1, 1, 10), exit(2)], { memo });
      current = await controller.life(index + 1);
      expect(current.hello().memo.toString(), `case ${index}`).toBe('');
      expect(current.hello().next_seq).toBe(answer.seq + 1);
    }
    current.commit([], { ack: current.hello().next_seq });
    await controller.life(cases.length + 1);
    expect(signalsSeen(one.stdout())).toEqual([]);
    expect(one.stderr().match(/broke the protocol/g)).toHaveLength(cases.length + 1);
  });

  it('gets a bounded part of what helpers write, and their group ends with them, or at their time limit', async () => {
    const { one, life } = await running();
    const flood = 'yes 0123456 | head -c 5000000; printf last; (sleep 1009 & sleep 1009 & ) ; exit 2';
    life.commit([
      helper(7, ['/bin/sh', '-c', flood], { flags: capture }),
      helper(8, ['/bin/sh', '-c', 'sleep 1008; true'], { timeout_ms: 200, flags: capture }),
    ]);
    const ended = await event(life, 'exited', ({ token }) => token === 7);
    expect(ended.output_total).toBe(5_000_004);
    expect(ended.output).toHaveLength(16384);
    expect(ended.output.toString()).toMatch(/^(0123456\n){1024}[0-6\n]*last$/);
    expect(await event(life, 'exited', ({ token }) => token === 8)).toMatchObject({ cause: 1, status: 9 });
    await eventually('nothing is left of them', () => namesIn(one).join() === 'record,reinit,reinit-pump,relay');
  });

  it('has nothing of the container’s but its files', async () => {
    const { REINIT_CONTROL_SOCKET: _, ...inherited } = process.env;
    const env = {
      ...inherited,
      NODE_OPTIONS: '--bad',
      LD_PRELOAD: '',
      UV_X: '1',
      OPENSSL_CONF: 'x',
      MALLOC_ARENA_MAX: '1',
      SECRET: 's',
      TZ: 'UTC',
      HOSTNAME: 'h',
    };
    const { one, life } = await running({ env });
    const pid = hostPid(one, life.nsPid) ?? 0;
    const names = readFileSync(`/proc/${pid}/environ`, 'utf8').split('\0').filter(Boolean);
    expect(names.map((variable) => variable.split('=')[0]).sort()).toEqual([
      'HOSTNAME',
      'OPENSSL_CONF',
      'PATH',
      'REINIT_NODE',
      'REINIT_TEST_SOCKET',
      'TZ',
      'UV_THREADPOOL_SIZE',
    ]);
    expect(names).toContain('PATH=');
    const fds = readdirSync(`/proc/${pid}/fd`).map((fd) => `${fd} ${readlinkSync(`/proc/${pid}/fd/${fd}`).replace(/\[.*/, '')}`);
    expect(fds.slice(0, 4)).toEqual(['0 /dev/null', '1 /dev/null', '2 pipe:', '3 socket:']);
    expect(fds).toHaveLength(5); // the relay's own socket
    expect(readFileSync(`/proc/${pid}/oom_score_adj`, 'utf8')).toBe('1000\n');
    expect(statusField(pid, 'NSsid').split(/\s+/).at(-1)).toBe(String(life.nsPid));
    expect(statusField(pid, 'NoNewPrivs')).toBe('1');
    // CAP_CHOWN, CAP_DAC_READ_SEARCH, CAP_FOWNER: where init has them, the controller has them, and nothing else.
    const own = Number.parseInt(statusField(one.pid, 'CapPrm').slice(-8), 16);
    for (const set of ['CapEff', 'CapPrm']) expect(Number.parseInt(statusField(pid, set), 16), set).toBe(own & 0b1101);
    for (const set of ['CapInh', 'CapAmb']) expect(statusField(pid, set), set).toMatch(/^0+$/);
    expect(statusField(pid, 'Uid')).toBe(statusField(one.pid, 'Uid'));
    for (const mask of ['SigBlk', 'SigIgn']) expect(statusField(pid, mask)).toMatch(/^0+$/);
  });

  it.each([
    ['dead', (pid: number) => process.kill(pid, 'SIGKILL')],
    ['stopped', (pid: number) => process.kill(pid, 'SIGSTOP')],
  ])('may be %s: stop and exit go on', async (_, harm) => {
    const { one, controller, life } = await running({}, [record, '10', '6']);
    await controller.close(); // the next ones cannot begin either
    const pid = hostPid(one, life.nsPid);
    if (pid) harm(pid);
    one.signal('SIGTERM');
    await says(one, 'signal 15');
    send(one.pid, 10);
    expect(await one.exited).toBe(6);
  });

  it('that never can be started, with nothing running: 111, and why', async () => {
    const one = await startInit([reinit, 'run', '--', record], { env: { REINIT_NODE: '/nonexistent' } });
    expect(await one.exited).toBe(111);
    expect(one.stderr()).toMatch(/cannot run Node\.js .*No such file/);
    expect(one.stderr()).toMatch(/nothing runs yet: leaving with 111/);
    expect(one.stderr()).not.toMatch(/started again/); // the next one would say the same
    expect(one.stdout()).toBe('');
  });

  it('that cannot be kept up is told, and init is a plain init then', async () => {
    const { one, controller } = await running({ binary: reinitTest }, [record, '10', '6']);
    await controller.close();
    await eventually('it is told', () => one.stderr().includes('cannot be kept up'));
    send(one.pid, '40:4', 12); // handed, were there anybody
    await says(one, 'signal 40');
    await says(one, 'signal 12');
    send(one.pid, 10);
    expect(await one.exited).toBe(6);
  });

  it('that cannot be kept up while no instance runs ends the container', async () => {
    const { one, controller, life } = await running({ binary: reinitTest });
    life.commit([stop(1, 15)]);
    await event(life, 'gone');
    await controller.close();
    expect(await one.exited).toBe(111);
  });

  it('that answers nothing, or closes its link and stays, is killed after ten seconds in which init itself ran', async () => {
    const hangs = await running();
    const paused = await running();
    const closes = await running();
    closes.life.commit([], { ack: Math.max(...closes.life.events.map(({ seq }) => seq)) });
    process.kill(hostPid(closes.one, closes.life.nsPid) ?? 0, 'SIGUSR1');
    for (const { life } of [hangs, paused]) life.commit([signalTo(1, 1, 12)]);
    const at = Date.now();
    process.kill(paused.one.pid, 'SIGSTOP');
    await eventually('another', () => hangs.controller.lives.length === 2);
    const took = Date.now() - at;
    expect(took).toBeGreaterThan(9_000);
    expect(hangs.one.stderr()).toContain('hangs');
    await eventually('another', () => closes.controller.lives.length === 2);
    const ticks = readFileSync(`/proc/${closes.one.pid}/stat`, 'utf8').split(' ').slice(13, 15).map(Number);
    expect(Math.max(...ticks), 'init did not spin').toBeLessThan(20);
    await delay(1500);
    process.kill(paused.one.pid, 'SIGCONT');
    await delay(3000);
    expect(paused.controller.lives).toHaveLength(1);
    expect(namesIn(hangs.one)).toContain('record');
  });
});
