import { join } from 'node:path';
import { run } from './run.ts';

/** Packs the repository, or a package of the registry by its name and version, into a directory. @returns the file */
export async function npmPack(directory: string, ...spec: readonly string[]): Promise<string> {
  // What an npm above this one was told, it tells its children.
  const told = ['--json', '--no-dry-run', '--pack-destination', directory];
  const [{ filename }] = JSON.parse(await run(['npm', 'pack', ...told, ...spec]));
  return join(directory, filename);
}
