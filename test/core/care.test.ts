/** What is asked over and over, alone and joined with the rest in virtual time. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Probe, ServiceConfig } from '../../src/config/model.ts';
import { type Care, type CareEvent, careDeadline, careFor, careTransition, deadOf, heavyOf } from '../../src/core/care.ts';
import { resume } from '../../src/core/resume.ts';
import { servedOf } from '../../src/core/service-care.ts';
import { transition } from '../../src/core/supervisor.ts';
import { configOf, type Simulation, simulate } from '../fixtures/simulation.ts';

const probe = (port: number): Probe => ({
  check: { kind: 'tcp_socket', host: '127.0.0.1', port },
  initial_delay: 0,
  period: 1_000,
  timeout: 100,
  success_threshold: 1,
  failure_threshold: 3,
});
const [alivePort, servingPort, readyPort] = [81, 82, 80];
const limit = { kind: 'bytes', bytes: 100 } as const;
const given = { liveness: probe(alivePort), readiness: probe(servingPort), memory_limit: limit, max_uptime: 90_000 } as const;

describe('care', () => {
  const begun = careFor(undefined, 1_000, 2_000, given) as Care;
  const live = (care: Care, events: readonly CareEvent[], paused = false) =>
    events.reduce(
      (now, event) => careTransition(now, event, given, paused, event.kind === 'timeElapsed' ? event.at : 0)?.care ?? now,
      care,
    );
  /** Asked at its time, and answered. */
  const asked = (at: number, problem?: string): CareEvent[] => [
    { kind: 'timeElapsed', at },
    { kind: 'answered', id: at, problem, at: at + 1 },
  ];
  const weighed = (at: number, bytes: number): CareEvent[] => [
    { kind: 'timeElapsed', at },
    { kind: 'weighed', id: at, answer: { bytes, limit: 100, processes: 1 }, at: at + 1 },
  ];

  test('nothing configured is nothing asked; what is taken out of the configuration is asked no more', () => {
    expect(
      careFor(begun, 1_000, 3_000, { liveness: undefined, readiness: undefined, memory_limit: undefined, max_uptime: undefined }),
    ).toBe(undefined);
    const added = careFor({ ...begun, liveness: undefined }, 1_000, 3_000, given);
    expect(added, 'what was not asked was not silent').toMatchObject({ aliveAt: 3_000 });
    const only = careFor(begun, 1_000, 3_000, { ...given, readiness: undefined, memory_limit: undefined });
    expect(only).toMatchObject({ liveness: begun.liveness, serving: undefined, weighing: undefined });
  });

  test('it is dead after so many noes in a row, and one yes in between begins anew', () => {
    const alone = { ...begun, serving: undefined, weighing: undefined };
    const no = [...asked(2_000, 'a'), ...asked(3_001, 'b')];
    expect(deadOf(live(alone, no), given)).toBeUndefined();
    expect(deadOf(live(alone, [...no, ...asked(4_002, 'c')]), given)).toEqual({ kind: 'dead', problem: 'c' });
    const yes = live(alone, [...no, ...asked(4_002), ...asked(5_003, 'd'), ...asked(6_004, 'e')]);
    expect(deadOf(yes, given)).toBeUndefined();
    expect(yes.aliveAt).toBe(4_003);
  });

  test('an answer to another question is none', () => {
    const care = live({ ...begun, serving: undefined, weighing: undefined }, [{ kind: 'timeElapsed', at: 2_000 }]);
    expect(careTransition(care, { kind: 'answered', id: 77, problem: 'no', at: 2_001 }, given, false, 9)).toBeUndefined();
  });

  test('serving is told when it changes, and not each time', () => {
    let care = { ...begun, liveness: undefined, weighing: undefined };
    const told: string[] = [];
    const say = (events: readonly CareEvent[]): void => {
      for (const event of events) {
        const step = careTransition(care, event, given, false, event.kind === 'timeElapsed' ? event.at : 0);
        told.push(...(step?.notes ?? []).map(({ kind }) => kind));
        care = { ...care, ...step?.care, liveness: undefined, weighing: undefined };
      }
    };
    expect(care.serving).toMatchObject({ serves: false });
    for (const [index, problem] of ['no', undefined, undefined, 'no', 'no', 'no', 'no', undefined].entries())
      say(asked(2_000 + 1_010 * index, problem));
    expect(told).toEqual(['serving', 'not_serving', 'serving']);
    expect(care.serving).toMatchObject({ serves: true, problem: undefined });
  });

  test('memory: two samples in a row over the limit, asked again soon; a spike is nothing', () => {
    const alone = { ...begun, serving: undefined, liveness: undefined };
    const one = live(alone, weighed(7_000, 101));
    expect([heavyOf(one), careDeadline(one, false)]).toEqual([undefined, 9_001]);
    expect(heavyOf(live(one, weighed(9_001, 102)))).toMatchObject({ kind: 'heavy', weight: { bytes: 102 } });
    const spike = live(one, [...weighed(9_001, 10), ...weighed(19_002, 101)]);
    expect(heavyOf(spike)).toBeUndefined();
  });

  test('memory is asked seldom when far from the limit, often when near; what cannot be known is told once, and asked again later', () => {
    const alone = { ...begun, serving: undefined, liveness: undefined };
    expect(careDeadline(live(alone, weighed(7_000, 75)), false)).toBe(17_001);
    expect(careDeadline(live(alone, weighed(7_000, 76)), false)).toBe(12_001);
    let [care, notes] = [alone as Care, 0];
    for (const at of [7_000, 67_001]) {
      const unknown = { kind: 'weighed', id: at, answer: 'there is no /proc', at: at + 1 } as const;
      for (const event of [{ kind: 'timeElapsed', at } as const, unknown]) {
        const step = careTransition(care, event, given, false, at);
        notes += step?.notes.length ?? 0;
        care = step?.care ?? care;
      }
    }
    expect([careDeadline(care, false), notes, heavyOf(care)]).toEqual([127_002, 1, undefined]);
  });

  test('while another one is to take over nothing is asked that could end it', () => {
    const paused = live({ ...begun, serving: undefined }, [{ kind: 'timeElapsed', at: 50_000 }], true);
    expect(paused).toEqual({ ...begun, serving: undefined });
    expect(careDeadline(paused, true)).toBeUndefined();
  });

  test('what was asked before another one began to take over is answered, and not asked again', () => {
    const [live1, weighed1] = [live(begun, asked(2_000, 'no').slice(0, 1)), live(begun, weighed(7_000, 101).slice(0, 1))];
    const [, answer] = asked(2_000, 'no') as [CareEvent, CareEvent];
    const [, weight] = weighed(7_000, 101) as [CareEvent, CareEvent];
    expect(live({ ...live1, serving: undefined }, [answer], true).liveness).toMatchObject({ kind: 'waiting', failures: 1 });
    expect(live({ ...weighed1, serving: undefined, liveness: undefined }, [weight], true).weighing?.step).toMatchObject({
      kind: 'waiting',
    });
  });
});

