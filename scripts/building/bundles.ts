import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { build as esbuild, type Metafile, type Plugin } from 'esbuild';
import { oldestNode } from '../../src/loader/node-version.ts';
import { build, root } from './paths.ts';
import { writeIfNew } from './step.ts';
import type { Target } from './target.ts';

/** The loader is the only one that Node itself reads. A Node that is too old must understand it, to say so. */
const loader = { main: 'src/loader/main.ts' };

/** Bundle → its first module. */
const bundles = {
  boot: 'src/controller/boot.ts',
  late: 'src/controller/late.ts',
  workshop: 'src/controller/workshop.ts',
  usage: 'src/usage/usage.ts',
  control: 'src/control/control.ts',
  notify: 'src/notify/notify.ts',
  http: 'src/http/http.ts',
  cli: 'src/cli/main.ts',
  commands: 'src/cli/run.ts',
  operate: 'src/operate/run.ts',
  doctor: 'src/doctor/main.ts',
  portable: 'src/host/main.ts',
};

/** What npm packages the bundles hold: for the list of parts of a release. */
export const bundledList = join(build, 'bundled.json');

/** Writes the bundles, the licences of what is in them, and its list. esbuild is quick enough to run each time; files that are the same stay. */
export async function buildBundles({ libDir }: Target, version: string): Promise<void> {
  const parts = await Promise.all([bundle(loader, 'node10', libDir, version), bundle(bundles, `node${oldestNode}`, libDir, version)]);
  for (const file of parts.flatMap(({ outputFiles }) => outputFiles)) await writeIfNew(file.path, file.text);
  const packages = bundledPackages(parts.map(({ metafile }) => metafile));
  await writeIfNew(join(libDir, 'licenses/npm.txt'), packages.map(licence).join('\n'));
  await writeIfNew(bundledList, JSON.stringify(packages.map(({ directory: _, ...listed }) => listed)));
}

async function bundle(entryPoints: Record<string, string>, target: string, outdir: string, version: string) {
  const result = await esbuild({
    absWorkingDir: root,
    entryPoints,
    bundle: true,
    minify: true,
    platform: 'node',
    format: 'cjs',
    target,
    // So that import('./late.ts') becomes require, which the loader answers.
    supported: { 'dynamic-import': false },
    // yaml's node build is CommonJS; its other one is the same as modules, of which esbuild takes only what is used.
    alias: { yaml: join(root, 'node_modules/yaml/browser/dist/index.js') },
    plugins: [siblings, noWorkers, noGetconf, fewMetrics, texts],
    legalComments: 'external',
    define: { REINIT_VERSION: JSON.stringify(version) },
    outdir,
    outExtension: { '.js': '.cjs' },
    write: false,
    metafile: true,
    logLevel: 'warning',
  });
  if (result.warnings.length > 0) throw new Error('esbuild warns: see above');
  return result;
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

/** `./style.css?raw` is the text of that file, as Vite has it in the tests. */
const texts: Plugin = {
  name: 'texts',
  setup: (plugin) => {
    plugin.onResolve({ filter: /\?raw$/ }, ({ path, resolveDir }) => ({
      path: join(resolveDir, path.slice(0, -'?raw'.length)),
      namespace: 'text',
    }));
    plugin.onLoad({ filter: /.*/, namespace: 'text' }, ({ path }) => ({ contents: readFileSync(path), loader: 'text' }));
  },
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

/** pidusage asks getconf(1) for two numbers: here nobody runs it. */
const noGetconf: Plugin = {
  name: 'no-getconf',
  setup: (plugin) =>
    plugin.onResolve({ filter: /^child_process$/ }, ({ importer }) =>
      /[/\\]node_modules[/\\]pidusage[/\\]/.test(importer) ? { path: join(root, 'src/usage/getconf.ts') } : undefined,
    ),
};

/** prom-client loads all that it has: node:cluster, a pusher, hooks into the event loop and the collector. Of it there are counters, gauges and histograms. */
const fewMetrics: Plugin = {
  name: 'few-metrics',
  setup: (plugin) => {
    const unused = /^\.\/lib\/(cluster|defaultMetrics|metricAggregators|pushgateway|summary)$/;
    plugin.onResolve({ filter: unused }, ({ path, importer }) =>
      importer.endsWith('/node_modules/prom-client/index.js') ? { path, namespace: 'few-metrics' } : undefined,
    );
    plugin.onLoad({ filter: /.*/, namespace: 'few-metrics' }, () => ({ contents: '' }));
  },
};

const bundleOf = (file: string): string | undefined => Object.entries(bundles).find(([, first]) => join(root, first) === file)?.[0];

export interface BundledPackage {
  readonly name: string;
  readonly version: string;
  readonly license: string;
}

interface InstalledPackage extends BundledPackage {
  readonly directory: string;
}

/** Every package of which something is in a bundle. */
function bundledPackages(metas: readonly Metafile[]): InstalledPackage[] {
  const directories = new Set<string>();
  for (const input of metas.flatMap(({ inputs }) => Object.keys(inputs))) {
    const found = /^(.*node_modules\/(?:@[^/]+\/)?[^/]+)\//.exec(input)?.[1];
    if (found !== undefined) directories.add(join(root, found));
  }
  return [...directories].sort().map((directory) => {
    const { name, version, license }: BundledPackage = JSON.parse(readFileSync(join(directory, 'package.json'), 'utf8'));
    return { name, version, license, directory };
  });
}

function licence({ name, version, license, directory }: InstalledPackage): string {
  const files = globSync('{LICENSE,LICENCE,license,licence}*', { cwd: directory }).sort();
  const texts = files.map((file) => readFileSync(join(directory, file), 'utf8').trim());
  return `=== ${name} ${version} (${license}) ===\n\n${texts.join('\n\n')}\n`;
}
