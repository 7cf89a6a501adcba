import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { eventually } from '../fixtures/eventually.ts';
import { closeControllers, event } from '../fixtures/init/controller.ts';
import { helper, output } from '../fixtures/init/effects.ts';
import { endAll, isRoot, reinitTest } from '../fixtures/init/init.ts';
import { expectSame, flags, lines, numbered, pumpOf, removeScratch, running, scratch, shell, written } from '../fixtures/init/output.ts';
import { makeFifo } from '../fixtures/pipe.ts';

afterAll(removeScratch);
afterEach(async () => {
  await endAll();
  await closeControllers();
});

describe('trouble', () => {
  /** A stdout that is read when somebody likes to. */
  function fifo() {
    const path = join(scratch(), 'stdout');
    return { read: makeFifo(path), through: shell('exec "$@" >"$0"').concat(path) };
  }

  it('of the reader of stdout is not the application', async () => {
    const { read, through } = fifo();
    const path = join(scratch(), 'done');
    const { one } = await running(shell(`'${lines}' 10000 100 4096 && echo $? >'${path}'`), output({ prefix: '> ' }), { through });
    await eventually('it runs', () => pumpOf(one));
    read.destroy();
    expect(await one.exited).toBe(0);
    expect(readFileSync(path, 'utf8')).toBe('0\n');
  });

  it('of one who never reads holds the container up for a while only, and is told', async () => {
    const { read, through } = fifo();
    const { one } = await running([lines, '2000', '100', '4096'], output({ prefix: '> ' }), { through, binary: reinitTest });
    expect(await one.exited).toBe(0);
    read.destroy();
    expect(one.stderr()).toMatch(/nobody has read the application's output for 250 ms: the last of it is lost/);
  });

  it.runIf(isRoot)('of a full disk: what has no room goes to stdout, and to the file again later; both are told', async () => {
    const path = scratch();
    const file = join(path, 'app.log');
    const through = shell(`mount -t tmpfs -o size=500k none '${path}' && exec "$@"`).concat('sh');
    const script = `'${lines}' 10000 100 65536; cp '${file}' '${path}.before'; rm '${path}/filler' '${file}'; for i in 1 2 3 4 5 6 7 8 9; do sleep 0.2; echo later; done; cp '${file}' '${path}.copy'`;
    const { one, controller } = await running(
      shell(`head -c 100000 /dev/zero >'${path}/filler'; ${script}`),
      output({ path: file, max_size: 2 ** 20 }),
      {
        through,
        binary: reinitTest,
      },
    );
    const life = await controller.life(0);
    const full = await event(life, 'output_file', ({ error }) => error !== 0);
    expect([full.stage.toString(), full.text.toString()]).toEqual(['write', 'No space left on device']);
    expect((await event(life, 'output_file', ({ error }) => error === 0)).stage.toString()).toBe('');
    expect(await one.exited).toBe(0);
    const streamed = one.stdout();
    const first = Number(streamed.slice(0, 9));
    expect(first).toBeGreaterThan(1000);
    expectSame(readFileSync(`${path}.before`, 'utf8'), numbered(first));
    expect(streamed.startsWith(numbered(10_000).slice(first * 100))).toBe(true);
    expect((streamed + readFileSync(`${path}.copy`, 'utf8')).match(/^later$/gm)).toHaveLength(9);
    expect(readFileSync(`${path}.copy`, 'utf8')).toMatch(/^later$/m);
  });

  it('of a file that cannot be opened: all goes to the streams', async () => {
    const { one, controller } = await running(shell('echo out; echo err >&2'), output({ path: '/proc/none/app.log', prefix: '> ' }));
    const life = await controller.life(0);
    expect((await event(life, 'output_file')).stage.toString()).toBe('open');
    expect(await one.exited).toBe(0);
    expect(one.stdout()).toBe('> out\n');
    expect(one.stderr()).toContain('> err\n');
  });

  it('of a file that another program has moved away or replaced by a link is none', async () => {
    const path = scratch();
    const file = join(path, 'app.log');
    const script = `echo one; sleep 0.1; mv '${file}' '${file}.old'; echo two; sleep 0.1; ln -sf '${path}/other' '${file}'; echo three`;
    const one = await written(shell(script), output({ path: file }));
    expect(readFileSync(`${file}.old`, 'utf8')).toBe('one\n');
    expect(one.stdout()).toBe('three\n');
    expect(readdirSync(path).includes('other')).toBe(false);
  });
});

describe('the user', () => {
  it.runIf(isRoot)('owns the pipes, and the file is written with its rights', async () => {
    const path = scratch();
    const script = 'echo by path >/dev/stdout && echo by path >/dev/stderr';
    const user = { uid: 1234, gid: 1234 };
    const denied = await written(shell(script), output({ prefix: '> ', path: join(path, 'app.log'), ...user }), {
      spawn: { ...user, flags: flags.output },
    });
    expect(denied.stdout()).toBe('> by path\n');
    expect(denied.stderr()).toContain('> by path\n');
    expect(readdirSync(path)).toEqual([]);
  });
});

it('leaves helpers alone', async () => {
  const { controller } = await running(shell('sleep 1000'), output({ prefix: '> ' }));
  const life = await controller.life(0);
  await event(life, 'spawned');
  life.commit([helper(2, shell('echo captured'), { flags: flags.capture })]);
  expect((await event(life, 'exited')).output.toString()).toBe('captured\n');
});