test('a question under way when another configuration is taken over is put as it stands there', async () => {
  const simulation = story({ liveness: probe(alivePort), readiness: probe(servingPort), ready: probe(readyPort) }, {});
  await simulation.run(5_000);
  const { service } = simulation.state;
  if (service.kind !== 'running' || !service.care?.serving) throw new Error('it runs, and is cared for');
  const asking = { kind: 'asking', id: 7, successes: 0, failures: 2, problem: 'no' } as const;
  const exec: Probe = { ...probe(0), check: { kind: 'exec', command: ['/bin/check'] } };
  const notify: Probe = { ...exec, check: { kind: 'notify' } };
  const next = (now: typeof service, settings: Partial<ServiceConfig>) => {
    const config = configOf({ ...settings });
    const { state } = resume({ ...simulation.state, service: now }, config, { readings: {}, kept: {}, key: undefined }, 9_000);
    const { commands } = transition(state, { kind: 'timeElapsed', at: 9_000 }, config);
    return { service: state.service, probes: commands.flatMap((command) => (command.kind === 'probe' ? [command.of] : [])) };
  };
  expect(next({ ...service, care: undefined }, { liveness: exec }).service, 'not silent before it was asked').toMatchObject({
    care: { aliveAt: 9_000 },
  });
  const unready = { ...service, readiness: { kind: 'probing', probing: asking } } as const;
  expect(next(unready, { ready: exec }).probes).toEqual([{ service: 'ready' }]);
  expect(next(unready, { ready: notify }).service).toMatchObject({ readiness: { probing: { kind: 'listening', until: 12_000 } } });
  const care = { ...service.care, liveness: asking, serving: { ...service.care.serving, probing: asking } };
  const cared = next({ ...service, care }, { liveness: exec, readiness: exec });
  expect(cared.probes).toEqual([{ service: 'liveness' }]); // one event, one question: the other one follows
  expect(cared.service).toMatchObject({ care: { liveness: { kind: 'waiting', failures: 2 }, serving: { probing: { kind: 'waiting' } } } });
});

