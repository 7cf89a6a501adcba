/** What joins the machines, told as short stories over the simulation. */
import { describe, expect, test } from 'vitest';
import { configOf, type Simulation, type SimulationOptions, simulate } from '../fixtures/simulation.ts';

const kinds = (simulation: Simulation) =>
  simulation.init.reactions.map((reaction) => (reaction.kind === 'validate' ? reaction.argv : reaction.kind));
const noted = (simulation: Simulation) => simulation.notes.map(({ kind }) => kind);
const up = async (options: SimulationOptions): Promise<Simulation> => {
  const simulation = simulate(options);
  await simulation.run(3_000);
  return simulation;
};

const until = async (simulation: Simulation, what: () => boolean): Promise<void> => {
  for (let step = 0; step < 2_000 && !what(); step += 1) await simulation.run(1);
  expect(what()).toBe(true);
};

describe('a failed reload', () => {
  const deadly = (code: number, config = configOf({}, { name: 'r' })) => {
    const crash: { now?: () => void } = {};
    const options = { config, world: { signalled: () => crash.now?.() } };
    return { options, crash, code };
  };

  test('is told, the application is started again once although restart is no, and the rule falls to restart', async () => {
    const { options, crash } = deadly(129);
    const simulation = await up(options);
    crash.now = () => simulation.init.crash(129);
    simulation.write('r', 'n1');
    await simulation.run(6_000);
    expect(kinds(simulation)).toEqual(['start', 'signal', 'start']);
    expect(noted(simulation)).toEqual(expect.arrayContaining(['reload_failed', 'came_up_on_refused']));
    expect(simulation.state.rules.r).toMatchObject({ applied: { hash: 'n1' }, refused: undefined, fallen: true, phase: { kind: 'idle' } });
    simulation.write('r', 'n2');
    await simulation.run(8_000);
    expect(kinds(simulation)).toEqual(['start', 'signal', 'start', 'stop', 'start']);
    expect(simulation.running.r).toBe('n2');
  });

  test('the second end is the policy’s', async () => {
    const { options, crash } = deadly(1);
    const simulation = await up(options);
    crash.now = () => simulation.init.crash(1);
    simulation.write('r', 'n1');
    await simulation.run(1_000);
    simulation.init.crash(3);
    await simulation.run(2_000);
    expect(kinds(simulation)).toEqual(['start', 'signal', 'start', 'leave']);
    expect(simulation.init.exitCode).toBe(3);
  });

  test('init holds the end for the controller while a reload is unconfirmed, and not longer', async () => {
    const simulation = await up({ config: configOf({}, { name: 'r' }) });
    expect(simulation.init.hold).toBe(false);
    simulation.write('r', 'n1');
    await simulation.run(1_000);
    expect(simulation.init.hold).toBe(true);
    await simulation.run(3_000);
    expect(simulation.init.hold).toBe(false);
  });

  test('an end long after it is an end', async () => {
    const simulation = await up({ config: configOf({}, { name: 'r' }) });
    simulation.write('r', 'n1');
    await simulation.run(5_000);
    simulation.init.crash(5);
    await simulation.run(100);
    expect(simulation.init.exitCode).toBe(5);
  });
});

