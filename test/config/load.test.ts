import { describe, expect, test } from 'vitest';
import type { Config } from '../../src/config/model.ts';
import { brief, load, loadMain, refused, writeConfig } from './support.ts';

const defaults: Config = {
  log: { level: 'info', format: 'auto' },
  http: undefined,
  services: {
    main: {
      attach: undefined,
      output: undefined,
      command: [],
      user: undefined,
      working_dir: undefined,
      environment: {},
      umask: undefined,
      nice: 0,
      limits: {},
      no_new_privileges: false,
      stop_signal: 0,
      stop_timeout: undefined,
      container_stop_signals: [15, 2, 3],
      signal_target: 'process',
      signals: {},
      exit_codes: {},
      restart: 'no',
      restart_delay: 500,
      restart_max_delay: 30_000,
      restart_limit: 0,
      restart_reset: 30_000,
      restart_order: 'stop_first',
      ready: undefined,
      liveness: undefined,
      readiness: undefined,
      memory_limit: undefined,
      max_uptime: undefined,
      sockets: [],
      env_from: [],
      env_validate: [],
      state_dir: undefined,
      on_config_change: 'restart',
      notify: [],
      control_socket: 'auto',
      watch: [],
    },
  },
};
const ruleDefaults = {
  name: '/a',
  paths: ['/a'],
  include: [],
  exclude: [],
  recursive: true,
  mode: 'auto',
  settle: 300,
  max_wait: 5000,
  rescan: 30_000,
  poll_interval: 2000,
  missing_grace: 5000,
  max_files: 10_000,
  max_bytes: 64 * 1024 * 1024,
  validate: [],
  validate_timeout: 30_000,
  validate_user: undefined,
  snapshot: false,
  publish: undefined,
  on_change: 'reload',
  reload_signal: 1,
  reload_after_start: 1000,
  exec: [],
  exec_timeout: 30_000,
  http: undefined,
  confirm: 3000,
  confirm_by: undefined,
  reload_retries: 1,
  on_failure: 'keep',
  good_after: 30_000,
  min_interval: 0,
  splay: 0,
  max_draining: undefined,
  loop_guard: true,
  on_stale_mount: 'warn',
  stale_exit_code: 75,
};

test('nothing given: the defaults, and every key of the model', () => {
  const { config } = load({});
  expect(config).toStrictEqual(defaults);
  expect(loadMain({ argv: ['--watch', '/a'] }).watch).toStrictEqual([ruleDefaults]);
});

