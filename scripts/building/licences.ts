import { existsSync, readFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { fetchedRoot } from './fetch.ts';
import { root } from './paths.ts';
import { identity, step, write, writeIfNew } from './step.ts';
import type { Target } from './target.ts';

/**
 * The licences of what is not from npm, a file for each part that is shipped: reinit's own, the copyright notices of the others as Debian keeps
 * them, and the licences that those name.
 *
 * @param nodeLicence Node's own
 */
export async function buildLicences(target: Target, nodeLicence: string): Promise<void> {
  const common = ['LGPL-2.1', 'GPL-3'].map((name) => `/usr/share/common-licenses/${name}`);
  const libraries = ['libc6', 'libgcc-s1', 'libstdc++6'].map((name) => noticeOf(target, name));
  await collect(target, 'node', [nodeLicence, ...libraries, ...common]);
  await collect(
    target,
    'init',
    ['musl-dev', 'libgcc-s1'].map((name) => noticeOf(target, name)),
  );
  await writeIfNew(join(target.libDir, 'licenses/reinit.txt'), readFileSync(join(root, 'LICENSE'), 'utf8'));
}

function noticeOf(target: Target, name: string): string {
  const notice = join('usr/share/doc', name, 'copyright');
  const fetched = join(fetchedRoot(target), notice);
  return existsSync(fetched) ? fetched : join('/', notice);
}

function collect(target: Target, part: string, files: readonly string[]): Promise<void> {
  const found = files.filter(existsSync);
  const output = join(target.libDir, 'licenses', `${part}.txt`);
  const text = () => found.map((file) => `=== ${titleOf(file)} ===\n\n${readFileSync(file, 'utf8')}`).join('\n');
  return step(`${target.arch}-licences-${part}`, found.map(identity), [output], () => write(output, text()));
}

function titleOf(file: string): string {
  const name = basename(file);
  return name === 'copyright' ? basename(dirname(file)) : name === 'LICENSE' ? 'Node.js' : name;
}
