import { afterEach, describe, expect, it } from 'vitest';
import { constants } from '../../src/link/messages.ts';
import { eventually } from '../fixtures/eventually.ts';
import { type Foreign, startForeign } from '../fixtures/foreign.ts';
import { isRoot } from '../fixtures/host.ts';
import { compiled } from '../fixtures/init/compiled.ts';
import { type DrivenOptions, endDriven, event, killLife, type Life, startDriven } from '../fixtures/init/controller.ts';
import { attach, orders, signalTo, stop } from '../fixtures/init/effects.ts';
import { reinitAsan } from '../fixtures/init/init.ts';
import type { Namespace } from '../fixtures/namespace.ts';

afterEach(endDriven);

const [hup, term] = [1, 15];
const esrch = 3;
const results = constants.signalResults.values;
const { target } = constants.roles.values;
const { running } = constants.slotStates.values;
/** Says `ready`, and `HUP` for each HUP. */
const catching = ['sh', '-c', 'trap "echo HUP" HUP; echo ready; while :; do read -r _; done'];
const guarded = { guard: 1 };

interface Attached {
  readonly one: Namespace;
  readonly life: Life;
  readonly foreign: Foreign;
}

/** init with a controller that the test is, and a process of another container, which takes HUP. */
async function beside(options: DrivenOptions = {}, command: readonly string[] = catching): Promise<Attached> {
  const { one, controller } = await startDriven(['unused'], options);
  const life = await controller.life(0);
  const foreign = await startForeign(one, command);
  if (command === catching) await isUp(foreign);
  life.commit([orders({ main_token: 5 }), attach(5, foreign.nsPid, foreign.started)]);
  return { one, life, foreign };
}

const isUp = (foreign: Foreign): Promise<boolean> => eventually('it runs', () => foreign.stdout().includes('ready'));
const resultOf = async (life: Life, id: number): Promise<number> => (await event(life, 'signalled', (one) => one.id === id)).result;

describe.skipIf(!isRoot)('attach', () => {
  it.each([
    ['as built', {}],
    ['with sanitizers', { binary: reinitAsan }],
  ])('signals a process of another container, and tells of its end: %s', async (_, options) => {
    const { life, foreign } = await beside(options);
    expect(await event(life, 'spawned')).toMatchObject({ token: 5, pid: foreign.nsPid });
    life.commit([signalTo(1, 5, hup, guarded)]);
    expect(await resultOf(life, 1)).toBe(results.sent);
    await eventually('the signal', () => foreign.stdout().includes('HUP'));
    await foreign.end('SIGKILL');
    expect(await event(life, 'exited')).toMatchObject({ token: 5, pid: foreign.nsPid });
    life.commit([signalTo(2, 5, hup, guarded)]);
    expect(await resultOf(life, 2)).toBe(results.no_process);
  });

  it('takes no process that was started at another time: it has the number by now', async () => {
    const { life, foreign } = await beside();
    life.commit([attach(6, foreign.nsPid, foreign.started + 1), attach(7, 4_000_000, foreign.started)]);
    for (const token of [6, 7]) {
      const failed = await event(life, 'spawn_failed', (one) => one.token === token);
      expect([failed.error, failed.stage.toString()]).toEqual([esrch, 'attach']);
    }
    life.commit([signalTo(1, 6, term), signalTo(2, 7, term)]);
    expect([await resultOf(life, 1), await resultOf(life, 2)]).toEqual([results.no_process, results.no_process]);
    expect(foreign.stdout()).toBe('ready\n');
  });

  it('has the guards that children have: the signal is caught, and the program old enough', async () => {
    const { life, foreign } = await beside({}, ['sleep', '1000']);
    life.commit([signalTo(1, 5, hup, guarded), signalTo(2, 5, hup, { ...guarded, min_age_ms: 3_600_000 })]);
    expect([await resultOf(life, 1), await resultOf(life, 2)]).toEqual([results.not_caught, results.not_yet]);
    expect(() => process.kill(foreign.pid, 0)).not.toThrow();
  });

  it('says where it may not: another user, and no CAP_KILL', async () => {
    const { life, foreign } = await beside({ uid: 65_534 });
    await event(life, 'spawned');
    life.commit([signalTo(1, 5, hup, guarded)]);
    expect(await resultOf(life, 1)).toBe(results.not_permitted);
    expect(foreign.stdout()).toBe('ready\n');
  });

  it('is still attached for the next controller, which is told of an end in between', async () => {
    const { one, controller } = await startDriven(['unused']);
    const life = await controller.life(0);
    const foreign = await startForeign(one, catching);
    await isUp(foreign);
    life.commit([orders({ main_token: 5 }), attach(5, foreign.nsPid, foreign.started)]);
    await event(life, 'spawned');
    killLife(one, life);
    const next = await controller.life(1);
    expect(next.slots()).toEqual([
      { kind: 'slot', token: 5, role: target, state: running, pid: foreign.nsPid, spawned_ms: foreign.started * 10 },
    ]);
    next.commit([signalTo(1, 5, hup, guarded)]);
    expect(await resultOf(next, 1)).toBe(results.sent);
    next.pause();
    await foreign.end('SIGKILL');
    killLife(one, next);
    const last = await controller.life(2);
    const { seq } = await event(last, 'exited', ({ token }) => token === 5);
    last.commit([signalTo(2, 5, hup, guarded)], { ack: seq });
    expect(await resultOf(last, 2)).toBe(results.no_process);
    killLife(one, last);
    expect((await controller.life(3)).slots()).toEqual([]);
  });

  it('lets it go when told to stop it, and does it no harm', async () => {
    const { one, life, foreign } = await beside();
    life.commit([stop(5, term, 100)]);
    expect(await event(life, 'gone')).toMatchObject({ token: 5, killed: 0 });
    life.commit([signalTo(1, 5, hup, guarded)]);
    expect(await resultOf(life, 1)).toBe(results.no_process);
    expect(foreign.stdout()).toBe('ready\n');
    one.signal(term);
    expect(await one.exited).toBe(143);
  });

  it('leaves as the orders map a stop, with nothing of its own to be ended', async () => {
    const { one, life } = await beside();
    life.commit([orders({ main_token: 5, exitMap: { 143: 0 } }), signalTo(1, 5, hup, guarded)]);
    expect(await resultOf(life, 1)).toBe(results.sent); // so the orders hold
    one.signal(term);
    expect(await one.exited).toBe(0);
  });

  it('without pidfd: says so once, is as careful, and finds the end by looking', async () => {
    const { one, life, foreign } = await beside({ through: [compiled('no-pidfd')] });
    life.commit([signalTo(1, 5, hup, guarded), attach(6, foreign.nsPid, foreign.started + 1), attach(7, foreign.nsPid, foreign.started)]);
    expect(await resultOf(life, 1)).toBe(results.sent);
    expect(await event(life, 'spawn_failed')).toMatchObject({ token: 6, error: esrch });
    await foreign.end('SIGKILL');
    await event(life, 'exited', ({ token }) => token === 5);
    await event(life, 'exited', ({ token }) => token === 7);
    expect(one.stderr().match(/no pidfd/g)).toHaveLength(1);
  });
});
