/**
 * Random lives with published files, variables, probes and instances side by side. Whatever happens, and whenever the controller dies, the application
 * runs with accepted generations only; and once things are quiet it runs with the newest valid ones.
 */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Config, Probe } from '../../src/config/model.ts';
import { policiesOf } from '../../src/core/policy.ts';
import { nextDeadline } from '../../src/core/turns.ts';
import { configOf, type Simulation, simulate } from '../fixtures/simulation.ts';

const probe: Probe = {
  check: { kind: 'tcp_socket', host: '127.0.0.1', port: 80 },
  initial_delay: 0,
  period: 500,
  timeout: 100,
  success_threshold: 1,
  failure_threshold: 4,
};
const publish = { to: '/run/p', mode: 'flip', keep: 2 } as const;
const rules = [
  { name: 'p', validate: [['check', 'p']], publish, confirm_by: probe, on_failure: 'rollback', reload_after_start: 100 },
  {
    name: 'q',
    publish: { ...publish, to: '/run/q' },
    validate: [['check', 'q']],
    on_change: 'restart',
    good_after: 2_000,
    min_interval: 700,
  },
  { name: 'r', validate: [['check', 'r']], splay: 400 },
] as const;
const always = { restart: 'always', restart_max_delay: 2_000, env_from: ['/etc/env'], env_validate: [['check', 'env_from']] } as const;
const sockets = [
  { name: 'web', address: { kind: 'tcp', host: '127.0.0.1', port: 80 }, backlog: 10, reuse_port: false },
  { name: 'own', address: { kind: 'unix', path: '/run/s', mode: 0o600 }, backlog: 10, reuse_port: false },
] as const;
/** Asked at ports of their own: what is never ready may live. Seldom, since quiet times are long here; test/core/care.test.ts asks often. */
const care = {
  liveness: { ...probe, check: { ...probe.check, port: 81 }, period: 31_000, failure_threshold: 1 },
  readiness: { ...probe, check: { ...probe.check, port: 82 }, period: 47_000 },
} as const;
const configs: Readonly<Record<string, Config>> = {
  'one after the other': configOf({ ...always, ...care }, ...rules),
  'side by side': configOf({ ...always, restart_order: 'start_first', ready: probe, sockets }, ...rules),
  'never restarted by policy': configOf({ ...always, restart: 'no', ready: probe }, ...rules),
};
const names = ['p', 'q', 'r', 'env_from'] as const;
/** What the application finds only once it is accepted. */
const owned = ['p', 'q', 'env_from'] as const;

type Action =
  | { readonly kind: 'write'; readonly rule: (typeof names)[number]; readonly hash: string | undefined }
  | { readonly kind: 'run'; readonly ms: number }
  | { readonly kind: 'crash' | 'kill' };

const hashes = ['good1', 'good2', 'good3', 'bad1', 'bad2', undefined] as const;
const action: fc.Arbitrary<Action> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({ kind: fc.constant('write' as const), rule: fc.constantFrom(...names), hash: fc.constantFrom(...hashes) }),
  },
  {
    weight: 5,
    arbitrary: fc.record({
      kind: fc.constant('run' as const),
      ms: fc.oneof(fc.integer({ min: 0, max: 40 }), fc.integer({ min: 0, max: 6_000 })),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constantFrom('crash' as const, 'kill' as const) }) },
);
const answers = fc.array(fc.constantFrom('no', undefined, undefined), { minLength: 1, maxLength: 12 });
const troubles = fc.array(fc.constantFrom('the disk is full', undefined, undefined, undefined), { minLength: 1, maxLength: 12 });
const lives = [fc.array(action, { maxLength: 25 }), fc.array(fc.nat(150), { maxLength: 4 }), answers, troubles] as const;

/** With three configurations: more than 500 sequences for each promise. */
const runs = 170;
const timeoutMs = 120_000;

async function live(
  config: Config,
  actions: readonly Action[],
  killAt: readonly number[],
  said: readonly (string | undefined)[],
  troubled: readonly (string | undefined)[],
  isUnready: (hash: string | undefined) => boolean = () => false,
) {
  let [asked, worked, quiet] = [0, 0, false];
  const simulation: Simulation = simulate({
    config,
    killAt,
    answer: (job) => {
      const repeated = job.kind === 'probe' && 'port' in job.check && job.check.port !== 80;
      if (!repeated && owned.some((rule) => isUnready(simulation.running[rule]))) return 'no';
      return quiet ? undefined : said[asked++ % said.length];
    },
    trouble: (job) => (quiet || job.id < 30 ? undefined : troubled[worked++ % troubled.length]),
  });
  for (const step of actions) {
    if (step.kind === 'write') simulation.write(step.rule, step.hash);
    else if (step.kind === 'run') await simulation.run(step.ms);
    else if (step.kind === 'crash') simulation.init.crash(1);
    else simulation.kill();
    checkNow(simulation, config);
  }
  return { simulation, hush: () => (quiet = true) };
}