const settings = { restart: 'always', restart_delay: 500, restart_max_delay: 8_000, restart_reset: 30_000 } as const;
const publish = { to: '/run/p', mode: 'flip', keep: 2 } as const;
const portOf = (job: object): number | undefined => ('check' in job ? (job.check as { readonly port?: number }).port : undefined);

interface World {
  dead?: boolean;
  deaf?: boolean;
  bytes?: number | string;
  unready?: boolean;
  /** Generations on which it does not live. */
  deadly?: RegExp;
}

function story(service: Partial<ServiceConfig>, world: World, ...rules: Parameters<typeof configOf>[1][]) {
  const simulation: Simulation = simulate({
    config: configOf({ ...settings, ...service }, ...rules),
    answer: (job) => {
      if (job.kind === 'weigh') return world.bytes ?? 0;
      const deadly = world.deadly !== undefined && Object.values(simulation.running).some((hash) => world.deadly?.test(hash));
      if (portOf(job) === alivePort) return world.dead || deadly ? 'it hangs' : undefined;
      if (portOf(job) === servingPort) return world.deaf ? 'it is busy' : undefined;
      return portOf(job) === readyPort && world.unready ? 'not yet' : undefined;
    },
  });
  return simulation;
}
const kinds = ({ init }: Simulation) => init.reactions.flatMap(({ kind }) => (kind === 'validate' ? [] : [kind]));
const noted = (simulation: Simulation) => simulation.notes.map(({ kind }) => kind);
const delays = ({ notes }: Simulation) => notes.flatMap((note) => (note.kind === 'restart_scheduled' ? [note.delayMs] : []));

describe('liveness', () => {
  test('a hang is a restart, paced longer each time, and the row ends once it lives again', async () => {
    const world: World = {};
    const simulation = story({ liveness: probe(alivePort) }, world);
    await simulation.run(60_000);
    expect(kinds(simulation)).toEqual(['start']);
    world.dead = true;
    await simulation.run(30_000);
    // It had lived for a minute: the first of a row. From then on it never does.
    expect(delays(simulation)).toEqual([500, 1_000, 2_000, 4_000, 8_000, 8_000]);
    world.dead = false;
    await simulation.run(100_000);
    world.dead = true;
    await simulation.run(4_000);
    expect(delays(simulation).at(-1)).toBe(500);
  });

  test('restart_limit counts it: then the container ends with 104, when the application has stopped', async () => {
    const simulation = story({ liveness: probe(alivePort), restart_limit: 2 }, { dead: true });
    await simulation.run(60_000);
    expect(kinds(simulation)).toEqual(['start', 'stop', 'start', 'stop', 'start', 'stop', 'leave']);
    expect(simulation.init.exitCode).toBe(104);
    expect(noted(simulation)).toContain('gave_up');
    const sequels = simulation.notes.flatMap((note) => (note.kind === 'not_alive' ? [note.sequel] : []));
    expect(sequels).toEqual(['restart', 'restart', 'give_up']);
  });

  test('restart: no: the container ends', async () => {
    const simulation = story({ liveness: probe(alivePort), restart: 'no' }, { dead: true });
    await simulation.run(60_000);
    expect([kinds(simulation), simulation.init.exitCode]).toEqual([['start', 'stop', 'leave'], 104]);
  });

  test('it is not asked before it is ready; one that never was is asked all the same', async () => {
    const world: World = { dead: true, unready: true };
    const simulation = story({ liveness: probe(alivePort), ready: { ...probe(readyPort), failure_threshold: 20 } }, world);
    await simulation.run(15_000);
    expect(noted(simulation)).toEqual(['started']);
    await simulation.run(15_000);
    expect(noted(simulation).slice(1, 3)).toEqual(['not_ready', 'not_alive']);
  });

  test('a new instance is asked anew: its first no is its first', async () => {
    const world: World = {};
    const simulation = story({ liveness: probe(alivePort) }, world);
    await simulation.run(5_000);
    world.dead = true;
    await simulation.run(1_900);
    simulation.init.crash(1);
    await simulation.run(1_500);
    expect(noted(simulation)).not.toContain('not_alive');
  });

  test('right after a reload it is a failure of the change', async () => {
    const simulation = story({ liveness: probe(alivePort), restart: 'no' }, { deadly: /^worse/ }, { name: 'r', confirm: 10_000 });
    await simulation.run(3_000);
    simulation.write('r', 'worse');
    await simulation.run(20_000);
    expect(noted(simulation)).toEqual(expect.arrayContaining(['reload_failed', 'not_alive', 'came_up_on_refused']));
    expect(simulation.notes.find(({ kind }) => kind === 'not_alive')).toMatchObject({ sequel: 'rescue' });
  });

  test.each(['reload', 'restart'] as const)('and where there is a way back it is gone, once (%s)', async (on_change) => {
    const rule = { name: 'r', publish, on_change, on_failure: 'rollback', confirm: 10_000 } as const;
    const simulation = story({ liveness: probe(alivePort), restart: 'no' }, { deadly: /^worse/ }, rule);
    await simulation.run(60_000);
    simulation.write('r', 'worse');
    await simulation.run(60_000);
    expect(simulation.running.r).toBe('a0');
    expect(noted(simulation).filter((kind) => kind === 'rolled_back')).toHaveLength(1);
    expect(simulation.notes.find(({ kind }) => kind === 'rolled_back')).toMatchObject({ why: 'not_alive' });
    expect(simulation.init.exitCode).toBeUndefined();
    expect(simulation.state.rules.r).toMatchObject({ refused: 'worse', phase: { kind: 'idle' } });
  });

  test('so it is before the new files have proven themselves, although they were confirmed', async () => {
    const rule = { name: 'r', publish, on_change: 'restart', on_failure: 'rollback', confirm: 0, good_after: 30_000 } as const;
    const simulation = story({ liveness: { ...probe(alivePort), period: 5_000 }, restart: 'no' }, { deadly: /^worse/ }, rule);
    await simulation.run(60_000);
    simulation.write('r', 'worse');
    await simulation.run(60_000);
    expect(simulation.running.r).toBe('a0');
    expect(simulation.init.exitCode).toBeUndefined();
  });
});

