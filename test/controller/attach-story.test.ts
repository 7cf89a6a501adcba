import { describe, expect, test } from 'vitest';
import type { Sight } from '../../src/core/sight.ts';
import type { Reaction } from '../fixtures/fake-init.ts';
import { configOf, type Simulation, type SimulationOptions, simulate } from '../fixtures/simulation.ts';

const attach = { match: 'nginx: master', name: undefined, pid_file: undefined };
const config = configOf({ attach }, { name: 'r', validate: [['check', 'r']] });

/** Another container, in which a process comes and goes. */
function otherContainer() {
  let there: { readonly pid: number; readonly startTicks: number } | undefined;
  const sight = (): Sight =>
    there ? { kind: 'one', found: { ...there, startedAt: there.startTicks * 10, permitted: true } } : { kind: 'none', problem: undefined };
  return {
    sight,
    world: { target: () => there },
    starts: (pid: number, at: number) => {
      there = { pid, startTicks: Math.floor(at / 10) };
    },
    ends: ({ init }: Simulation) => {
      there = undefined;
      init.lose();
    },
  };
}

const validations = ({ init }: Simulation): number => init.reactions.filter(({ kind }) => kind === 'validate').length;

/** Until a validator runs. */
async function untilCheck(simulation: Simulation): Promise<void> {
  const before = validations(simulation);
  for (let ms = 0; ms < 3_000 && validations(simulation) === before; ms += 1) await simulation.run(1);
}

/** It comes; a good change, a bad one; it goes, the files are corrected, and it comes again; it goes while a change is checked, and comes again; the stop. */
async function story(options: Partial<SimulationOptions> = {}): Promise<Simulation> {
  const other = otherContainer();
  const simulation = simulate({ config, sight: other.sight, world: other.world, ...options });
  await simulation.run(2_500);
  other.starts(50, simulation.now);
  await simulation.run(4_000);
  simulation.write('r', 'good1');
  await simulation.run(6_000);
  simulation.write('r', 'bad2');
  await simulation.run(3_000);
  other.ends(simulation);
  await simulation.run(2_000);
  simulation.write('r', 'good3');
  await simulation.run(2_000);
  other.starts(60, simulation.now);
  await simulation.run(4_000);
  simulation.write('r', 'good4');
  await untilCheck(simulation);
  other.ends(simulation);
  await simulation.run(50);
  other.starts(70, simulation.now);
  await simulation.run(8_000);
  simulation.init.stop(15);
  await simulation.run(100);
  return simulation;
}

const validate: Reaction = { kind: 'validate', argv: 'check r' };
const signal: Reaction = { kind: 'signal', signo: 1, result: 'sent' };
const expected: readonly Reaction[] = [
  { kind: 'attach', pid: 50 },
  validate,
  signal,
  validate,
  { kind: 'attach', pid: 60 },
  validate,
  { kind: 'attach', pid: 70 },
  { kind: 'leave', code: 0 },
];

describe('another container’s application', () => {
  test('each event has its one reaction: what it finds at its start needs none, and nothing is said to one that is not there', async () => {
    const { init, notes } = await story();
    expect(notes.map(({ kind }) => kind)).toEqual([
      'target_awaited',
      'attached',
      'change_seen',
      'signalled',
      'applied',
      'change_seen',
      'refused',
      'target_ended',
      'target_awaited',
      'change_seen',
      'attached',
      'back',
      'change_seen',
      'target_ended',
      'target_awaited',
      'attached',
      'leaving',
    ]);
    expect(init.reactions).toEqual(expected);
    expect(init.unacknowledged).toBe(0);
  });

  test('the same when the controller is killed at any kill point: it stays attached, or attaches again, and nothing is doubled', async () => {
    const { points } = await story();
    expect(points).toBeGreaterThan(60);
    for (let point = 0; point < points; point += 1) {
      const { init } = await story({ killAt: [point] });
      expect(init.reactions, `killed at point ${point}`).toEqual(expected);
    }
  });
});