/** At any time: nothing that was refused is to be found, or runs; and no deadline has passed unnoticed. */
function checkNow(simulation: Simulation, config: Config): void {
  for (const hash of simulation.published.values()) expect(hash).not.toMatch(/^bad/);
  for (const rule of owned) expect(simulation.running[rule] ?? '').not.toMatch(/^bad|unreadable/);
  if (simulation.lives === 0 || !simulation.alive) return;
  const deadline = nextDeadline(simulation.state, policiesOf(config.services.main));
  if (deadline !== undefined) expect(deadline).toBeGreaterThanOrEqual(simulation.now - 1);
}

/** There was nothing accepted to begin with, or it ended by itself and the policy is to leave. */
function hasEnded({ init: { exitCode } }: Simulation, actions: readonly Action[], config: Config): boolean {
  if (exitCode === undefined) return false;
  if (exitCode === 102) expect(actions.some((step) => step.kind === 'write' && !step.hash?.startsWith('good'))).toBe(true);
  else expect(config.services.main.restart === 'no' && actions.some(({ kind }) => kind === 'crash')).toBe(true);
  return true;
}

describe.each(Object.entries(configs))('%s: promises, over random lives', (_, config) => {
  test(
    'in the end the newest valid generation runs, it is good, and nothing is pending',
    async () => {
      await fc.assert(
        fc.asyncProperty(...lives, async (actions, killAt, said, troubled) => {
          const { simulation, hush } = await live(config, actions, killAt, said, troubled);
          hush();
          for (const rule of names) simulation.write(rule, 'good9');
          for (let second = 0; second < 700; second += 10) {
            await simulation.run(10_000);
            checkNow(simulation, config);
          }
          if (hasEnded(simulation, actions, config)) return;
          expect(simulation.init.mainToken).toBeDefined();
          expect(simulation.running).toEqual({ p: 'good9', q: 'good9', r: 'good9', env_from: 'good9' });
          expect(simulation.init.unacknowledged).toBe(0);
          expect(simulation.state.apply.kind).toBe('none');
          expect(simulation.init.hold).toBe(config.services.main.restart !== 'no');
          for (const rule of names) {
            const state = simulation.state.rules[rule];
            expect(state?.phase.kind).toBe('idle');
            expect(state?.applied?.hash).toBe('good9');
            expect(state?.good?.hash).toBe('good9');
            expect(state?.refused).toBeUndefined();
          }
        }),
        { numRuns: runs },
      );
    },
    timeoutMs,
  );

  test(
    'a generation that is never ready or confirmed is given up: in the end nothing moves any more',
    async () => {
      await fc.assert(
        fc.asyncProperty(...lives, async (actions, killAt, said, troubled) => {
          const { simulation, hush } = await live(config, actions, killAt, said, troubled, (hash) => hash === 'good8');
          hush();
          for (const rule of names) simulation.write(rule, 'good8');
          await simulation.run(400_000);
          if (hasEnded(simulation, actions, config)) return;
          const before = simulation.init.reactions.length;
          await simulation.run(400_000);
          expect(simulation.init.reactions.slice(before)).toEqual([]);
          expect(simulation.init.mainToken).toBeDefined();
          expect(simulation.state.apply.kind).toBe('none');
          // What waits is held back by files that the application reads itself, and that were refused: somebody has been told.
          for (const rule of names) {
            const phase = simulation.state.rules[rule]?.phase;
            expect(phase?.kind === 'idle' || (phase?.kind === 'queued' && phase.held)).toBe(true);
          }
        }),
        { numRuns: runs },
      );
    },
    timeoutMs,
  );

  test(
    'once the container is told to stop, nothing is done any more but end',
    async () => {
      await fc.assert(
        fc.asyncProperty(...lives, async (actions, killAt, said, troubled) => {
          const { simulation } = await live(config, actions, killAt, said, troubled);
          if (simulation.init.exitCode !== undefined) return;
          simulation.init.stop(15);
          await simulation.run(50);
          const before = simulation.init.reactions.length;
          for (const rule of names) simulation.write(rule, 'good7');
          await simulation.run(60_000);
          expect(simulation.init.reactions.slice(before).filter(({ kind }) => kind !== 'leave')).toEqual([]);
          expect(simulation.init.exitCode).toBe(143);
        }),
        { numRuns: runs },
      );
    },
    timeoutMs,
  );
});
