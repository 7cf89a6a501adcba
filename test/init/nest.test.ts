import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, describe, expect, it } from 'vitest';
import { constants } from '../../src/link/messages.ts';
import { eventually } from '../fixtures/eventually.ts';
import { isRoot } from '../fixtures/host.ts';
import { compiled } from '../fixtures/init/compiled.ts';
import { type DrivenOptions, endDriven, event, killLife, type Life, startDriven } from '../fixtures/init/controller.ts';
import { exit, hold, nested, orders, signalTo, spawn, stop } from '../fixtures/init/effects.ts';
import { hostPid, livingIn, namesIn, says, send, signalsSeen, statusField } from '../fixtures/init/init.ts';
import { descriptors, environment, parse } from '../fixtures/init/report.ts';
import { type Namespace, processesOf } from '../fixtures/namespace.ts';

afterEach(endDriven);

const record = compiled('record');
const forker = compiled('forker');
const bytes = (...texts: string[]): Buffer[] => texts.map((text) => Buffer.from(text));
const shell = (script: string): { argv: Buffer[] } => ({ argv: bytes('/bin/sh', '-c', script) });
const { session, notify, no_new_privs } = constants.spawnFlags.values;
const idle = ['reinit', 'reinit-pump', 'relay'];

/** init with `first` as its application, and what the controller began with. */
async function begun(
  effects: Parameters<Life['commit']>[0],
  command: readonly string[] = [record, '15', '5'],
  options: DrivenOptions = {},
) {
  const driven = await startDriven(command, options);
  const life = await driven.controller.life(0);
  life.commit([orders({ main_end: hold }), ...(effects ?? [])]);
  return { ...driven, life };
}

const named = (one: Namespace, name: string): number[] => processesOf(one.id).filter((pid) => statusField(pid, 'Name') === name);
/** Throws where there is none: the number of no process is that of the caller's own group. */
function nestOf(one: Namespace): number {
  const [pid] = named(one, 'reinit-nest');
  if (pid === undefined) throw new Error('no nest');
  return pid;
}
const zombies = (one: Namespace): number => processesOf(one.id).filter((pid) => statusField(pid, 'State').startsWith('Z')).length;
const of =
  (token: number) =>
  (what: { token: number }): boolean =>
    what.token === token;

