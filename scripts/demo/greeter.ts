import { join } from 'node:path';
import { root } from '../building/paths.ts';
import type { Example } from './example.ts';

/** The example server of the repository, for machines without nginx. */
export function greeterExample(etc: string, port: number): Example {
  const server = join(root, 'examples/greeter/server.mjs');
  const file = join(etc, 'config.json');
  return {
    title: 'examples/greeter',
    prepare: () => {},
    command: [process.execPath, server, file],
    validate: [process.execPath, server, '--check', file],
    stopSignal: 'TERM',
    payload: (greeting, broken = false) => ({ 'config.json': `{ "port": ${port}, "greeting": "${greeting}"${broken ? ',,' : ''} }\n` }),
  };
}
