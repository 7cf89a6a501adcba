/** Many swaps in quick succession. `REINIT_SOAK=20` multiplies the counts. */
import * as fs from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, test, vi } from 'vitest';
import { createVolume, updateVolume } from '../../fixtures/kubelet.ts';
import { ruleFor, sha256, watching, withDirectory } from '../../fixtures/watching.ts';

vi.setConfig({ maxConcurrency: 20 }); // they mostly wait

const soak = Number(process.env.REINIT_SOAK ?? 1);

/** The same sequence in every run. */
function random(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

const max_wait = 5_000;

/** A machine that stops for so long has made a pause in which files settle. */
function countPauses(ms: number) {
  let [last, count] = [performance.now(), 0];
  return {
    look() {
      const now = performance.now();
      if (now - last > ms) count++;
      last = now;
    },
    get count() {
      return count;
    },
  };
}

describe.concurrent('storms', () => {
  test.each([1, 2, 3, 4])(
    '25 bursts of 1 to 5 swaps, 0 to 20 ms apart (%i of 4): none is missed, each ends with its last content',
    (seed) =>
      withDirectory(async (directory) => {
        const next = random(seed);
        await createVolume(directory, { f: 'start' });
        await watching(ruleFor([directory], { settle: 60 }), async (watched) => {
          for (let burst = 0; burst < 25 * soak; burst++) {
            const before = watched.generations().length;
            const swaps = 1 + next(5);
            const pauses = countPauses(30);
            for (let n = 1; n <= swaps; n++) {
              await updateVolume(directory, { f: `${burst}.${n}` });
              await sleep(next(21));
              pauses.look();
            }
            await watched.until(
              () => watched.generations().at(-1)?.files.get(join(directory, 'f')) === sha256(`${burst}.${swaps}`),
              `burst ${burst}`,
            );
            expect(watched.generations().length - before).toBeLessThanOrEqual(2 + pauses.count);
          }
          expect(watched.mode()).toBe('events');
          expect(watched.warnings()).toEqual([]);
        });
      }),
    60_000 * soak,
  );

  test.each([
    ['kubelet', async (directory: string, n: number) => updateVolume(directory, { f: String(n) })],
    [
      'rename',
      async (directory: string, n: number) => {
        fs.writeFileSync(join(directory, 'f.tmp-1'), String(n));
        fs.renameSync(join(directory, 'f.tmp-1'), join(directory, 'f'));
      },
    ],
    ['in place', async (directory: string, n: number) => fs.writeFileSync(join(directory, 'f'), String(n))],
  ] as const)(
    '200 changes, 8 ms apart (%s): the last one, once it has settled, and hardly a reaction before that',
    (kind, write) =>
      withDirectory(async (directory) => {
        if (kind === 'kubelet') await createVolume(directory, { f: 'start' });
        await watching(ruleFor([directory], { settle: 200, max_wait }), async (watched) => {
          const pauses = countPauses(100);
          const begin = performance.now();
          for (let n = 0; n < 200 * soak; n++) {
            await write(directory, n);
            await sleep(8);
            pauses.look();
          }
          const last = performance.now();
          await watched.until(() => watched.generations().at(-1)?.files.get(join(directory, 'f')) === sha256(String(200 * soak - 1)));
          expect(performance.now() - last, 'max_wait is not what it waits for').toBeLessThan(max_wait);
          const due = Math.floor((last - begin) / max_wait);
          expect(watched.generations().length).toBeLessThanOrEqual(2 + due + pauses.count);
        });
      }),
    60_000 * soak,
  );
});
