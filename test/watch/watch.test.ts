import * as fs from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, test, vi } from 'vitest';
import type { WatchRule } from '../../src/config/model.ts';
import { createReader, type Reader } from '../../src/watch/generation.ts';
import { createLanes } from '../../src/watch/lanes.ts';
import { fault, type Operations, realOperations } from '../../src/watch/operations.ts';
import { startTrigger, type TriggerEvents } from '../../src/watch/trigger.ts';
import type { WatchEvent } from '../../src/watch/types.ts';
import { createWatch, startWatch, type WatchEnvironment } from '../../src/watch/watch.ts';
import { eventually } from '../fixtures/eventually.ts';
import { createVolume, updateVolume } from '../fixtures/kubelet.ts';
import { hangingLstat, hashed, ruleFor, sha256, watching, withDirectory } from '../fixtures/watching.ts';

/** startWatch with a part of its world exchanged. */
const startWith =
  (given: (rule: WatchRule) => Partial<WatchEnvironment>) =>
  (rule: WatchRule, known: string | undefined, tell: (event: WatchEvent) => void) =>
    createWatch(rule, known, tell, { reader: createReader(rule), startTrigger, retryEventsMs: 60_000, ...given(rule) });

/** Says that it is armed and never gives a hint: a file system of which the kernel tells nothing. */
const deafTrigger = async (events: TriggerEvents) => {
  setImmediate(events.armed);
  return { arm: () => undefined, close: async () => undefined };
};

vi.setConfig({ maxConcurrency: 20 }); // they mostly wait

const readerWith = (rule: WatchRule, operations: Partial<Operations>): Reader =>
  createReader(rule, {
    operations: { ...realOperations, ...operations },
    deadlineMs: 100,
    lanes: createLanes(),
  });

const f = (directory: string) => join(directory, 'f');

