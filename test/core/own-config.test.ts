/** reinit's own file changes: the whole controller in virtual time, killed wherever it may be. */
import { describe, expect, test } from 'vitest';
import type { Config, Output, ServiceConfig } from '../../src/config/model.ts';
import { configOf, type Simulation, type SimulationOptions, simulate } from '../fixtures/simulation.ts';

const watching = { reload_after_start: 0, confirm: 100 };
const base = (service: Partial<ServiceConfig> = {}, ...rules: Parameters<typeof configOf>[1][]): Config =>
  configOf(service, ...(rules.length > 0 ? rules : [watching]));

const prefixed = (prefix: string): Output => ({ format: 'text', prefix, timestamps: false, file: undefined });
const configs: Readonly<Record<string, Config | undefined>> = {
  one: base(),
  two: base({}, { ...watching, reload_signal: 12 }),
  more: base({}, watching, { ...watching, name: 's', paths: ['/etc/s'] }),
  none: base({}, { ...watching, name: 's', paths: ['/etc/s'] }),
  elsewhere: base({}, { ...watching, paths: ['/etc/elsewhere'] }),
  user: base({ environment: { A: 'b' } }),
  later: base({ environment: { A: 'b' }, on_config_change: 'next_start' }),
  beside: base({ environment: { A: 'b' }, restart_order: 'start_first' }),
  prefixed: base({ output: prefixed('a ') }),
  differently: base({ environment: { A: 'b' }, output: prefixed('b '), restart_order: 'start_first' }),
  bad: undefined,
};
const simulateOwn = (options: Partial<SimulationOptions> = {}): Simulation =>
  simulate({ config: configs.more as Config, own: { text: 'one', configs }, ...options });

const kinds = ({ notes }: Simulation): string[] => notes.map(({ kind }) => kind).filter((kind) => kind.startsWith('config_'));
const inForce = ({ state: { own } }: Simulation): string | undefined => own?.source.hash;
const starts = ({ init }: Simulation): number => init.reactions.filter(({ kind }) => kind === 'start').length;

describe('a change of reinit’s own file', () => {
  test('a good one is in force with the next controller, and the application has not noticed', async () => {
    const sim = simulateOwn();
    await sim.run(1_000);
    sim.configure('two');
    await sim.run(1_000);
    expect([inForce(sim), sim.lives, kinds(sim)]).toEqual(['two', 2, ['config_changed', 'config_taken_over']]);
    expect(sim.init.reactions).toEqual([{ kind: 'start' }]);
    sim.write('r', 'b');
    await sim.run(2_000);
    expect(sim.init.reactions).toEqual([{ kind: 'start' }, { kind: 'signal', signo: 12, result: 'sent' }]);
  });

  test('a bad one is refused once; the controller goes on, as does the next one', async () => {
    const sim = simulateOwn();
    await sim.run(1_000);
    sim.configure('bad');
    await sim.run(1_000);
    sim.kill();
    await sim.run(1_000);
    expect([inForce(sim), sim.lives, kinds(sim)]).toEqual(['one', 2, ['config_refused']]);
    sim.configure('one');
    await sim.run(1_000);
    expect(kinds(sim)).toEqual(['config_refused', 'config_back']);
    sim.configure('bad');
    await sim.run(1_000);
    expect(kinds(sim)).toEqual(['config_refused', 'config_back', 'config_refused']);
    expect(starts(sim)).toBe(1);
  });

  test('rules: a new one is taken as it is found, one that is gone is forgotten, one of other files begins anew', async () => {
    const sim = simulateOwn();
    await sim.run(1_000);
    const known = sim.state.rules.r?.seenAt;
    sim.configure('more');
    await sim.run(1_000);
    expect(Object.keys(sim.state.rules)).toEqual(['r', 's']);
    expect([sim.state.rules.r?.seenAt, sim.state.rules.s?.applied?.hash]).toEqual([known, 'a0']);
    await sim.run(6_000);
    sim.configure('elsewhere');
    await sim.run(1_000);
    expect(Object.keys(sim.state.rules)).toEqual(['r']);
    expect(sim.state.rules.r?.seenAt).toBeGreaterThan(known ?? 0);
    await sim.run(6_000);
    sim.configure('none');
    await sim.run(1_000);
    expect(Object.keys(sim.state.rules)).toEqual(['s']);
    expect(sim.init.reactions).toEqual([{ kind: 'start' }]);
  });

  test('a change that is being applied is ended first', async () => {
    const sim = simulateOwn({ config: configs.one as Config });
    await sim.run(1_000);
    sim.write('r', 'b');
    await sim.run(330);
    expect(sim.state.apply.kind).not.toBe('none');
    sim.configure('two');
    await sim.run(2_000);
    expect([inForce(sim), sim.state.rules.r?.applied?.hash, kinds(sim)]).toEqual(['two', 'b', ['config_changed', 'config_taken_over']]);
  });

  test('one every second: at most one controller in five, and the last one counts', async () => {
    const sim = simulateOwn();
    await sim.run(1_000);
    for (let second = 0; second < 60; second += 1) {
      sim.configure(second % 2 === 0 ? 'two' : 'more');
      await sim.run(1_000);
    }
    await sim.run(10_000);
    expect(inForce(sim)).toBe('more');
    expect(sim.lives).toBeLessThan(14);
    expect(sim.init.reactions).toEqual([{ kind: 'start' }]);
  });
});