describe('readiness', () => {
  test('is state and lines, and never a restart', async () => {
    const world: World = { unready: true, deaf: true };
    const simulation = story({ readiness: probe(servingPort), ready: probe(readyPort) }, world);
    await simulation.run(1_500);
    expect(servedOf(simulation.state.service)).toMatchObject({ serves: false, problem: 'not yet' });
    world.unready = false;
    await simulation.run(4_000);
    expect(servedOf(simulation.state.service)).toMatchObject({ serves: false, problem: 'it is busy' });
    world.deaf = false;
    await simulation.run(2_000);
    expect(servedOf(simulation.state.service)).toMatchObject({ serves: true, problem: undefined });
    world.deaf = true;
    await simulation.run(600_000);
    expect(servedOf(simulation.state.service)).toMatchObject({ serves: false, problem: 'it is busy' });
    expect(noted(simulation)).toEqual(['started', 'ready', 'serving', 'not_serving']);
    expect(kinds(simulation)).toEqual(['start']);
  });

  test('without a probe of its own it is `ready`, or that it runs', async () => {
    const simulation = story({ ready: probe(readyPort) }, {});
    await simulation.run(100);
    expect(servedOf(simulation.state.service).serves).toBe(true);
    simulation.init.crash(1);
    await simulation.run(10);
    expect(servedOf(simulation.state.service)).toMatchObject({ serves: false, problem: 'it does not run' });
  });
});

describe('memory_limit', () => {
  test('restarts, whatever `restart` says, and not in a tight loop', async () => {
    const world: World = {};
    const simulation = story({ memory_limit: limit, restart: 'no' }, world);
    await simulation.run(60_000);
    world.bytes = 150;
    await simulation.run(60_000);
    expect(delays(simulation).slice(0, 5)).toEqual([500, 1_000, 2_000, 4_000, 8_000]);
    expect(simulation.notes.find(({ kind }) => kind === 'over_memory')).toMatchObject({ bytes: 150, limit: 100, processes: 1 });
    world.bytes = 0;
    await simulation.run(60_000);
    const starts = kinds(simulation).length;
    await simulation.run(600_000);
    expect(kinds(simulation)).toHaveLength(starts);
  });

  test('waits for what is being applied', async () => {
    const world: World = {};
    const simulation = story({ memory_limit: limit }, world, { name: 'r', confirm: 30_000 });
    await simulation.run(20_000);
    simulation.write('r', 'n1');
    world.bytes = 150;
    await simulation.run(25_000);
    expect(kinds(simulation)).toEqual(['start', 'signal']);
    await simulation.run(10_000);
    expect(kinds(simulation).slice(0, 4)).toEqual(['start', 'signal', 'stop', 'start']);
    expect(noted(simulation).indexOf('applied')).toBeLessThan(noted(simulation).indexOf('over_memory'));
  });
});

