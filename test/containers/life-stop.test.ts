import { describe, expect, it } from 'vitest';
import { eventually } from '../fixtures/eventually.ts';
import { isAvailable, startContainer } from './engine.ts';
import { buildLifeImage, received, recorderCode, type Signal, settings, signo, startRecorder, watching } from './life.ts';

/** Longer than anything here takes: what ends sooner was not ended by the engine's KILL. */
const graceS = 30;

describe.skipIf(!isAvailable)('stop', () => {
  const images: readonly Signal[] = ['SIGTERM', 'SIGQUIT', 'SIGINT', 'SIGWINCH', 'SIGRTMIN+3'];
  it.each(images)('STOPSIGNAL %s ends the application properly in a plain init: it gets that signal', async (signal) => {
    const container = await startRecorder(await buildLifeImage(signal), [], signal);
    await container.stop(graceS);
    expect(await container.exited).toBe(recorderCode);
    expect(received(container)).toEqual([signo[signal]]);
  });

  it.each(['SIGQUIT', 'SIGINT'] as const)('STOPSIGNAL %s is a stop without any setting: no restart follows', async (signal) => {
    const container = await startRecorder(await buildLifeImage(signal), settings({ ...watching, restart: 'always' }), signal);
    await container.stop(graceS);
    expect(await container.exited).toBe(recorderCode);
    expect(received(container)).toEqual([signo[signal]]);
  });

  it.each(['SIGWINCH', 'SIGRTMIN+3'] as const)(
    'STOPSIGNAL %s is one with container_stop_signals; stop_signal is what the application gets',
    async (signal) => {
      const config = { ...watching, restart: 'always', container_stop_signals: ['TERM', signal], stop_signal: 'USR1' };
      const container = await startRecorder(await buildLifeImage(signal), settings(config), 'SIGUSR1');
      await container.stop(graceS);
      expect(await container.exited).toBe(recorderCode);
      expect(received(container)).toEqual([signo.SIGUSR1]);
      expect(container.stderr()).toContain('stops the container');
    },
  );

  it('without that setting it is forwarded, and `restart` takes the end for the application’s own', async () => {
    const config = { ...watching, restart: 'always', restart_delay: '100ms' };
    const container = await startRecorder(await buildLifeImage('SIGWINCH'), settings(config), 'SIGWINCH');
    await container.stop(2);
    expect(await container.exited).toBe(137);
    expect(container.stdout().match(/ready/g)).toHaveLength(2);
  });

  /** Takes no signal but KILL. */
  const stubborn = ['bash', '-c', 'trap "" TERM; echo ready; while :; do sleep 1000; done'];

  it('an application that ignores TERM is killed after stop_timeout, and that is said', async () => {
    const flags = settings({ ...watching, stop_timeout: '2s' });
    const container = await startContainer(await buildLifeImage(), { flags, command: stubborn });
    await eventually('it ignores', () => container.stdout().includes('ready'), 30_000);
    const begin = performance.now();
    await container.stop(graceS);
    expect(await container.exited).toBe(137);
    expect(performance.now() - begin).toBeGreaterThan(1_900);
    expect(performance.now() - begin).toBeLessThan(15_000);
    expect(container.stderr()).toMatch(/has stopped: signal KILL/);
  });

  it('without stop_timeout it is the engine that kills, after its grace', async () => {
    const container = await startContainer(await buildLifeImage(), { flags: settings(watching), command: stubborn });
    await eventually('it ignores', () => container.stdout().includes('ready'), 30_000);
    await container.stop(2);
    expect(await container.exited).toBe(137);
    expect(container.stderr()).toContain('TERM stops the container');
    expect(container.stderr()).not.toContain('has stopped');
  });
});
