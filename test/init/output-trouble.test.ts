import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { eventually } from '../fixtures/eventually.ts';
import { isRoot } from '../fixtures/host.ts';
import { endDriven, event } from '../fixtures/init/controller.ts';
import { helper, output } from '../fixtures/init/effects.ts';
import { reinitTest, says } from '../fixtures/init/init.ts';
import {
  expectSame,
  fifo,
  flags,
  lines,
  numbered,
  pumpOf,
  removeScratch,
  running,
  scratch,
  shell,
  written,
} from '../fixtures/init/output.ts';

afterAll(removeScratch);
afterEach(endDriven);

describe('trouble', () => {
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
    const through = shell('mkfifo "$0" && exec "$@" 1<>"$0"').concat(join(scratch(), 'stdout'));
    // More than the 64 KiB of that pipe, and no more than a part of that and all of the application's own (in small pieces, pages are not filled).
    const { one } = await running([lines, '900', '100', '4096'], output({ prefix: '> ' }), { through, binary: reinitTest });
    expect(await one.exited).toBe(0);
    expect(one.stderr()).toMatch(/nobody has read the application's output for 250 ms: the last of it is lost/);
  });

  it.runIf(isRoot)('of a full disk: what has no room goes to stdout, and to the file again later; both are told', async () => {
    const path = scratch();
    const file = join(path, 'app.log');
    const through = shell(`mount -t tmpfs -o size=500k none '${path}' && exec "$@"`).concat('sh');
    const first = `head -c 100000 /dev/zero >'${path}/filler'; '${lines}' 10000 100 65536; read _; cp '${file}' '${path}.before'`;
    const later = `n=0; until [ -s '${file}' ]; do n=$((n+1)); echo later $n; sleep 0.1; done; cp '${file}' '${path}.copy'`;
    const { one, controller } = await running(
      shell(`${first}; rm '${path}/filler' '${file}'; ${later}`),
      output({ path: file, max_size: 2 ** 20 }),
      { through, binary: reinitTest, stdin: 'pipe' },
    );
    const life = await controller.life(0);
    const full = await event(life, 'output_file', ({ error }) => error !== 0);
    expect([full.stage.toString(), full.text.toString()]).toEqual(['write', 'No space left on device']);
    await says(one, numbered(10_000).slice(-100));
    one.stdin?.end('\n');
    expect((await event(life, 'output_file', ({ error }) => error === 0)).stage.toString()).toBe('');
    expect(await one.exited).toBe(0);
    const streamed = one.stdout();
    const copied = readFileSync(`${path}.copy`, 'utf8');
    const inFile = Number(streamed.slice(0, 9));
    expect(inFile).toBeGreaterThan(1000);
    expectSame(readFileSync(`${path}.before`, 'utf8'), numbered(inFile));
    const rest = numbered(10_000).slice(inFile * 100);
    expect(streamed.startsWith(rest)).toBe(true);
    // None is missing before the last one that was copied.
    const told = streamed.slice(rest.length) + copied;
    expect(copied).not.toBe('');
    expect(told).toBe(Array.from(told.matchAll(/\n/g), (_, n) => `later ${n + 1}\n`).join(''));
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
    const arrives = `until [ -s '${file}' ]; do sleep 0.01; done`;
    const script = `echo one; ${arrives}; mv '${file}' '${file}.old'; echo two; ${arrives}; ln -sf '${path}/other' '${file}'; echo three`;
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
