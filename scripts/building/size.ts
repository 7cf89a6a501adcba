import { globSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { run } from './run.ts';

/** What a tree may have, in bytes. */
export const limits = { raw: 118e6, gzipped: 45e6 };

/** The bytes of all files of a tree. */
export function rawSize(tree: string): number {
  return globSync('**', { cwd: tree })
    .map((file) => statSync(join(tree, file)))
    .reduce((sum, stat) => sum + (stat.isFile() ? stat.size : 0), 0);
}

/** About what a registry stores of it. */
export async function gzippedSize(tree: string, files: readonly string[] = ['.']): Promise<number> {
  return Number(await run(['sh', '-c', 'tar -c "$@" | gzip -6 | wc -c', 'sh', ...files], tree));
}
