import { describe, expect, test } from 'vitest';
import type { Config, Probe } from '../../src/config/model.ts';
import { effectsOf, type Users } from '../../src/controller/effects.ts';
import { withDistinctNames } from '../../src/controller/rule-names.ts';
import type { Command } from '../../src/core/state.ts';
import { encodeEffect } from '../../src/link/codec.ts';
import { constants } from '../../src/link/messages.ts';
import { configOf } from '../fixtures/simulation.ts';

const { outputFormats, signalActions, spawnFlags, roles, socketFamilies } = constants;
const nobody: Users = { application: undefined, validators: new Map() };
const none: ReadonlyMap<string, string> = new Map();
const effectOf = (command: Command, config: Config, users: Users, environments = (_: string) => none) => {
  const [effect] = effectsOf(command, config, users, environments).slice(-1);
  if (!effect) throw new Error('no effect');
  return effect;
};
const spawnOf = (command: Command, config: Config, environments = (_: string) => none, users = nobody) => {
  const effect = effectOf(command, config, users, environments);
  if (effect.kind !== 'spawn') throw new Error(effect.kind);
  return effect;
};
const spawn = { kind: 'spawn', token: 1, environment: undefined } as const;
const probe: Probe = {
  check: { kind: 'exec', command: ['is-ready', '-q'] },
  initial_delay: 0,
  period: 200,
  timeout: 123,
  success_threshold: 1,
  failure_threshold: 2,
};
const texts = (list: readonly Buffer[]): string[] => list.map(String);