describe('nest', () => {
  it.each([
    ['an exit code', 'exit 42', 42 << 8],
    ['a signal', 'kill -KILL $$', 9],
    ['a real-time signal', 'kill -40 $$', 40],
  ])('passes %s on', async (_, script, status) => {
    const { one, life } = await begun([nested(1, shell(script))]);
    const { pid } = await event(life, 'spawned');
    expect(await event(life, 'exited')).toMatchObject({ token: 1, pid, status, cause: 0 });
    await eventually('the nest ends by itself', () => namesIn(one).join() === idle.join());
    life.commit([stop(1)]);
    expect(await event(life, 'gone')).toMatchObject({ killed: 0 });
  });

  it('outlives what the application sends to everybody', async () => {
    const { one, controller } = await begun([nested(1, shell('trap "" TERM; kill -TERM -1; echo sent; sleep 0.2; exit 3'))]);
    await says(one, 'sent');
    expect(one.stderr()).not.toContain('init holds them itself');
    expect(await event(await controller.life(1), 'exited')).toMatchObject({ status: 3 << 8 }); // the first one has heard it, too
  });

  it('is the parent, and nothing else is other than without it', async () => {
    const more = { uid: 1234, gid: 2345, groups: bytes('7'), umask: 0o27, nice: 5, rlimits: bytes('nofile=77:99') };
    const flags = no_new_privs;
    const told: Map<string, string[]>[] = [];
    for (const effect of [
      spawn(1, { ...more, flags }),
      nested(1, { ...more, flags }),
      spawn(1, { flags: session }),
      nested(1, { flags: session }),
    ]) {
      const { one, life } = await begun([effect], [compiled('report'), 'argument']);
      const { pid } = await event(life, 'spawned');
      await event(life, 'exited');
      const lines = parse(one.stdout().replace(/^status SigQ.*\n/m, '')); // how many signals are pending, everywhere
      expect(lines.get('pid')).toEqual([String(pid)]);
      expect(lines.get('pgid')).toEqual([String(pid)]);
      expect([...descriptors(lines).keys()]).toEqual([0, 1, 2]);
      told.push(lines);
    }
    const [plain, within, leader, leaderWithin] = told;
    expect(plain?.get('ppid')).toEqual(['1']);
    expect(within?.get('ppid')).not.toEqual(['1']);
    expect(leaderWithin?.get('sid')).toEqual(leaderWithin?.get('pid'));
    for (const [a, b] of [
      [plain, within],
      [leader, leaderWithin],
    ]) {
      for (const key of ['ids', 'umask', 'nice', 'arg', 'cwd', 'status', 'limit']) expect(b?.get(key), key).toEqual(a?.get(key));
      const variables = (lines = new Map<string, string[]>()) =>
        environment(lines).filter((text) => !text.startsWith('REINIT_TEST_SOCKET'));
      expect(variables(b)).toEqual(variables(a));
    }
  });

  it.each([
    ['exec', { argv: bytes('/nonexistent') }, 127],
    ['cwd', { cwd: Buffer.from('/nonexistent') }, 126],
  ])('tells of a failed start: %s', async (stage, over, exit_code) => {
    const { one, life } = await begun([nested(1, over)]);
    const failed = await event(life, 'spawn_failed');
    expect([failed.stage.toString(), failed.exit_code]).toEqual([stage, exit_code]);
    life.commit([nested(2)], { ack: failed.seq });
    await event(life, 'spawned', of(2));
    await eventually('one nest', () => named(one, 'reinit-nest').length === 1);
  });

  it.skipIf(!isRoot)('tells where there is no further process for it', async () => {
    const nobody = 61_235;
    const { one, controller } = await startDriven([record], { uid: nobody, through: ['prlimit', '--nproc=4'] });
    const life = await controller.life(0);
    const asked = async (token: number) => {
      life.commit([orders({ main_end: hold }), nested(token)]);
      return event(life, 'spawn_failed', of(token));
    };
    // init, pump and relay are three: the fourth is the nest, which finds no fifth.
    const { stage, text } = await asked(1);
    expect([stage.toString(), text.toString()]).toEqual(['nest', 'Resource temporarily unavailable']);
    await eventually('nothing is left of it', () => namesIn(one).join() === idle.join());
    expect((await asked(2)).stage.toString()).toBe('nest');
  });

  it('collects the orphans of its tree, and holds nothing of the container', async () => {
    const { one, life } = await begun(
      [nested(1)],
      ['/bin/sh', '-c', 'for i in $(seq 300); do (true &); done; echo ready; exec sleep 1000'],
    );
    await says(one, 'ready');
    await event(life, 'spawned');
    await eventually(
      'no zombie',
      () => zombies(one) === 0 && namesIn(one).join() === [...idle.slice(0, 1), 'reinit-nest', ...idle.slice(1), 'sleep'].join(),
    );
    expect(statusField(nestOf(one), 'SigBlk')).toMatch(/^ffffffff/);
    expect(readdirSync(`/proc/${nestOf(one)}/fd`)).toHaveLength(1);
  });

  it('is small', async () => {
    // What the controller says passes through init’s memory; the nest must not be left with it.
    const memo = Buffer.alloc(64 * 1024, 'memo');
    const { one, life } = await begun([nested(1, { env_set: bytes(`LONG=${'x'.repeat(100_000)}`) })]);
    await says(one, 'ready');
    for (let id = 1; id < 20; id++) {
      life.commit([signalTo(id, 9, 10)], { memo });
      await event(life, 'signalled', (what) => what.id === id);
    }
    const rollup = readFileSync(`/proc/${nestOf(one)}/smaps_rollup`, 'utf8');
    const dirty = Number(/^Private_Dirty:\s+(\d+)/m.exec(rollup)?.[1]);
    expect(dirty).toBeGreaterThan(0);
    expect(dirty).toBeLessThanOrEqual(64);
  });

  it.each([
    ['a daemon', `setsid sh -c 'trap "" TERM; while :; do sleep 1; done' >/dev/null 2>&1 & echo ready; exec sleep 1000`],
    ['a tree that keeps forking', `exec ${forker}`],
    ['a daemon that keeps forking', `exec ${forker} -d`],
  ])('its tree is swept, %s too; that of the other one is not', async (_, script) => {
    const other = shell(`setsid sleep 1001 & (setsid sleep 1002 &); echo other; exec ${record} 15 6`);
    const { one, life } = await begun([nested(1, shell(script)), nested(2, other)]);
    await says(one, /ready|forking/);
    await says(one, 'other');
    await eventually('its daemons', () => named(one, 'sleep').length >= 2);
    life.commit([stop(1, 15, 500)]);
    const gone = await event(life, 'gone');
    expect(gone).toMatchObject({ token: 1 });
    expect(gone.killed).toBeGreaterThan(0);
    expect(namesIn(one)).toEqual(['record', 'reinit', 'reinit-nest', 'reinit-pump', 'relay', 'sleep', 'sleep']);
    life.commit([stop(2, 15, 500)], { ack: gone.seq });
    await event(life, 'gone', of(2));
    expect(namesIn(one)).toEqual(idle);
  });

  it('the end of an instance without one leaves the nests alone', async () => {
    const { one, life } = await begun([
      spawn(1),
      nested(2, shell('setsid sleep 1001 & (setsid sleep 1002 &); echo other; exec sleep 1003')),
    ]);
    await says(one, 'ready');
    await eventually('its daemons', () => named(one, 'sleep').length === 3);
    life.commit([stop(1, 15)]);
    await event(life, 'gone', of(1));
    expect(namesIn(one)).toEqual(['reinit', 'reinit-nest', 'reinit-pump', 'relay', 'sleep', 'sleep', 'sleep']);
    expect(life.events.filter(({ kind }) => kind === 'exited')).toHaveLength(1);
  });

  it('killed, it leaves the instance to init, which goes on as without it', async () => {
    const script = `setsid sleep 1001 & exec ${record} 10 7`;
    const { one, life } = await begun([nested(1, shell(script))]);
    await says(one, 'ready');
    const { pid } = await event(life, 'spawned');
    process.kill(nestOf(one), 'SIGKILL');
    await eventually('it is told', () => one.stderr().includes('was killed (signal 9): init holds them itself now'));
    expect(statusField(hostPid(one, pid) ?? 0, 'PPid')).toBe(String(one.pid));
    send(one.pid, 12);
    await says(one, 'signal 12');
    life.commit([signalTo(1, 1, 10)]);
    expect(await event(life, 'exited')).toMatchObject({ pid, status: 7 << 8 });
    life.commit([stop(1)]);
    await event(life, 'gone');
    expect(namesIn(one)).toEqual(idle);
  });

  it('killed in the same moment as the application, it loses no end: 40 times', async () => {
    const { one, life } = await begun([]);
    for (let token = 1; token <= 40; token++) {
      life.commit([nested(token, shell('exit 7'))], { ack: Math.max(0, ...life.events.map(({ seq }) => seq)) });
      const kill = (async () => {
        try {
          const pid = await eventually('a nest', () => nestOf(one), 200);
          await delay(token % 4);
          process.kill(pid, 'SIGKILL');
        } catch {} // it has ended by itself
      })();
      expect(await event(life, 'exited', of(token))).toMatchObject({ status: 7 << 8 });
      await kill;
      life.commit([stop(token)]);
      await event(life, 'gone', of(token));
    }
    expect(namesIn(one)).toEqual(idle);
    expect(zombies(one)).toBe(0);
  });

  it('keeps the application’s pid until init knows of its end', async () => {
    const { one, life } = await begun([nested(1, shell(`(trap '' TERM; exec sleep 1001 &); exec ${record} 15 7`))]);
    await says(one, 'ready');
    const pid = hostPid(one, (await event(life, 'spawned')).pid) ?? 0;
    process.kill(one.pid, 'SIGSTOP');
    process.kill(pid, 'SIGTERM');
    await eventually('it has ended', () => statusField(pid, 'State').startsWith('Z'));
    await delay(100);
    expect(statusField(pid, 'State')).toMatch(/^Z/);
    process.kill(one.pid, 'SIGCONT');
    expect(await event(life, 'exited')).toMatchObject({ status: 7 << 8 });
    await eventually('it is collected', () => statusField(pid, 'State') === '');
    expect(namesIn(one)).toEqual(['reinit', 'reinit-nest', 'reinit-pump', 'relay', 'sleep']);
  });

  it('stopped by somebody, it holds up no stop', async () => {
    const { one, life } = await begun([nested(1, shell(`(trap '' TERM; setsid sleep 1001 &); exec ${record} 15 7`))]);
    await says(one, 'ready');
    process.kill(nestOf(one), 'SIGSTOP');
    life.commit([stop(1, 15, 2000)]);
    expect(await event(life, 'exited')).toMatchObject({ status: 7 << 8 });
    process.kill(nestOf(one), 'SIGSTOP');
    await event(life, 'gone');
    expect(namesIn(one)).toEqual(idle);
  });

  it('the application may be stopped and continued, from outside and by itself', async () => {
    const { one, life } = await begun([nested(1)]);
    await says(one, 'ready');
    const pid = hostPid(one, (await event(life, 'spawned')).pid) ?? 0;
    process.kill(pid, 'SIGSTOP');
    await eventually('it stands', () => statusField(pid, 'State').startsWith('T'));
    send(one.pid, 12);
    await delay(50);
    expect(one.stdout()).not.toContain('signal 12');
    process.kill(pid, 'SIGCONT');
    await says(one, 'signal 12');
    process.kill(pid, 'SIGSTOP');
    await eventually('it stands', () => statusField(pid, 'State').startsWith('T'));
    life.commit([stop(1, 15)]); // continues what it stops
    expect(await event(life, 'exited')).toMatchObject({ status: 5 << 8 });
  });

  it('KILL comes at its time', async () => {
    const { one, life } = await begun([nested(1, { argv: bytes(record, '64') })]);
    await says(one, 'ready');
    life.commit([stop(1, 15, 400)]);
    expect(await event(life, 'exited')).toMatchObject({ status: 9, cause: 2 });
    expect((await event(life, 'gone')).killed).toBe(1);
    expect(signalsSeen(one.stdout()).map(({ signo }) => signo)).toEqual([15, 15]);
  });

  it('where init is not PID 1, nothing outlives it', async () => {
    const { one, life } = await begun(
      [nested(1, shell('(setsid sleep 1001 &); setsid sleep 1002 & echo ready; exec sleep 1003'))],
      [record],
      {
        through: ['/bin/sh', '-c', '"$@"; echo left $?; exec cat', 'sh'],
        stdin: 'pipe',
      },
    );
    await says(one, 'ready');
    life.commit([exit(3)]);
    await says(one, 'left 3');
    await eventually('only the shell is left', () => livingIn(one).join() === 'cat');
  });
});

