/** What happens to an application whose configuration is published, confirmed, and taken back: told as short stories over the simulation. */
import { describe, expect, test } from 'vitest';
import type { Probe } from '../../src/config/model.ts';
import type { Job } from '../../src/core/jobs.ts';
import { configOf, type Simulation, type SimulationOptions, simulate } from '../fixtures/simulation.ts';

const probe: Probe = {
  check: { kind: 'tcp_socket', host: '127.0.0.1', port: 80 },
  initial_delay: 0,
  period: 500,
  timeout: 100,
  success_threshold: 1,
  failure_threshold: 2,
};
const publish = { to: '/run/r', mode: 'flip', keep: 2 } as const;
const published = { name: 'r', publish, validate: [['check', 'r']], reload_after_start: 0, good_after: 1_000, reload_retries: 0 } as const;

const kinds = ({ init }: Simulation) => init.reactions.map((reaction) => (reaction.kind === 'validate' ? reaction.argv : reaction.kind));
const noted = ({ notes }: Simulation) => notes.map(({ kind }) => kind);
const times = (simulation: Simulation, kind: string) => kinds(simulation).filter((one) => one === kind).length;
const up = async (options: SimulationOptions): Promise<Simulation> => {
  const simulation = simulate(options);
  await simulation.run(5_000);
  return simulation;
};
const until = async (simulation: Simulation, what: () => boolean, withinMs = 5_000): Promise<void> => {
  for (let step = 0; step < withinMs && !what(); step += 1) await simulation.run(1);
  expect(what()).toBe(true);
};
/** At most so long; nothing that was refused is ever found. */
async function expectQuiet(simulation: Simulation, ms: number): Promise<void> {
  const before = kinds(simulation);
  await simulation.run(ms);
  expect(kinds(simulation)).toEqual(before);
}

describe('publishing', () => {
  test('the first start waits for what is accepted; a change is copied, judged, published, signalled', async () => {
    const simulation = await up({ config: configOf({}, published) });
    expect(kinds(simulation)).toEqual(['check r', 'start']);
    expect([simulation.running.r, simulation.published.get('r')]).toEqual(['a0', 'a0']);
    simulation.write('r', 'good1');
    await simulation.run(6_000);
    expect(kinds(simulation)).toEqual(['check r', 'start', 'check r', 'signal']);
    expect([simulation.running.r, simulation.published.get('r')]).toEqual(['good1', 'good1']);
  });

  test('what is refused is never found, even by a start', async () => {
    const simulation = await up({ config: configOf({ restart: 'always' }, published) });
    simulation.write('r', 'bad1');
    await simulation.run(2_000);
    simulation.init.crash(1);
    await simulation.run(2_000);
    expect([simulation.running.r, simulation.published.get('r')]).toEqual(['a0', 'a0']);
    expect(times(simulation, 'start')).toBe(2);
  });

  test('bad, good, and the same good bytes again: the error is over, and nothing is signalled', async () => {
    const simulation = await up({ config: configOf({}, published) });
    simulation.write('r', 'good1');
    await simulation.run(6_000);
    simulation.write('r', 'bad1');
    await simulation.run(3_000);
    expect(simulation.state.rules.r?.refused).toBe('bad1');
    simulation.write('r', 'good1');
    await simulation.run(6_000);
    expect(simulation.state.rules.r).toMatchObject({ refused: undefined, applied: { hash: 'good1' }, phase: { kind: 'idle' } });
    expect([times(simulation, 'signal'), noted(simulation).at(-1)]).toEqual([1, 'back']);
  });

  test('a file system that says no: told once, tried again, and then applied', async () => {
    let trouble: string | undefined;
    const simulation = await up({ config: configOf({}, published), trouble: () => trouble });
    trouble = 'no space left';
    simulation.write('r', 'good1');
    await simulation.run(120_000);
    expect(noted(simulation).filter((kind) => kind === 'not_staged')).toHaveLength(1);
    expect(simulation.running.r).toBe('a0');
    trouble = undefined;
    await simulation.run(310_000);
    expect(simulation.running.r).toBe('good1');
  });
});

