import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { nodeFlags } from './node-flags.ts';

/**
 * How the Node that is shipped in `directory` is started: by its own loader with its own libraries where they are there, else as it is.
 * Undefined where none is shipped.
 */
export function runtimeCommand(directory: string): string[] | undefined {
  const node = join(directory, 'node');
  if (!existsSync(node)) return undefined;
  const loader = readdirSync(directory).find((name) => name.startsWith('ld-linux-'));
  const start =
    loader === undefined ? [node] : [join(directory, loader), '--inhibit-cache', '--library-path', directory, '--argv0', 'reinit', node];
  return [...start, ...nodeFlags];
}
