import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { completionText, shellNames } from '../../src/cli/completion.ts';
import { helpText } from '../../src/cli/help.ts';
import { operatingVerbs } from '../../src/operate/verbs.ts';

const names = operatingVerbs.map(({ name }) => name);

test('init hands each verb that asks a running reinit to the command line', () => {
  const source = readFileSync(join(import.meta.dirname, '../../src/init/args.c'), 'utf8');
  const listed = [...(/cli_verbs\[\] = \{([\s\S]*?)\};/.exec(source)?.[1] ?? '').matchAll(/"([^"]+)"/g)].map(([, name]) => name);
  expect(listed).toEqual(expect.arrayContaining([...names, 'completion', 'validate', 'help']));
});

test.each(shellNames)('%s completes each of them', (shell) => {
  const text = completionText(shell);
  for (const name of names) expect(text).toMatch(new RegExp(`\\b${name}\\b`));
  expect(text).not.toContain("''s");
});

test('the help names each of them', () => {
  for (const name of names) expect(helpText()).toContain(`reinit ${name}`);
});