describe('one apply at a time', () => {
  const two = configOf({}, { name: 'r', reload_signal: 1 }, { name: 's', reload_signal: 10 });

  test('the second waits for the confirmation of the first', async () => {
    const simulation = await up({ config: two });
    simulation.write('r', 'n1');
    simulation.write('s', 'n1');
    await simulation.run(2_500);
    expect(kinds(simulation)).toEqual(['start', 'signal']);
    await simulation.run(6_000);
    expect(kinds(simulation)).toEqual(['start', 'signal', 'signal']);
  });

  test('without a confirmation they are 250 ms apart all the same', async () => {
    const signals: number[] = [];
    const config = configOf({}, { name: 'r', confirm: 0, reload_signal: 1 }, { name: 's', confirm: 0, reload_signal: 10 });
    const simulation = await up({ config, world: { signalled: () => void signals.push(simulation.now) } });
    simulation.write('r', 'n1');
    simulation.write('s', 'n1');
    await simulation.run(2_500);
    expect(signals).toHaveLength(2);
    expect((signals[1] ?? 0) - (signals[0] ?? 0)).toBeGreaterThanOrEqual(250);
  });

  test('what comes while one runs is done after it, once, and the last one wins', async () => {
    const simulation = await up({ config: configOf({}, { name: 'r' }) });
    for (const hash of ['n1', 'n2', 'n3', 'n4']) {
      simulation.write('r', hash);
      await simulation.run(500);
    }
    await simulation.run(10_000);
    expect(kinds(simulation)).toEqual(['start', 'signal', 'signal']);
    expect(simulation.state.rules.r?.applied?.hash).toBe('n4');
  });

  test('a refused rule holds the others back: the application would read its files too', async () => {
    const config = configOf({}, { name: 'r', validate: [['check', 'r']] }, { name: 's', on_change: 'restart' });
    const simulation = await up({ config });
    simulation.write('r', 'bad1');
    await simulation.run(1_000);
    simulation.write('s', 'n1');
    await simulation.run(20_000);
    // Once again for the other one: what is wrong may have been corrected there.
    expect(kinds(simulation)).toEqual(['start', 'check r', 'check r']);
    expect(noted(simulation).filter((kind) => kind === 'held_back')).toHaveLength(1);
    expect(noted(simulation).filter((kind) => kind === 'refused')).toHaveLength(1);
    simulation.write('r', 'good2');
    await simulation.run(12_000);
    expect(simulation.running).toEqual({ r: 'good2', s: 'n1' });
    expect(noted(simulation).at(-1)).toBe('applied');
  });

  test('waiting for a check of another rule is no news', async () => {
    const config = configOf({}, { name: 'r', validate: [['check', 'r']] }, { name: 's' });
    const simulation = await up({ config });
    simulation.write('s', 'n1');
    simulation.write('r', 'n1');
    await simulation.run(20_000);
    expect(simulation.running).toEqual({ r: 'n1', s: 'n1' });
    expect(noted(simulation)).not.toContain('held_back');
  });

  test('a change that waited and was withdrawn is told to be over', async () => {
    const config = configOf({}, { name: 'r', validate: [['check', 'r']] }, { name: 's' });
    const simulation = await up({ config });
    simulation.write('r', 'bad1');
    await simulation.run(1_000);
    const [before] = [simulation.running.s];
    simulation.write('s', 'n1');
    await simulation.run(1_000);
    simulation.write('s', before ?? '');
    await simulation.run(1_000);
    expect(noted(simulation).at(-1)).toBe('back');
  });

  test('a rule that only reports holds nobody back and waits for nobody', async () => {
    const config = configOf({}, { name: 'r', validate: [['check', 'r']], on_change: 'none' }, { name: 's' });
    const simulation = await up({ config });
    simulation.write('r', 'bad1');
    await simulation.run(1_000);
    simulation.write('s', 'n1');
    await simulation.run(1_000);
    simulation.write('r', 'good1');
    await simulation.run(1_000);
    expect(kinds(simulation)).toEqual(['start', 'check r', 'signal', 'check r']);
    expect(simulation.state.rules.r?.applied?.hash).toBe('good1');
  });
});

