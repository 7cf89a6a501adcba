import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { type PresetName, presetNames, presets } from '../../src/config/presets/catalogue.ts';
import { presetText } from '../../src/config/presets/print.ts';
import type { Preset } from '../../src/config/presets/types.ts';
import { load, loadMain, problems, refused } from './support.ts';

describe.each(presetNames.map((name) => [name]))('%s', (name: PresetName) => {
  const preset: Preset = presets[name];

  test('what is printed is what the preset means', () => {
    const printed = load({ yaml: presetText(name) });
    expect(printed.mistakes).toEqual([]);
    expect(printed.config).toStrictEqual(load({ yaml: `preset: ${name}` }).config);
    expect(load({ argv: ['--preset', name] }).config).toStrictEqual(printed.config);
    expect(load({ env: { REINIT_PRESET: name } }).config).toStrictEqual(printed.config);
  });

  test('each setting stands below its reason, and lines are short', () => {
    const text = presetText(name);
    const words = text.replaceAll(/\n *#/g, '').replaceAll(/\s+/g, ' ');
    for (const { why, name: setting } of [...preset.service, ...preset.rule, ...preset.examples]) {
      expect(why).toMatch(/[.]$/);
      expect(words).toContain(why);
      expect(text).toMatch(new RegExp(`^[ #-]*${setting}: `, 'm'));
    }
    for (const line of text.split('\n')) expect(line.length).toBeLessThanOrEqual(120);
  });

  test('an example is right where it stands', () => {
    const uncommented = presetText(name).replaceAll(/# {3}(?=\S)/g, '');
    const all = parse(uncommented) as Record<string, unknown> & { watch: Record<string, unknown>[] };
    for (const { name: setting, rule } of preset.examples)
      expect(Object.keys(rule === true ? (all.watch[0] ?? {}) : all)).toContain(setting);
    for (const example of preset.examples.filter(({ rule }) => rule !== true))
      expect(load({ yaml: `preset: ${name}\n${example.name}: ${JSON.stringify(example.value)}` }).mistakes).toEqual([]);
  });

  test('everything can be said otherwise', () => {
    const usual = loadMain({ yaml: `preset: ${name}` });
    const yaml = `preset: ${name}\nstop_signal: TERM\nstop_timeout: 1s\nready: notify\nwatch: [{paths: [/x], validate: [], on_change: reload, reload_signal: WINCH, confirm_by: notify, confirm: 7s, max_draining: 3}]`;
    const main = loadMain({ yaml });
    expect(main).toMatchObject({ stop_signal: 15, stop_timeout: 1000, ready: { check: { kind: 'notify' } } });
    expect(main.watch).toHaveLength(1);
    expect(main.watch[0]).toMatchObject({
      paths: ['/x'],
      validate: [],
      on_change: 'reload',
      reload_signal: 28,
      confirm_by: { check: { kind: 'notify' } },
      confirm: 7000,
      max_draining: 3,
    });
    expect(usual.watch).toHaveLength(1);
  });
});

describe('below the settings of the user', () => {
  test('the rule of the preset is below each rule of the user', () => {
    const { watch } = loadMain({ yaml: 'preset: nginx\nwatch: [{paths: [/x]}, {paths: [/y], validate: [check, it], settle: 1s}]' });
    expect(watch.map(({ paths, validate, settle }) => ({ paths, validate, settle }))).toEqual([
      { paths: ['/x'], validate: [['nginx', '-t']], settle: 300 },
      { paths: ['/y'], validate: [['check', 'it']], settle: 1000 },
    ]);
    expect(watch.map(({ confirm_by }) => confirm_by?.check.kind)).toEqual(['workers', 'workers']);
  });
  test('a rule without paths gets those of the preset, an empty list stays empty', () => {
    expect(loadMain({ yaml: 'preset: nginx\nwatch: [{settle: 1s}]' }).watch[0]).toMatchObject({ paths: ['/etc/nginx'], settle: 1000 });
    expect(loadMain({ argv: ['--preset', 'nginx', '--settle', '1s'] }).watch[0]).toMatchObject({ paths: ['/etc/nginx'], settle: 1000 });
    expect(loadMain({ yaml: 'preset: nginx\nwatch: []' }).watch).toEqual([]);
  });
  test('with another action, what belongs to its own is left out', () => {
    expect(loadMain({ yaml: 'preset: nginx\nwatch: [{paths: [/x], on_change: restart}]' }).watch[0]).toMatchObject({
      on_change: 'restart',
      validate: [['nginx', '-t']],
      confirm_by: undefined,
      max_draining: undefined,
      confirm: 3000,
    });
  });
  test('flags and variables are the user, too', () => {
    const main = loadMain({ yaml: 'preset: nginx', argv: ['--stop-signal', 'TERM', '--watch', '/x'], env: { REINIT_VALIDATE: 'a b' } });
    expect(main.stop_signal).toBe(15);
    expect(main.watch).toMatchObject([{ paths: ['/x'], validate: [['a', 'b']], max_draining: 32 }]);
  });
});

describe('a validator that would check another file', () => {
  const problem = 'preset: its validate checks /usr/local/etc/haproxy/haproxy.cfg, which no rule watches';
  test.each([
    ['watch: [{paths: [/etc/haproxy]}]', /validate: \[haproxy, -c, -f, \/etc\/haproxy\/haproxy.cfg\]/],
    ['watch: [{paths: /etc/haproxy/haproxy.cfg}]', /-f, \/etc\/haproxy\/haproxy.cfg\]/],
    ['watch: [{paths: [/usr/local/etc/haproxy2]}]', /./],
  ])('%s is refused', (watch, hint) => {
    const yaml = `preset: haproxy\n${watch}`;
    expect(problems(yaml)).toEqual([problem]);
    expect(refused({ yaml }).mistakes[0]?.hint).toMatch(hint);
    expect(refused({ yaml }).text).toMatch(/:1:9: preset: /);
  });
  test('the file that is named in an option', () => {
    expect(problems('preset: postgresql\nwatch: [{paths: [/conf]}]')).toEqual([
      'preset: its validate checks /etc/postgresql/postgresql.conf, which no rule watches',
    ]);
  });
  test.each([
    'watch: [{paths: [/usr/local/etc/haproxy/]}]',
    'watch: [{paths: [/usr/local/etc/haproxy]}, {paths: [/certs]}]',
    'watch: [{paths: [/etc/haproxy], validate: [haproxy, -c, -f, /etc/haproxy/haproxy.cfg]}]',
    'watch: [{paths: [/etc/haproxy], validate: []}]',
    'watch: []',
  ])('%s is fine', (watch) => expect(load({ yaml: `preset: haproxy\n${watch}` }).mistakes).toEqual([]));
});

test('mistakes beside a preset keep their places, and those of the preset are none', () => {
  expect(problems('preset: nignx')).toEqual(['preset: there is no such choice: did you mean nginx?']);
  expect(problems('preset: [nginx]')).toEqual(['preset: it is a list']);
  expect(problems('preset: __proto__')).toEqual(['preset: there is no such choice']);
  expect(problems('preset: nginx\nwatch: /x')).toEqual(['watch: this must be a list']);
  expect(problems('preset: nginx\nwatch:')).toEqual(['watch: this must be a list']);
  expect(problems('preset: nginx\nwatch: [x]')).toEqual(['watch[0]: this must be a mapping']);
  expect(refused({ yaml: 'preset: nginx\nwatch:\n  - paths: [/x]\n    settle: 5\n' }).text).toContain(':4:13: watch[0].settle');
});

describe('where the configuration is published, the preset’s validator checks the copy', () => {
  const validateOf = (preset: string, rule: string) => loadMain({ yaml: `preset: ${preset}\nwatch: [{${rule}}]` }).watch[0]?.validate;

  test.each([
    ['nginx', ['nginx', '-t', '-c', '{{snapshot}}/nginx.conf']],
    ['haproxy', ['haproxy', '-c', '-f', '{{snapshot}}/haproxy.cfg']],
    ['prometheus', ['promtool', 'check', 'config', '{{snapshot}}/prometheus.yml']],
  ])('%s', (preset, argv) => {
    expect(validateOf(preset, 'paths: [/etc/mine], publish: /run/mine')).toEqual([argv]);
    expect(validateOf(preset, 'paths: [/etc/mine], publish: /run/mine, validate: [mine]')).toEqual([['mine']]);
  });
});
