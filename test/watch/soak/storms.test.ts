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
            for (let n = 1; n <= swaps; n++) {
              await updateVolume(directory, { f: `${burst}.${n}` });
              await sleep(next(21));
            }
            await watched.until(
              () => watched.generations().at(-1)?.files.get(join(directory, 'f')) === sha256(`${burst}.${swaps}`),
              `burst ${burst}`,
            );
            expect(watched.generations().length - before).toBeLessThanOrEqual(2);
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
    '200 changes in 2 s (%s): the last one, within settle and half a second, at most two reactions',
    (kind, write) =>
      withDirectory(async (directory) => {
        if (kind === 'kubelet') await createVolume(directory, { f: 'start' });
        await watching(ruleFor([directory], { settle: 200, max_wait: 5_000 }), async (watched) => {
          for (let n = 0; n < 200 * soak; n++) {
            await write(directory, n);
            await sleep(8);
          }
          const last = performance.now();
          await watched.until(() => watched.generations().at(-1)?.files.get(join(directory, 'f')) === sha256(String(200 * soak - 1)));
          expect(performance.now() - last).toBeLessThan(700);
          expect(watched.generations().length).toBeLessThanOrEqual(2 * soak);
        });
      }),
    60_000 * soak,
  );
});