describe('effects', () => {
  test('an application to which WINCH means more than a resize is kept off the terminal', () => {
    const sessionOf = (change: Parameters<typeof configOf>[0]) => {
      const effect = effectOf(spawn, configOf(change), nobody);
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
    const effect = effectOf({ ...spawn, token: 3 }, config, users);
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
    expect(effectOf(spawn, configOf({}), nobody)).toMatchObject({ argv: [], uid: -1, gid: -1, umask: -1 });
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
    const effect = effectOf(
      { kind: 'validate', rule: 'r', token: 4, step: 1, directory: undefined, environment: undefined },
      config,
      users,
    );
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

  test('a validator of a copy is told where it is: in its arguments and in a variable', () => {
    const config = configOf({}, { name: 'r', validate: [['nginx', '-t', '-c', '{{snapshot}}/a:{{snapshot}}/b']] });
    const command = { kind: 'validate', rule: 'r', token: 4, step: 0, environment: undefined } as const;
    const effect = spawnOf({ ...command, directory: '/run/copies/7' }, config);
    expect(texts(effect.argv)).toEqual(['nginx', '-t', '-c', '/run/copies/7/a:/run/copies/7/b']);
    expect(texts(effect.env_set)).toEqual(['REINIT_SNAPSHOT_DIR=/run/copies/7']);
    expect(texts(spawnOf({ ...command, directory: undefined }, config).env_set)).toEqual([]);
  });

  test('env_from lies below `environment`, and over HOME of the user', () => {
    const config = configOf({ environment: { A: 'mine', B: null }, env_from: ['/etc/env'] }, { name: 'r', validate: [['x']] });
    const environments = (hash: string) =>
      new Map(
        hash === 'e1'
          ? [
              ['A', 'theirs'],
              ['B', 'b'],
              ['C', 'c=d'],
              ['HOME', '/srv'],
            ]
          : [],
      );
    const users: Users = { application: { uid: 1, gid: 1, groups: [], home: '/home/app' }, validators: new Map() };
    const commands: readonly Command[] = [
      { ...spawn, environment: 'e1' },
      { kind: 'validate', rule: 'r', token: 4, step: 0, directory: undefined, environment: 'e1' },
      { kind: 'execute', rule: 'r', token: 4, step: 0, environment: 'e1' },
      { kind: 'probe', token: 4, of: { service: 'ready' }, environment: 'e1' },
    ];
    for (const command of commands) {
      const effect = spawnOf(command, config, environments, users);
      expect(texts(effect.env_set).sort()).toEqual(['A=mine', 'C=c=d', 'HOME=/srv']);
      expect(texts(effect.env_unset)).toEqual(['B']);
    }
    expect(texts(spawnOf(spawn, config, environments, users).env_set).sort()).toEqual(['A=mine', 'HOME=/home/app']);
  });

  test('what the instance is for: beside another one, with sockets, with something to say', () => {
    const flagsOf = (...given: Parameters<typeof configOf>): number => spawnOf(spawn, configOf(...given)).flags;
    const { nest, sockets, notify } = spawnFlags.values;
    const socket = { name: 'w', address: { kind: 'tcp', host: '0.0.0.0', port: 80 }, backlog: 1, reuse_port: false } as const;
    const told: Probe = { ...probe, check: { kind: 'notify' } };
    expect(flagsOf({})).toBe(0);
    expect(flagsOf({ restart_order: 'start_first' })).toBe(nest);
    expect(flagsOf({ sockets: [socket] })).toBe(sockets);
    expect(flagsOf({ ready: told })).toBe(notify);
    expect(flagsOf({}, { confirm_by: told })).toBe(notify);
    expect(flagsOf({ ready: probe }, { confirm_by: probe })).toBe(0);
    expect(flagsOf({ restart_order: 'start_first', sockets: [socket], ready: told })).toBe(nest | sockets | notify);
  });

  test('the output: what becomes of it is told before each start', () => {
    const users: Users = { application: { uid: 5, gid: 6, groups: [7], home: undefined }, validators: new Map() };
    const file = { path: '/log/é', max_size: 2 ** 33, max_files: 3, also_stdout: true };
    const config = configOf({ output: { format: 'json', prefix: 'ü ', timestamps: true, file } });
    const [told, started] = effectsOf(spawn, config, users, () => none);
    expect(told).toEqual({
      ...{ kind: 'output', format: outputFormats.values.json, timestamps: 1, prefix: Buffer.from('ü '), path: Buffer.from('/log/é') },
      ...{ max_size: 2 ** 33, max_files: 3, also_stdout: 1, uid: 5, gid: 6 },
    });
    expect(started).toMatchObject({ kind: 'spawn', flags: spawnFlags.values.output });
    const bare = configOf({ output: { format: 'text', prefix: '', timestamps: false, file: undefined } });
    expect(effectsOf(spawn, bare, nobody, () => none)[0]).toMatchObject({ path: Buffer.alloc(0), also_stdout: 0, uid: -1, gid: -1 });
    expect(effectsOf(spawn, configOf({}), nobody, () => none)).toHaveLength(1);
    expect(effectsOf({ kind: 'exit', code: 0 }, bare, nobody, () => none)).toHaveLength(1);
  });

  test('the commands of an action: as the application’s user, captured, with their own limit', () => {
    const config = configOf({}, { name: 'r', exec: [['one'], ['two', 'x']], exec_timeout: 55, validate_timeout: 77 });
    const users: Users = {
      application: { uid: 5, gid: 6, groups: [], home: undefined },
      validators: new Map([['r', { uid: 7, gid: 7, groups: [], home: undefined }]]),
    };
    const effect = spawnOf({ kind: 'execute', rule: 'r', token: 4, step: 1, environment: undefined }, config, undefined, users);
    expect(texts(effect.argv)).toEqual(['two', 'x']);
    expect(effect).toMatchObject({
      role: roles.values.helper,
      flags: spawnFlags.values.capture | spawnFlags.values.session,
      uid: 5,
      timeout_ms: 55,
    });
  });

  test('a command that probes: of the service, or of a rule', () => {
    const of = { ...probe, check: { kind: 'exec', command: ['has-reloaded'] }, timeout: 9 } as const;
    const liveness = { ...probe, check: { kind: 'exec', command: ['is-alive'] }, timeout: 8 } as const;
    const config = configOf({ ready: probe, liveness }, { name: 'r', confirm_by: of });
    const command = { kind: 'probe', token: 4, environment: undefined } as const;
    const ready = spawnOf({ ...command, of: { service: 'ready' } }, config);
    expect([texts(ready.argv), ready.timeout_ms, ready.role]).toEqual([['is-ready', '-q'], 123, roles.values.helper]);
    const alive = spawnOf({ ...command, of: { service: 'liveness' } }, config);
    expect([texts(alive.argv), alive.timeout_ms]).toEqual([['is-alive'], 8]);
    const confirm = spawnOf({ ...command, of: { rule: 'r' } }, config);
    expect([texts(confirm.argv), confirm.timeout_ms]).toEqual([['has-reloaded'], 9]);
  });

  test('sockets, by their place', () => {
    const base = { backlog: 128, reuse_port: true };
    const config = configOf({
      sockets: [
        { ...base, name: 'v4', address: { kind: 'tcp', host: '127.0.0.1', port: 8080 } },
        { ...base, name: 'v6', address: { kind: 'tcp', host: '::1', port: 8081 }, reuse_port: false },
        { ...base, name: 'own', address: { kind: 'unix', path: '/run/s', mode: 0o660 } },
      ],
    });
    const users: Users = { application: { uid: 5, gid: 6, groups: [], home: undefined }, validators: new Map() };
    const listen = (index: number) => effectOf({ kind: 'listen', index }, config, users);
    const { ipv4, ipv6, unix } = socketFamilies.values;
    const inet = { kind: 'listen', backlog: 128, mode: 0, uid: -1, gid: -1 };
    expect(listen(0)).toEqual({
      ...inet,
      id: 0,
      name: Buffer.from('v4'),
      family: ipv4,
      address: Buffer.from([127, 0, 0, 1]),
      port: 8080,
      reuse_port: 1,
    });
    const loopback = Buffer.from([...Array(15).fill(0), 1]);
    expect(listen(1)).toEqual({ ...inet, id: 1, name: Buffer.from('v6'), family: ipv6, address: loopback, port: 8081, reuse_port: 0 });
    expect(listen(2)).toMatchObject({ id: 2, family: unix, address: Buffer.from('/run/s'), port: 0, mode: 0o660, uid: 5, gid: 6 });
    for (const index of [0, 1, 2]) expect(() => encodeEffect(listen(index))).not.toThrow();
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

test('the name of the rule for variables is taken where there are some', () => {
  const name = (service: object) => withDistinctNames(configOf(service, { name: 'env_from' })).services.main.watch[0]?.name;
  expect(name({ env_from: ['/env'] })).toBe('env_from (2)');
  expect(name({})).toBe('env_from');
});
