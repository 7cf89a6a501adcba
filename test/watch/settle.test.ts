import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { emptyHash, toGeneration } from '../../src/watch/identity.ts';
import {
  nextReading,
  type Observation,
  onDoubt,
  onHint,
  onMoving,
  onReading,
  onUnreachable,
  type SettlePolicy,
  type Settling,
  startSettling,
  timerSlackMs,
} from '../../src/watch/settle.ts';

const policy: SettlePolicy = { settle: 100, max_wait: 1_000, missing_grace: 5_000 };
type Files = Record<string, string | null>;
const generation = (files: Files) => toGeneration(new Map(Object.entries(files)));
const hash = (files: Files) => generation(files).hash;

const A: Files = { '/c/a': 'A', '/c/b': 'B' };
const A2: Files = { '/c/a': 'A2', '/c/b': 'B' };
const A3: Files = { '/c/a': 'A3', '/c/b': 'B' };
const gone: Files = { '/c/a': 'A' };
const empty: Files = { '/c/a': emptyHash, '/c/b': 'B' };

type Step =
  | readonly ['hint', at: number]
  | readonly ['doubt', at: number]
  | readonly ['read', at: number, files: Files, expected: 'tell' | 'tell unannounced' | 'wait', next?: number | 'nothing', ended?: number];

/** In step with A from time 0. */
const inStep = (): Settling => onReading(startSettling(hash(A)), observe(0, A), policy).state;
const observe = (at: number, files: Files, isGone = false): Observation => ({ at, generation: generation(files), isGone: () => isGone });

function play(state: Settling, steps: readonly Step[], isGone = false): void {
  for (const step of steps) {
    if (step[0] === 'hint') state = onHint(state, step[1]);
    else if (step[0] === 'doubt') state = onDoubt(state, step[1]);
    else {
      const [, at, files, expected, next] = step;
      const verdict = onReading(state, observe(at, files, isGone), policy);
      const said = verdict.tell === undefined ? 'wait' : verdict.tell.unannounced ? 'tell unannounced' : 'tell';
      expect({ at, said }).toEqual({ at, said: expected });
      state = verdict.state;
      if (next !== undefined) expect({ at, next: nextReading(state, policy) ?? 'nothing' }).toEqual({ at, next });
    }
  }
}

