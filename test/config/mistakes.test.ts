import { describe, expect, test } from 'vitest';
import type { Mistake } from '../../src/config/errors.ts';
import { brief, load, refused } from './support.ts';

const only = (yaml: string): Mistake => {
  const { mistakes } = refused({ yaml });
  expect(mistakes.map(brief)).toHaveLength(1);
  return mistakes[0] as Mistake;
};

describe('one mistake, its place and its words', () => {
  const rows: readonly [yaml: string, brief: RegExp, hint?: RegExp][] = [
    // Keys.
    ['stop_singal: TERM', /^1:1 -: unknown key "stop_singal"/, /did you mean stop_signal/],
    ['nice: 1\nnice: 2', /^2:1 nice: this key is here twice/],
    ['banana: 1', /unknown key "banana"/],
    ['__proto__: 1', /unknown key "__proto__"/],
    ['constructor: 1', /unknown key "constructor"/],
    ['watch: [{paths: [/a], __proto__: {a: 1}}]', /^1:23 watch\[0\]: unknown key/],
    ['environment: {__proto__: x}', /this cannot be the name of a variable/],
    ['signals: {__proto__: drop}', /^1:22 signals.__proto__: this cannot be a name/],
    ['[a]: 1', /^1:1 -: a key must be plain text/],
    ['? {a: 1}\n: 2', /a key must be plain text/],
    ['settle: 5s', /unknown key "settle"/, /settle belongs in a rule under watch/],
    ['level: info', /unknown key "level"/, /level belongs under log/],
    ['watch: [{paths: [/a], stop_timeout: 5s}]', /watch\[0\]: unknown key/, /stop_timeout belongs at the top/],
    ['stopTimeout: 5s', /unknown key/, /it is spelled stop_timeout/],
    ['stop-timeout: 5s', /unknown key/, /it is spelled stop_timeout/],
    // Other tools' names.
    ['stop_grace_period: 5s', /unknown key/, /reinit's name for it is stop_timeout/],
    ['kill_timeout: 5s', /unknown key/, /reinit's name for it is stop_timeout/],
    ['kill_signal: INT', /unknown key/, /reinit's name for it is stop_signal/],
    ['working-dir: /a', /unknown key/, /it is spelled working_dir/],
    ['workdir: /a', /unknown key/, /reinit's name for it is working_dir/],
    ['cmd: [a]', /unknown key/, /reinit's name for it is command/],
    ['entrypoint: [a]', /unknown key/, /reinit's name for it is command/],
    ['env: {A: b}', /unknown key/, /reinit's name for it is environment/],
    ['env_file: .env', /unknown key/, /reinit's name for it is env_from/],
    ['envfile: .env', /unknown key/, /reinit's name for it is env_from/],
    ['EnvironmentFile: .env', /unknown key/, /reinit's name for it is env_from/],
    ['ListenStream: 80', /unknown key/, /reinit's name for it is sockets/],
    ['readinessProbe: {}', /unknown key/, /reinit's name for it is readiness/],
    ['healthcheck: {test: a}', /unknown key/, /reinit's name for it is readiness/],
    ['livenessProbe: {}', /unknown key/, /reinit's name for it is liveness/],
    ['mem_limit: 1g', /unknown key/, /reinit's name for it is memory_limit/],
    ['liveness: notify', /liveness: notify cannot be asked over and over: use http_get, tcp_socket or exec/],
    ['liveness: {tcp_socket: {port: 80}, notify: true}', /unknown key/, /notify cannot be asked over and over/],
    ['liveness: {tcp_socket: {port: 80}, success_threshold: 2}', /liveness.*one yes is enough here/],
    ['liveness: {period: 1s}', /liveness: it does not say what to ask: http_get, tcp_socket or exec$/],
    ['readiness: {tcp_socket: {port: 80}, periodSeconds: 5}', /unknown key/, /period here, a duration/],
    ['memory_limit: 101%', /memory_limit: it is out of range: 1% to 100%/],
    ['memory_limit: much', /memory_limit: it is not a size/],
    ['max_uptime: 10ms', /max_uptime: it is too short: at least 1000ms/],
    ['Type: notify', /unknown key/, /ready: notify/],
    ['ExecReload: kill -HUP $MAINPID', /unknown key/, /reload_signal.*on_change: exec/],
    ['ports: ["80:80"]', /unknown key/, /container engine.*sockets/],
    ['publish: /b', /unknown key/, /publish belongs in a rule under watch/],
    ['watch: [{paths: [/a], cooldown: 5s}]', /unknown key/, /reinit's name for it is min_interval/],
    ['watch: [{paths: [/a], jitter: 5s}]', /unknown key/, /reinit's name for it is splay/],
    ['watch: [{paths: [/a], webhook_url: x}]', /unknown key/, /reinit's name for it is http/],
    ['watch: [{paths: [/a], ready: notify}]', /unknown key/, /ready belongs at the top/],
    ['depends_on: [db]', /unknown key/, /one application/],
    ['debounce: 1s', /unknown key/, /settle belongs in a rule under watch/],
    ['watch: [{paths: [/a], debounce: 1s}]', /unknown key/, /reinit's name for it is settle/],
    ['watch: [{paths: [/a], check_cmd: a}]', /unknown key/, /reinit's name for it is validate/],
    ['watch: [{paths: [/a], reload_cmd: a}]', /unknown key/, /a reload by a signal is reload_signal/],
    ['<<: {nice: 1}', /unknown key/, /merge keys/],
    // Planned.
    ...['services: {a: 1}', 'control: {}', 'hooks: {}'].map((yaml): [string, RegExp, RegExp] => [
      yaml,
      /unknown key/,
      /not supported by this version/,
    ]),
    // Values.
    ['stop_timeout: 25', /^1:15 stop_timeout: the unit is missing/],
    ['stop_timeout: 3d', /write hours/],
    ['stop_timeout: -1s', /negative/],
    ['stop_timeout: 0', /too short/],
    ['stop_timeout: 10000h', /too long/],
    ['stop_timeout: [5s]', /^1:15 stop_timeout: it is a list/],
    ['stop_timeout: {a: 5s}', /it is a mapping/],
    ['stop_timeout:', /^1:1 stop_timeout: it has no value/],
    ['stop_timeout: null', /stop_timeout: it has no value/],
    ['stop_timeout: ~', /it has no value/],
    ['watch:', /^1:1 watch: this must be a list/],
    ['watch: /etc/nginx', /^1:8 watch: this must be a list/],
    ['watch: [/etc/nginx]', /^1:9 watch\[0\]: this must be a mapping/],
    ['watch: [{settle: 1s}]', /^1:9 watch\[0\]: paths is missing/],
    ['watch: [{paths: []}]', /paths: it is empty/],
    ['watch: [{paths: [etc]}]', /^1:18 watch\[0\].paths\[0\]: it is not absolute/],
    ['watch: [{paths: [/a, [b]]}]', /paths\[1\]: it is a list/],
    ['watch: [{paths: [/a], settle: 9s}]', /settle: it is longer than max_wait, 5s/],
    ['watch: [{paths: /a, name: x}, {paths: /b, name: x}]', /^1:49 watch\[1\].name: another rule has this name/],
    ['restart_delay: 60s', /it is longer than restart_max_delay, 30s/],
    ['log: info', /^1:6 log: this must be a mapping/],
    ['log: {level: loud}', /^1:14 log.level: there is no such choice/],
    ['restart: on_failure', /did you mean on-failure/],
    ['restart: yes', /there is no such choice/],
    ['nice: 5.5', /not a whole number/],
    ['nice: 20', /out of range/],
    ['no_new_privileges: 1', /neither/],
    ['umask: 888', /not such a number/],
    ['user: a:b:c', /not of the form/],
    ['user: ""', /not of the form/],
    ['working_dir: tmp', /not absolute/],
    ['limits: {nofil: 1}', /did you mean nofile/],
    ['limits: {nofile: 9:1}', /soft limit is above/],
    ['exit_codes: {256: 0}', /not an exit code/],
    // Signals.
    ['stop_signal: HPU', /no such signal: did you mean HUP/],
    ['stop_signal: 99', /no such signal/],
    ['stop_signal: STOP', /freezes/],
    ['signals: {KILL: drop}', /cannot be caught/],
    ['signals: {9: drop}', /cannot be caught/],
    ['signals: {SEGV: drop}', /never passed on/],
    ['signals: {CHLD: drop}', /never passed on/],
    ['signals: {HUP: ignore}', /no such signal/],
    ['container_stop_signals: [TERM, KILL]', /^1:32 container_stop_signals\[1\]: .*cannot be caught/],
    ['watch: [{paths: /a, reload_signal: STOP}]', /cannot be caught/],
    // Commands.
    ['command: nginx | cat', /the shell's \| has no meaning/],
    ['command: "a $B"', /the shell's \$/],
    ['command: []', /it is empty/],
    ['command: ""', /it is empty/],
    ['command: [a, [b]]', /^1:14 command\[1\]: it is a list/],
    ['command: ["a\\0b"]', /NUL/],
    ['watch: [{paths: /a, validate: [[a], b]}]', /mixes/],
    ['watch: [{paths: /a, validate: [[]]}]', /validate\[0\]: it is empty/],
    // The YAML itself.
    ['watch:\n\t- paths: [/a]', /^2:1 -: YAML: there is a tab/],
    ['nice: 1\n---\nnice: 2', /second document/],
    ['nice: *x', /no anchor/],
    ['nice: !!int 5', /tags/],
    ['nice: !custom 5', /tags/],
    ['%FOO bar\n---\nnice: 5', /directives/],
    ['command: [a, b', /YAML/],
    ['command: "a', /YAML/],
    ['nice: 5: 6', /YAML/],
    ['', /file -: the file is empty/],
    ['# nothing but this\n', /the file is empty/],
    ['---\n', /the file is empty/],
    ['just text', /^1:1 -: the file must be a mapping/],
    ['- a\n- b', /the file must be a mapping/],
  ];
  test.each(rows)('%j', (yaml, words, hint) => {
    const mistake = only(yaml);
    expect(brief(mistake)).toMatch(words);
    if (hint !== undefined) expect(mistake.hint).toMatch(hint);
  });
});

describe('flags and variables', () => {
  const rows: readonly [readonly string[], RegExp, RegExp?][] = [
    [['--stop-timeout', '5'], /^--stop-timeout stop_timeout: the unit is missing/],
    [['--stop-timeout'], /^--stop-timeout -: a value is missing/],
    [['--stop-timout', '5s'], /^--stop-timout -: unknown flag/, /did you mean --stop-timeout/],
    [['--stop_timeout', '5s'], /unknown flag/, /did you mean --stop-timeout/],
    [['nginx', '-g', 'x'], /^nginx -: this is neither a flag/, /put -- before the command/],
    [['--settle', '1s'], /^--settle watch\[0\]: paths is missing/, /add --watch PATH/],
    [['--watch', 'etc'], /^--watch watch\[0\].paths\[0\]: it is not absolute/],
    [['--watch', '/a', '--validate', 'a | b'], /^--validate .*the shell's \|/],
    [['--watch', '/a', '--validate', 'a | b', '--validate', 'c'], /^--validate .*the shell's \|/],
    [['--env', 'A'], /^--env -: there is no = in it/],
    [['--signals', 'KILL=drop'], /^--signals signals.KILL: .*cannot be caught/],
    [['-e', '300'], /^-e exit_codes.300: it is not an exit code/],
    [['-p', 'NOPE'], /^-p -: there is no such signal/],
    [['-x'], /^-x -: unknown flag/],
    [['--no-new-privileges=maybe'], /^--no-new-privileges .*neither/],
    [['--__proto__', 'x'], /unknown flag/],
    [['--constructor=x'], /unknown flag/],
    [['-c', '/nonexistent/x.yaml'], /^file -: there is no such file/],
    [['-c', '/'], /^file -: this is a directory/],
  ];
  test.each(rows)('%j', (argv, words, hint) => {
    const { mistakes } = refused({ argv });
    expect(mistakes.map(brief)).toHaveLength(1);
    expect(mistakes.map(brief)[0]).toMatch(words);
    if (hint !== undefined) expect(mistakes[0]?.hint).toMatch(hint);
  });

  test('a variable is named', () => {
    expect(refused({ env: { REINIT_STOP_TIMEOUT: '5' } }).mistakes.map(brief)).toEqual([
      expect.stringMatching(/^REINIT_STOP_TIMEOUT stop_timeout: the unit/),
    ]);
    expect(refused({ env: { REINIT_SETTLE: '5s' } }).mistakes[0]?.hint).toContain('add REINIT_WATCH');
  });
});

test('all mistakes at once: file in the order of its lines, then the rest', () => {
  const yaml = 'stop_timeout: 25\nbanana: 1\nwatch:\n  - paths: [a]\n    reload_signal: HPU\nnice: x\n';
  expect(
    refused({ yaml, argv: ['--umask', '9'], env: { REINIT_RESTART: 'x' } })
      .mistakes.map(brief)
      .map((text) => text.split(' ')[0]),
  ).toEqual(['1:15', '2:1', '4:13', '5:20', '6:7', 'REINIT_RESTART', '--umask']);
});

test('what people see', () => {
  const { text } = refused({ yaml: 'command: [nginx]\nstop_signal: HPU\n', argv: ['--nice', 'x'] });
  expect(text.replace(/^\S*reinit.yaml/, 'reinit.yaml')).toBe(`reinit.yaml:2:14: stop_signal: there is no such signal: did you mean HUP?
  2 | stop_signal: HPU
    |              ^^^
  expected: a signal, such as HUP, SIGUSR1, RTMIN+1 or 10

--nice: it is not a whole number
  expected: a whole number from -20 to 19`);
});

test('thousands of mistakes are counted, not shown', () => {
  const { text, mistakes } = refused({ yaml: Array.from({ length: 3000 }, (_, index) => `k${index}: 1`).join('\n') });
  expect(mistakes).toHaveLength(200);
  expect(text).toContain('… and 175 more');
  expect(text.length).toBeLessThan(10_000);
});

test('a good file has none', () => expect(load({ yaml: 'nice: 1' }).mistakes).toEqual([]));
