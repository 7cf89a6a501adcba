/** Who else is there: a person at a terminal, another init above. */
import { readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { eventually } from '../fixtures/eventually.ts';
import { createVolume, updateVolume } from '../fixtures/kubelet.ts';
import { namespaceOf, processesOf } from '../fixtures/namespace.ts';
import { resizeTerminal } from '../fixtures/terminal.ts';
import { type Base, isAvailable, startContainer } from './engine.ts';
import { completeJob, configuration, expectReloads, lines, makeShared, startJob } from './job.ts';

const ctrlC = '\u0003';
/** Tells what it gets; a line that is typed ends it. It reads while it waits: a foreground `sleep` would get the signals, too. */
const listener = ['bash', '-c', 'trap "echo got INT" INT; trap "stty size" WINCH; echo ready; while :; do read -t 0.05 && exit 3; done'];

describe.skipIf(!isAvailable)('-it', () => {
  it.each<Base>(['scratch', 'musl'])('the job is done on a terminal: %s', async (base) => {
    const container = await expectReloads(base, { terminal: true });
    expect(container.stdout()).toMatch(/^reinit .* started \/bin\/reloader/m); // readable, not JSON
  });

  it.each<Base>(['debian', 'node'])('Ctrl-C arrives once, a new size arrives, and its exit code is the client’s: %s', async (base) => {
    const volume = makeShared();
    await createVolume(volume, { text: 'one' });
    const container = await startContainer(`reinit-test/${base}`, {
      terminal: true,
      flags: ['-v', `${volume}:/etc/app:ro`],
      command: listener,
    });
    const count = (pattern: RegExp) => container.stdout().match(pattern)?.length ?? 0;
    const shows = (pattern: RegExp) => eventually(`the terminal shows ${pattern}`, () => count(pattern) > 0, 30_000);
    await shows(/^ready/m);
    await shows(/started bash/);
    const [device = ''] = lines(container.stdout());
    // Docker's client misses a change that comes before it looks for changes.
    const resized = async (columns: number, rows: number) => {
      const size = new RegExp(`^${rows} ${columns}`, 'gm');
      for (let tries = 0; tries < 5 && count(size) === 0; tries++) {
        if (tries > 0) resizeTerminal(device, columns, rows + 1);
        resizeTerminal(device, columns, rows);
        await eventually('the new size', () => count(size) > 0, 5_000).catch(() => undefined);
      }
      expect(count(size)).toBeGreaterThan(0);
    };
    await resized(100, 40);
    container.stdin?.write(ctrlC);
    await shows(/got INT/g);
    await resized(90, 30);
    let ended = false;
    void container.exited.then(() => (ended = true));
    await eventually(
      'a line that is typed ends it',
      async () => {
        if (!ended) container.stdin?.write('\n'); // bash may be at its trap just now
        await Promise.race([container.exited, delay(1_000)]);
        return ended;
      },
      30_000,
    );
    expect(await container.exited).toBe(3);
    expect(count(/got INT/g)).toBe(1);
    expect(
      lines(container.stdout())
        .filter((line) => /^\d+ \d+$/.test(line))
        .at(-1),
    ).toBe('30 90'); // engines tell it twice, with or without reinit
  });
});

/** Leaves a process behind with each life, and one that ends at once as nobody's child. */
const parent = 'sleep 1000 & (sleep 0.01 &) ; trap "exit 7" TERM; echo start $(cat /etc/app/text); while :; do sleep 0.1; done';

describe.skipIf(!isAvailable).each<Base>(['debian', 'musl'])('--init, and reinit below it: %s', (base) => {
  it('the job is done, without a warning', async () => {
    const container = await completeJob(await startJob(base, { flags: ['--init'] }));
    expect(container.stderr()).not.toMatch(/"level":"warn"|reinit: warning/);
  });

  it('orphans are collected, and what an instance leaves ends before the next one starts', async () => {
    const config = configuration({ on_change: 'restart' });
    const { container, volume } = await startJob(base, {
      flags: ['--init', '-v', `${config}:/etc/reinit.yaml:ro`],
      command: ['sh', '-c', parent],
    });
    const first = await container.pid();
    expect(readFileSync(`/proc/${first}/comm`, 'utf8')).not.toContain('reinit');
    const stats = () => processesOf(namespaceOf(first)).map((pid) => readFileSync(`/proc/${pid}/stat`, 'utf8'));
    const sleepers = () =>
      processesOf(namespaceOf(first)).filter((pid) => readFileSync(`/proc/${pid}/cmdline`, 'utf8') === 'sleep\x001000\0');
    const [left] = await eventually('one is left behind', () => sleepers().length === 1 && sleepers());
    await updateVolume(volume, { text: 'two' });
    await eventually('the application is started again', () => container.stdout().includes('start two'), 30_000);
    const [next] = await eventually('the next one is left behind', () => sleepers().length === 1 && sleepers());
    expect(next).not.toBe(left);
    await eventually('nobody is a zombie', () => stats().every((stat) => !/\) Z /.test(stat)));
    await container.stop(20);
    expect(await container.exited).toBe(7);
  });
});