const rows: readonly (readonly [title: string, steps: readonly Step[]])[] = [
  [
    'a hint, quiet, a change: told at the first reading',
    [
      ['hint', 1000],
      ['read', 1100, A2, 'tell', 'nothing'],
    ],
  ],
  [
    'a hint without a change: nothing',
    [
      ['hint', 1000],
      ['read', 1100, A, 'wait', 'nothing'],
    ],
  ],
  [
    'a reading before the quiet time is over counts only with the next',
    [
      ['hint', 1000],
      ['read', 1050, A2, 'wait', 1100],
      ['read', 1100, A2, 'tell', 'nothing'],
    ],
  ],
  [
    'a timer may be a millisecond early',
    [
      ['hint', 1000],
      ['read', 1099.2, A2, 'tell', 'nothing'],
    ],
  ],
  [
    'a hint restarts the quiet time',
    [
      ['hint', 1000],
      ['hint', 1090],
      ['read', 1100, A2, 'wait', 1190],
      ['read', 1190, A2, 'tell', 'nothing'],
    ],
  ],
  [
    'polling: a change without a hint must be seen twice, settle apart',
    [
      ['read', 2000, A2, 'wait', 2100],
      ['read', 2100, A2, 'tell unannounced', 'nothing'],
    ],
  ],
  [
    'polling a slow writer: each new content waits anew',
    [
      ['read', 2000, A2, 'wait', 2100],
      ['read', 2100, A3, 'wait', 2200],
      ['read', 2200, A3, 'tell unannounced', 'nothing'],
    ],
  ],
  [
    'a hint that comes late announces the change after all',
    [
      ['read', 2000, A2, 'wait'],
      ['hint', 2010],
      ['read', 2110, A2, 'tell'],
    ],
  ],
  [
    'a doubt (newly armed) announces nothing',
    [
      ['read', 2000, A2, 'wait'],
      ['doubt', 2010],
      ['read', 2110, A2, 'tell unannounced'],
    ],
  ],
  [
    'there and back again before it counts: nothing',
    [
      ['hint', 1000],
      ['read', 1050, A2, 'wait'],
      ['read', 1100, A, 'wait', 'nothing'],
    ],
  ],
  [
    'there, told, and back: told again',
    [
      ['hint', 1000],
      ['read', 1100, A2, 'tell'],
      ['hint', 2000],
      ['read', 2100, A, 'tell', 'nothing'],
    ],
  ],
  [
    'the same bad content is told once',
    [
      ['hint', 1000],
      ['read', 1100, A2, 'tell'],
      ['hint', 2000],
      ['read', 2100, A2, 'wait', 'nothing'],
    ],
  ],
  [
    'a burst without an end counts after max_wait',
    [
      ['hint', 1000],
      ['hint', 1090],
      ['hint', 1180],
      ['read', 2000, A2, 'tell', 'nothing'],
    ],
  ],
  [
    'after that the rest of the burst is a burst of its own',
    [
      ['hint', 1000],
      ['read', 2000, A2, 'tell'],
      ['hint', 2050],
      ['read', 2150, A3, 'tell', 'nothing'],
    ],
  ],
  [
    'a file that is gone counts after the grace only',
    [
      ['hint', 1000],
      ['read', 1100, gone, 'wait', 6100],
      ['read', 6100, gone, 'tell', 'nothing'],
    ],
  ],
  [
    'a file that comes back the same within the grace: nothing',
    [
      ['hint', 1000],
      ['read', 1100, gone, 'wait'],
      ['hint', 1400],
      ['read', 1500, A, 'wait', 'nothing'],
    ],
  ],
  [
    'a file that comes back changed within the grace: told at once',
    [
      ['hint', 1000],
      ['read', 1100, gone, 'wait'],
      ['hint', 1400],
      ['read', 1500, A2, 'tell', 'nothing'],
    ],
  ],
  [
    'max_wait does not cut the grace short',
    [
      ['hint', 1000],
      ['read', 1100, gone, 'wait'],
      ['hint', 3000],
      ['read', 3100, gone, 'wait', 6100],
      ['read', 6100, gone, 'tell'],
    ],
  ],
  [
    'a storm during the grace: one reading every max_wait',
    [
      ['hint', 1000],
      ['read', 1100, gone, 'wait'],
      ['hint', 3000],
      ['read', 3010, gone, 'wait'],
      ['hint', 3020],
      ['read', 3100, gone, 'wait'],
    ],
  ],
  [
    'each file has a grace of its own',
    [
      ['hint', 1000],
      ['read', 1100, { '/c/b': 'B' }, 'wait', 6100],
      ['hint', 6000],
      ['read', 6100, {}, 'wait', 11100],
      ['read', 11100, {}, 'tell', 'nothing'],
    ],
  ],
  [
    'emptied: one more settle',
    [
      ['hint', 1000],
      ['read', 1100, empty, 'wait', 1200],
      ['read', 1200, empty, 'tell', 'nothing'],
    ],
  ],
  [
    'emptied and then written: only the written one',
    [
      ['hint', 1000],
      ['read', 1100, empty, 'wait'],
      ['hint', 1150],
      ['read', 1250, A2, 'tell', 'nothing'],
    ],
  ],
];