describe('two instances', () => {
  const [old, next] = [nested(1, { argv: bytes(record, '10', '7') }), nested(2, { argv: bytes(record, '12', '8') })];
  const both = async (one: Namespace): Promise<unknown> => eventually('both', () => one.stdout().match(/ready/g)?.length === 2);

  it('stand side by side only where the second has a nest', async () => {
    const { life } = await begun([old, spawn(2)]);
    expect((await event(life, 'spawn_failed', of(2))).stage.toString()).toBe('busy');
    life.commit([nested(3)]);
    await event(life, 'spawned', of(3));
  });

  it('change over: signals go to the one that the orders name; the old one’s end is told and ends nothing; the new one’s ends the container', async () => {
    const { one, life } = await begun([old]);
    await says(one, 'ready');
    life.commit([next]);
    await both(one);
    send(one.pid, '40:1');
    await says(one, 'signal 40 -1 1');
    life.commit([orders({ main_token: 2 }), stop(1, 10)]);
    expect(await event(life, 'exited')).toMatchObject({ token: 1, status: 7 << 8 });
    const gone = await event(life, 'gone');
    expect(gone.token).toBe(1);
    expect(namesIn(one)).toEqual(['record', 'reinit', 'reinit-nest', 'reinit-pump', 'relay']);
    life.commit([], { ack: gone.seq });
    await delay(1200); // longer than what a decision may take
    send(one.pid, '40:2');
    await says(one, 'signal 40 -1 2');
    expect(signalsSeen(one.stdout()).map(({ signo, value }) => [signo, value])).toEqual([
      [40, 1],
      [10, 0],
      [40, 2],
    ]);
    send(one.pid, 12);
    expect(await one.exited).toBe(8);
  });

  it('the old one may crash in between: told, nothing more', async () => {
    const { one, life } = await begun([old, next, orders({ main_token: 2 })]);
    await both(one);
    life.commit([signalTo(1, 1, 10)]);
    expect(await event(life, 'exited')).toMatchObject({ token: 1 });
    await delay(1200);
    expect(life.ended()).toBe(false);
    send(one.pid, 12);
    expect(await one.exited).toBe(8);
  });

  it('the new one may fail, at once or later: told, the old one stays', async () => {
    const { one, life } = await begun([orders(), old, nested(2, { argv: bytes('/nonexistent') }), nested(3, shell('exit 9'))]);
    await event(life, 'spawn_failed', of(2));
    await event(life, 'exited', of(3));
    await delay(1200);
    send(one.pid, '40:1');
    await says(one, 'signal 40 -1 1');
    life.commit([signalTo(1, 1, 10)]);
    expect(await one.exited).toBe(7);
  });

  it('a controller that dies in between finds both', async () => {
    const { one, controller, life } = await begun([old, next]);
    await both(one);
    await event(life, 'spawned', of(2));
    killLife(one, life);
    const second = await controller.life(1);
    expect(second.slots().map(({ token, role, state }) => [token, role, state])).toEqual([
      [1, 1, 2],
      [2, 1, 2],
    ]);
    const spawned = second.events.flatMap((what) => (what.kind === 'spawned' ? [what.pid] : []));
    expect(second.slots().map(({ pid }) => pid)).toEqual(spawned);
    for (const pid of spawned) expect(statusField(hostPid(one, pid) ?? 0, 'Name')).toBe('record');
  });

  it.each([
    [1, 7, [10, 12]],
    [2, 8, [10, 12]],
    [2, 8, [12, 10]],
  ])('the container’s stop reaches both and waits for both; the code is that of %i', async (main_token, code, order) => {
    const { one, life } = await begun([orders({ main_token }), old, next]);
    await both(one);
    one.signal('SIGTERM');
    await eventually('both', () => signalsSeen(one.stdout()).length === 2);
    one.signal('SIGINT');
    await eventually('both again', () => signalsSeen(one.stdout()).length === 4);
    expect(signalsSeen(one.stdout()).map(({ signo }) => signo)).toEqual([15, 15, 2, 2]);
    const tokens = order.map((signo) => (signo === 10 ? 1 : 2));
    life.commit([signalTo(1, tokens[0] ?? 0, order[0] ?? 0)]);
    await event(life, 'exited', of(tokens[0] ?? 0));
    await delay(1200);
    life.commit([signalTo(2, tokens[1] ?? 0, order[1] ?? 0)]);
    expect(await one.exited).toBe(code);
    expect(life.events.filter(({ kind }) => kind === 'exited')).toHaveLength(2);
  });

  it('without a controller the one that is left is the application', async () => {
    const { one, life } = await begun([old, next, orders({ main_token: 2 })]);
    await both(one);
    life.commit([stop(1, 10)]);
    await event(life, 'gone');
    const pid = hostPid(one, life.nsPid) ?? 0;
    process.kill(pid, 'SIGSTOP');
    send(one.pid, 12);
    expect(await one.exited).toBe(8);
  });

  it('notify tells whose word it is', async () => {
    const speak = shell(`systemd-notify "$STATE"; exec sleep 1000`);
    const with_state = (state: string) => ({ ...speak, env_set: bytes(`STATE=${state}`), flags: notify });
    const { life } = await begun([nested(1, with_state('READY=1')), nested(2, with_state('STOPPING=1')), spawn(0x7fff_ffff)]);
    expect(await event(life, 'notified', of(1))).toMatchObject({ state: 1 });
    expect(await event(life, 'notified', of(2))).toMatchObject({ state: 4 });
  });
});
