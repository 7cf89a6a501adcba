import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { eventually } from '../fixtures/eventually.ts';
import { freePort } from '../fixtures/free-port.ts';
import { installed } from '../fixtures/host.ts';
import { fetchText } from '../fixtures/http.ts';
import { createVolume, type Payload, updateVolume } from '../fixtures/kubelet.ts';
import { scratchDirectory } from '../fixtures/scratch.ts';
import { childNamed, configFile, logged, naive, pause, reinit, startContainer } from './harness.ts';

const scrape = (seconds: number, key = 'global'): Payload => ({ 'prometheus.yml': `${key}:\n  scrape_interval: ${seconds}s\n` });

async function makePrometheus() {
  const directory = scratchDirectory();
  const volume = join(directory, 'volume');
  const port = await freePort();
  await createVolume(volume, scrape(11));
  const file = join(volume, 'prometheus.yml');
  const url = `http://127.0.0.1:${port}`;
  const command = [
    'prometheus',
    `--config.file=${file}`,
    `--storage.tsdb.path=${directory}/data`,
    `--web.listen-address=127.0.0.1:${port}`,
  ];
  const has = (seconds: number) =>
    eventually(`an interval of ${seconds} s`, async () =>
      (await fetchText(`${url}/api/v1/status/config`)).includes(`scrape_interval: ${seconds}s`),
    );
  return { volume, file, command, has };
}

describe.skipIf(!installed('prometheus', 'promtool'))('prometheus, a Go program with a reload', () => {
  it('takes over changes, under the same pid, and refuses a broken one', async () => {
    const { volume, file, command, has } = await makePrometheus();
    const watch = [
      { paths: [volume], settle: '50ms', validate: ['promtool', 'check', 'config', file], on_change: 'reload', reload_signal: 'HUP' },
    ];
    const container = await startContainer([reinit, '-c', configFile({ command, watch })]);
    await has(11);
    const main = childNamed(container, 'prometheus');
    await updateVolume(volume, scrape(12));
    await has(12);
    await updateVolume(volume, scrape(13, 'globl'));
    await logged(container, /globl/);
    await updateVolume(volume, scrape(14));
    await has(14);
    expect(childNamed(container, 'prometheus')).toBe(main);
    container.signal('SIGTERM');
    expect(await container.exited).toBe(0);
  });

  it('is not killed by a change while it starts, and takes that over as well', async () => {
    const { volume, file, command, has } = await makePrometheus();
    const watch = [
      { paths: [volume], settle: '1ms', validate: ['promtool', 'check', 'config', file], on_change: 'reload', reload_signal: 'HUP' },
    ];
    const container = await startContainer([reinit, '-c', configFile({ command, watch })]);
    const main = await eventually('prometheus', () => childNamed(container, 'prometheus'));
    await updateVolume(volume, scrape(12));
    await has(12);
    expect(childNamed(container, 'prometheus')).toBe(main);
  });

  it('control: a naive watch kills it in its first moments', async () => {
    // Its first moments are a few hundredths of a second on a quick machine: now and then it is ready before.
    for (let attempt = 0; attempt < 10; attempt++) {
      const { volume, command } = await makePrometheus();
      const container = await startContainer(naive(['--watch', volume, '--signal', 'SIGHUP'], command));
      await eventually('prometheus', () => childNamed(container, 'prometheus'));
      await updateVolume(volume, scrape(12));
      const code = await Promise.race([container.exited, pause(2_000)]);
      await container.kill();
      if (code !== undefined && code !== 0) return;
    }
    expect.unreachable('it was never killed');
  });
});

/** A Go program catches every signal in its runtime, and dies of HUP all the same: SigCgt is no proof. It waits for ever on a FIFO. */
async function makeDeadly() {
  const directory = scratchDirectory();
  const volume = join(directory, 'volume');
  const fifo = join(directory, 'fifo');
  expect(spawnSync('mkfifo', [fifo]).status).toBe(0);
  await createVolume(volume, { file: 'one' });
  return { volume, command: ['promtool', 'check', 'config', fifo] };
}

describe.skipIf(!installed('promtool'))('a Go program that dies of the reload signal', () => {
  it('is started again, and restarted for later changes', async () => {
    const { volume, command } = await makeDeadly();
    const watch = [
      { paths: [volume], settle: '50ms', reload_after_start: '500ms', confirm: '500ms', on_change: 'reload', reload_signal: 'HUP' },
    ];
    const container = await startContainer([reinit, '-c', configFile({ command, watch })]);
    const first = await eventually('promtool', () => childNamed(container, 'promtool'));
    await pause(700);
    await updateVolume(volume, { file: 'two' });
    const next = (old: number) =>
      eventually('another promtool', () => [childNamed(container, 'promtool')].find((pid) => pid !== undefined && pid !== old));
    const second = await next(first);
    await pause(1500);
    expect(childNamed(container, 'promtool')).toBe(second);
    await updateVolume(volume, { file: 'three' });
    await next(second);
    container.signal('SIGTERM');
    expect(await container.exited).toBe(143);
  });

  it('control: under a naive watch the container ends', async () => {
    const { volume, command } = await makeDeadly();
    const container = await startContainer(naive(['--watch', volume, '--signal', 'SIGHUP'], command));
    await eventually('promtool', () => childNamed(container, 'promtool'));
    await pause(500);
    await updateVolume(volume, { file: 'two' });
    expect(await container.exited).not.toBe(0);
  });
});
