import { spawnSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { dist } from '../../scripts/building/paths.ts';

const source = join(import.meta.dirname, '../fixtures/programs/reloader.c');
const muslLoader = '/lib/ld-musl-x86_64.so.1';

export const hasMusl = existsSync(muslLoader) && spawnSync('musl-gcc', ['--version']).error === undefined;
export const isRoot = process.getuid?.() === 0;

/** A root file system that holds reinit in /opt/reinit, the static program /bin/reloader, /dev/null, and nothing more. Gone with the test. */
export function scratchImage(): string {
  return makeImage(['cc', '-static']);
}

/** musl's loader, as in Alpine, and a program that needs it. */
export function muslImage(): string {
  const root = makeImage(['musl-gcc']);
  mkdirSync(join(root, 'lib'));
  copyFileSync(muslLoader, join(root, muslLoader));
  return root;
}

function makeImage(compiler: readonly string[]): string {
  const root = mkdtempSync(join(tmpdir(), 'reinit-image-'));
  onTestFinished(() => rmSync(root, { recursive: true, force: true }));
  for (const directory of ['bin', 'dev', 'etc', 'proc', 'opt']) mkdirSync(join(root, directory));
  // The one device that every container has and Node cannot do without.
  if (!succeeds(['mknod', '-m', '666', join(root, 'dev/null'), 'c', '1', '3'])) throw new Error('cannot make /dev/null');
  // Hard links where they are possible: 110 MB otherwise.
  const linked = succeeds(['cp', '-al', dist, join(root, 'opt/reinit')]) || succeeds(['cp', '-a', dist, join(root, 'opt/reinit')]);
  if (!linked) throw new Error('cannot copy dist');
  if (!succeeds([...compiler, '-std=gnu11', '-O1', '-o', join(root, 'bin/reloader'), source])) throw new Error('cannot compile reloader.c');
  spawnSync('chmod', ['755', root]);
  return root;
}

function succeeds([program = '', ...args]: readonly string[]): boolean {
  return spawnSync(program, args, { stdio: 'inherit' }).status === 0;
}