describe('max_uptime', () => {
  const uptime = { max_uptime: 60_000 } as const;

  test('restarts at its time, and again', async () => {
    const simulation = story({ ...uptime, restart: 'no' }, {});
    await simulation.run(59_900);
    expect(kinds(simulation)).toEqual(['start']);
    await simulation.run(70_000);
    expect(kinds(simulation)).toEqual(['start', 'stop', 'start', 'stop', 'start']);
    expect(noted(simulation).filter((kind) => kind === 'renewing')).toHaveLength(2);
    expect(delays(simulation)).toEqual([]);
  });

  test('never while a change is being applied', async () => {
    const simulation = story(uptime, {}, { name: 'r', confirm: 30_000 });
    await simulation.run(50_000);
    simulation.write('r', 'n1');
    await simulation.run(29_000);
    expect(kinds(simulation)).toEqual(['start', 'signal']);
    await simulation.run(3_000);
    expect(kinds(simulation)).toEqual(['start', 'signal', 'stop', 'start']);
  });

  test('with start_first the new one comes first; one that fails leaves the old one, for a while', async () => {
    const world: World = {};
    const simulation = story({ ...uptime, restart_order: 'start_first', ready: { ...probe(readyPort), failure_threshold: 2 } }, world);
    await simulation.run(59_000);
    world.unready = true;
    await simulation.run(200_000);
    expect(kinds(simulation)).toEqual(['start', 'start', 'stop']);
    expect(noted(simulation).filter((kind) => kind === 'beside_failed')).toHaveLength(1);
    world.unready = false;
    await simulation.run(120_000);
    expect(noted(simulation)).toContain('took_over');
  });
});

test('promises, over random lives: no restart for age or memory during a change, no question to what is not ready, no tight loop', async () => {
  const step = fc.record({
    dead: fc.boolean(),
    deaf: fc.boolean(),
    bytes: fc.constantFrom(0, 80, 150, 'unknown'),
    write: fc.constantFrom(undefined, 'n1', 'n2', 'n3'),
    act: fc.constantFrom('none', 'none', 'crash', 'kill'),
    ms: fc.integer({ min: 0, max: 20_000 }),
  });
  const order = fc.constantFrom('stop_first', 'start_first');
  await fc.assert(
    fc.asyncProperty(order, fc.array(step, { maxLength: 15 }), async (restart_order, steps) => {
      const world: World = {};
      const rule = { name: 'r', publish, on_change: 'restart', on_failure: 'rollback', confirm: 5_000 } as const;
      const simulation = story({ ...given, max_uptime: 45_000, ready: probe(readyPort), restart_order }, world, rule);
      let from = 0;
      const check = (): void => {
        const fresh = simulation.notes.slice(from);
        from = simulation.notes.length;
        if (fresh.some(({ kind }) => kind === 'renewing' || kind === 'over_memory')) expect(simulation.state.apply.kind).toBe('none');
        const { service } = simulation.state;
        if (service.kind === 'running') expect(service.care === undefined).toBe(service.readiness.kind === 'probing');
      };
      for (const { write, act, ms, ...others } of steps) {
        Object.assign(world, others);
        if (write !== undefined) simulation.write('r', write);
        if (act === 'crash') simulation.init.crash(1);
        if (act === 'kill') simulation.kill();
        await simulation.run(20);
        for (let passed = 0; passed < ms; passed += 500) {
          await simulation.run(500);
          check();
        }
      }
      const starts = kinds(simulation).filter((kind) => kind === 'start').length;
      // Each start but those for changes, crashes and age takes three questions, or two samples.
      expect(starts).toBeLessThan(4 + 3 * steps.length + simulation.now / 2_000);
    }),
    { numRuns: 60 },
  );
});
