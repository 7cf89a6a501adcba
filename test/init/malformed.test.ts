import { existsSync } from 'node:fs';
import { afterEach, describe, expect, it } from 'vitest';
import { encodeCommit, encodeMessage } from '../../src/link/codec.ts';
import { eventually } from '../fixtures/eventually.ts';
import { compiled } from '../fixtures/init/compiled.ts';
import { endDriven, event, killLife, type Life, startDriven } from '../fixtures/init/controller.ts';
import { action, attach, count, helper, hold, listen, nested, orders, output, signalTo, spawn } from '../fixtures/init/effects.ts';
import { reinit, reinitAsan, says, send } from '../fixtures/init/init.ts';

afterEach(endDriven);

/** With sanitizers, a read beyond a frame ends init, and with it the test. */
const binary = existsSync(reinitAsan) ? reinitAsan : reinit;

/** The same numbers in each run (Numerical Recipes' linear congruential generator). */
function numbers(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

const u32 = (value: number): Buffer => {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
};

/** Harmless wherever it is accepted: a helper, and a signal for a token that does not exist. */
const good = encodeCommit(0, Buffer.from('memo'), [
  helper(1000, ['/bin/true'], { env_set: [Buffer.from('A=b')], flags: 1 }),
  signalTo(7, 0x5555, 10),
  listen(8, 'any', { port: 0 }),
  output({ prefix: 'app ', path: '/nowhere/app.log' }),
  count(9),
  attach(1002, 2_000_000, 5),
  nested(1001, { argv: [Buffer.from('/bin/true')] }),
]);
const frame = (...body: Buffer[]): Buffer => Buffer.concat([u32(Buffer.concat(body).length), ...body]);

const malformed: readonly (readonly [string, Buffer])[] = [
  ['an empty frame', u32(0)],
  ['half a head', frame(Buffer.from([1]))],
  ['another version', frame(Buffer.from([2]), good.subarray(5))],
  ['an unknown type', frame(Buffer.from([1, 99]))],
  ['a message that goes the other way', encodeMessage('stopping', { seq: 1, at_ms: 1, signo: 15 })],
  ['an effect without a commit', encodeMessage('exit', { code: 3 })],
  ['a frame that is too long', u32(512 * 1024 + 1)],
  ['a length beyond everything', u32(0xffff_ffff)],
  ['a commit cut short', frame(good.subarray(4, good.length - 1))],
  ['a commit with a byte too many', frame(good.subarray(4), Buffer.from([0]))],
  ['a memo that is too long', frame(Buffer.from([1, 32]), Buffer.alloc(8), Buffer.from([1]), u32(65537), Buffer.alloc(65537), u32(0))],
  ['has_memo that is neither', frame(Buffer.from([1, 32]), Buffer.alloc(8), Buffer.from([2]), u32(0), u32(0))],
  ['a list with more items than bytes', frame(Buffer.from([1, 32]), Buffer.alloc(8), Buffer.from([0]), u32(0), u32(0xffff_ffff))],
  ['an effect of nothing', frame(Buffer.from([1, 32]), Buffer.alloc(8), Buffer.from([0]), u32(0), u32(1), u32(0))],
  ['a commit in a commit', encodeCommitOf(good.subarray(4))],
  ['an output without a size', encodeCommit(0, undefined, [output({ path: '/a', max_size: 0 })])],
  ['a prefix that is too long', encodeCommit(0, undefined, [output({ prefix: 'x'.repeat(257) })])],
  ['a path of NUL', encodeCommit(0, undefined, [output({ path: '/\0' })])],
  ['a helper with the output of an application', encodeCommit(0, undefined, [helper(9, ['/bin/true'], { flags: 128 })])],
  ['no process to attach to', encodeCommit(0, undefined, [attach(9, 0, 1)])],
  ['init itself to attach to', encodeCommit(0, undefined, [attach(9, 1, 1)])],
  ['an acknowledgement of the future', encodeCommit(1_000_000, undefined, [])],
];

function encodeCommitOf(effect: Buffer): Buffer {
  return frame(Buffer.from([1, 32]), Buffer.alloc(8), Buffer.from([0]), u32(0), u32(1), u32(effect.length), effect);
}

async function start() {
  const { one, controller } = await startDriven([compiled('record'), '15', '4'], { binary });
  const first = await controller.life(0);
  first.commit([orders({ main_end: hold, actions: { 40: action.hand } }), spawn(1)]);
  await says(one, 'ready');
  let count = 0;
  /** The next life; it has something to acknowledge, so that init does not wait before it starts another. */
  const next = async (): Promise<Life> => {
    send(one.pid, '40:1');
    const life = await controller.life(count++);
    await event(life, 'signal', ({ seq }) => seq >= life.hello().next_seq || life.events.some((event) => event.seq === seq));
    life.commit([], { ack: Math.max(...life.events.map(({ seq }) => seq)) });
    return life;
  };
  const alive = async (): Promise<void> => {
    send(one.pid, 10);
    await says(one, 'signal 10');
    send(one.pid, 15);
    expect(await one.exited.then((code) => [code, one.stderr().match(/AddressSanitizer|runtime error/)])).toEqual([4, null]);
  };
  return { one, next, alive };
}

describe('malformed frames', () => {
  it.each(malformed)('%s: the controller is ended, the application lives', async (_, bytes) => {
    const { one, next } = await start();
    (await next()).raw(bytes);
    await eventually('it is told', () => one.stderr().includes('broke the protocol'));
    await next();
    send(one.pid, 10);
    await says(one, 'signal 10');
  });

  it('random bytes, cut frames and flipped bits harm nobody', async () => {
    const { one, next, alive } = await start();
    const random = numbers(1);
    const kinds = [
      () => Buffer.from(Array.from({ length: 1 + random(300) }, () => random(256))),
      () => frame(Buffer.from([1, 32]), Buffer.from(Array.from({ length: random(200) }, () => random(256)))),
      () => good.subarray(0, random(good.length)),
      () => flipped(random),
      () => flipped(random),
    ];
    for (let i = 0; i < 150; i++) {
      const life = await next();
      life.raw(kinds[i % kinds.length]?.() ?? good);
      if (i % 3 !== 0) life.raw(good);
      await new Promise((resolve) => setTimeout(resolve, i % 4));
      killLife(one, life);
    }
    await next();
    await alive();
  });
});

function flipped(random: (below: number) => number): Buffer {
  const bytes = Buffer.from(good);
  const at = random(bytes.length);
  bytes[at] = (bytes[at] ?? 0) ^ (1 << random(8));
  return bytes;
}
