import { describe, expect, test } from 'vitest';
import { brief, load, loadMain, refused } from './support.ts';

const alone = { hasCommand: false } as const;
const flags = (...argv: readonly string[]) => ({ ...alone, argv: ['attach', '--watch', '/a', ...argv] });

describe('attach', () => {
  test.each([
    [['--match', 'nginx: master'], { match: 'nginx: master', name: undefined, pid_file: undefined }],
    [['--name', 'nginx', '--pid-file', '/run/nginx.pid'], { match: undefined, name: 'nginx', pid_file: '/run/nginx.pid' }],
    [['--attach-match=x'], { match: 'x', name: undefined, pid_file: undefined }],
  ])('by flags: %j', (argv, expected) => expect(loadMain(flags(...argv)).attach).toEqual(expected));

  test('by the file, and a flag over it; with the word or without', () => {
    const yaml = 'attach: {match: x, name: y}\nwatch: [{paths: [/a]}]';
    expect(loadMain({ ...alone, yaml }).attach).toEqual({ match: 'x', name: 'y', pid_file: undefined });
    expect(loadMain({ ...alone, yaml, argv: ['attach', '--match', 'z'] }).attach).toEqual({ match: 'z', name: 'y', pid_file: undefined });
  });

  test('by variables', () => {
    const env = { REINIT_ATTACH_NAME: 'nginx', REINIT_WATCH: '/a' };
    expect(loadMain({ ...alone, env }).attach).toEqual({ match: undefined, name: 'nginx', pid_file: undefined });
  });

  test('needs no process where nobody is signalled', () => {
    const { attach } = loadMain(flags('--on-change', 'http', '--http', 'http://127.0.0.1:9090/-/reload'));
    expect(attach).toEqual({ match: undefined, name: undefined, pid_file: undefined });
  });

  test('with a preset: what it says of a start is without a meaning, and no mistake', () => {
    expect(loadMain({ ...alone, argv: ['attach', '--preset', 'nginx', '--match', 'nginx: master'] }).watch[0]?.reload_signal).toBe(1);
  });

  test('all that makes no sense is said at once', () => {
    const yaml = `
command: [x]
user: app
environment: {A: b}
env_from: [/e]
sockets: [80]
restart: always
restart_order: start_first
ready: notify
liveness: tcp://127.0.0.1:1
readiness: tcp://127.0.0.1:1
memory_limit: 1GiB
max_uptime: 1h
attach: {match: x}
watch:
  - {paths: [/a], on_change: restart}
  - {paths: [/b], on_failure: restart, confirm_by: notify}
`;
    expect(refused({ yaml }).mistakes.map((mistake) => brief(mistake).replace(/^\S+ /, ''))).toEqual([
      'command: with attach nothing is started',
      'user: with attach nothing is started',
      'environment: with attach nothing is started',
      'env_from: with attach nothing is started',
      'sockets: with attach nothing is started',
      'restart: with attach nothing is started',
      'restart_order: with attach nothing is started',
      'ready: notify is for an application that reinit starts',
      'liveness: with attach nothing is started',
      'memory_limit: with attach nothing is started',
      'max_uptime: with attach nothing is started',
      'attach: there is a command after --, and with attach nothing is started',
      'watch[0].on_change: reinit cannot restart what another container runs',
      'watch[1].on_failure: reinit cannot restart what another container runs',
      'watch[1].confirm_by: notify is for an application that reinit starts',
    ]);
  });

  test.each([
    [[], '--watch watch[0].on_change: this needs a process, and nothing says which'],
    [['--on-change', 'none', '--max-draining', '1'], '--max-draining watch[0].max_draining: this needs a process, and nothing says which'],
  ])('what needs a process: %j', (argv, expected) => expect(refused(flags(...argv)).mistakes.map(brief)).toEqual([expected]));

  test.each([
    ['attach: {match: ""}', 'attach.match: it is empty'],
    ['attach: {pid_file: run/x.pid}', 'attach.pid_file: it is not absolute'],
    ['attach: {pattern: x}', 'attach: unknown key "pattern"'],
    ['attach: x', 'attach: this must be a mapping'],
  ])('%s', (yaml, problem) =>
    expect(
      refused({ ...alone, yaml: `${yaml}\nwatch: [{paths: [/a], on_change: none}]` }).mistakes.map((one) =>
        brief(one).replace(/^\S+ /, ''),
      ),
    ).toEqual([problem]),
  );

  test('nothing of it where it is not asked for', () => expect(load({}).config?.services.main.attach).toBeUndefined());
});