describe('what takes a restart of the application', () => {
  test('restart: it is restarted once, by whatever controller', async () => {
    const sim = simulateOwn();
    await sim.run(1_000);
    sim.configure('user');
    await sim.run(1_000);
    sim.kill();
    await sim.run(12_000);
    expect(starts(sim)).toBe(2);
    expect(sim.notes).toContainEqual({ kind: 'config_taken_over', hash: 'user', restart: ['environment'], when: 'now' });
    sim.kill();
    await sim.run(1_000);
    expect(starts(sim)).toBe(2);
  });

  test('next_start: it counts from there, and what it has by then is nothing to be restarted for', async () => {
    const sim = simulateOwn({ config: configs.one as Config });
    await sim.run(1_000);
    sim.configure('later');
    await sim.run(6_000);
    expect([starts(sim), kinds(sim)]).toEqual([1, ['config_changed', 'config_taken_over']]);
    sim.configure('one');
    await sim.run(6_000);
    expect([starts(sim), inForce(sim)]).toEqual([1, 'one']);
  });

  test.each(['exit', 'spawn'] as const)('an application that fails on it (%s) comes back on what was in force before', async (how) => {
    let fails = false;
    const sim: Simulation = simulateOwn({
      world: {
        start: (_, environment) => {
          fails = environment.includes('A=b');
          return fails && how === 'spawn' ? { stage: 'exec', text: 'No such file', code: 127 } : undefined;
        },
      },
    });
    await sim.run(1_000);
    sim.configure('user');
    await sim.run(500);
    if (how === 'exit') {
      await expect.poll(() => starts(sim)).toBe(2);
      sim.init.crash(1);
    }
    await sim.run(20_000);
    expect([inForce(sim), fails, sim.init.exitCode]).toEqual(['one', false, undefined]);
    expect(kinds(sim)).toEqual(['config_changed', 'config_taken_over', 'config_went_back']);
    expect(sim.state.service.kind).toBe('running');
  });

  test('start_first: where the new one does not come up, the old one has never stopped', async () => {
    const sim: Simulation = simulateOwn({
      world: {
        start: (_, environment) => (environment.includes('A=b') ? { stage: 'exec', text: 'No such file', code: 127 } : undefined),
      },
    });
    await sim.run(1_000);
    sim.configure('beside');
    await sim.run(10_000);
    expect([inForce(sim), kinds(sim).at(-1)]).toEqual(['one', 'config_went_back']);
    expect(sim.init.reactions).toEqual([{ kind: 'start' }, { kind: 'start' }]); // the second one, in vain; and no stop
  });

  test('start_first: what the new one’s output was to become is not what becomes of the old one’s', async () => {
    const sim: Simulation = simulateOwn({
      config: configs.prefixed as Config,
      own: { text: 'prefixed', configs },
      world: {
        start: (_, environment) => (environment.includes('A=b') ? { stage: 'exec', text: 'No such file', code: 127 } : undefined),
      },
    });
    await sim.run(1_000);
    sim.configure('differently');
    await sim.run(10_000);
    expect([inForce(sim), kinds(sim).at(-1), sim.init.prefix]).toEqual(['prefixed', 'config_went_back', 'a ']);
  });

  test('an end that is none of its fault: the restart policy says what follows', async () => {
    const sim = simulateOwn();
    await sim.run(1_000);
    sim.configure('two');
    await sim.run(1_000);
    sim.init.crash(3);
    await sim.run(2_000);
    expect(sim.init.exitCode).toBe(3);
  });
});

describe('controllers that end', () => {
  test('three on a text that was just taken over: the one before is in force again, and the other is not tried again', async () => {
    const sim = simulateOwn({ rebirthMs: 5 });
    await sim.run(1_000);
    sim.configure('two');
    await sim.run(400);
    for (let life = 0; life < 3; life += 1) {
      expect(inForce(sim)).toBe('two');
      sim.kill();
      await sim.run(100);
    }
    await sim.run(2_000);
    expect([inForce(sim), kinds(sim)]).toEqual(['one', ['config_changed', 'config_taken_over', 'config_went_back']]);
    sim.configure('more');
    await sim.run(2_000);
    expect(inForce(sim)).toBe('more');
    expect(sim.init.reactions).toEqual([{ kind: 'start' }]);
  });

  test('later they have nothing to do with it', async () => {
    const sim = simulateOwn();
    await sim.run(1_000);
    sim.configure('two');
    await sim.run(6_000);
    for (let life = 0; life < 5; life += 1) {
      sim.kill();
      await sim.run(100);
    }
    expect(inForce(sim)).toBe('two');
  });

  const story = async (options: Partial<SimulationOptions>, text: string): Promise<Simulation> => {
    const sim = simulateOwn(options);
    await sim.run(1_000);
    sim.configure('bad');
    await sim.run(500);
    sim.configure(text);
    await sim.run(500);
    sim.write('r', 'b');
    await sim.run(20_000);
    return sim;
  };

  test.each(['two', 'user', 'beside'])('killed at every moment of taking over (%s): in the end all is as without', async (text) => {
    const undisturbed = await story({}, text);
    const wanted = { starts: starts(undisturbed), inForce: text, applied: 'b', running: 'b', exit: undefined };
    for (let point = 0; point < undisturbed.points; point += 1) {
      const sim = await story({ killAt: [point] }, text);
      const { applied } = sim.state.rules.r ?? {};
      const found = { starts: starts(sim), inForce: inForce(sim), applied: applied?.hash, running: sim.running.r, exit: sim.init.exitCode };
      expect(found, `killed at ${point}`).toEqual(wanted);
    }
    expect(undisturbed.points).toBeGreaterThan(20);
  });
});
