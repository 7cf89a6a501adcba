import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Deployment } from 'kubernetes-types/apps/v1.js';
import type { ConfigMap, Container } from 'kubernetes-types/core/v1.js';
import { describe, expect, onTestFinished, test } from 'vitest';
import { parse, parseAllDocuments } from 'yaml';
import { build, root } from '../../scripts/building/paths.ts';
import { loadConfig } from '../../src/config/load.ts';

const examples = join(root, 'examples');
const directories = readdirSync(examples, { withFileTypes: true }).filter((entry) => entry.isDirectory());
const withFile = (name: string): string[] =>
  directories.map((entry) => entry.name).filter((example) => existsSync(join(examples, example, name)));
const containers = withFile('Dockerfile');

const read = (example: string, file: string): string => readFileSync(join(examples, example, file), 'utf8');
const deploymentOf = (example: string): Deployment => parse(read(example, 'deployment.yaml'));
const configMapsOf = (example: string): ConfigMap[] =>
  parseAllDocuments(read(example, 'configmap.yaml')).map((document) => document.toJS());
const podOf = (example: string) => deploymentOf(example).spec?.template.spec;

const followed = ['servers', 'applications']
  .map((part) => readFileSync(join(root, `test/containers/examples-${part}.test.ts`), 'utf8'))
  .join();

/** The last of an instruction of a Dockerfile. */
const instruction = (dockerfile: string, name: string): string | undefined =>
  [...dockerfile.matchAll(new RegExp(`^${name} (.*)$`, 'gm'))].at(-1)?.[1];

test.each(withFile('reinit.yaml'))('examples/%s/reinit.yaml is a configuration that leaves nothing to be doubted', (example) => {
  const warnings: string[] = [];
  loadConfig({
    argv: ['-c', join(examples, example, 'reinit.yaml')],
    env: {},
    hasCommand: !/^attach:/m.test(read(example, 'reinit.yaml')),
    warn: (text) => warnings.push(text),
  });
  expect(warnings).toEqual([]);
});

/** Kubernetes' API as types, which are made from its OpenAPI schema: what the compiler says against the manifests, unknown fields among it. */
function compile(manifests: readonly { readonly type: string; readonly value: unknown }[]): string {
  mkdirSync(build, { recursive: true });
  const directory = mkdtempSync(join(build, 'manifests-')); // in here, so that the types are found
  onTestFinished(() => rmSync(directory, { recursive: true }));
  const lines = manifests.map(({ type, value }) => `[] = [${JSON.stringify(value, undefined, 1)}] satisfies [${type}];`);
  const file = join(directory, 'manifests.ts');
  writeFileSync(
    file,
    `import type { Deployment } from 'kubernetes-types/apps/v1.js';\nimport type { ConfigMap } from 'kubernetes-types/core/v1.js';\n${lines.join('\n')}\n`,
  );
  const compiler = [
    join(root, 'node_modules/typescript/bin/tsc'),
    '--ignoreConfig',
    '--noEmit',
    '--strict',
    '--skipLibCheck',
    '--module',
    'nodenext',
  ];
  try {
    return execFileSync(join(root, 'scripts/node'), [...compiler, file], { encoding: 'utf8' });
  } catch (error) {
    return (error as { stdout: string }).stdout;
  }
}

describe('manifests', () => {
  test('are what Kubernetes takes', () => {
    const maps = containers.flatMap(configMapsOf).map((value) => ({ type: 'ConfigMap', value }));
    const deployments = containers.map((example) => ({ type: 'Deployment', value: deploymentOf(example) }));
    expect(compile([...maps, ...deployments])).toBe('');
  });

  test('a name or a value that Kubernetes does not take would be found', () => {
    const text = read('nginx', 'deployment.yaml');
    const misspelled = parse(text.replace('volumeMounts:', 'volumeMount:'));
    const wrong = parse(text.replace('containerPort: 8080', 'containerPort: "8080"'));
    expect(compile([{ type: 'Deployment', value: misspelled }])).toContain('TS2353');
    expect(compile([{ type: 'Deployment', value: wrong }])).toContain('TS2322');
  });
});

describe.each(containers)('examples/%s', (example) => {
  const pod = podOf(example);
  const all: readonly Container[] = pod?.containers ?? [];

  test('keeps reinit: args, not command, and those of the image', () => {
    for (const container of all.filter(({ image }) => image?.startsWith('example-'))) {
      const dockerfile = read(container.image?.replace('example-', '') ?? '', 'Dockerfile');
      expect(container.command).toBeUndefined();
      expect(container.args).toEqual(JSON.parse(instruction(dockerfile, 'CMD') ?? ''));
      expect(dockerfile).toContain('\nCOPY --from=reinit /opt/reinit /opt/reinit\n');
      expect(JSON.parse(instruction(dockerfile, 'ENTRYPOINT') ?? '')[0]).toBe('/opt/reinit/bin/reinit');
      const { runAsUser, runAsGroup } = { ...pod?.securityContext, ...container.securityContext };
      expect(`${runAsUser}:${runAsGroup}`).toBe(instruction(dockerfile, 'USER'));
    }
  });

  test('mounts ConfigMaps as directories, by names that are there', () => {
    const mounts = all.flatMap((container) => container.volumeMounts ?? []);
    expect(mounts.filter((mount) => mount.subPath !== undefined || mount.subPathExpr !== undefined)).toEqual([]);
    expect(new Set(mounts.map((mount) => mount.name))).toEqual(new Set(pod?.volumes?.map((volume) => volume.name)));
    const maps = configMapsOf(example);
    const used = (pod?.volumes ?? []).flatMap((volume) => volume.configMap ?? []);
    expect(used.map((volume) => volume.name).sort()).toEqual(maps.map((map) => map.metadata?.name).sort());
    for (const { name, items } of used) {
      const keys = Object.keys(maps.find((map) => map.metadata?.name === name)?.data ?? {});
      expect(items?.map((item) => item.key) ?? keys).toEqual(keys);
    }
    const { selector, template } = deploymentOf(example).spec ?? {};
    expect(template?.metadata?.labels).toEqual(selector?.matchLabels);
  });

  test('asks for no more than it needs', () => {
    expect(pod?.automountServiceAccountToken).toBe(false);
    expect(pod?.securityContext).toMatchObject({ runAsNonRoot: true, seccompProfile: { type: 'RuntimeDefault' } });
    for (const { resources, securityContext } of all) {
      expect(securityContext).toMatchObject({
        allowPrivilegeEscalation: false,
        readOnlyRootFilesystem: true,
        capabilities: { drop: ['ALL'] },
      });
      expect(resources).toMatchObject({
        requests: { cpu: expect.any(String), memory: expect.any(String) },
        limits: { memory: expect.any(String) },
      });
    }
  });

  test('has a page that is in the list, and is followed by a test', () => {
    expect(followed).toContain(`'${example}'`);
    expect(readFileSync(join(examples, 'README.md'), 'utf8')).toContain(`](${example}/README.md)`);
  });
});