describe('a reload that is not confirmed', () => {
  const unconfirmed = (different: object = {}) => {
    const answer = (job: Job) => (job.kind === 'probe' && simulation.running.r === 'good1' ? 'old workers answer' : undefined);
    const config = configOf({}, { ...published, confirm_by: probe, on_failure: 'rollback', ...different });
    const simulation = simulate({ config, answer });
    return simulation;
  };

  test('is rolled back with a signal, once, and only another generation is tried', async () => {
    const simulation = unconfirmed();
    await simulation.run(5_000);
    simulation.write('r', 'good1');
    await simulation.run(10_000);
    expect(kinds(simulation)).toEqual(['check r', 'start', 'check r', 'signal', 'signal']);
    expect(noted(simulation)).toEqual(expect.arrayContaining(['unconfirmed', 'rolled_back', 'back_on_good']));
    expect([simulation.running.r, simulation.published.get('r')]).toEqual(['a0', 'a0']);
    expect(simulation.state.rules.r).toMatchObject({ refused: 'good1', applied: { hash: 'a0' }, phase: { kind: 'idle' } });
    await expectQuiet(simulation, 600_000);
    simulation.write('r', 'good2');
    await simulation.run(10_000);
    expect([simulation.running.r, simulation.published.get('r'), times(simulation, 'signal')]).toEqual(['good2', 'good2', 3]);
    expect(simulation.state.rules.r).toMatchObject({ good: { hash: 'good2' }, refused: undefined });
  });

  test('is tried as often again as is wanted, before', async () => {
    const simulation = unconfirmed({ reload_retries: 2 });
    await simulation.run(5_000);
    simulation.write('r', 'good1');
    await simulation.run(30_000);
    expect(times(simulation, 'signal')).toBe(1 + 2 + 1);
    expect(simulation.running.r).toBe('a0');
  });

  test('on_failure: keep leaves it running, and the next start finds the good one', async () => {
    const simulation = unconfirmed({ on_failure: 'keep' });
    await simulation.run(5_000);
    simulation.write('r', 'good1');
    await simulation.run(10_000);
    expect([simulation.running.r, simulation.published.get('r'), times(simulation, 'signal')]).toEqual(['good1', 'a0', 1]);
  });

  test('on_failure: restart restarts instead', async () => {
    const simulation = unconfirmed({ on_failure: 'restart' });
    await simulation.run(5_000);
    simulation.write('r', 'good1');
    await simulation.run(20_000);
    expect(kinds(simulation)).toEqual(['check r', 'start', 'check r', 'signal', 'stop', 'start']);
    expect(simulation.running.r).toBe('good1');
  });

  test('the same whenever the controller dies', async () => {
    const story = async (killAt: readonly number[]) => {
      const answer = (job: Job) => (job.kind === 'probe' && simulation.running.r === 'good1' ? 'old workers answer' : undefined);
      const config = configOf({}, { ...published, confirm_by: probe, on_failure: 'rollback' });
      const simulation = simulate({ config, answer, killAt });
      await simulation.run(5_000);
      simulation.write('r', 'good1');
      await simulation.run(15_000);
      return simulation;
    };
    const { points } = await story([]);
    for (let point = 0; point < points; point += 1) {
      const simulation = await story([point]);
      expect(kinds(simulation), `killed at point ${point}`).toEqual(['check r', 'start', 'check r', 'signal', 'signal']);
      expect(simulation.published.get('r'), `killed at point ${point}`).toBe('a0');
    }
  });
});

