import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { contentOf } from '../../src/probe/processes.ts';
import { eventually } from '../fixtures/eventually.ts';
import { compiled } from '../fixtures/init/compiled.ts';
import { endDriven, event, startDriven } from '../fixtures/init/controller.ts';
import { exit, hold, nested, orders, output, spawn, stop } from '../fixtures/init/effects.ts';
import { statusField } from '../fixtures/init/init.ts';
import { flags, json, lines, pumpOf, removeScratch, running, scratch, shell, written } from '../fixtures/init/output.ts';
import { processesOf } from '../fixtures/namespace.ts';
import { makeFifo } from '../fixtures/pipe.ts';

afterAll(removeScratch);
afterEach(endDriven);

const argv = (script: string): Buffer[] => shell(script).map((word) => Buffer.from(word));

/** Where a flood may go: of two files the last MiB of it is kept. JSON, so that the pump is the slower one, and never has to wait. */
const drain = () => ({ path: join(scratch(), 'app.log'), max_size: 2 ** 20, max_files: 2, format: json });

const flood = compiled('flood');
const waits = (pid: number) => statusField(pid, 'Name') === 'flood' && contentOf(`/proc/${pid}/wchan`).includes('pipe_write');

describe('a flood without end', () => {
  it('of what the application leaves behind does not hold the container', async () => {
    const to = drain();
    const script = `'${flood}' & until [ -s '${to.path}' ]; do sleep 0.01; done; exit 7`;
    const { one } = await running(shell(script), output(to));
    expect(await one.exited).toBe(7);
    expect(one.stderr()).not.toMatch(/lost/);
  });

  it('of one instance lets the next one through, and other settings', async () => {
    const to = drain();
    const { one, controller } = await startDriven(['/bin/true']);
    const life = await controller.life(0);
    life.commit([orders({ main_end: hold }), output(to), nested(1, { flags: flags.output, argv: argv(`exec '${flood}'`) })]);
    await eventually('the flood', () => statSync(to.path).size > 0);
    life.commit([nested(2, { flags: flags.output, argv: argv(`'${lines}' 5000 100 4096`) })]);
    await event(life, 'exited', ({ token }) => token === 2); // which it can only once its pipe is read
    const after = drain();
    life.commit([output({ ...after, format: 0, prefix: '> ' })]);
    await eventually('the other file', () => readFileSync(after.path, 'utf8').includes('> y\n'));
    life.commit([exit(0)]);
    expect(await one.exited).toBe(0);
  });
});

describe('two instances on one stream', () => {
  it('leave each other lines whole that are longer than what it takes at once', async () => {
    const { one, controller } = await startDriven(['/bin/true']);
    const life = await controller.life(0);
    const long = { flags: flags.output, argv: argv(`exec '${lines}' 200 30000 65536`) };
    life.commit([orders({ main_end: hold }), output(), nested(1, long), nested(2, long)]);
    for (const number of [1, 2]) await event(life, 'exited', ({ token }) => token === number);
    life.commit([stop(1), stop(2), exit(0)]);
    expect(await one.exited).toBe(0);
    const all = one.stdout().split('\n').slice(0, -1);
    expect(all.filter((line) => !/^\d{9} x{29989}$/.test(line)).map((line) => line.length)).toEqual([]);
    expect(all).toHaveLength(400);
  });

  it('that nobody reads do not keep the other stream', async () => {
    const place = scratch();
    const read = makeFifo(join(place, 'stdout'));
    const through = shell('exec "$@" >"$0"').concat(join(place, 'stdout'));
    const { one, controller } = await startDriven(['/bin/true'], { through });
    const life = await controller.life(0);
    const script = `'${flood}' & until [ -e '${place}/go' ]; do sleep 0.01; done; echo alive >&2; wait`;
    const both = { flags: flags.output, argv: argv(script) };
    life.commit([orders({ main_end: hold }), output(), nested(1, both), nested(2, both)]);
    await eventually('both wait', () => processesOf(one.id).filter(waits).length === 2);
    writeFileSync(join(place, 'go'), '');
    await eventually('both are heard', () => one.stderr().match(/^alive$/gm)?.length === 2);
    read.destroy();
  });
});

it('a container that was frozen at its end has not waited meanwhile for who reads', async () => {
  const path = join(scratch(), 'stdout');
  const read = makeFifo(path);
  const { one, controller } = await startDriven([flood], { through: shell('exec "$@" >"$0"').concat(path) });
  const life = await controller.life(0);
  life.commit([orders({ main_end: hold }), output(), spawn(1, { flags: flags.output })]);
  await eventually('the pipes are full', () => processesOf(one.id).some(waits));
  const before = pumpOf(one);
  life.commit([exit(7)]);
  const pump = await eventually('init waits for the last pump', () => [pumpOf(one)].find((pid) => pid !== before));
  for (const pid of [one.pid, pump]) process.kill(pid, 'SIGSTOP');
  await delay(5500); // more than the 5 s for which it waits
  read.resume();
  process.kill(one.pid, 'SIGCONT');
  await delay(300); // it is init that may think that time is over
  if (!one.ended()) process.kill(pump, 'SIGCONT');
  expect(await one.exited).toBe(7);
  expect(one.stderr()).not.toMatch(/lost/);
});

it('the output of an application is passed on to the file where the container has no stdout and stderr', async () => {
  const to = { path: join(scratch(), 'app.log') };
  const through = shell('exec "$@" >&- 2>&-').concat('sh');
  await written(shell('echo out; echo err >&2'), output(to), { through });
  expect(readFileSync(to.path, 'utf8').split('\n').sort()).toEqual(['', 'err', 'out']);
});

it('trouble with another file is told, and that another one works', async () => {
  const { one, controller } = await running(shell('while sleep 0.01; do echo line; done'), output({ path: '/proc/none/one.log' }));
  const life = await controller.life(0);
  const told = () => life.events.flatMap((one) => (one.kind === 'output_file' ? [one.stage.toString()] : []));
  await event(life, 'output_file');
  life.commit([output({ path: '/proc/none/two.log' })]);
  await eventually('the second one is told', () => told().length === 2);
  life.commit([output(drain())]);
  await eventually('the third one is told', () => told().length === 3);
  life.commit([exit(0)]);
  expect(await one.exited).toBe(0);
  expect(told()).toEqual(['open', 'open', '']);
});

it('a pump that is killed again and again is told, once', async () => {
  const { one } = await running(shell('while sleep 0.01; do :; done'), output());
  for (let last = 0, killed = 0; killed < 5; killed += 1) {
    const pump = await eventually('the next pump', () => [pumpOf(one)].find((pid) => pid !== last));
    process.kill(pump, 'SIGKILL');
    last = pump;
  }
  await eventually('it is told', () => one.stderr().includes('reinit-output was killed (signal 9)'));
  expect(one.stderr().match(/signal 9/g)).toHaveLength(1);
});
