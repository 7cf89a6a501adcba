import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { build as esbuild, type Metafile, type Plugin } from 'esbuild';
import { root } from './paths.ts';
import { writeIfNew } from './step.ts';
import type { Target } from './target.ts';

/** Bundle → its first module. `main` is the loader, and the only one that Node itself reads. */
const entries = {
  main: 'src/loader/main.ts',
  boot: 'src/controller/boot.ts',
  late: 'src/controller/late.ts',
  workshop: 'src/controller/workshop.ts',
  cli: 'src/cli/main.ts',
  portable: 'src/host/main.ts',
};

/** Those with a code cache beside them. */
export const cached = ['boot', 'late', 'workshop', 'cli'] as const;

/** Writes the bundles and the licences of what is in them. esbuild is quick enough to run each time; files that are the same stay. */
export async function buildBundles({ libDir }: Target, version: string): Promise<void> {
  const result = await esbuild({
    absWorkingDir: root,
    entryPoints: entries,
    bundle: true,
    minify: true,
    platform: 'node',
    format: 'cjs',
    target: 'node24',
    // So that import('./late.ts') becomes require, which the loader answers.
    supported: { 'dynamic-import': false },
    // yaml's node build is CommonJS; its other one is the same as modules, of which esbuild takes only what is used.
    alias: { yaml: join(root, 'node_modules/yaml/browser/dist/index.js') },
    plugins: [siblings, noWorkers],
    legalComments: 'external',
    define: { REINIT_VERSION: JSON.stringify(version) },
    outdir: libDir,
    outExtension: { '.js': '.cjs' },
    write: false,
    metafile: true,
    logLevel: 'warning',
  });
  if (result.warnings.length > 0) throw new Error('esbuild warns: see above');
  for (const file of result.outputFiles) await writeIfNew(file.path, file.text);
  await writeIfNew(join(libDir, 'licenses/npm.txt'), licences(result.metafile));
}

/** A dynamic import of another entry stays outside. */
const siblings: Plugin = {
  name: 'siblings',
  setup: (plugin) =>
    plugin.onResolve({ filter: /^\..*\.ts$/ }, ({ kind, path, resolveDir }) => {
      const name = kind === 'dynamic-import' ? bundleOf(join(resolveDir, path)) : undefined;
      return name === undefined ? undefined : { path: `./${name}.cjs`, external: true };
    }),
};

/**
 * pino loads worker threads for transports, which reinit has none of (a thread is a place in the container's pids.max, and memory): these names
 * are empty in the bundle.
 */
const noWorkers: Plugin = {
  name: 'no-workers',
  setup: (plugin) => {
    plugin.onResolve({ filter: /^(thread-stream|worker_threads)$/ }, ({ path }) => ({ path, namespace: 'no-workers' }));
    plugin.onLoad({ filter: /.*/, namespace: 'no-workers' }, () => ({ contents: 'exports.isMainThread = true;', loader: 'js' }));
  },
};

const bundleOf = (file: string): string | undefined => Object.entries(entries).find(([, first]) => join(root, first) === file)?.[0];

/** The licence files of every package of which something is in a bundle. */
function licences(meta: Metafile): string {
  const packages = new Set<string>();
  for (const input of Object.keys(meta.inputs)) {
    const found = /^(.*node_modules\/(?:@[^/]+\/)?[^/]+)\//.exec(input)?.[1];
    if (found !== undefined) packages.add(join(root, found));
  }
  return [...packages].sort().map(licence).join('\n');
}

function licence(directory: string): string {
  const { name, version, license }: { name: string; version: string; license: string } = JSON.parse(
    readFileSync(join(directory, 'package.json'), 'utf8'),
  );
  const files = globSync('{LICENSE,LICENCE,license,licence}*', { cwd: directory }).sort();
  const texts = files.map((file) => readFileSync(join(directory, file), 'utf8').trim());
  return `=== ${name} ${version} (${license}) ===\n\n${texts.join('\n\n')}\n`;
}
