/** The controller as a real process, with real files and the real watch, and the fake init at the other end of a real socket. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { State } from '../../src/core/state.ts';
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

const within = { timeout: 30_000, interval: 10 };
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

  test('mistakes that come later are refused with their places; a controller that comes then goes on without them', async () => {
    const controller = start({ argv: ['-c', watching()] });
    await expect.poll(() => controller.init.mainToken, within).toBeDefined();
    config('nonsense: 1\n');
    await expect.poll(() => eventsOf(controller), within).toContain('config_refused');
    expect(lines(controller).at(-1)).toMatchObject({ level: 'error', output: expect.stringMatching(/reinit\.yaml:1:1.*nonsense/s) });
    controller.kill();
    await change(controller);
    expect([controller.lives, controller.exits]).toEqual([2, [null]]);
    expect(eventsOf(controller)).toContain('controller_restarted');
  });

  test('another configuration is taken over by the next controller, which is no news of a crash', async () => {
    const file = watching();
    const controller = start({ argv: ['-c', file] });
    await expect.poll(() => controller.init.mainToken, within).toBeDefined();
    config(readFileSync(file, 'utf8').replace('[check, it]', '[check, that]'));
    await expect.poll(() => eventsOf(controller), within).toContain('config_taken_over');
    writeFileSync(join(directory, 'conf'), 'two');
    await expect.poll(() => controller.init.reactions, within).toContainEqual({ kind: 'validate', argv: 'check that' });
    expect([controller.lives, controller.exits]).toEqual([2, [105]]);
    expect(eventsOf(controller)).not.toContain('controller_restarted');
  });

  test.each([
    ['sockets: ["127.0.0.1:8080"]\n', 'sockets'],
    ['attach: { name: app }\n', 'attach'],
    ['state_dir: /state\n', 'state_dir'],
    ['user: no-such-user\n', 'no user "no-such-user"'],
  ])('what cannot be taken over is refused by name: %s', async (text, words) => {
    const controller = start({ argv: ['-c', config('command: [app]\n')] });
    await expect.poll(() => controller.init.mainToken, within).toBeDefined();
    config(text.startsWith('attach') ? text : `command: [app]\n${text}`);
    await expect
      .poll(() => lines(controller).at(-1), within)
      .toMatchObject({ event: 'config_refused', output: expect.stringContaining(words) });
    expect([controller.lives, controller.init.reactions]).toEqual([1, [{ kind: 'start' }]]);
  });

  test('on_config_change: ignore: the file is read once, also by controllers that come later', async () => {
    const controller = start({ argv: ['-c', watching(), '--on-config-change', 'ignore'] });
    await expect.poll(() => controller.init.mainToken, within).toBeDefined();
    config('nonsense: 1\n');
    controller.kill();
    await change(controller);
    expect(eventsOf(controller).filter((event) => String(event).startsWith('config_'))).toEqual([]);
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
    // But for the text of reinit's own file, which init has in its parts anyway.
    const { state } = JSON.parse(controller.init.memo.toString()) as { state: State };
    expect(state.own?.source.text).toMatch(/hunter/);
    expect(JSON.stringify({ ...state, own: undefined })).not.toMatch(/hunter/);
  });
});
