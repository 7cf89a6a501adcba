import { chmodSync } from 'node:fs';
import { join } from 'node:path';
import { eventually } from '../fixtures/eventually.ts';
import { freePort } from '../fixtures/free-port.ts';
import { fetchText } from '../fixtures/http.ts';
import { createVolume, updateVolume } from '../fixtures/kubelet.ts';
import type { Namespace } from '../fixtures/namespace.ts';
import { scratchDirectory } from '../fixtures/scratch.ts';
import { configFile, python, reinit, startContainer } from './harness.ts';

/** See test/fixtures/programs/server.py. */
export interface Behaviour {
  readonly text?: string;
  readonly health?: number | 'hang';
  readonly delay?: number;
  readonly listen?: boolean;
  readonly notify?: boolean;
  readonly exit?: number;
}

export const serverProgram = join(import.meta.dirname, '../fixtures/programs/server.py');

export interface Server {
  readonly directory: string;
  /** What is watched: a ConfigMap with server.json. */
  readonly volume: string;
  readonly port: number;
  readonly url: string;
  /** Where the server finds its configuration if it is published. */
  readonly published: string;
  command(published?: boolean, ...more: readonly string[]): readonly string[];
  change(behaviour: Behaviour): Promise<void>;
  serves(text: string, timeoutMs?: number): Promise<unknown>;
  get(path: string): Promise<string>;
}

const payload = (behaviour: Behaviour) => ({ 'server.json': JSON.stringify(behaviour) });

export async function makeServer(behaviour: Behaviour = { text: 'one' }): Promise<Server> {
  const directory = scratchDirectory();
  chmodSync(directory, 0o755);
  const volume = join(directory, 'volume');
  const published = join(directory, 'published');
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  await createVolume(volume, payload(behaviour));
  return {
    directory,
    volume,
    port,
    url,
    published,
    command: (isPublished = false, ...more) => [
      python,
      serverProgram,
      join(isPublished ? published : volume, 'server.json'),
      String(port),
      ...more,
    ],
    change: (next) => updateVolume(volume, payload(next)),
    serves: (text, timeoutMs) => eventually(`the server's text ${text}`, async () => (await fetchText(`${url}/`)) === text, timeoutMs),
    get: (path) => fetchText(`${url}${path}`),
  };
}

/** reinit with one rule for the server. `publish: true` is where the server expects it. */
export function startServer(server: Server, rule: object, service: object = {}): Promise<Namespace> {
  const { publish, ...others } = rule as { readonly publish?: boolean };
  const watch = [
    {
      name: 'server',
      paths: [server.volume],
      settle: '50ms',
      reload_after_start: '100ms',
      ...(publish ? { publish: server.published, good_after: '200ms' } : {}),
      ...others,
    },
  ];
  return startContainer([reinit, '-c', configFile({ command: server.command(publish), watch, ...service })]);
}
