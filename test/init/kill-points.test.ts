import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, describe, expect, it } from 'vitest';
import type { LinkEvent } from '../../src/link/messages.ts';
import { eventually } from '../fixtures/eventually.ts';
import { compiled } from '../fixtures/init/compiled.ts';
import { type Driven, endDriven, killLife, type Life, startDriven } from '../fixtures/init/controller.ts';
import { action, exit, helper, hold, nested, orders, signalTo, spawn, stop } from '../fixtures/init/effects.ts';
import { reinit, reinitTest, send, signalsSeen } from '../fixtures/init/init.ts';

afterEach(endDriven);

const handed = 40;
const counted = 45;

/** What the controller saves: each event that it has handled, by what it was. */
interface Memo {
  readonly handled: readonly string[];
}

const told = (event: LinkEvent): string => {
  if (event.kind === 'signal') return `signal ${event.value}`;
  if (event.kind === 'signalled') return `signalled ${event.id}`;
  return 'token' in event ? `${event.kind} ${event.token}` : event.kind;
};

/**
 * What an event leads to: each handed signal to a helper (or an instance beside the application, which is cleared when it has ended) and to one
 * real-time signal for the application, which counts them.
 */
function effects(event: LinkEvent, nests: boolean) {
  if (event.kind === 'exited' && event.token === 1) return [exit(9)];
  if (event.kind === 'exited' && nests) return [stop(event.token)];
  if (event.kind !== 'signal') return [];
  const token = 100 + event.value;
  const begun = nests ? nested(token, { argv: [Buffer.from('/bin/true')] }) : helper(token, ['/bin/true']);
  return [begun, signalTo(event.value, 1, counted)];
}

/**
 * A controller whose whole state is its memo, and which commits after each event. `split`: the wrong one, which acknowledges and saves first, and
 * orders what follows from it in a second commit.
 */
function counting({ split = false, nests = false } = {}) {
  const state = { handled: [] as readonly string[] };
  const react = (life: Life, event: LinkEvent | undefined): void => {
    if (!event) {
      const memo = life.hello().memo;
      state.handled = memo.length > 0 ? (JSON.parse(memo.toString()) as Memo).handled : [];
      if (memo.length > 0) return;
      const first = orders({ main_end: hold, actions: { [handed]: action.hand } });
      life.commit([first, nests ? nested(1) : spawn(1)], { memo: Buffer.from(JSON.stringify({ handled: [] })) });
      return;
    }
    state.handled = [...state.handled, told(event)];
    const saved = { ack: event.seq, memo: Buffer.from(JSON.stringify({ handled: state.handled })) };
    life.commit(split ? [] : effects(event, nests), saved);
    if (split) setTimeout(() => life.commit(effects(event, nests)), 2);
  };
  return { state, react };
}

const expected = (signals: number, nests: boolean): string[] =>
  [
    'spawned 1',
    ...Array.from({ length: signals }, (_, i) => [
      ...[`signal ${i}`, `spawned ${100 + i}`, `exited ${100 + i}`, `signalled ${i}`],
      ...(nests ? [`gone ${100 + i}`] : []),
    ]).flat(),
  ].sort();

/** Sends the signals, waits until everything is handled, and checks that it was so once. */
async function check({ one }: Driven, state: Memo, signals: number, timeoutMs = 30_000, nests = false): Promise<void> {
  const all = expected(signals, nests);
  await eventually('all is handled', () => state.handled.length >= all.length, timeoutMs).catch((error) => {
    throw new Error(`${error.message}: ${state.handled.join(', ')}; ${one.stderr()}`);
  });
  expect([...state.handled].sort()).toEqual(all);
  const forwarded = 'signal 46 -1 1';
  send(one.pid, '46:1');
  await eventually('the last signal', () => one.stdout().includes(forwarded));
  expect(signalsSeen(one.stdout()).filter(({ signo }) => signo === counted)).toHaveLength(signals);
}

/** Runs the scenario with the controller killed at this point of init's side. False: the scenario has no such point. */
async function killedAt(point: number, split: boolean, timeoutMs: number, nests = false): Promise<boolean> {
  const { state, react } = counting({ split, nests });
  const env = { ...process.env, REINIT_TEST_KILL_AT: String(point) };
  const driven = await startDriven([compiled('record'), '15'], { binary: reinitTest, react, env });
  await eventually('the application', () => driven.one.stdout().includes('ready'));
  for (let i = 0; i < 3; i++) send(driven.one.pid, `${handed}:${i}`);
  await check(driven, state, 3, timeoutMs, nests);
  driven.one.signal('SIGTERM');
  // 0 where the kill came so late that init left without another controller.
  expect([9, 0]).toContain(await driven.one.exited);
  await endDriven();
  return /the controller ended \(signal 9\)/.test(driven.one.stderr());
}

describe('hand-over', () => {
  it('at each point of the link on init’s side: each event is handled once', async () => {
    let points = 0;
    while (await killedAt(points + 1, false, 30_000)) points += 1;
    expect(points).toBeGreaterThan(30);
  });

  it('at each point, with instances side by side: each event is handled once', async () => {
    let points = 0;
    while (await killedAt(points + 1, false, 30_000, true)) points += 1;
    expect(points).toBeGreaterThan(36);
  });

  it('at each point shows what is wrong with a controller that acknowledges first', async () => {
    const walk = async (): Promise<void> => {
      for (let point = 1; await killedAt(point, true, 1500); point++);
    };
    await expect(walk()).rejects.toThrow('all is handled');
  });

  it('after random kill -9, with signals and orphans all the time: nothing is lost, nothing doubled', async () => {
    const { state, react } = counting();
    const driven = await startDriven(['/bin/sh', '-c', `(while :; do (sleep 0.01 &); sleep 0.02; done) & exec ${compiled('record')} 15`], {
      binary: reinit,
      react,
    });
    const { one, controller } = driven;
    await eventually('the application', () => one.stdout().includes('ready'));
    const application = /ready (\d+)/.exec(one.stdout())?.[1];
    let sent = 0;
    for (let kills = 0; kills < 200; kills++) {
      const life = await eventually('a life', () => controller.lives.at(-1)?.ended() === false && controller.lives.at(-1));
      for (let i = 0; i < 2; i++) send(one.pid, `${handed}:${sent++}`);
      await delay((kills * 7) % 23);
      killLife(one, life);
      await eventually('its end', life.ended);
    }
    await check(driven, state, sent);
    expect(controller.lives.length).toBeGreaterThan(190);
    expect([...one.stdout().matchAll(/ready (\d+)/g)].map(([, pid]) => pid)).toEqual([application]);
  });
});
