import { describe, expect, it } from 'vitest';
import { isConfigured, readArguments } from '../../src/host/arguments.ts';
import { delayMs, failuresAfter, givesUp, isHopeless } from '../../src/host/back-off.ts';
import { createCapture } from '../../src/host/capture.ts';
import { failureOf } from '../../src/host/failure.ts';
import { codeOf, defaultOrders, statusOf } from '../../src/host/orders.ts';
import { maskHas } from '../../src/host/signalling.ts';
import { stopTimes } from '../../src/host/stop-times.ts';

describe('the command line', () => {
  const line = { own: [], command: ['app', '-x'], group: false, okCodes: [], ignored: [] };
  const cases: [string, string[], boolean, object][] = [
    ['a command', ['app', '-x'], false, { kind: 'plain', ...line }],
    ['a command after --', ['--', 'app', '-x'], false, { kind: 'plain', ...line }],
    [
      'tini’s flags',
      ['-gv', '-e143', '-e', '3', '--', 'app', '-x'],
      false,
      { kind: 'plain', ...line, group: true, okCodes: [143, 3], own: ['-gv', '-e143', '-e', '3'] },
    ],
    ['a flag that cannot be had', ['-p', 'KILL', 'app', '-x'], false, { kind: 'plain', ...line, ignored: ['-p'], own: ['-p', 'KILL'] }],
    ['a setting', ['--watch', '/etc', '--', 'app', '-x'], false, { kind: 'configured', ...line, own: ['--watch', '/etc'] }],
    [
      'tini’s flags and a setting',
      ['-g', '-c', 'f', '--', 'app', '-x'],
      false,
      { kind: 'configured', ...line, group: true, own: ['-g', '-c', 'f'] },
    ],
    ['run', ['run', '--', 'app', '-x'], false, { kind: 'configured', ...line }],
    ['settings from outside', ['app', '-x'], true, { kind: 'configured', ...line }],
    ['settings from outside, and no command', [], true, { kind: 'configured', ...line, command: [] }],
    ['nothing', [], false, { kind: 'usage' }],
    ['nothing after --', ['--'], false, { kind: 'usage' }],
    ['the version', ['--version'], true, { kind: 'version' }],
    ['a verb', ['validate', 'x'], true, { kind: 'cli' }],
  ];
  it.each(cases)('%s', (_name, argv, configured, task) => expect(readArguments(argv, configured)).toEqual(task));

  it('settings are in variables or a file', () => {
    expect(isConfigured({ REINIT_HOST: 'portable', REINIT_NODE: 'n', REINIT_TEST_X: '1', PATH: '' }, false)).toBe(false);
    expect(isConfigured({ REINIT_WATCH: '/etc' }, false)).toBe(true);
    expect(isConfigured({}, true)).toBe(true);
  });
});

describe('a stop', () => {
  it('is asked for at once, again before KILL', () => {
    expect(stopTimes(1_000, undefined, 0)).toEqual({ sendAt: 1_000, againAt: undefined, killAt: undefined });
    expect(stopTimes(1_000, undefined, 4_000)).toEqual({ sendAt: 1_000, againAt: 4_000, killAt: 5_000 });
  });

  it('waits for a reload to have begun, and is repeated', () => {
    expect(stopTimes(1_000, 900, 0)).toEqual({ sendAt: 1_150, againAt: 3_000, killAt: undefined });
    expect(stopTimes(1_000, 500, 1_000)).toEqual({ sendAt: 1_000, againAt: 1_750, killAt: 2_000 });
    expect(stopTimes(5_000, 500, 0)).toEqual({ sendAt: 5_000, againAt: undefined, killAt: undefined });
  });
});

it('the first and the last of what is printed is kept', () => {
  const capture = createCapture();
  capture.add(Buffer.alloc(8_000, 'a'));
  capture.add(Buffer.alloc(8_000, 'b'));
  expect(capture.kept.toString()).toBe('a'.repeat(8_000) + 'b'.repeat(8_000));
  capture.add(Buffer.alloc(20_000, 'c'));
  expect(capture.kept.toString()).toBe('a'.repeat(8_000) + 'b'.repeat(192) + 'c'.repeat(8_192));
  expect(capture.total).toBe(36_000);
});

describe('what could not be started', () => {
  const base = { code: 'ENOENT', errno: -2, text: 'no such file', otherUser: false, directoryExists: true, fileExists: false };
  const cases: [string, object, string, number][] = [
    ['is not there', {}, 'exec', 127],
    ['may not be executed', { code: 'EACCES', fileExists: true }, 'exec', 126],
    ['has no interpreter', { fileExists: true }, 'interpreter', 126],
    ['has no directory', { directoryExists: false }, 'cwd', 126],
    ['may not be another user', { code: 'EPERM', otherUser: true }, 'user', 126],
  ];
  it.each(cases)('%s', (_name, given, stage, exitCode) =>
    expect(failureOf({ ...base, ...given })).toMatchObject({ stage, exitCode, error: 2 }),
  );
});

it('an end has the code that a shell gives it, mapped', () => {
  const orders = defaultOrders({ okCodes: [143] });
  expect(codeOf(orders, statusOf(3, null))).toBe(3);
  expect(codeOf(orders, statusOf(null, 'SIGTERM'))).toBe(0);
  expect(codeOf(orders, statusOf(null, 'SIGUSR1'))).toBe(138);
  expect(codeOf(orders, statusOf(null, 'SIGEMT'))).toBe(137);
});

it('a mask of /proc names signals by their bit', () => {
  const status = 'Name:\tx\nSigBlk:\t0000000000000000\nSigIgn:\t0000000000001000\nSigCgt:\t0000000180014a03\n';
  expect([1, 2, 10, 17].map((signo) => maskHas(status, 'SigCgt', signo))).toEqual([true, true, true, true]);
  expect(maskHas(status, 'SigCgt', 3)).toBe(false);
  expect(maskHas(status, 'SigIgn', 13)).toBe(true);
  expect(maskHas(status, 'SigPnd', 1)).toBe(false);
});

describe('a controller that ends', () => {
  it('is given up before there was an application, after some tries', () => {
    expect(givesUp(3, false)).toBe(false);
    expect(givesUp(4, false)).toBe(true);
    expect(givesUp(100, true)).toBe(false);
  });

  it('comes back at once, then ever later', () => {
    expect([1, 2, 3, 8, 100].map(delayMs)).toEqual([0, 100, 300, 60_000, 60_000]);
    expect([isHopeless(7), isHopeless(8)]).toEqual([false, true]);
  });

  it('and has been one, begins a new row', () => {
    expect(failuresAfter(5, { ranMs: 10, answered: false })).toBe(6);
    expect(failuresAfter(5, { ranMs: 10, answered: true })).toBe(1);
    expect(failuresAfter(5, { ranMs: 20_000, answered: false })).toBe(1);
  });
});