describe('a restart that fails', () => {
  const dies = (different: object = {}, service: object = {}) => {
    const config = configOf({ restart: 'no', ...service }, { ...published, on_change: 'restart', ...different });
    const simulation: Simulation = simulate({
      config,
      world: {
        start: () => {
          if (simulation.published.get('r') === 'good1') soon(simulation);
          return undefined;
        },
      },
    });
    return simulation;
  };
  /** It ends right after its start. */
  const soon = (simulation: Simulation): void => void crashes.push(simulation);
  const crashes: Simulation[] = [];
  const runAll = async (simulation: Simulation, ms: number): Promise<void> => {
    for (let passed = 0; passed < ms; passed += 20) {
      await simulation.run(20);
      if (crashes.splice(0).length > 0) {
        await simulation.run(100);
        simulation.init.crash(1);
      }
    }
  };

  test('goes back to the last good one, once, although restart is no, and only another generation is tried', async () => {
    const simulation = dies();
    await runAll(simulation, 5_000);
    simulation.write('r', 'good1');
    await runAll(simulation, 10_000);
    expect(simulation.init.exitCode).toBeUndefined();
    expect(kinds(simulation)).toEqual(['check r', 'start', 'check r', 'stop', 'start', 'start']);
    expect([simulation.running.r, simulation.published.get('r')]).toEqual(['a0', 'a0']);
    expect(noted(simulation)).toEqual(expect.arrayContaining(['restart_failed', 'rolled_back']));
    await expectQuiet(simulation, 600_000);
    simulation.write('r', 'good2');
    await runAll(simulation, 10_000);
    expect([simulation.running.r, times(simulation, 'start')]).toEqual(['good2', 4]);
  });

  test('an end on the good one is the policy’s again', async () => {
    const simulation = dies();
    await runAll(simulation, 5_000);
    simulation.write('r', 'good1');
    await runAll(simulation, 60_000);
    simulation.init.crash(5);
    await simulation.run(2_000);
    expect(simulation.init.exitCode).toBe(5);
  });

  test('an end while it is on probation is a failure of the new generation, too', async () => {
    const simulation = await up({
      config: configOf({}, { ...published, on_change: 'restart', good_after: 60_000 }),
      kept: { r: { good: 'good0', refused: undefined } },
    });
    simulation.write('r', 'good1');
    await simulation.run(20_000);
    expect(simulation.running.r).toBe('good1');
    simulation.init.crash(1);
    await simulation.run(5_000);
    expect([simulation.running.r, simulation.init.exitCode]).toEqual(['good0', undefined]);
    expect(simulation.state.rules.r?.refused).toBe('good1');
  });

  test('one that does not become ready goes back, too', async () => {
    const answer = (job: Job) => (job.kind === 'probe' && simulation.running.r === 'good1' ? 'not ready' : undefined);
    const config = configOf({ ready: probe }, { ...published, on_change: 'restart' });
    const simulation = simulate({ config, answer });
    await simulation.run(5_000);
    simulation.write('r', 'good1');
    await simulation.run(20_000);
    expect(kinds(simulation)).toEqual(['check r', 'start', 'check r', 'stop', 'start', 'stop', 'start']);
    expect([simulation.running.r, simulation.state.rules.r?.refused]).toEqual(['a0', 'good1']);
  });
});

describe('the first start', () => {
  test('where the files are refused: on the good ones that are kept', async () => {
    const simulation = await up({
      config: configOf({}, published),
      files: { r: 'bad1' },
      kept: { r: { good: 'good0', refused: undefined } },
    });
    expect(kinds(simulation)).toEqual(['check r', 'start']);
    expect([simulation.running.r, simulation.published.get('r')]).toEqual(['good0', 'good0']);
    expect(noted(simulation)).toContain('starts_on_good');
    simulation.write('r', 'good1');
    await simulation.run(6_000);
    expect(simulation.running.r).toBe('good1');
  });

  test('where they were refused in the last life, nobody is asked again', async () => {
    const simulation = await up({
      config: configOf({}, published),
      files: { r: 'bad1' },
      kept: { r: { good: 'good0', refused: 'bad1' } },
    });
    expect(kinds(simulation)).toEqual(['start']);
    expect(simulation.running.r).toBe('good0');
  });

  test('where nothing is kept: none, and the container ends with 102', async () => {
    const simulation = await up({ config: configOf({ restart: 'always' }, published), files: { r: 'bad1' } });
    expect(kinds(simulation)).toEqual(['check r', 'leave']);
    expect(simulation.init.exitCode).toBe(102);
    expect(noted(simulation)).toEqual(expect.arrayContaining(['refused', 'nothing_accepted']));
  });

  test('sockets come first, and without them there is none', async () => {
    const sockets = [{ name: 'web', address: { kind: 'tcp', host: '::1', port: 80 }, backlog: 1, reuse_port: false }] as const;
    const simulation = await up({ config: configOf({ sockets }, published) });
    expect(kinds(simulation)).toEqual(expect.arrayContaining(['listen', 'check r', 'start']));
    expect(times(simulation, 'listen')).toBe(1);
    const failed = await up({ config: configOf({ sockets }, published), world: { listen: () => 'in use' } });
    expect([failed.init.exitCode, times(failed, 'start')]).toEqual([111, 0]);
  });
});