describe('what the file may say', () => {
  const rows: readonly [string, string, object][] = [
    ['a command as a list, numbers taken as words', 'command: [sleep, 010]', { command: ['sleep', '010'] }],
    ['a command as a string', `command: nginx -g "daemon off;"`, { command: ['nginx', '-g', 'daemon off;'] }],
    ['an octal umask', 'umask: 022', { umask: 0o22 }],
    ['YAML 1.2 octal', 'umask: 0o27', { umask: 0o27 }],
    ['a numeric user', 'user: 101', { user: '101' }],
    ['user and group are no sexagesimal number', 'user: 101:101', { user: '101:101' }],
    ['restart: no is a word', 'restart: no', { restart: 'no' }],
    [
      'environment as it is written',
      'environment: {V: 1.10, T: yes, N: null, E: "", Q: "null", O: 0x1F}',
      {
        environment: { V: '1.10', T: 'yes', N: null, E: '', Q: 'null', O: '0x1F' },
      },
    ],
    ["compose's list", 'environment: [A=1, B=x=y, A=2]', { environment: { A: '2', B: 'x=y' } }],
    [
      'signals',
      'signals: {USR2: drop, sighup: USR1, TERM: stop, RTMIN+1: 36, INT: KILL}',
      {
        signals: {
          12: { kind: 'drop' },
          1: { kind: 'forward', as: 10 },
          15: { kind: 'stop' },
          35: { kind: 'forward', as: 36 },
          2: { kind: 'forward', as: 9 },
        },
      },
    ],
    ['limits', 'limits: {nofile: 1024, core: 0:unlimited}', { limits: { nofile: '1024:1024', core: '0:unlimited' } }],
    ['exit codes', 'exit_codes: {143: 0}', { exit_codes: { 143: 0 } }],
    ['stop by KILL', 'stop_signal: KILL', { stop_signal: 9 }],
    ['one stop signal', 'container_stop_signals: WINCH', { container_stop_signals: [28] }],
    ['an alias for a whole value', 'limits: &l {nofile: 5}\nexit_codes: {1: 0}\nwatch: &w []', { limits: { nofile: '5:5' }, watch: [] }],
    ['a byte order mark and CRLF', '\ufeffnice: 5\r\numask: 022\r\n', { nice: 5, umask: 0o22 }],
  ];
  test.each(rows)('%s', (_title, yaml, expected) => {
    const hasCommand = !yaml.startsWith('command');
    expect(loadMain({ yaml, hasCommand })).toMatchObject(expected);
  });

  const validators: readonly [string, readonly (readonly string[])[]][] = [
    ['nginx -t', [['nginx', '-t']]],
    ['[nginx, -t]', [['nginx', '-t']]],
    [
      '[[nginx, -t], [test, -s, /x]]',
      [
        ['nginx', '-t'],
        ['test', '-s', '/x'],
      ],
    ],
    ['[]', []],
    [`[sh, -c, "a | b"]`, [['sh', '-c', 'a | b']]],
  ];
  test.each(validators)('validate: %s', (validate, argvs) => {
    expect(loadMain({ yaml: `watch: [{paths: [/a], validate: ${validate}}]` }).watch[0]?.validate).toEqual(argvs);
  });

  test('sizes', () => {
    const size = (text: string) => loadMain({ yaml: `watch: [{paths: /a, max_bytes: ${text}}]` }).watch[0]?.max_bytes;
    expect([size('1'), size('1k'), size('1KiB'), size('64Mi'), size('2GB')]).toEqual([1, 1000, 1024, 64 * 2 ** 20, 2e9]);
  });
});

describe('who wins', () => {
  const yaml =
    'command: [from-file]\nstop_timeout: 1s\nenvironment: {A: file, B: file}\nlog: {level: warn}\nwatch: [{paths: [/file]}, {paths: [/other]}]';

  test('flags over variables over the file', () => {
    const env = { REINIT_STOP_TIMEOUT: '2s' };
    expect(loadMain({ yaml }).stop_timeout).toBe(1000);
    expect(loadMain({ yaml, env }).stop_timeout).toBe(2000);
    expect(loadMain({ yaml, env, argv: ['--stop-timeout', '3s'] }).stop_timeout).toBe(3000);
    expect(loadMain({ yaml, env: { REINIT_STOP_TIMEOUT: '' } }).stop_timeout).toBe(1000);
  });

  test('entries of maps join, lists replace', () => {
    const main = loadMain({ yaml, argv: ['--env', 'B=flag', '--env=C=a=b', '--container-stop-signals', 'TERM'] });
    expect(main.environment).toEqual({ A: 'file', B: 'flag', C: 'a=b' });
    expect(main.container_stop_signals).toEqual([15]);
    expect(loadMain({ yaml: 'environment: [A=1, B=2]', argv: ['--env', 'B=3'] }).environment).toEqual({ A: '1', B: '3' });
  });

  test('settings join a group, and take no mistake in its place away', () => {
    expect(load({ yaml, env: { REINIT_LOG_FORMAT: 'json' } }).config?.log).toEqual({ level: 'warn', format: 'json' });
    const { mistakes } = refused({ yaml: 'log: json', env: { REINIT_LOG_LEVEL: 'debug' } });
    expect(mistakes.map(brief)).toEqual(['1:6 log: this must be a mapping']);
  });

  test("flags and variables of the watch group make one rule, in place of the file's", () => {
    const argv = [
      '--watch',
      '/x',
      '--watch=/y',
      '--validate',
      'a "b c"',
      '--validate',
      'd',
      '--settle',
      '1s',
      '--exclude',
      '*.a',
      '--no-recursive',
    ];
    const env = { REINIT_WATCH: '/p:/q', REINIT_RELOAD_SIGNAL: 'usr1', REINIT_ON_CHANGE: 'restart' };
    expect(loadMain({ yaml, argv, env }).watch).toEqual([
      {
        ...ruleDefaults,
        name: '/x, /y',
        paths: ['/x', '/y'],
        validate: [['a', 'b c'], ['d']],
        settle: 1000,
        exclude: ['*.a'],
        recursive: false,
        reload_signal: 10,
        on_change: 'restart',
      },
    ]);
    expect(loadMain({ yaml, env }).watch[0]?.paths).toEqual(['/p', '/q']);
  });

  test('a command after -- wins over the file, which may have none then', () => {
    expect(loadMain({ yaml, hasCommand: true }).command).toEqual([]);
    expect(loadMain({ yaml, hasCommand: false }).command).toEqual(['from-file']);
    expect(loadMain({ yaml: 'nice: 1', hasCommand: true }).nice).toBe(1);
  });

  test('-c over REINIT_CONFIG over the default file', () => {
    const one = writeConfig('nice: 1');
    const two = writeConfig('nice: 2');
    expect(loadMain({ yaml: 'nice: 3' }).nice).toBe(3);
    expect(loadMain({ yaml: 'nice: 3', env: { REINIT_CONFIG: two } }).nice).toBe(2);
    expect(loadMain({ yaml: 'nice: 3', env: { REINIT_CONFIG: two }, argv: ['-c', one] }).nice).toBe(1);
    expect(loadMain({ argv: [`--config=${one}`] }).nice).toBe(1);
    expect(loadMain({ yaml: 'nice: 3', env: { REINIT_CONFIG: '' } }).nice).toBe(3);
  });

  test('maps from variables', () => {
    const main = loadMain({ env: { REINIT_SIGNALS: 'USR2=drop,HUP=USR1', REINIT_EXIT_CODES: '143=0', REINIT_NO_NEW_PRIVILEGES: 'true' } });
    expect(main).toMatchObject({
      signals: { 12: { kind: 'drop' }, 1: { kind: 'forward', as: 10 } },
      exit_codes: { 143: 0 },
      no_new_privileges: true,
    });
  });
});

