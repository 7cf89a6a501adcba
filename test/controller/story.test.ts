import { describe, expect, test } from 'vitest';
import type { Reaction } from '../fixtures/fake-init.ts';
import { configOf, type Simulation, type SimulationOptions, simulate } from '../fixtures/simulation.ts';

const validate = [['check', 'r']];
const config = configOf(
  { restart: 'on-failure' },
  { name: 'r', validate },
  { name: 's', on_change: 'restart', validate: [['check', 's']] },
);

/** Start, a good change, a bad one, back, an end by itself, a change by restart, an end in good order. */
async function story(options: Partial<SimulationOptions> = {}): Promise<Simulation> {
  const simulation = simulate({ config, ...options });
  await simulation.run(3_000);
  simulation.write('r', 'good1');
  await simulation.run(6_000);
  simulation.write('r', 'bad2');
  await simulation.run(6_000);
  simulation.write('r', 'good1');
  await simulation.run(2_000);
  simulation.init.crash(7);
  await simulation.run(5_000);
  simulation.write('s', 'good3');
  await simulation.run(8_000);
  simulation.init.crash(0);
  await simulation.run(3_000);
  return simulation;
}

const expected: readonly Reaction[] = [
  { kind: 'start' },
  { kind: 'validate', argv: 'check r' },
  { kind: 'signal', signo: 1, result: 'sent' },
  { kind: 'validate', argv: 'check r' },
  { kind: 'start' },
  { kind: 'validate', argv: 'check s' },
  { kind: 'stop' },
  { kind: 'start' },
  { kind: 'leave', code: 0 },
];

describe('a container’s life', () => {
  test('each event has its one reaction', async () => {
    const { init, notes, lives } = await story();
    expect(init.reactions).toEqual(expected);
    expect(lives).toBe(1);
    expect(init.unacknowledged).toBe(0);
    expect(notes.map(({ kind }) => kind)).toEqual([
      'started',
      'change_seen',
      'signalled',
      'applied',
      'change_seen',
      'refused',
      'back',
      'ended',
      'restart_scheduled',
      'started',
      'change_seen',
      'restarting',
      'ended',
      'started',
      'applied',
      'ended',
      'leaving',
    ]);
  });

  test('the same when the controller is killed at any kill point: nothing lost, nothing doubled', async () => {
    const { points } = await story();
    expect(points).toBeGreaterThan(60);
    for (let point = 0; point < points; point += 1) {
      const { init, lives } = await story({ killAt: [point] });
      expect(init.reactions, `killed at point ${point}`).toEqual(expected);
      // At the last point the container has ended.
      expect(lives, `killed at point ${point}`).toBe(point === points - 1 ? 1 : 2);
    }
  });

  test('and the walk would find it: acknowledging before the state is saved loses reactions', async () => {
    const { points } = await story({ acknowledgeFirst: true });
    let found = 0;
    for (let point = 0; point < points; point += 3) {
      const { init } = await story({ killAt: [point], acknowledgeFirst: true });
      if (JSON.stringify(init.reactions) !== JSON.stringify(expected)) found += 1;
    }
    expect(found).toBeGreaterThan(3);
  });

  test('the same when it is killed at two neighbouring points, or at every fifth', async () => {
    const { points } = await story();
    for (let point = 0; point < points; point += 2) {
      const { init } = await story({ killAt: [point, point + 1] });
      expect(init.reactions, `killed at points ${point} and ${point + 1}`).toEqual(expected);
    }
    const { init, lives } = await story({ killAt: Array.from({ length: 100 }, (_, index) => index * 5 + 3) });
    expect(init.reactions).toEqual(expected);
    expect(lives).toBeGreaterThan(10);
  });

  test('the same when it is away for a while at any point', async () => {
    const { points } = await story();
    for (let point = 0; point < points; point += 2) {
      const { init } = await story({ killAt: [point], rebirthMs: 900 });
      expect(init.reactions, `killed at point ${point}`).toEqual(expected);
    }
  });
});