describe('variables', () => {
  const config = configOf({ env_from: ['/etc/env'], env_validate: [['check', 'env_from']] });

  test('reach the application by a restart, and only after they were accepted', async () => {
    const simulation = await up({ config });
    expect([kinds(simulation), simulation.running.env_from]).toEqual([['check env_from', 'start'], 'a0']);
    simulation.write('env_from', 'bad1');
    await simulation.run(3_000);
    expect([times(simulation, 'start'), simulation.running.env_from]).toEqual([1, 'a0']);
    simulation.write('env_from', 'good1');
    await simulation.run(5_000);
    expect(kinds(simulation).slice(-3)).toEqual(['check env_from', 'stop', 'start']);
    expect([simulation.running.env_from, times(simulation, 'signal')]).toEqual(['good1', 0]);
  });

  test('those of the last accepted environment are what a restart by policy gets', async () => {
    const simulation = await up({ config: configOf({ ...config.services.main, restart: 'always' }) });
    simulation.write('env_from', 'bad1');
    await simulation.run(3_000);
    simulation.init.crash(1);
    await simulation.run(3_000);
    expect([times(simulation, 'start'), simulation.running.env_from]).toEqual([2, 'a0']);
  });
});

describe('start_first', () => {
  const side = (answer: SimulationOptions['answer'], start?: NonNullable<SimulationOptions['world']>['start']) =>
    up({
      config: configOf({ restart_order: 'start_first', ready: probe }, { ...published, on_change: 'restart' }),
      ...(answer && { answer }),
      ...(start && { world: { start } }),
    });

  test('the new one is ready: then the old one is stopped', async () => {
    const simulation = await side(undefined);
    const old = simulation.init.mainToken;
    simulation.write('r', 'good1');
    await until(simulation, () => times(simulation, 'start') === 2);
    expect([simulation.init.mainToken, times(simulation, 'stop')]).toEqual([old, 0]);
    await simulation.run(5_000);
    expect(kinds(simulation)).toEqual(['check r', 'start', 'check r', 'start', 'stop']);
    expect(simulation.init.mainToken).not.toBe(old);
    expect([simulation.running.r, simulation.state.rules.r?.good?.hash]).toEqual(['good1', 'good1']);
    expect(noted(simulation)).toEqual(expect.arrayContaining(['starting_beside', 'took_over', 'applied']));
  });

  test('the new one is not ready: it goes, and the old one has never noticed', async () => {
    const simulation: Simulation = await side((job) => (job.kind === 'probe' && job.since > 3_000 ? 'not ready' : undefined));
    const old = simulation.init.mainToken;
    simulation.write('r', 'good1');
    await simulation.run(10_000);
    expect([simulation.init.mainToken, simulation.published.get('r')]).toEqual([old, 'a0']);
    expect(simulation.state.rules.r).toMatchObject({ applied: { hash: 'a0' }, refused: 'good1', phase: { kind: 'idle' } });
    expect(noted(simulation)).toEqual(expect.arrayContaining(['beside_failed', 'restart_failed', 'rolled_back', 'back_on_good']));
    await expectQuiet(simulation, 600_000);
  });

  test('the new one cannot be started: the old one goes on', async () => {
    let starts = 0;
    const simulation = await side(undefined, () => (++starts > 1 ? { stage: 'exec', code: 126 } : undefined));
    const old = simulation.init.mainToken;
    simulation.write('r', 'good1');
    await simulation.run(10_000);
    expect([simulation.init.mainToken, simulation.init.exitCode, simulation.published.get('r')]).toEqual([old, undefined, 'a0']);
  });

  test('the old one ends meanwhile: the new one has to become ready all the same', async () => {
    const simulation: Simulation = await side((job) => (job.kind === 'probe' && job.since > 3_000 ? 'not ready' : undefined));
    simulation.write('r', 'good1');
    await until(simulation, () => times(simulation, 'start') === 2);
    await simulation.run(20);
    simulation.init.crash(1);
    await simulation.run(100);
    expect(simulation.state.rules.r?.good?.hash).toBe('a0');
    await simulation.run(20_000);
    expect(simulation.init.exitCode).toBeUndefined();
    expect(simulation.published.get('r')).toBe('a0');
    expect(simulation.state.rules.r?.refused).toBe('good1');
  });
});

