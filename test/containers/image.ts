import { spawnSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { dist } from '../../scripts/building/paths.ts';

/** A root file system that holds reinit in /opt/reinit, one program in /bin/reloader, a writable /etc, and nothing more. */
export interface Image {
  readonly root: string;
  remove(): void;
}

const source = join(import.meta.dirname, '../fixtures/programs/reloader.c');
const muslLoader = '/lib/ld-musl-x86_64.so.1';

export const hasMusl = existsSync(muslLoader) && spawnSync('musl-gcc', ['--version']).error === undefined;
export const isRoot = process.getuid?.() === 0;

/** Nothing but static programs. */
export function scratchImage(): Image {
  return makeImage(['cc', '-static']);
}

/** musl's loader, as in Alpine, and a program that needs it. */
export function muslImage(): Image {
  const image = makeImage(['musl-gcc']);
  mkdirSync(join(image.root, 'lib'));
  copyFileSync(muslLoader, join(image.root, muslLoader));
  return image;
}

function makeImage(compiler: readonly string[]): Image {
  const root = mkdtempSync(join(tmpdir(), 'reinit-image-'));
  for (const directory of ['bin', 'etc', 'proc', 'opt']) mkdirSync(join(root, directory));
  // Hard links where they are possible: 110 MB otherwise.
  const linked = succeeds(['cp', '-al', dist, join(root, 'opt/reinit')]) || succeeds(['cp', '-a', dist, join(root, 'opt/reinit')]);
  if (!linked) throw new Error('cannot copy dist');
  if (!succeeds([...compiler, '-std=gnu11', '-O1', '-o', join(root, 'bin/reloader'), source])) throw new Error('cannot compile reloader.c');
  spawnSync('chmod', ['755', root]);
  return { root, remove: () => rmSync(root, { recursive: true, force: true }) };
}

function succeeds([program = '', ...args]: readonly string[]): boolean {
  return spawnSync(program, args, { stdio: 'inherit' }).status === 0;
}