describe.concurrent('without events', () => {
  test('a change that no event announced is applied, told once, and polled for from then on', () =>
    withDirectory(async (directory) => {
      fs.writeFileSync(f(directory), '0');
      await watching(
        ruleFor([directory], { rescan: 300, poll_interval: 100 }),
        async (watched) => {
          // The first change may come while the reading after arming is still due, and be taken for announced; not so the next ones.
          let n = 0;
          while (watched.mode() === 'events' && n < 4) {
            fs.writeFileSync(f(directory), String(++n));
            await watched.until(() => watched.generations().length === n);
          }
          expect(watched.mode()).toBe('poll');
          fs.writeFileSync(f(directory), 'last');
          await watched.until(() => watched.generations().length === n + 1);
          await watched.quiet();
          expect(watched.warnings()).toEqual(['no_events']);
          expect(watched.generations().at(-1)?.files).toEqual(hashed({ [f(directory)]: 'last' }));
        },
        startWith(() => ({ startTrigger: deafTrigger })),
      );
    }));

  test('mode: events stays with events, and the re-scan still finds the change', () =>
    withDirectory(async (directory) => {
      fs.writeFileSync(f(directory), '0');
      await watching(
        ruleFor([directory], { mode: 'events', rescan: 200 }),
        async (watched) => {
          fs.writeFileSync(f(directory), '1');
          await watched.until(() => watched.generations().length === 1);
          expect(watched.mode()).toBe('events');
        },
        startWith(() => ({ startTrigger: deafTrigger })),
      );
    }));

  test('events that fail are tried again, and used when they work', () =>
    withDirectory(async (directory) => {
      fs.writeFileSync(f(directory), '0');
      let failing = 2;
      const trigger = async (events: TriggerEvents) => {
        if (failing-- <= 0) return startTrigger(events);
        return { arm: () => void setImmediate(() => events.failed(fault('ENOSPC', 'no space'))), close: async () => undefined };
      };
      await watching(
        ruleFor([directory], { poll_interval: 50 }),
        async (watched) => {
          await watched.until(() => watched.warnings().length > 0);
          expect(watched.now()).toEqual(['poll', 'polling']);
          await watched.until(() => watched.mode() === 'events');
          expect(watched.now()).toEqual(['events']);
          expect(watched.events.flatMap((event) => (event.kind === 'mode' ? [event.mode] : []))).toEqual(['poll', 'events']);
          expect(watched.warnings()).toEqual(['polling']);
          await watched.quiet();
          fs.writeFileSync(f(directory), '1');
          await watched.until(() => watched.generations().length === 1);
        },
        startWith(() => ({ startTrigger: trigger, retryEventsMs: 300 })),
      );
    }));

  test('mode: poll asks for no events, waits for the settle all the same, and finds every change', () =>
    withDirectory(async (directory) => {
      fs.writeFileSync(f(directory), '0');
      const none = async (): Promise<never> => {
        throw new Error('asked for events');
      };
      await watching(
        ruleFor([directory], { mode: 'poll', poll_interval: 50, settle: 600, max_wait: 5000 }),
        async (watched) => {
          for (const half of ['a', 'ab', 'abc', 'abcd']) {
            fs.writeFileSync(f(directory), half);
            await sleep(40);
          }
          await watched.until(() => watched.generations().length === 1);
          await watched.quiet();
          expect(watched.generations().map((generation) => generation.files.get(f(directory)))).toEqual([sha256('abcd')]);
          expect(watched.warnings()).toEqual([]);
        },
        startWith(() => ({ startTrigger: none })),
      );
    }));

  test.each(['nfs4', 'cifs', '9p', 'virtiofs', 'fuse.sshfs'])('%s is polled, and the mount is named', (type) =>
    withDirectory(async (directory) => {
      fs.writeFileSync(f(directory), '0');
      await watching(
        ruleFor([directory], { poll_interval: 50 }),
        async (watched) => {
          expect(watched.events.find((event) => event.kind === 'mode')).toMatchObject({
            mode: 'poll',
            reason: expect.stringContaining(type),
          });
          fs.writeFileSync(f(directory), '1');
          await watched.until(() => watched.generations().length === 1);
        },
        startWith((rule) => ({
          reader: readerWith(rule, { text: async () => `1 1 0:1 / / rw - overlay o rw\n2 1 0:2 / ${directory} rw - ${type} x rw\n` }),
        })),
      );
    }),
  );
});

