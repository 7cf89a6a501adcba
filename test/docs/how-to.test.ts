import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { loadConfig } from '../../src/config/load.ts';
import { presetNames } from '../../src/config/presets/catalogue.ts';

const root = join(import.meta.dirname, '../..');
const docs = join(root, 'docs');
const howTo = join(docs, 'how-to');

const markdownIn = (directory: string): string[] =>
  readdirSync(directory, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.md'))
    .map((name) => join(directory, name));
const pages = [
  ...markdownIn(docs),
  ...markdownIn(join(root, 'examples')),
  ...['README.md', 'CONTRIBUTING.md', 'CHANGELOG.md'].map((name) => join(root, name)),
];
const nameOf = (file: string): string => relative(root, file);

/** Fenced blocks of YAML that begin with the name of the file which they are all of. */
const wholeFiles = (markdown: string): string[] =>
  [...markdown.matchAll(/^```yaml\n(# \/etc\/reinit\.yaml\n[\s\S]*?)^```$/gm)].map((match) => match[1] ?? '');

const examples = pages.flatMap((file) =>
  wholeFiles(readFileSync(file, 'utf8')).map((yaml, index) => [`${nameOf(file)}, ${index + 1}`, yaml] as const),
);

function load(yaml: string): { readonly rules: number; readonly warnings: readonly string[] } {
  const directory = mkdtempSync(join(tmpdir(), 'reinit-docs-'));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  const file = join(directory, 'reinit.yaml');
  writeFileSync(file, yaml);
  const warnings: string[] = [];
  const config = loadConfig({
    argv: ['-c', file],
    env: {},
    hasCommand: !/^attach:/m.test(yaml),
    warn: (message) => warnings.push(message),
  });
  return { rules: config.services.main.watch.length + config.services.main.env_from.length, warnings };
}

describe('a complete example is a configuration that does something, and leaves nothing to be doubted', () => {
  test.each(examples)('%s', (_, yaml) => {
    const { rules, warnings } = load(yaml);
    expect(rules).toBeGreaterThan(0);
    expect(warnings).toEqual([]);
  });

  test('a mistake in one would be found', () => {
    expect(() => load('# /etc/reinit.yaml\nwatch:\n  - paths: [/etc/app]\n    on_chnage: restart\n')).toThrow('1 mistake');
  });
});

test.each(
  markdownIn(howTo)
    .filter((file) => !file.endsWith('README.md'))
    .map((file) => [nameOf(file), file] as const),
)('%s has a complete example, and is in the list', (name, file) => {
  expect(wholeFiles(readFileSync(file, 'utf8'))).not.toEqual([]);
  expect(readFileSync(join(howTo, 'README.md'), 'utf8')).toContain(`(${relative(howTo, join(root, name))})`);
});

test('the page of presets has them all', () => {
  const page = readFileSync(join(howTo, 'presets.md'), 'utf8');
  for (const name of presetNames) expect(page).toContain(`| \`${name}\` |`);
});

/** As GitHub makes them of headings. */
const anchorsOf = (markdown: string): string[] =>
  [...markdown.matchAll(/^#+ (.+)$/gm)].map(([, heading = '']) =>
    heading
      .toLowerCase()
      .replace(/[^\p{L}\p{N} _-]/gu, '')
      .replaceAll(' ', '-'),
  );

test.each(pages.map((file) => [nameOf(file), file] as const))('the links of %s lead somewhere', (_, file) => {
  const text = readFileSync(file, 'utf8').replace(/^```[\s\S]*?^```$/gm, '');
  const links = [...text.matchAll(/\]\(([^)\s]+)\)/g)].map((match) => match[1] ?? '').filter((link) => !/^[a-z]+:/.test(link));
  const broken = links.filter((link) => {
    const [path = '', anchor] = link.split('#');
    const target = path === '' ? file : join(dirname(file), path);
    try {
      const found = target.endsWith('.md')
        ? readFileSync(target, 'utf8')
        : readdirSync(dirname(target)).includes(target.split('/').at(-1) ?? '');
      return anchor === undefined ? found === false : typeof found !== 'string' || !anchorsOf(found).includes(anchor);
    } catch {
      return true;
    }
  });
  expect(broken).toEqual([]);
});
