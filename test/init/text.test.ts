import { execFileSync } from 'node:child_process';
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { root } from '../../scripts/building/paths.ts';
import { compiled } from '../fixtures/init/compiled.ts';

const forms = (text: string): string[] => text.match(/%[-+#\d.*]*[hlzjt]*[a-zA-Z]/g) ?? [];

it('init’s texts are those of printf, in every form that init uses, and cut as printf cuts', () => {
  const tried = new Set(forms(execFileSync(compiled('text'), { encoding: 'utf8' })));
  const used = globSync(join(root, 'src/init/*.c')).flatMap((file) => forms(readFileSync(file, 'utf8').replaceAll(/\/\*.*?\*\//gs, '')));
  expect(used.length).toBeGreaterThan(20);
  expect(used.filter((form) => !tried.has(form))).toEqual([]);
});