describe('an application that writes where it is watched', () => {
  test('is held, what is there then is applied, and a writer of its own sets it free', async () => {
    let [count, writes] = [0, true];
    const simulation = await up({
      config: configOf({}, { name: 'r', reload_after_start: 0, confirm: 100 }),
      world: { signalled: () => void (writes && simulation.write('r', `own${++count}`)) },
    });
    simulation.write('r', 'n1');
    await until(simulation, () => noted(simulation).includes('loop_held'), 30_000);
    await simulation.run(500);
    const signals = times(simulation, 'signal');
    expect(signals).toBeLessThanOrEqual(11);
    await expectQuiet(simulation, 8_000);
    writes = false;
    await simulation.run(30_000);
    expect(times(simulation, 'signal')).toBe(signals + 1);
    expect(simulation.state.rules.r).toMatchObject({ applied: { hash: `own${count}` }, phase: { kind: 'idle' } });
  });

  test('someone else’s writing while it is held is applied at once', async () => {
    const simulation = await up({
      config: configOf({}, { name: 'r', reload_after_start: 0, confirm: 100 }),
      world: { signalled: () => void simulation.write('r', `own${times(simulation, 'signal')}`) },
    });
    simulation.write('r', 'n1');
    await until(simulation, () => noted(simulation).includes('loop_held'), 30_000);
    await simulation.run(5_000);
    const signals = times(simulation, 'signal');
    simulation.write('r', 'n2');
    await simulation.run(1_000);
    expect(noted(simulation)).toContain('loop_over');
    expect(times(simulation, 'signal')).toBeGreaterThan(signals);
  });
});

describe('together', () => {
  test('two rules that change together: one reload, by the strongest', async () => {
    const config = configOf(
      {},
      { name: 'r', on_change: 'exec', exec: [['act']] },
      { name: 's', reload_signal: 1 },
      { name: 't', reload_signal: 1 },
    );
    const simulation = await up({ config });
    for (const rule of ['r', 's', 't']) simulation.write(rule, 'n1');
    await simulation.run(20_000);
    expect(kinds(simulation)).toEqual(['start', 'signal']);
    for (const rule of ['r', 's', 't']) expect(simulation.state.rules[rule]?.applied?.hash).toBe('n1');
    expect(noted(simulation).filter((kind) => kind === 'applied')).toHaveLength(3);
  });

  test('one that is judged longer is waited for', async () => {
    const config = configOf({}, { name: 'r' }, { name: 's', publish, validate: [['check', 's']], settle: 900 });
    const simulation = await up({ config });
    simulation.write('r', 'n1');
    simulation.write('s', 'good1');
    await simulation.run(20_000);
    expect(times(simulation, 'signal')).toBeLessThanOrEqual(2);
    expect(simulation.running).toEqual({ r: 'n1', s: 'good1' });
  });

  test('what goes back goes back by the signal that led there', async () => {
    const answer = (job: Job) => (job.kind === 'probe' && simulation.running.s === 'good1' ? 'no' : undefined);
    const config = configOf(
      {},
      { name: 'r', reload_signal: 12, confirm_by: probe, on_failure: 'rollback', reload_after_start: 0, reload_retries: 0 },
      { ...published, name: 's', validate: [], on_change: 'exec', exec: [['act']], publish: { ...publish, to: '/run/s' } },
    );
    const simulation = simulate({ config, answer });
    await simulation.run(5_000);
    simulation.write('r', 'n1');
    simulation.write('s', 'good1');
    await simulation.run(20_000);
    const signals = simulation.init.reactions.flatMap((reaction) => (reaction.kind === 'signal' ? [reaction.signo] : []));
    expect(signals).toEqual([12, 12]);
    expect([simulation.running.s, simulation.published.get('s')]).toEqual(['a0', 'a0']);
  });
});

describe('when', () => {
  test('old workers drain: no reload before they are few enough', async () => {
    let workers = 4;
    const simulation = await up({
      config: configOf({}, { name: 'r', max_draining: 1, reload_after_start: 0 }),
      answer: (job) => (job.kind === 'count' ? workers : undefined),
    });
    simulation.write('r', 'n1');
    await simulation.run(60_000);
    expect([times(simulation, 'signal'), noted(simulation).filter((kind) => kind === 'draining').length]).toEqual([0, 1]);
    simulation.write('r', 'n2');
    await simulation.run(1_000);
    workers = 1;
    await simulation.run(10_000);
    expect([times(simulation, 'signal'), simulation.state.rules.r?.applied?.hash]).toEqual([1, 'n2']);
  });

  test('a change during the start waits until the application is ready', async () => {
    let ready = false;
    const config = configOf({ ready: { ...probe, failure_threshold: 100 } }, { name: 'r', reload_after_start: 0 });
    const simulation = await up({ config, answer: (job) => (job.kind === 'probe' && !ready ? 'not yet' : undefined) });
    simulation.write('r', 'n1');
    await simulation.run(20_000);
    expect(kinds(simulation)).toEqual(['start']);
    ready = true;
    await simulation.run(2_000);
    expect(kinds(simulation)).toEqual(['start', 'signal']);
  });

  test('one that never becomes ready is told of changes all the same, and files that run hold nobody back', async () => {
    const config = configOf({ ready: probe }, { name: 'r', on_change: 'restart' }, { name: 's', reload_after_start: 0 });
    const simulation = await up({ config, answer: (job) => (job.kind === 'probe' ? 'no' : undefined) });
    simulation.write('r', 'n1');
    await simulation.run(20_000);
    expect(times(simulation, 'start')).toBe(2);
    simulation.write('s', 'n1');
    await simulation.run(20_000);
    expect([times(simulation, 'signal'), simulation.running]).toEqual([1, { r: 'n1', s: 'n1' }]);
  });
});

