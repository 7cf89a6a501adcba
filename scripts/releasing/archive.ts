import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { run } from '../building/run.ts';

/**
 * Packs a tree with the top directory `top`. The same files and the same time give the same bytes, whoever packs, and wherever
 * (reproducible-builds.org, Archive metadata): sorted, nobody's, without a time or a name in gzip's header.
 */
export async function archiveTree(tree: string, top: string, seconds: number, output: string): Promise<void> {
  const same = ['--format=ustar', '--sort=name', '--owner=0', '--group=0', '--numeric-owner', '--mode=u=rwX,go=rX', `--mtime=@${seconds}`];
  await run(['tar', ...same, '--use-compress-program=gzip -9n', `--transform=s,^\\.,${top},`, '-C', tree, '-cf', output, '.']);
}

/** As sha256sum writes it, and checks it with `-c`. */
export const checksums = (files: readonly string[]): string =>
  files.map((file) => `${createHash('sha256').update(readFileSync(file)).digest('hex')}  ${basename(file)}\n`).join('');
