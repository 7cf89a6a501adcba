/** The controller as a real process, with real files and the real watch, and the fake init at the other end of a real socket. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { constants } from '../../src/link/messages.ts';
import type { Reaction } from '../fixtures/fake-init.ts';
import { type RealController, type RealOptions, startRealController } from '../fixtures/real-controller.ts';

let directory = '';
let running: RealController[] = [];
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'reinit-'));
});
afterEach(async () => {
  await Promise.all(running.map((controller) => controller.close()));
  running = [];
  rmSync(directory, { recursive: true, force: true });
});

const within = { timeout: 15_000, interval: 10 };
const config = (text: string): string => {
  const file = join(directory, 'reinit.yaml');
  writeFileSync(file, text);
  return file;
};
const start = (options: RealOptions): RealController => {
  const controller = startRealController(options);
  running.push(controller);
  return controller;
};
const watching = (): string => {
  const watched = join(directory, 'conf');
  writeFileSync(watched, 'one');
  return config(
    `watch:\n  - paths: [${watched}]\n    settle: 50ms\n    validate: [check, it]\n    reload_after_start: 0s\n    confirm: 100ms\n`,
  );
};
const lines = ({ log }: RealController): Record<string, unknown>[] =>
  log
    .trim()
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line) as Record<string, unknown>);
const eventsOf = (controller: RealController): unknown[] => lines(controller).map(({ event }) => event);

const afterChange: readonly Reaction[] = [
  { kind: 'start' },
  { kind: 'validate', argv: 'check it' },
  { kind: 'signal', signo: 1, result: 'sent' },
];

async function change(controller: RealController): Promise<void> {
  await expect.poll(() => controller.init.mainToken, within).toBeDefined();
  writeFileSync(join(directory, 'conf'), 'two');
  await expect.poll(() => controller.init.reactions, within).toEqual(afterChange);
  await expect.poll(() => controller.init.unacknowledged, within).toBe(0);
}

describe('the controller', () => {
  test('starts the application, validates a change, signals it, confirms it, and says so', async () => {
    const controller = start({ argv: ['-c', watching()] });
    await change(controller);
    await expect.poll(() => eventsOf(controller), within).toEqual(['started', 'change_seen', 'applied']);
    expect(lines(controller).at(-1)).toMatchObject({ level: 'info', name: 'reinit', how: 'reload', rule: join(directory, 'conf') });
    controller.init.crash(7);
    await expect.poll(() => controller.init.exitCode, within).toBe(7);
  });

  test.each([1, 4, 9, 13])('killed at point %d: the next one goes on, nothing lost or doubled', async (killAt) => {
    const controller = start({ argv: ['-c', watching()], killAt });
    await change(controller);
    expect(controller.lives).toBe(2);
    expect(eventsOf(controller)).toContain('controller_restarted');
  });

  test('killed while a validator runs: its answer goes to the next one', async () => {
    let asked = 0;
    const controller = start({
      argv: ['-c', watching()],
      world: {
        validator: () => {
          asked += 1;
          controller.kill();
          return { code: 0, output: '' };
        },
      },
    });
    await change(controller);
    expect([asked, controller.lives]).toEqual([1, 2]);
  });

  test('a refused change is told with the validator’s words', async () => {
    const controller = start({
      argv: ['-c', watching()],
      world: { validator: () => ({ code: 1, output: '\u001b[31mline 3: no such thing\u001b[0m\n' }) },
    });
    await expect.poll(() => controller.init.mainToken, within).toBeDefined();
    writeFileSync(join(directory, 'conf'), 'two');
    await expect
      .poll(() => lines(controller).at(-1), within)
      .toMatchObject({ event: 'refused', level: 'error', validator: 'check', exit_code: 1, output: 'line 3: no such thing' });
  });

  test('mistakes in the configuration: 100, with the place', async () => {
    const controller = start({ argv: ['-c', config('watch:\n  - pahts: [/x]\n')] });
    await expect.poll(() => controller.init.exitCode, within).toBe(100);
    await expect.poll(() => controller.log, within).toMatch(/reinit\.yaml:2/);
    expect(controller.init.reactions).toEqual([{ kind: 'leave', code: 100 }]);
  });

  test('mistakes that come later do not touch the application', async () => {
    const controller = start({ argv: ['-c', watching()] });
    await expect.poll(() => controller.init.mainToken, within).toBeDefined();
    config('nonsense: 1\n');
    controller.kill();
    await expect.poll(() => controller.exits.length, within).toBeGreaterThan(2);
    expect(controller.exits[1]).toBe(100);
    expect(controller.init.exitCode).toBeUndefined();
    watching();
    const before = controller.lives;
    await expect.poll(() => eventsOf(controller), within).toContain('controller_restarted');
    expect(controller.lives).toBeGreaterThanOrEqual(before);
    expect(controller.init.reactions).toEqual([{ kind: 'start' }]);
  });

  test('a user that nobody knows: 126, with the stage', async () => {
    const controller = start({ argv: ['-c', config('user: no-such-user\n')] });
    await expect.poll(() => controller.init.exitCode, within).toBe(126);
    await expect.poll(() => controller.log, within).toMatch(/no user "no-such-user".*stage: user/);
  });

  test('another user without CAP_KILL: refused by name', async () => {
    const controller = start({ argv: ['-c', config('user: "54321:54321"\n')], flags: constants.helloFlags.values.pid1 });
    await expect.poll(() => controller.init.exitCode, within).toBe(126);
    await expect.poll(() => controller.log, within).toContain('CAP_KILL');
  });

  test('no value of the environment is in the log or the memo, nor an argument of the command', async () => {
    const file = config(`command: [app, --password, hunter2]\nenvironment: { SECRET: hunter3 }\nwatch:\n  - paths: [${directory}/none]\n`);
    const controller = start({ argv: ['-c', file] });
    await expect.poll(() => eventsOf(controller), within).toContain('started');
    expect(controller.log).not.toMatch(/hunter/);
    expect(controller.init.memo.toString()).not.toMatch(/hunter/);
  });
});
