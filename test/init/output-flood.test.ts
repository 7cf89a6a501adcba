import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { eventually } from '../fixtures/eventually.ts';
import { compiled } from '../fixtures/init/compiled.ts';
import { closeControllers, event, startDriven } from '../fixtures/init/controller.ts';
import { exit, hold, nested, orders, output } from '../fixtures/init/effects.ts';
import { endAll } from '../fixtures/init/init.ts';
import { flags, json, lines, removeScratch, running, scratch, shell } from '../fixtures/init/output.ts';

afterAll(removeScratch);
afterEach(async () => {
  await endAll();
  await closeControllers();
});

const argv = (script: string): Buffer[] => shell(script).map((word) => Buffer.from(word));

/** Where a flood may go: of two files the last MiB of it is kept. JSON, so that the pump is the slower one, and never has to wait. */
const drain = () => ({ path: join(scratch(), 'app.log'), max_size: 2 ** 20, max_files: 2, format: json });

const flood = compiled('flood');

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