describe('the start', () => {
  test('a change during it waits for reload_after_start', async () => {
    const simulation = simulate({ config: configOf({}, { name: 'r', reload_after_start: 5_000 }) });
    await simulation.run(20);
    simulation.write('r', 'n1');
    await simulation.run(4_900);
    expect(kinds(simulation)).toEqual(['start']);
    await simulation.run(200);
    expect(kinds(simulation)).toEqual(['start', 'signal']);
  });

  test('a change between the first reading and the start is found, although the watch tells of none', async () => {
    const simulation = simulate({ config: configOf({}, { name: 'r' }), world: { start: () => void simulation.write('r', 'n1') } });
    await simulation.run(6_000);
    expect(kinds(simulation)).toEqual(['start', 'signal']);
    expect(simulation.state.rules.r?.applied?.hash).toBe('n1');
  });

  test('a change and back again within that time leaves nothing pending', async () => {
    const simulation = simulate({ config: configOf({}, { name: 'r' }) });
    await simulation.run(1);
    simulation.write('r', 'n1');
    await simulation.run(20);
    simulation.write('r', 'a0');
    await simulation.run(10_000);
    expect(simulation.state.rules.r).toMatchObject({ applied: { hash: 'a0' }, phase: { kind: 'idle' } });
  });

  test('a command that is not found ends with its code and stage', async () => {
    const simulation = simulate({ config: configOf({ restart: 'always' }), world: { start: () => ({ stage: 'exec', code: 127 }) } });
    await simulation.run(500);
    expect(simulation.init.exitCode).toBe(127);
    expect(simulation.notes[0]).toMatchObject({ kind: 'start_failed', stage: 'exec' });
  });
});

describe('restart policy', () => {
  test('doubles the delay, and gives up at the limit with the last code', async () => {
    const starts: number[] = [];
    const config = configOf({ restart: 'on-failure', restart_delay: 1_000, restart_limit: 3 });
    const simulation = simulate({ config, world: { start: () => void starts.push(simulation.now) } });
    for (let round = 0; round < 200 && simulation.init.exitCode === undefined; round += 1) {
      await simulation.run(100);
      simulation.init.crash(6);
    }
    expect(starts).toHaveLength(4);
    const gaps = starts.slice(1).map((at, index) => Math.round((at - (starts[index] ?? 0)) / 1_000));
    expect(gaps).toEqual([1, 2, 4]);
    expect(simulation.init.exitCode).toBe(6);
  });

  test('a correction in the back-off starts at once', async () => {
    const simulation = await up({
      config: configOf({ restart: 'always', restart_delay: 60_000, restart_max_delay: 60_000 }, { name: 'r' }),
    });
    simulation.init.crash(1);
    await simulation.run(1_000);
    simulation.write('r', 'n1');
    await simulation.run(1_000);
    expect(kinds(simulation)).toEqual(['start', 'start']);
  });
});

describe('the container’s stop', () => {
  test('overrules the policy: the end is the end, at once, with its code', async () => {
    const simulation = await up({ config: configOf({ restart: 'always' }) });
    simulation.init.stop(15);
    await simulation.run(50);
    expect(simulation.init.exitCode).toBe(143);
    expect(noted(simulation)).toEqual(['started', 'container_stop', 'ended', 'leaving']);
  });

  test('in the middle of a restart ends it', async () => {
    const simulation = await up({ config: configOf({}, { name: 'r', on_change: 'restart' }) });
    simulation.write('r', 'n1');
    await until(simulation, () => kinds(simulation).includes('stop'));
    expect(kinds(simulation)).toEqual(['start', 'stop']);
    simulation.init.stop(2);
    await simulation.run(2_000);
    expect(kinds(simulation)).toEqual(['start', 'stop', 'leave']);
  });
});

describe('files that come and go', () => {
  test('away and back to what was told last (A → B → A) is not forgotten while a change is under way', async () => {
    const config = configOf({}, { name: 'r', validate: [['check', 'r']] });
    const simulation = await up({ config });
    simulation.write('r', 'good1');
    await until(simulation, () => kinds(simulation).includes('check r'));
    simulation.write('r', 'good2');
    await simulation.run(100);
    simulation.write('r', 'good1');
    await simulation.run(10_000);
    expect(simulation.running.r).toBe('good1');
    expect(simulation.state.rules.r?.applied?.hash).toBe('good1');
  });

  test('unreadable for a while', async () => {
    const simulation = await up({ config: configOf({}, { name: 'r', validate: [['check', 'r']] }) });
    simulation.write('r', 'good1');
    await until(simulation, () => kinds(simulation).includes('check r'));
    simulation.write('r', undefined);
    await simulation.run(60_000);
    expect(noted(simulation).filter((kind) => kind === 'unreadable')).toHaveLength(1);
    simulation.write('r', 'good1');
    await simulation.run(60_000);
    expect(simulation.running.r).toBe('good1');
  });
});
