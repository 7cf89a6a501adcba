/** What a watch says between the first sign of a change and its judgement. */
import * as fs from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, test, vi } from 'vitest';
import type { WatchRule } from '../../src/config/model.ts';
import { createReader } from '../../src/watch/generation.ts';
import { emptyHash } from '../../src/watch/identity.ts';
import { createLanes } from '../../src/watch/lanes.ts';
import { realOperations } from '../../src/watch/operations.ts';
import { startTrigger } from '../../src/watch/trigger.ts';
import { createWatch } from '../../src/watch/watch.ts';
import { createVolume, updateVolume } from '../fixtures/kubelet.ts';
import { hangingLstat, ruleFor, sha256, type Watched, watching, withDirectory } from '../fixtures/watching.ts';

vi.setConfig({ maxConcurrency: 20 }); // they mostly wait

const kinds = (watched: Watched) => watched.events.map(({ kind }) => kind).filter((kind) => kind !== 'mode');
const f = (directory: string) => join(directory, 'f');

describe.concurrent('stir', () => {
  test('long before the generation that ends it, and once a burst', () =>
    withDirectory(async (directory) => {
      fs.writeFileSync(f(directory), '0');
      await watching(ruleFor([directory], { settle: 800 }), async (watched) => {
        for (let n = 1; n <= 2; n++) {
          fs.writeFileSync(f(directory), `${n}`);
          await watched.until(() => kinds(watched).length === 2 * n - 1);
          for (let more = 0; more < 5; more++) {
            await sleep(20);
            fs.writeFileSync(f(directory), `${n}${more}`);
          }
          await watched.until(() => watched.generations().length === n);
          await watched.quiet();
        }
        expect(kinds(watched)).toEqual(['stir', 'generation', 'stir', 'generation']);
      });
    }));

  test('calm where it was nothing: the same bytes again', () =>
    withDirectory(async (directory) => {
      await createVolume(directory, { f: '0' });
      await watching(ruleFor([directory]), async (watched) => {
        for (let n = 1; n <= 3; n++) {
          await updateVolume(directory, { f: '0' }, { force: true });
          await watched.until(() => kinds(watched).length === 2 * n);
        }
        await watched.quiet();
        expect(kinds(watched)).toEqual(['stir', 'calm', 'stir', 'calm', 'stir', 'calm']);
      });
    }));

  test('re-scans and polls that find nothing are silent', () =>
    withDirectory(async (directory) => {
      fs.writeFileSync(f(directory), '0');
      let reads = 0;
      const counting = (rule: WatchRule) => {
        const reader = createReader(rule);
        return {
          read: () => {
            reads++;
            return reader.read();
          },
        };
      };
      for (const given of [{ rescan: 30 }, { mode: 'poll', poll_interval: 30 }] as const) {
        await watching(
          ruleFor([directory], given),
          async (watched) => {
            const before = reads;
            await watched.until(() => reads > before + 10);
            expect(kinds(watched)).toEqual([]);
          },
          (rule, known, tell) =>
            createWatch(rule, known, tell, { reader: counting(rule as WatchRule), startTrigger, retryEventsMs: 60_000 }),
        );
      }
    }));

  test('polled: from the first reading that differs; calm if it is undone before it counts', () =>
    withDirectory(async (directory) => {
      fs.writeFileSync(f(directory), '0');
      await watching(ruleFor([directory], { mode: 'poll', poll_interval: 30, settle: 500 }), async (watched) => {
        fs.writeFileSync(f(directory), '1');
        await watched.until(() => kinds(watched).length === 1);
        fs.writeFileSync(f(directory), '0');
        await watched.until(() => kinds(watched).length === 2);
        fs.writeFileSync(f(directory), '2');
        await watched.until(() => kinds(watched).length === 4);
        expect(kinds(watched)).toEqual(['stir', 'calm', 'stir', 'generation']);
      });
    }));

  test('a mount that hangs keeps nobody waiting', () =>
    withDirectory(async (directory) => {
      fs.writeFileSync(f(directory), '0');
      const { lstat, hang, release } = hangingLstat(f(directory));
      await watching(
        ruleFor([f(directory)]),
        async (watched) => {
          hang();
          fs.writeFileSync(f(directory), '1');
          await watched.until(() => kinds(watched).includes('warning'));
          expect(kinds(watched)).toEqual(['stir', 'calm', 'warning']);
          release();
          await watched.until(() => watched.generations().length === 1);
        },
        (rule, known, tell) => {
          const operations = { ...realOperations, lstat };
          const reader = createReader(rule, { operations, deadlineMs: 1_000, lanes: createLanes() });
          return createWatch(rule, known, tell, { reader, startTrigger, retryEventsMs: 60_000 });
        },
      );
    }));
});

describe.concurrent('files that never come to rest', () => {
  const writers = {
    'renamed over': (path: string, n: number) => {
      fs.writeFileSync(`${path}.tmp-1`, `${n}`);
      fs.renameSync(`${path}.tmp-1`, path);
    },
    'written in place': (path: string, n: number) => fs.writeFileSync(path, `${n}`),
    'emptied and written a moment later': async (path: string, n: number) => {
      fs.writeFileSync(path, '');
      await sleep(10);
      fs.writeFileSync(path, `${n}`);
    },
  };
  test.each(Object.entries(writers))(
    'a generation every max_wait, with what was newest then (%s)',
    (_, write) =>
      withDirectory(async (directory) => {
        fs.writeFileSync(f(directory), 'start');
        const told: { at: number; hash: string }[] = [];
        await watching(
          ruleFor([directory], { settle: 300, max_wait: 1_000 }),
          async (watched) => {
            const written = new Map<string, number>();
            const started = performance.now();
            for (let n = 0; told.length < 5 && performance.now() < started + 30_000; n++) {
              written.set(sha256(`${n}`), performance.now());
              await write(f(directory), n);
              await sleep(40);
            }
            const times = [started, ...told.map(({ at }) => at)];
            const gaps = times.slice(1).map((at, index) => at - (times[index] ?? 0));
            expect(gaps.length, 'told while it was written').toBeGreaterThanOrEqual(5);
            // No upper bound for each: a busy machine is late. (In place, a reading may meet the emptied file: one more settle.)
            expect(Math.min(...gaps), JSON.stringify(gaps)).toBeLessThan(1_000 + 300 + 350);
            expect(Math.max(...gaps), JSON.stringify(gaps)).toBeGreaterThan(900);
            const full = told.filter(({ hash }) => hash !== emptyHash); // who looks at the wrong moment twice finds it empty, and must say so
            for (const { at, hash } of full) expect(at - (written.get(hash) ?? 0)).toBeLessThan(1_500);
            await watched.until(() => told.at(-1)?.hash === [...written.keys()].at(-1));
          },
          (rule, known, tell) =>
            createWatch(
              rule,
              known,
              (event) => {
                if (event.kind === 'generation') told.push({ at: performance.now(), hash: event.generation.files.get(f(directory)) ?? '' });
                tell(event);
              },
              { reader: createReader(rule), startTrigger, retryEventsMs: 60_000 },
            ),
        );
      }),
    45_000,
  );
});
