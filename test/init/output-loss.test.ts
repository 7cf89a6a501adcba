import { statSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { contentOf } from '../../src/probe/processes.ts';
import { eventually } from '../fixtures/eventually.ts';
import { endDriven, event, killLife, startDriven } from '../fixtures/init/controller.ts';
import { exit, hold, nested, orders, output, spawn, stop } from '../fixtures/init/effects.ts';
import { livingIn, reinitTest, says } from '../fixtures/init/init.ts';
import {
  contents,
  expectSame,
  fifo,
  flags,
  lines,
  numbered,
  prefixed,
  pumpOf,
  removeScratch,
  rotated,
  running,
  scratch,
  shell,
  written,
} from '../fixtures/init/output.ts';
import { gone, type Namespace, processesOf } from '../fixtures/namespace.ts';

afterAll(removeScratch);
afterEach(endDriven);

describe('nothing is lost', () => {
  it('of a stop while all pipes are full', async () => {
    const { through, rest } = fifo();
    const script = `trap 'stopped=1' TERM; '${lines}' 10000 100 65536 & until wait $!; do :; done; [ "$stopped" ] && exit 7`;
    const { one } = await running(shell(script), output({ prefix: '> ' }), { through });
    await eventually('the writer waits', () => processesOf(one.id).some((pid) => contentOf(`/proc/${pid}/wchan`).includes('pipe_write')));
    one.signal('SIGTERM');
    const all = rest();
    expect(await one.exited).toBe(7);
    expectSame(await all, prefixed('> ', numbered(10_000)));
  });

  it('of what is still in the pipes when the application has ended', async () => {
    const { through, rest } = fifo();
    const { one, controller } = await running([lines, '1500', '100', '65536'], output({ prefix: '> ' }), { through });
    const life = await controller.life(0);
    await event(life, 'exited');
    life.commit([exit(7)]);
    await eventually('init waits', () => life.ended());
    const all = rest();
    expect(await one.exited).toBe(7);
    expectSame(await all, prefixed('> ', numbered(1500)));
  });

  it('to a file, which a reader that follows it sees whole', async () => {
    const path = scratch();
    await written([lines, '100000', '100', '4096'], output({ path: join(path, 'app.log'), max_size: 2 ** 20, max_files: 20 }));
    expectSame(contents(path), numbered(100_000));
    const sizes = rotated(path).map((file) => statSync(file).size);
    expect([10, 11]).toContain(sizes.length); // by how full the blocks are that were read
    expect(Math.max(...sizes)).toBeLessThanOrEqual(2 ** 20);
    expect(Math.min(...sizes.slice(0, -1))).toBeGreaterThan(2 ** 20 - 70_000);
  });

  it('but the oldest file, where there are as many as there may be', async () => {
    const path = scratch();
    await written(
      [lines, '20000', '100', '65536'],
      output({ path: join(path, 'app.log'), max_size: 300_000, max_files: 3, also_stdout: 1 }),
    );
    expect(rotated(path)).toHaveLength(3);
    const kept = contents(path);
    expect(kept.length).toBeGreaterThan(600_000);
    expectSame(kept, numbered(20_000).slice(-kept.length));
  });

  /** What is written twice, because it was not counted, are whole lines, at once. How many there were. */
  function expectNoneMissing(text: string, count: number): number {
    const found = text.split('\n').slice(0, -1);
    const numbers = found.map((line) => (/^\d{9} x{89}$/.test(line) ? Number(line.slice(0, 9)) : -1));
    let next = 0;
    for (const number of numbers) {
      if (number < 0 || number > next) expect({ next, number }).toBe('the next line');
      if (number === next) next += 1;
    }
    expect(next).toBe(count);
    return numbers.length;
  }

  /** An application that writes so many lines, and then stays: nothing is left to the end, when time is short. */
  const waiting = (count: number): string[] => shell(`'${lines}' ${count} 100 10000 && read _`);

  async function allWritten(one: Namespace, count: number): Promise<void> {
    await says(one, `\n${numbered(count).slice(-100)}`);
    one.stdin?.end('\n');
    expect(await one.exited).toBe(0);
  }

  it('when the pump is killed again and again', async () => {
    const count = 150_000;
    const { one } = await running(waiting(count), output(), { stdin: 'pipe' });
    for (let [killed, last] = [0, gone]; killed < 12; killed += 1) {
      last = await eventually('the next pump', () => [pumpOf(one)].find((pump) => pump !== last));
      process.kill(last, 'SIGKILL');
    }
    await allWritten(one, count);
    expect(expectNoneMissing(one.stdout(), count) - count).toBeLessThan(12 * 1000);
  });

  it('when it is killed at each step of its work, again and again', async () => {
    const count = 10_000;
    let twice = 0;
    for (const every of [3, 5, 7, 11]) {
      const path = scratch();
      const env = { ...process.env, REINIT_TEST_OUTPUT_KILL_EVERY: `${every}` };
      const how = output({ path: join(path, 'app.log'), max_size: 2 ** 17, max_files: 100, also_stdout: 1 });
      const { one } = await running(waiting(count), how, { env, binary: reinitTest, stdin: 'pipe' });
      await allWritten(one, count);
      expectSame(contents(path), numbered(count));
      expect(rotated(path).length).toBeGreaterThan(7);
      twice += expectNoneMissing(one.stdout(), count) - count;
    }
    expect(twice).toBeGreaterThan(0); // it was killed between a write and the count of it
  });

  it('when the controller is killed', async () => {
    const { one, controller } = await running([lines, '300000', '100', '100'], output({ prefix: '' }));
    for (let n = 0; n < 3; n += 1) killLife(one, await controller.life(n));
    expect(await one.exited).toBe(0);
    expectSame(one.stdout(), numbered(300_000));
  });
});

describe('instances', () => {
  it('side by side write through, each its own lines, and into one file', async () => {
    const path = scratch();
    const how = output({ path: join(path, 'app.log'), max_size: 2 ** 20, max_files: 100, also_stdout: 1 });
    const { one, controller } = await startDriven(['/bin/true']);
    const life = await controller.life(0);
    const both = shell(`'${lines}' 50000 100 777; printf 'no end'`).map((word) => Buffer.from(word));
    life.commit([
      orders({ main_end: hold }),
      how,
      nested(1, { flags: flags.output, argv: both }),
      nested(2, { flags: flags.output, argv: both }),
    ]);
    for (const number of [1, 2]) await event(life, 'exited', ({ token }) => token === number);
    life.commit([stop(1), stop(2), exit(0)]);
    expect(await one.exited).toBe(0);
    for (const text of [one.stdout(), contents(path)]) {
      const all = text.split('\n').slice(0, -1);
      expect(all.filter((line) => line === 'no end')).toHaveLength(2);
      expect(all).toHaveLength(2 * 50_000 + 2);
      const seen = new Map<string, number>();
      for (const line of all) seen.set(line, (seen.get(line) ?? 0) + 1);
      expect([...seen.values()].every((times) => times === 2)).toBe(true);
    }
  });

  it('one after the other have lines of their own; what they leave behind is waited for no longer than for them', async () => {
    const { one, controller } = await startDriven(['/bin/true']);
    const life = await controller.life(0);
    const argv = shell('(trap "" TERM; exec sleep 1000) & printf "no end"; sleep 0.1').map((word) => Buffer.from(word));
    for (const token of [1, 2, 3]) {
      life.commit([orders({ main_end: hold, main_token: token }), output({ prefix: '> ' }), spawn(token, { flags: flags.output, argv })]);
      await event(life, 'exited', (exited) => exited.token === token);
      if (token === 3) break; // its rest is still there when the container ends
      life.commit([stop(token)]);
      await event(life, 'gone', (gone) => gone.token === token);
      life.commit([], { ack: life.events.at(-1)?.seq ?? 0 });
      await says(one, new RegExp(`^(> no end\n){${token}}$`));
    }
    life.commit([exit(3)]);
    expect(await one.exited).toBe(3);
    expect(one.stderr()).not.toContain('nobody has read');
    expect(one.stdout()).toBe('> no end\n'.repeat(3));
  });

  it('are nobody, and no pump is there, once all is written', async () => {
    const { one, controller } = await startDriven(['/bin/true']);
    const life = await controller.life(0);
    life.commit([
      orders({ main_end: hold }),
      output(),
      spawn(1, { flags: flags.output, argv: shell('echo out').map((word) => Buffer.from(word)) }),
    ]);
    await event(life, 'exited');
    await says(one, 'out\n');
    await eventually('no pump', () => !livingIn(one).includes('reinit-output'));
  });
});
