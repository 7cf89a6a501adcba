import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { configFile, logged, reinit } from '../e2e/harness.ts';
import { eventually } from '../fixtures/eventually.ts';
import { applicationOf, controllerOf, kill, lives, startPortable } from './portable.ts';

/** The pids that the application has printed. */
const printed = (text: string): number[] => text.split('\n').filter(Boolean).map(Number);

describe('the end', () => {
  it('is asked for with the configured signal, and has the application’s code', async () => {
    const command = ['bash', '-c', 'trap "exit 7" QUIT; trap "exit 8" TERM; echo up; while :; do sleep 0.02; done'];
    const run = startPortable([reinit, '-c', configFile({ command, stop_signal: 'QUIT', exit_codes: { 7: 17 } })]);
    await eventually('it runs', () => run.stdout().includes('up'));
    run.signal('SIGTERM');
    expect(await run.exited).toBe(17);
  });

  it('reaches a tree of processes', async () => {
    const tree = 'sh -c "sleep 1000 & echo \\$!; echo \\$\\$; wait" & echo $!; wait';
    const run = startPortable([reinit, '--stop-timeout', '5s', '--', 'sh', '-c', tree]);
    const pids = await eventually('its pids', () => printed(run.stdout()).length === 3 && printed(run.stdout()));
    run.signal('SIGTERM');
    expect(await run.exited).toBe(143);
    for (const pid of pids) await eventually(`${pid} has ended`, () => !lives(pid));
  });

  it('reaches, by KILL, also what has left the group', async () => {
    const tree = 'trap "" TERM; setsid sh -c "trap \\"\\" TERM; echo \\$\\$; sleep 1000 & wait; sleep 1000" & while :; do sleep 0.05; done';
    const run = startPortable([reinit, '--stop-timeout', '300ms', '--', 'sh', '-c', tree]);
    const [pid = 0] = await eventually('its pid', () => printed(run.stdout()).length === 1 && printed(run.stdout()));
    run.signal('SIGTERM');
    expect(await run.exited).toBe(137);
    await logged(run, /did not end in time after signal 15: KILL/);
    await eventually('it has ended', () => !lives(pid));
  });

  it('needs no ps', async () => {
    const empty = mkdtempSync(join(tmpdir(), 'reinit-portable-'));
    onTestFinished(() => rmSync(empty, { recursive: true }));
    const stubborn = ['/bin/sh', '-c', 'trap "" TERM; echo up; /bin/sleep 1000; /bin/sleep 1000; /bin/sleep 1000'];
    const run = startPortable([reinit, '--stop-timeout', '300ms', '--', ...stubborn], { env: { PATH: empty } });
    await eventually('it runs', () => run.stdout().includes('up'));
    run.signal('SIGTERM');
    expect(await run.exited).toBe(137);
    expect(run.stderr()).toMatch(/portable mode .*no ps to list trees of processes with/);
  });

  it('is the application’s also without a controller', async () => {
    const run = startPortable([reinit, '--stop-timeout', '5s', '--', 'sh', '-c', 'sleep 1000 & wait']);
    await logged(run, /"started"/);
    const application = await applicationOf(run);
    process.kill(await controllerOf(run), 'SIGSTOP');
    process.kill(application, 'SIGUSR1');
    expect(await run.exited).toBe(138);
  });

  it('of a host that is killed takes the controller along', async () => {
    const run = startPortable([reinit, '--stop-timeout', '5s', '--', 'sleep', '1000']);
    await logged(run, /"started"/);
    const [application, controller] = [await applicationOf(run), await controllerOf(run)];
    run.signal('SIGKILL');
    await run.exited;
    await eventually('the controller has ended', () => !lives(controller));
    kill(application); // docs/how-to/portable-mode.md: nobody else ends it
    await eventually('the application has ended', () => !lives(application));
  });
});
