import { describe, expect, test } from 'vitest';
import { inRule, load, loadMain, loadRule, problems, refused } from './support.ts';

describe('publish', () => {
  test.each([
    ['/run/x', { to: '/run/x', mode: 'flip', keep: 2 }],
    ['/run//x/', { to: '/run/x', mode: 'flip', keep: 2 }],
    ['{to: /run/x, mode: files, keep: 0}', { to: '/run/x', mode: 'files', keep: 0 }],
  ])('%s', (text, expected) => {
    expect(loadRule(`publish: ${text}`)).toMatchObject({ publish: expected, on_failure: 'rollback' });
  });
  test('a flag', () => expect(loadMain({ argv: ['--watch', '/a', '--publish', '/p'] }).watch[0]?.publish?.to).toBe('/p'));
  test.each([
    ['run/x', 'watch[0].publish: it is not absolute'],
    ['/', 'watch[0].publish: it is the root directory'],
    ['""', 'watch[0].publish: it is empty'],
    ['[/x]', 'watch[0].publish: it is a list'],
    ['null', 'watch[0].publish: it has no value'],
    ['{}', 'watch[0].publish: to is missing'],
    ['{to: /x, mode: flop}', 'watch[0].publish.mode: there is no such choice: did you mean flip?'],
    ['{to: /x, keep: -1}', 'watch[0].publish.keep: it is out of range'],
    ['{to: /x, path: /y}', 'watch[0].publish: unknown key "path"'],
  ])('%s is refused', (text, problem) => expect(problems(inRule(`publish: ${text}`))).toEqual([problem]));
});

describe('defaults that follow from other settings', () => {
  test.each([
    ['settle: 1s', { confirm: 3000, on_failure: 'keep' }],
    ['confirm_by: notify', { confirm: 10_000 }],
    ['confirm_by: notify, confirm: 1s', { confirm: 1000 }],
    ['publish: /p', { on_failure: 'rollback' }],
    ['publish: /p, on_failure: keep', { on_failure: 'keep' }],
    ['on_failure: restart', { on_failure: 'restart' }],
    ['on_change: exec, exec: nginx -s reload', { exec: [['nginx', '-s', 'reload']], exec_timeout: 30_000 }],
    [
      'include: "*.conf", min_interval: 1m, splay: 30s, max_draining: 0, on_stale_mount: exit, stale_exit_code: 0, good_after: 0, reload_retries: 0',
      {
        include: ['*.conf'],
        min_interval: 60_000,
        splay: 30_000,
        max_draining: 0,
        on_stale_mount: 'exit',
        stale_exit_code: 0,
        good_after: 0,
        reload_retries: 0,
      },
    ],
  ])('%s', (settings, expected) => expect(loadRule(settings)).toMatchObject(expected));

  test('of the application', () => {
    const yaml = 'env_from: /e\nenv_validate: check it\nstate_dir: /s\nrestart_order: start_first';
    expect(loadMain({ yaml })).toMatchObject({
      env_from: ['/e'],
      env_validate: [['check', 'it']],
      state_dir: '/s',
      restart_order: 'start_first',
    });
    expect(loadMain({ env: { REINIT_ENV_FROM: '/a:/b' } }).env_from).toEqual(['/a', '/b']);
  });
});

const two = (first: string, second: string): string => `watch: [{${first}}, {${second}}]`;
const watched = 'it is a path that is watched, or inside of one, or one is inside of it';
const other = 'another rule publishes to this path, or inside of it, or above it';
const sameName = 'another path has the same last part, and a copy of the files keeps them apart by that only';

describe('settings that contradict each other', () => {
  const rows: readonly [yaml: string, problem: string, hint?: RegExp][] = [
    [
      inRule('on_change: exec'),
      'watch[0].on_change: it is exec, and there is no exec that says what to do',
      /^add exec: \[nginx, -s, reload\]$/,
    ],
    [inRule('on_change: http'), 'watch[0].on_change: it is http, and there is no http that says what to do', /^add http: http:/],
    [inRule('exec: [a]'), 'watch[0].exec: on_change is reload, so this would never be used', /^add on_change: exec, or remove it$/],
    [inRule('http: "http://a", on_change: none'), 'watch[0].http: on_change is none, so this would never be used'],
    [inRule('on_failure: rollback'), 'watch[0].on_failure: without publish there is nothing to roll back to', /^add publish/],
    [inRule('confirm_by: notify, on_change: none'), 'watch[0].confirm_by: on_change is none, so there is nothing to confirm'],
    [
      inRule('confirm_by: workers, on_change: restart'),
      'watch[0].confirm_by: workers says something after a reload only, and on_change is restart',
    ],
    [
      inRule('confirm_by: {notify: true, initial_delay: 5s}, confirm: 5s'),
      'watch[0].confirm_by: it would not be asked in time: its initial_delay is 5s, and confirm is 5s',
    ],
    [
      inRule('confirm_by: {notify: true, initial_delay: 10s}'),
      'watch[0].confirm_by: it would not be asked in time: its initial_delay is 10s, and confirm is 10s',
    ],
    ['env_validate: [a]', 'env_validate: there is no env_from whose variables it could check'],
    [
      'state_dir: /a/state\nwatch: [{paths: [/a]}]',
      'state_dir: it is inside of a path that is watched: reinit would see its own files as changes',
    ],
    [inRule('publish: /a'), `watch[0].publish: ${watched}`, /path of its own/],
    [inRule('publish: /a/b'), `watch[0].publish: ${watched}`],
    [inRule('publish: /x/../a/b'), `watch[0].publish: ${watched}`],
    [two('paths: [/b/c]', 'paths: [/a], publish: /b'), `watch[1].publish: ${watched}`],
    [two('paths: [/a], publish: /p', 'paths: [/b], publish: /p/'), `watch[1].publish: ${other}`],
    [two('paths: [/a], publish: /p', 'paths: [/b], publish: {to: /p/q}'), `watch[1].publish: ${other}`],
    ['watch: [{paths: [/a/x, /b/x], publish: /p}]', `watch[0].paths[1]: ${sameName}`],
    ['watch: [{paths: [/a/x, /b/x/], snapshot: true}]', `watch[0].paths[1]: ${sameName}`],
    ['watch: [{paths: [/a/x, /b/x], validate: [v, "{{snapshot}}/x"]}]', `watch[0].paths[1]: ${sameName}`],
  ];
  test.each(rows)('%s', (yaml, problem, hint) => {
    expect(problems(yaml)).toEqual([problem]);
    if (hint !== undefined) expect(refused({ yaml }).mistakes[0]?.hint).toMatch(hint);
  });

  test.each([
    inRule('publish: /ab'),
    inRule('publish: /..a'),
    two('paths: [/a], publish: /p', 'paths: [/b], publish: /pq'),
    'watch: [{paths: [/a/x, /b/x]}]',
    inRule('confirm_by: workers, on_change: exec, exec: [nginx, -s, reload]'),
    inRule('confirm_by: notify, on_change: restart'),
    'restart_order: start_first\nready: notify',
    'state_dir: /state\nwatch: [{paths: [/a]}]',
  ])('%s is fine', (yaml) => expect(load({ yaml }).mistakes).toEqual([]));
});