describe('a stale mount', () => {
  const stale = { kind: 'stale', rule: 'r' } as const;
  const config = (service: object = {}, rule: object = {}) =>
    configOf(service, { name: 'r', on_stale_mount: 'exit', stale_exit_code: 75, ...rule });

  test('ends the container in good order, where that is wanted', async () => {
    const simulation = await up({ config: config({ restart: 'always' }) });
    simulation.tell({ ...stale, at: simulation.now });
    await simulation.run(2_000);
    expect([kinds(simulation), simulation.init.exitCode]).toEqual([['start', 'stop', 'leave'], 75]);
    expect(noted(simulation)).toContain('stale');
  });

  test('and else does nothing', async () => {
    const simulation = await up({ config: config({}, { on_stale_mount: 'warn' }) });
    simulation.tell({ ...stale, at: simulation.now });
    await expectQuiet(simulation, 2_000);
  });

  test.each(['preparing', 'starting', 'sweeping', 'backoff', 'stopping'] as const)(
    'is not forgotten while the application is %s',
    async (kind) => {
      const service = { restart: 'always', restart_delay: 60_000, restart_max_delay: 60_000 };
      const simulation = simulate({ config: config(service, kind === 'preparing' ? { publish } : {}) });
      if (kind !== 'starting' && kind !== 'preparing') {
        await simulation.run(5_000);
        if (kind === 'stopping') simulation.tell({ ...stale, at: simulation.now });
        else simulation.init.crash(1);
      }
      await until(simulation, () => simulation.alive && simulation.state.service.kind === kind);
      simulation.tell({ ...stale, at: simulation.now });
      await simulation.run(5_000);
      expect(simulation.init.exitCode).toBe(75);
    },
  );
});

describe('the container’s stop is at once', () => {
  const stops = async (simulation: Simulation, before: readonly string[]): Promise<void> => {
    const at = simulation.now;
    simulation.init.stop(15);
    await until(simulation, () => simulation.init.exitCode !== undefined);
    expect(simulation.now - at).toBeLessThan(50);
    await simulation.run(60_000);
    expect(kinds(simulation).slice(0, before.length)).toEqual(before);
    expect(kinds(simulation).slice(before.length)).toEqual(['leave']);
  };

  test.each([
    ['splay', { splay: 50_000 }],
    ['min_interval', { min_interval: 50_000, splay: 50_000 }],
    ['settling', { settle: 50_000 }],
    ['reload_after_start', { reload_after_start: 50_000 }],
    ['draining', { max_draining: 0, reload_after_start: 0 }],
  ])('during %s', async (_, rule) => {
    const simulation = await up({ config: configOf({ restart: 'always' }, { name: 'r', ...rule }), answer: () => 3 });
    simulation.write('r', 'n1');
    await simulation.run(3_000);
    await stops(simulation, ['start']);
    expect(simulation.init.exitCode).toBe(143);
  });

  test('during back-off', async () => {
    const config = configOf({ restart: 'always', restart_delay: 60_000, restart_max_delay: 60_000 }, published);
    const simulation = await up({ config });
    simulation.init.crash(1);
    await until(simulation, () => simulation.state.service.kind === 'backoff');
    await stops(simulation, ['check r', 'start']);
  });

  test('before the first start', async () => {
    const simulation = simulate({ config: configOf({}, published) });
    await until(simulation, () => simulation.alive && simulation.state.service.kind === 'preparing');
    simulation.init.stop(15);
    await simulation.run(5_000);
    expect([simulation.init.exitCode, times(simulation, 'start')]).toEqual([143, 0]);
  });
});
