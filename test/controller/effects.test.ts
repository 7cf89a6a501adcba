import { describe, expect, test } from 'vitest';
import { effectOf, type Users } from '../../src/controller/effects.ts';
import { withDistinctNames } from '../../src/controller/rule-names.ts';
import { encodeEffect } from '../../src/link/codec.ts';
import { constants } from '../../src/link/messages.ts';
import { configOf } from '../fixtures/simulation.ts';

const { signalActions, spawnFlags, roles } = constants;
const nobody: Users = { application: undefined, validators: new Map() };
const texts = (list: readonly Buffer[]): string[] => list.map(String);

describe('effects', () => {
  test('an application to which WINCH means more than a resize is kept off the terminal', () => {
    const sessionOf = (change: Parameters<typeof configOf>[0]) => {
      const effect = effectOf({ kind: 'spawn', token: 1 }, configOf(change), nobody);
      return effect.kind === 'spawn' && (effect.flags & spawnFlags.values.session) !== 0;
    };
    expect(sessionOf({ stop_signal: 28 })).toBe(true);
    expect(sessionOf({ container_stop_signals: [15, 28] })).toBe(true);
    expect(sessionOf({ stop_signal: 15 })).toBe(false);
  });

  test('the application: its own words, variables over the container’s, limits, user', () => {
    const config = configOf({
      command: ['app', 'ü'],
      environment: { A: '1', B: null, C: '' },
      working_dir: '/srv',
      umask: 0o27,
      nice: 5,
      limits: { nofile: '1024:4096' },
      no_new_privileges: true,
    });
    const users: Users = { application: { uid: 101, gid: 102, groups: [7], home: '/home/app' }, validators: new Map() };
    const effect = effectOf({ kind: 'spawn', token: 3 }, config, users);
    if (effect.kind !== 'spawn') throw new Error(effect.kind);
    expect(texts(effect.argv)).toEqual(['app', 'ü']);
    expect([texts(effect.env_set), texts(effect.env_unset)]).toEqual([['HOME=/home/app', 'A=1', 'C='], ['B']]);
    expect(texts(effect.rlimits)).toEqual(['nofile=1024:4096']);
    expect(texts(effect.groups)).toEqual(['7']);
    expect(effect).toMatchObject({
      token: 3,
      role: roles.values.main,
      flags: spawnFlags.values.no_new_privs,
      uid: 101,
      gid: 102,
      umask: 0o27,
      nice: 5,
      timeout_ms: 0,
    });
    expect(() => encodeEffect(effect)).not.toThrow();
  });

  test('no command of ours: init’s own, which is an empty list', () => {
    expect(effectOf({ kind: 'spawn', token: 1 }, configOf({}), nobody)).toMatchObject({ argv: [], uid: -1, gid: -1, umask: -1 });
  });

  test('a validator: the application’s surroundings, its own user, captured, with a limit', () => {
    const config = configOf(
      { environment: { A: '1' }, limits: { nofile: '8:8' }, nice: 9 },
      {
        name: 'r',
        validate: [
          ['nginx', '-t'],
          ['second', 'x'],
        ],
        validate_timeout: 77,
      },
    );
    const users: Users = { application: undefined, validators: new Map([['r', { uid: 5, gid: 6, groups: [], home: undefined }]]) };
    const effect = effectOf({ kind: 'validate', rule: 'r', token: 4, step: 1 }, config, users);
    if (effect.kind !== 'spawn') throw new Error(effect.kind);
    expect([texts(effect.argv), texts(effect.env_set), texts(effect.rlimits)]).toEqual([['second', 'x'], ['A=1'], []]);
    expect(effect).toMatchObject({
      role: roles.values.helper,
      flags: spawnFlags.values.capture | spawnFlags.values.session,
      uid: 5,
      gid: 6,
      nice: 0,
      timeout_ms: 77,
    });
  });

  test('the reload signal is always a guarded one', () => {
    const effect = effectOf({ kind: 'signal', id: 1, token: 2, signo: 12, minAgeMs: 30 }, configOf({ signal_target: 'group' }), nobody);
    expect(effect).toEqual({
      kind: 'signal_to',
      id: 1,
      token: 2,
      signo: 12,
      scope: constants.scopes.values.group,
      guard: 1,
      min_age_ms: 30,
    });
  });

  test('standing orders: signals and exit codes', () => {
    const config = configOf({
      stop_signal: 3,
      stop_timeout: 9,
      container_stop_signals: [15, 28],
      exit_codes: { 143: 0 },
      signals: { 10: { kind: 'drop' }, 1: { kind: 'forward', as: 12 }, 15: { kind: 'forward', as: 2 } },
    });
    const effect = effectOf({ kind: 'orders', token: 1, hold: true }, config, nobody);
    if (effect.kind !== 'orders') throw new Error(effect.kind);
    const { forward, stop, drop } = signalActions.values;
    expect([1, 2, 10, 15, 28, 64].map((signo) => effect.actions[signo])).toEqual([forward, forward, drop, forward, stop, forward]);
    expect([1, 2, 10, 15, 64].map((signo) => effect.targets[signo])).toEqual([12, 2, 10, 2, 64]);
    expect([effect.exit_map[143], effect.exit_map[1], effect.exit_map.length]).toEqual([0, 1, 256]);
    expect(effect).toMatchObject({ main_end: constants.mainEnds.values.hold, stop_signal: 3, stop_timeout_ms: 9 });
  });

  test('no stop_timeout means no KILL on the container’s stop', () => {
    expect(effectOf({ kind: 'orders', token: 1, hold: false }, configOf({}), nobody)).toMatchObject({ stop_timeout_ms: 0, main_end: 0 });
  });
});

test('rules of the same name are told apart', () => {
  const config = withDistinctNames(configOf({}, { name: 'r' }, { name: 'r' }, { name: 's' }, { name: 'r' }));
  expect(config.services.main.watch.map(({ name }) => name)).toEqual(['r', 'r (2)', 's', 'r (3)']);
});
