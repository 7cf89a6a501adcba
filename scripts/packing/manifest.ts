import { oldestNode } from '../../src/loader/node-version.ts';

export interface Manifest {
  readonly name: string;
  readonly version: string;
  readonly description: string;
  readonly license: string;
  readonly [field: string]: unknown;
}

/**
 * The package.json inside the npm package. Nothing is installed with it and nothing is run: the bundles hold what they use, the image has Node,
 * and npm must not look for another package where there is no network.
 *
 * @param staged the directory that `stage` fills, as the package sees it
 */
export function packedManifest({ name, version, description, license }: Manifest, staged: string): Manifest {
  return {
    name,
    version,
    description,
    license,
    type: 'module', // the repository's, so that its own scripts read the same while npm packs
    keywords: ['container', 'entrypoint', 'init', 'pid1', 'configmap', 'reload', 'kubernetes', 'docker'],
    engines: { node: `>=${oldestNode}` },
    bin: { reinit: `${staged}/bin/reinit` },
    files: [staged, 'docs/reference/reinit.schema.json', 'CHANGELOG.md'],
  };
}