describe("tini's flags", () => {
  const rows: readonly [readonly string[], object][] = [
    [['-g'], { signal_target: 'group' }],
    [['-s', '-w', '-p', 'SIGTERM'], {}],
    [['-e', '143', '-e130'], { exit_codes: { 143: 0, 130: 0 } }],
    [['-gsw'], { signal_target: 'group' }],
    [['run', '-g'], { signal_target: 'group' }],
  ];
  test.each(rows)('%j', (argv, expected) => expect(loadMain({ argv })).toMatchObject(expected));
  test('-v and -vvv', () => {
    expect(load({ argv: ['-v'] }).config?.log.level).toBe('debug');
    expect(load({ argv: ['-vvv'] }).config?.log.level).toBe('debug');
    expect(load({ argv: ['--log-level', 'warn', '--log-format=json'] }).config?.log).toEqual({ level: 'warn', format: 'json' });
  });
});

describe('variables that are no settings', () => {
  const warningsFor = (env: Record<string, string>): string[] => {
    const warnings: string[] = [];
    load({ env, warn: (warning) => warnings.push(warning) });
    return warnings;
  };
  test('near misses are told, values are not', () => {
    expect(warningsFor({ REINIT_STOP_TIMEOT: 's3cr3t' })).toEqual([
      'REINIT_STOP_TIMEOT is no setting of reinit: did you mean REINIT_STOP_TIMEOUT?',
    ]);
  });
  test('strangers, reserved names and service links are left alone', () => {
    const links = { REINIT_SERVICE_HOST: '10.0.0.1', REINIT_PORT: 'tcp://10.0.0.1:80', REINIT_PORT_80_TCP_ADDR: '10.0.0.1' };
    expect(warningsFor({ ...links, REINIT_BANANA: '1', REINIT_NODE: '/n', OTHER: 'x' })).toEqual([]);
  });
});

test('no command anywhere is a lesson', () => {
  const { text } = refused({ hasCommand: false });
  expect(text).toContain('there is no command to run');
  expect(text).toContain('reinit -- nginx');
  expect(load({ hasCommand: false, commandOptional: true }).config).toStrictEqual(defaults);
});
