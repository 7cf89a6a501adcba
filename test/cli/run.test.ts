import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { runCli } from '../../src/cli/run.ts';
import { allFields } from '../../src/config/fields.ts';
import { loadConfig } from '../../src/config/load.ts';
import { presetNames } from '../../src/config/presets/catalogue.ts';
import { writeConfig } from '../config/support.ts';

async function run(
  argv: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<{ readonly code: number; readonly out: string; readonly error: string }> {
  let out = '';
  let error = '';
  const code = await runCli(argv, env, { out: (text) => (out += text), error: (text) => (error += text) });
  return { code, out, error };
}

describe('validate', () => {
  test('ok, and what would happen', async () => {
    const file = writeConfig(
      'command: [nginx, -g, "daemon off;"]\nstop_signal: QUIT\nenvironment: {TOKEN: s3cr3t}\nwatch: [{paths: [/etc/nginx], validate: nginx -t}]',
    );
    const { code, out, error } = await run(['validate', file]);
    expect([code, error]).toEqual([0, '']);
    expect(out).toMatch(/^ok\n/);
    expect(out).toContain("nginx -g 'daemon off;'");
    expect(out).toContain('TOKEN');
    expect(out).not.toContain('s3cr3t');
    expect(out).toContain('check with `nginx -t` (30s), then HUP');
  });
  test('what safe reload adds, without what may be a secret', async () => {
    const file = writeConfig(`ready: http://127.0.0.1:80/x?token=s3cr3t
sockets: [8080, "[::1]:81", /run/x.sock]
env_from: [/env]
state_dir: /state
output: {prefix: "app ", timestamps: true, file: {path: /log, also_stdout: true}}
restart_order: start_first
watch:
  - {paths: [/a], publish: /p, confirm_by: workers}
  - {paths: [/b], on_change: http, http: {url: "https://host/s3cr3t", headers: {A: s3cr3t}}}
  - {paths: [/c], splay: 30s, min_interval: 1m, max_draining: 4, on_change: exec, exec: [nginx, -s, reload], confirm: 1s, on_failure: restart}
  - {paths: [/d], on_change: none}`);
    const { code, out } = await run(['validate', file]);
    expect(code).toBe(0);
    for (const words of [
      'ready        when http://127.0.0.1:80/x answers',
      'sockets      0.0.0.0:8080 (8080), [::1]:81 (81), /run/x.sock (x.sock)',
      'env from     /env',
      'output       text, each line after the time and "app ", to /log (5 × 10MiB) and to stdout and stderr',
      'state        /state',
      'the new one is started before the old one is stopped',
      'publish to /p, then HUP; good if it has new workers within 10s, else it is given the last good configuration',
      'POST to host; good if it is still up 3s later, else it is left as it is',
      'run `nginx -s reload` (30s); good if it is still up 1s later, else it is started anew',
      'each replica waits its own share of 30s; once in 1m at most; not while more than 4 old workers are left',
      'report only\n',
    ])
      expect(out).toContain(words);
    expect(out).not.toContain('s3cr3t');
  });
  test('all mistakes, and 100', async () => {
    const { code, out, error } = await run(['validate', writeConfig('stop_timeout: 5\nbanana: 1')]);
    expect([code, out]).toEqual([100, '']);
    expect(error).toContain(':1:15: stop_timeout');
    expect(error).toContain(':2:1: unknown key');
    expect(error).toContain('reinit: 2 mistakes');
  });
  test('reads flags, variables and the command as a start would', async () => {
    const file = writeConfig('nice: 1');
    expect((await run(['validate', file, '--stop-timeout', '7s', '--', 'my app', '-c', 'x'])).out).toMatch(
      /'my app' -c x \(from after --\)(.|\n)*KILL after 7s/,
    );
    expect((await run(['validate', '-c', file, '--restart=always'])).out).toContain('always, after');
    expect((await run(['validate'], { REINIT_CONFIG: file, REINIT_RESTART: 'x' })).code).toBe(100);
    expect((await run(['validate', join(file, '../missing.yaml')])).error).toContain('no such file');
  });
  test('where there is no file it says so: nothing was checked', () => {
    const warnings: string[] = [];
    const options = {
      argv: [],
      env: {},
      hasCommand: false,
      defaultFile: '/nonexistent/reinit.yaml',
      warn: (text: string) => warnings.push(text),
    };
    loadConfig({ ...options, commandOptional: true });
    expect(warnings).toEqual(['there is no /nonexistent/reinit.yaml: this is what flags, variables and defaults say']);
    loadConfig({ ...options, hasCommand: true });
    expect(warnings).toHaveLength(1);
    // The doctor tells it apart.
    const noted: string[] = [];
    loadConfig({ ...options, commandOptional: true, noFile: (text) => noted.push(text) });
    expect([noted, warnings.length]).toEqual([warnings, 1]);
  });
  test('a near miss of a variable is a warning', async () => {
    const { code, error } = await run(['validate', writeConfig('nice: 1')], { REINIT_RESTRAT: 'x' });
    expect([code, error]).toEqual([0, 'reinit: REINIT_RESTRAT is no setting of reinit: did you mean REINIT_RESTART?\n']);
  });
});

describe('preset', () => {
  test('without a name: which there are', async () => {
    expect(await run(['preset'])).toEqual({ code: 0, out: presetNames.map((name) => `${name}\n`).join(''), error: '' });
  });
  test('prints what it means', async () => {
    const { code, out, error } = await run(['preset', 'nginx']);
    expect([code, error]).toEqual([0, '']);
    expect(out).toContain('\n    validate: [nginx, -t]\n');
    expect((await run(['validate', writeConfig(out)])).code).toBe(0);
  });
  test.each([
    ['ngnix', 'reinit: there is no preset "ngnix": did you mean nginx?\n'],
    ['toString', /there is no preset "toString": there are nginx, apache/],
    ['a\u001b[31m', /there is no preset "a\?\[31m"/],
  ])('%j is none', async (name, words) => {
    const { code, out, error } = await run(['preset', name]);
    expect([code, out]).toEqual([100, '']);
    expect(error).toEqual(typeof words === 'string' ? words : expect.stringMatching(words));
  });
  test('takes one name', async () => expect((await run(['preset', 'nginx', 'redis'])).code).toBe(100));
});

test('schema prints the JSON Schema', async () => {
  const { code, out } = await run(['schema']);
  expect(code).toBe(0);
  expect(JSON.parse(out)).toMatchObject({ type: 'object', additionalProperties: false, properties: { watch: { type: 'array' } } });
});

test.each([[['help']], [['--help']], [['-h']], [['validate', '--help']]])('%j is help, with every flag', async (argv) => {
  const { code, out } = await run(argv);
  expect(code).toBe(0);
  for (const { flag } of allFields()) if (flag !== undefined) expect(out).toContain(`--${flag} `.trimEnd());
  for (const line of out.split('\n')) expect(line.length).toBeLessThanOrEqual(120);
});

test('doctor --help has its flags, exit codes and examples', async () => {
  const { code, out } = await run(['doctor', '--help']);
  expect(code).toBe(0);
  for (const words of ['--json', '--strict', '--no-run', 'docker exec app', 'Exit codes']) expect(out).toContain(words);
});

test.each([[['version']], [['--version']]])('%j', async (argv) =>
  expect(await run(argv)).toEqual({ code: 0, out: expect.stringMatching(/^reinit \S+\n$/), error: '' }),
);

test.each([[['banana']], [[]], [['schema', 'x']]])('%j is a mistake', async (argv) => {
  const { code, out, error } = await run(argv);
  expect([code, out]).toEqual([100, '']);
  expect(error).toContain('reinit');
});