describe.concurrent('trouble', () => {
  test('a mount that hangs: told, the change is found when it is back, and told only then', () =>
    withDirectory(async (directory) => {
      fs.writeFileSync(f(directory), '0');
      const { lstat, hang, release } = hangingLstat(f(directory));
      await watching(
        ruleFor([directory]),
        async (watched) => {
          hang();
          fs.writeFileSync(f(directory), '1');
          await watched.until(() => watched.warnings().includes('unreachable'));
          expect(await watched.watch.read()).toBeUndefined();
          expect(watched.now()).toEqual(['poll', 'unreachable']);
          expect(release()).toBe(1);
          await watched.until(() => watched.generations().length === 1);
          expect(watched.warnings()).toEqual(['unreachable']);
          expect(watched.now()).toEqual(['poll']);
        },
        startWith((rule) => ({ reader: readerWith(rule, { lstat, text: async () => '1 1 0:1 / / rw - nfs4 x rw\n' }) })),
      );
    }));

  test('unreadable: told by name, no change; readable again: the change', () =>
    withDirectory(async (directory) => {
      fs.writeFileSync(f(directory), '0');
      let refused = false;
      const hash: Operations['hash'] = async (path, stat) => {
        if (refused) throw fault('EACCES', 'no');
        return realOperations.hash(path, stat);
      };
      await watching(
        ruleFor([directory]),
        async (watched) => {
          refused = true;
          fs.writeFileSync(f(directory), 'secret!');
          await watched.until(() => watched.warnings().includes('unreadable'));
          await watched.quiet();
          expect(watched.generations()).toEqual([]);
          expect(JSON.stringify(watched.events)).not.toContain('secret!');
          refused = false;
          fs.chmodSync(f(directory), 0o600);
          await watched.until(() => watched.generations().length === 1);
        },
        startWith((rule) => ({ reader: readerWith(rule, { hash }) })),
      );
    }));

  test('link count 0 of a file that is no mount: it was replaced while it was looked at, and nothing is stale', () =>
    withDirectory(async (directory) => {
      fs.writeFileSync(f(directory), '0');
      const lstat = async (path: string) => ({ ...(await realOperations.lstat(path)), ...(path === f(directory) && { nlink: 0 }) });
      await watching(
        ruleFor([f(directory)]),
        async (watched) => {
          expect(watched.warnings()).toEqual([]);
        },
        startWith((rule) => ({ reader: createReader(rule, { operations: { ...realOperations, lstat } }) })),
      );
    }));

  test('missing: told, once a disappearance', () =>
    withDirectory(async (directory) => {
      await watching(ruleFor([f(directory)], { missing_grace: 200 }), async (watched) => {
        expect(watched.warnings()).toEqual(['missing']);
        expect(watched.now()).toEqual(['events', 'missing']);
        fs.writeFileSync(f(directory), '1');
        await watched.until(() => watched.generations().length === 1);
        expect(watched.now()).toEqual(['events']);
        fs.rmSync(f(directory));
        await watched.until(() => watched.generations().length === 2);
        expect(watched.generations().at(-1)?.files.get(f(directory))).toBeNull();
        expect(watched.warnings()).toEqual(['missing', 'missing']);
      });
    }));
});

describe.concurrent("the owner's side", () => {
  test('bad, good, and the old good again are all told', () =>
    withDirectory(async (directory) => {
      await createVolume(directory, { f: 'good' });
      await watching(ruleFor([directory]), async (watched) => {
        for (const content of ['bad', 'better', 'good', 'bad', 'good']) {
          const before = watched.generations().length;
          await updateVolume(directory, { f: content });
          await watched.until(() => watched.generations().length === before + 1);
          expect(watched.generations().at(-1)?.files.get(f(directory))).toBe(sha256(content));
        }
      });
    }));

  test('nothing known: the first generation is told; what changed between reading and arming is told', () =>
    withDirectory(async (directory) => {
      fs.writeFileSync(f(directory), '0');
      for (const known of [undefined, 'the hash of another time']) {
        const events: WatchEvent[] = [];
        const watch = startWatch(ruleFor([directory]), known, (event) => events.push(event));
        await eventually(
          () => `a generation; told: ${JSON.stringify(events)}`,
          () => events.some((event) => event.kind === 'generation'),
        );
        await watch.close();
        expect(events.filter((event) => event.kind === 'generation').length).toBe(1);
      }
    }));

  test('read() answers at once, also in the midst of a burst: what it finds is not told yet', () =>
    withDirectory(async (directory) => {
      fs.writeFileSync(f(directory), '0');
      await watching(ruleFor([directory], { settle: 2_000 }), async (watched) => {
        fs.writeFileSync(f(directory), '1');
        expect((await watched.watch.read())?.files.get(f(directory))).toBe(sha256('1'));
        expect(watched.generations()).toEqual([]);
        await watched.until(() => watched.generations().length === 1);
      });
    }));

  test('closed at any moment: nothing is told any more', () =>
    withDirectory(async (directory) => {
      fs.writeFileSync(f(directory), '0');
      for (let ms = 0; ms < 100; ms += 4) {
        const events: WatchEvent[] = [];
        const watch = startWatch(ruleFor([directory], { settle: 20 }), undefined, (event) => events.push(event));
        await sleep(ms);
        fs.writeFileSync(f(directory), String(ms));
        await watch.close();
        const told = events.length;
        await sleep(60);
        expect(events.length).toBe(told);
      }
    }));
});