describe('settling, in step with A', () => {
  test.each(rows)('%s', (_, steps) => play(inStep(), steps));

  test('a key that kubelet removed needs no grace', () =>
    play(
      inStep(),
      [
        ['hint', 1000],
        ['read', 1100, gone, 'tell', 'nothing'],
      ],
      true,
    ));

  test('a hint during the reading: what was read may be half, so not yet', () => {
    const state = onHint(onHint(inStep(), 1000), 1105); // the second came after the reading began
    const verdict = onReading(state, observe(1100, A2), policy);
    expect(verdict.tell).toBeUndefined();
    expect(nextReading(verdict.state, policy)).toBe(1205);
  });

  test('a hint during a reading that counts by max_wait is not forgotten', () => {
    const state = onHint(onHint(inStep(), 1000), 2105);
    const verdict = onReading(state, observe(2100, A2), policy);
    expect(verdict.tell).toBeDefined();
    expect(nextReading(verdict.state, policy)).toBe(2205);
  });

  test('emptied in a burst without an end: one more settle after max_wait, not one more max_wait', () => {
    const burst = onHint(onHint(inStep(), 1000), 1990);
    const { state, tell } = onReading(burst, observe(2000, empty), policy);
    expect(tell).toBeUndefined();
    const later = onHint(onHint(state, 2050), 2095);
    expect(nextReading(later, policy)).toBe(2100);
    expect(onReading(later, observe(2100, empty), policy).tell).toBeDefined();
  });

  test('a hint during a reading that shows no change is not forgotten', () => {
    const verdict = onReading(onHint(onHint(inStep(), 1000), 1105), observe(1100, A), policy);
    expect(nextReading(verdict.state, policy)).toBe(1205);
  });
});

describe('the stir', () => {
  const read = (state: Settling, at: number, files: Files) => onReading(state, observe(at, files), policy).state;
  const hinted = onHint(inStep(), 1000);
  test.each([
    ['in step', inStep(), false],
    ['a hint', hinted, true],
    ['another doubt', onDoubt(hinted, 1010), true],
    ['a doubt alone (newly armed)', onDoubt(inStep(), 1000), false],
    ['files that move', onMoving(inStep(), 1000), true],
    ['other content, not judged yet', read(inStep(), 1000, A2), true],
    ['told', read(hinted, 1100, A2), false],
    ['back again', read(hinted, 1100, A), false],
    ['nothing new after a doubt', read(onDoubt(inStep(), 1000), 1100, A), false],
    ['a hint while what is told was read', read(onHint(hinted, 2105), 2100, A2), true],
    ['a hint while nothing new was read', read(onHint(hinted, 1105), 1100, A), true],
    ['a doubt while nothing new was read', read(onDoubt(inStep(), 1105), 1100, A), false],
    ['a mount that hangs', onUnreachable(hinted), false],
  ])('%s: %j', (_, state, expected) => expect(state.stirring).toBe(expected));
});

describe('the start', () => {
  test('nothing known: the first content is told once it has settled', () => {
    play(startSettling(undefined), [
      ['read', 0, A, 'wait', 100],
      ['read', 100, A, 'tell unannounced', 'nothing'],
    ]);
  });
  test('known and the same: nothing', () => play(startSettling(hash(A)), [['read', 0, A, 'wait', 'nothing']]));
  test('known, and changed since: told once it has settled', () => {
    play(startSettling(hash(A)), [
      ['read', 0, A2, 'wait', 100],
      ['doubt', 20],
      ['read', 120, A2, 'tell unannounced', 'nothing'],
    ]);
  });
  test('known, and a configured path is missing now: grace', () => {
    play(startSettling(hash(A)), [
      ['read', 0, { '/c/a': null }, 'wait', 5000],
      ['read', 5000, { '/c/a': null }, 'tell unannounced'],
    ]);
  });
  test('nothing known and missing: told without grace, there is nothing to spare', () => {
    play(startSettling(undefined), [
      ['read', 0, { '/c/a': null }, 'wait', 100],
      ['read', 100, { '/c/a': null }, 'tell unannounced'],
    ]);
  });
});

