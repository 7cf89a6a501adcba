/**
 * Does with the ConfigMaps of an example what kubelet does, so that it can be tried without a cluster.
 *
 *   scripts/node scripts/mount-configmap.ts EXAMPLE DIRECTORY [FROM TO]
 *
 * Each volume of its deployment.yaml that is a ConfigMap becomes DIRECTORY/<name of the volume>: made the first time, swapped afterwards. With FROM
 * and TO the ConfigMap has TO in place of FROM, as if somebody had edited it.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse, parseAllDocuments } from 'yaml';
import { createVolume, type Payload } from '../test/fixtures/kubelet.ts';
import { root } from './building/paths.ts';

interface ConfigMap {
  readonly metadata: { readonly name: string };
  readonly data: Readonly<Record<string, string>>;
}

interface Volume {
  readonly name: string;
  readonly configMap?: { readonly name: string; readonly items?: readonly { readonly key: string; readonly path: string }[] };
}

function fail(message: string): never {
  process.stderr.write(`${message}\n`);
  process.exit(1);
}

/** What kubelet writes: all keys under their own names, or those of `items` under their paths. */
function payloadOf({ configMap }: Volume, maps: readonly ConfigMap[]): Payload {
  const data = maps.find(({ metadata }) => metadata.name === configMap?.name)?.data ?? {};
  return Object.fromEntries(
    (configMap?.items ?? Object.keys(data).map((key) => ({ key, path: key }))).map(({ key, path }) => [path, data[key] ?? '']),
  );
}

const [example, directory, from, to] = process.argv.slice(2);
if (example === undefined || directory === undefined || (from === undefined) !== (to === undefined))
  fail('usage: scripts/node scripts/mount-configmap.ts EXAMPLE DIRECTORY [FROM TO]');

const read = (name: string): string => readFileSync(join(root, 'examples', example, name), 'utf8');
const before = read('configmap.yaml');
if (from !== undefined && !before.includes(from)) fail(`the ConfigMap of ${example} has no "${from}"`);
const maps = parseAllDocuments(from === undefined ? before : before.replaceAll(from, to ?? '')).map(
  (document) => document.toJS() as ConfigMap,
);
const volumes: readonly Volume[] = parse(read('deployment.yaml')).spec.template.spec.volumes;
for (const volume of volumes.filter(({ configMap }) => configMap !== undefined))
  await createVolume(join(directory, volume.name), payloadOf(volume, maps));
