/** Random lives: whatever happens in whatever order, and whenever the controller dies, the promises hold. The fake init checks those of the protocol. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { policiesOf } from '../../src/core/policy.ts';
import { nextDeadline } from '../../src/core/turns.ts';
import { configOf, type Simulation, simulate } from '../fixtures/simulation.ts';

const rules = ['r', 's', 't'] as const;
const config = configOf(
  { restart: 'always', restart_max_delay: 2_000 },
  { name: 'r', validate: [['check', 'r']], reload_signal: 1 },
  {
    name: 's',
    validate: [
      ['lint', 's'],
      ['check', 's'],
    ],
    on_change: 'restart',
  },
  { name: 't', reload_signal: 10, reload_after_start: 0, confirm: 0 },
);

type Action =
  | { readonly kind: 'write'; readonly rule: (typeof rules)[number]; readonly hash: string | undefined }
  | { readonly kind: 'run'; readonly ms: number }
  | { readonly kind: 'crash'; readonly code: number }
  | { readonly kind: 'kill' }
  | { readonly kind: 'deadly' };

const action: fc.Arbitrary<Action> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant('write' as const),
      rule: fc.constantFrom(...rules),
      hash: fc.constantFrom('good1', 'good2', 'good3', 'bad1', 'bad2', undefined),
    }),
  },
  {
    weight: 5,
    arbitrary: fc.record({
      kind: fc.constant('run' as const),
      ms: fc.oneof(fc.integer({ min: 0, max: 40 }), fc.integer({ min: 0, max: 6_000 })),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('crash' as const), code: fc.integer({ min: 0, max: 3 }) }) },
  { weight: 1, arbitrary: fc.constant({ kind: 'kill' as const }) },
  { weight: 1, arbitrary: fc.constant({ kind: 'deadly' as const }) },
);
const results = fc.array(fc.constantFrom('sent', 'sent', 'not_yet', 'not_caught', 'ignored'), { minLength: 1, maxLength: 8 });

interface Life {
  readonly simulation: Simulation;
  readonly signals: readonly { readonly at: number; readonly signo: number; readonly files: Readonly<Record<string, string>> }[];
}

async function live(actions: readonly Action[], killAt: readonly number[], answers: readonly string[], stopMs = 5): Promise<Life> {
  const signals: { at: number; signo: number; files: Record<string, string> }[] = [];
  let [asked, deadly] = [0, false];
  const simulation = simulate({
    config,
    killAt,
    world: {
      stopMs,
      signal: () => (answers[asked++ % answers.length] ?? 'sent') as 'sent',
      signalled() {
        const last = simulation.init.reactions.at(-1);
        signals.push({ at: simulation.now, signo: last?.kind === 'signal' ? last.signo : 0, files: { ...simulation.running } });
        if (!deadly) return;
        deadly = false;
        simulation.init.crash(129);
      },
    },
  });
  for (const step of actions) {
    if (step.kind === 'write') simulation.write(step.rule, step.hash);
    else if (step.kind === 'run') await simulation.run(step.ms);
    else if (step.kind === 'crash') simulation.init.crash(step.code);
    else if (step.kind === 'deadly') deadly = true;
    else simulation.kill();
    checkDeadline(simulation);
  }
  return { simulation, signals };
}

/** A deadline that has passed and changes nothing would be a busy loop. */
function checkDeadline(simulation: Simulation): void {
  if (simulation.lives === 0 || !simulation.alive) return;
  const deadline = nextDeadline(simulation.state, policiesOf(config.services.main));
  if (deadline !== undefined) expect(deadline).toBeGreaterThanOrEqual(simulation.now - 1);
}

describe('promises, over random lives', () => {
  const lives = [fc.array(action, { maxLength: 25 }), fc.array(fc.nat(120), { maxLength: 4 }), results] as const;

  test('signals: apart from each other, and never for what the validator refuses', async () => {
    await fc.assert(
      fc.asyncProperty(...lives, async (actions, killAt, answers) => {
        const { simulation, signals } = await live(actions, killAt, answers);
        await simulation.run(30_000);
        for (const [index, { at, signo, files }] of signals.entries()) {
          expect(at - (signals[index - 1]?.at ?? 0)).toBeGreaterThanOrEqual(250);
          if (signo === 1) expect(files.r).not.toMatch(/^bad|unreadable/);
        }
      }),
      { numRuns: 40 },
    );
  });

  test('in the end the application runs with what the files are, or with the last good ones, and nothing is pending', async () => {
    await fc.assert(
      fc.asyncProperty(...lives, async (actions, killAt, answers) => {
        const { simulation } = await live(actions, killAt, [...answers, 'sent']);
        for (const rule of rules) simulation.write(rule, 'good9');
        await simulation.run(120_000);
        expect(simulation.init.exitCode).toBeUndefined();
        expect(simulation.init.mainToken).toBeDefined();
        expect(simulation.running).toEqual({ r: 'good9', s: 'good9', t: 'good9' });
        expect(simulation.init.unacknowledged).toBe(0);
        for (const rule of rules) {
          const state = simulation.state.rules[rule];
          expect(state?.phase.kind).toBe('idle');
          expect(state?.applied?.hash).toBe('good9');
          expect(state?.refused).toBeUndefined();
        }
      }),
      { numRuns: 40 },
    );
  });

  test('after the container was told to stop nothing is signalled, validated, started or restarted, and it ends', async () => {
    await fc.assert(
      fc.asyncProperty(...lives, async (actions, killAt, answers) => {
        const { simulation } = await live(actions, killAt, answers, 5_000);
        simulation.init.stop(15);
        // What was on its way is answered with `stopping`; a controller that was just killed has to come back first.
        await simulation.run(50);
        const before = simulation.init.reactions.length;
        simulation.write('r', 'good7');
        simulation.write('s', 'good7');
        await simulation.run(60_000);
        expect(simulation.init.reactions.slice(before).filter(({ kind }) => kind !== 'leave')).toEqual([]);
        expect(simulation.init.exitCode).toBe(143);
      }),
      { numRuns: 40 },
    );
  });
});