/** A world of one file whose content changes at random times, some of them hinted; readings are made when the machine asks. */
interface Change {
  readonly wait: number;
  readonly content: number;
  readonly hinted: boolean;
  readonly chatter: boolean;
}
const changes = fc.array(
  fc.record({
    wait: fc.integer({ min: 1, max: 400 }),
    content: fc.integer({ min: 0, max: 3 }),
    hinted: fc.boolean(),
    chatter: fc.boolean(),
  }),
  { maxLength: 25 },
);

/** Runs the changes; the shell is imitated: reads when due, polls every 250. Returns what was told, and the contents over time. */
function simulate(script: readonly Change[]): {
  told: { at: number; hash: string }[];
  history: { at: number; hash: string }[];
  reads: number;
} {
  const files = (content: number): Files => ({ '/c/a': `content ${content}` });
  let state = inStepWith(files(0));
  const history = [{ at: 0, hash: hash(files(0)) }];
  const told: { at: number; hash: string }[] = [];
  let [now, content, reads, polled] = [0, 0, 0, 0];
  const runUntil = (end: number) => {
    for (;;) {
      const due = Math.max(now, Math.min(nextReading(state, policy) ?? Number.POSITIVE_INFINITY, polled + 250));
      if (due > end) break;
      now = due;
      polled = due;
      reads++;
      const verdict = onReading(state, observe(now, files(content)), policy);
      state = verdict.state;
      if (verdict.tell) told.push({ at: now, hash: hash(files(content)) });
    }
    now = end;
  };
  for (const change of script) {
    runUntil(now + change.wait);
    if (!change.chatter) {
      content = change.content;
      history.push({ at: now, hash: hash(files(content)) });
    }
    if (change.hinted || change.chatter) state = onHint(state, now);
  }
  runUntil(now + 10_000);
  return { told, history, reads };
}

const inStepWith = (files: Files) => onReading(startSettling(hash(files)), observe(0, files), policy).state;

describe('whatever happens', () => {
  test('the last content is told in the end, nothing twice in a row, nothing that was not there', () => {
    fc.assert(
      fc.property(changes, (script) => {
        const { told, history } = simulate(script);
        const first = history[0]?.hash;
        const sequence = [first, ...told.map((each) => each.hash)];
        expect(sequence.at(-1)).toBe(history.at(-1)?.hash);
        sequence.slice(1).forEach((each, index) => {
          expect(each).not.toBe(sequence[index]);
        });
        // A change at the very time of a reading may be in it or not.
        const wasThere = (each: { at: number; hash: string }) =>
          history.some(
            (entry, index) =>
              entry.hash === each.hash && entry.at <= each.at && (history[index + 1]?.at ?? Number.POSITIVE_INFINITY) >= each.at,
          );
        expect(told.filter((each) => !wasThere(each))).toEqual([]);
      }),
      { numRuns: 500 },
    );
  });

  test('what is told has been quiet for settle, or the burst is max_wait old', () => {
    fc.assert(
      fc.property(changes, (script) => {
        const hinted = script.map((change) => ({ ...change, hinted: true }));
        const { told, history } = simulate(hinted);
        for (const { at } of told) {
          const last = history.findLast((entry) => entry.at < at)?.at ?? 0;
          const began = history.find((entry) => entry.at > 0 && entry.at <= at - policy.max_wait + policy.settle);
          expect(at - last >= policy.settle - timerSlackMs || began !== undefined).toBe(true);
        }
      }),
      { numRuns: 300 },
    );
  });

  test('readings are bounded: never more than one a hint and settle', () => {
    fc.assert(
      fc.property(changes, (script) => {
        const { reads } = simulate(script);
        const length = script.reduce((sum, change) => sum + change.wait, 10_000);
        expect(reads).toBeLessThanOrEqual(length / policy.settle + script.length * 2 + length / 250);
      }),
      { numRuns: 200 },
    );
  });
});
