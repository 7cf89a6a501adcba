import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { load, refused } from './support.ts';

const secret = 's3cr3t-value';

describe('no environment value is in an error', () => {
  const rows: readonly string[] = [
    `environment: {A: [${secret}]}`,
    `environment: {A: ${secret}, B: [x]}`,
    `environment: {B: [x], A: ${secret}}`,
    `environment:\n  A: ${secret}\n  A: ${secret}\n`,
    `environment:\n  A=x: ${secret}\n`,
    `environment: [${secret}]`,
    `environment: [A=1, "${secret}"]`,
    `environment: ${secret}`,
    `environment: {A: {${secret}: 1}}`,
    `enviroment: {A: ${secret}}`,
    `ENVIRONMENT: ["A=${secret}"]`,
    `env: {A: ${secret}}`,
    `services: {main: {environment: {A: ${secret}}}}`,
    `x: &e {A: ${secret}}\nenvironment: *e`,
    `{stop_timeot: 5s, environment: {A: ${secret}}}`,
    `{environment: {A: ${secret}}, stop_timeot: 5s}`,
    `environment: {A: b} # was ${secret}\nenvironment: {A: c}`,
    `environment:\n  A: x # was ${secret}\n  B:\n`,
    // The YAML itself is broken, and there is no tree.
    `environment:\n  A: "${secret}\n`,
    `environment: {A: ${secret}\n`,
    `environment:\n\tA: ${secret}\n`,
    `environment:\n  A: ${secret}: x\n`,
    `environment:\n  A: @${secret}\n`,
    `environment:\n  A: %${secret}\n`,
    `environment:\n  A: *${secret}\n`,
    `environment:\n  A: !${secret} x\n`,
    `environment:\n  A: "\\q${secret}"\n`,
    `environment:\n  ${secret}\n  B: c\n`,
    `{environment: {A: ${secret}}, nice: 5: 6}`,
    `env: {A: ${secret}: x}`,
    `environment:\n  A: |\n    ${secret}\n   ${secret}\n`,
    `environment:\n  A: ${secret}\n B: x\n`,
  ];
  test.each(rows)('%j', (yaml) => {
    const { text, mistakes } = refused({ yaml });
    expect(mistakes.length).toBeGreaterThan(0);
    expect(text).not.toContain(secret);
    expect(JSON.stringify(mistakes)).not.toContain(secret);
  });

  test('flags and variables', () => {
    const { text } = refused({
      argv: ['--env', secret, '--env', `=${secret}`, `--stop-timeout=${secret}`],
      env: { REINIT_STOP_SIGNAL: secret, REINIT_SIGNALS: `HUP=${secret}` },
    });
    expect(text).not.toContain(secret);
  });

  test('its name is, so that one can find it', () => {
    const { text } = refused({ yaml: `environment:\n  PASSWORD: [${secret}]\n` });
    expect(text).toContain('environment.PASSWORD');
    expect(text).toContain('PASSWORD: ***');
  });
});

test('wherever a mistake is put into a file with a secret, the secret is not shown', () => {
  const noise = fc.array(
    fc.constantFrom(
      '"',
      "'",
      '{',
      '}',
      '[',
      ']',
      ':',
      ': ',
      ',',
      '\n',
      '  ',
      '\t',
      '- ',
      '&a ',
      '*a',
      '!t ',
      '| ',
      '> ',
      '# ',
      '%',
      '@',
      'x',
    ),
    { minLength: 1, maxLength: 4 },
  );
  const base = `command: [a]\nenvironment:\n  PASSWORD: ${secret}\n  OTHER: "${secret}"\nstop_timeout: 5s\n`;
  fc.assert(
    fc.property(noise, fc.nat(base.length), (parts, at) => {
      const { mistakes } = load({ yaml: base.slice(0, at) + parts.join('') + base.slice(at) });
      const shown = JSON.stringify(mistakes);
      return !shown.includes('s3cr3t') && !shown.includes('t-value');
    }),
    { numRuns: 700 },
  );
});
