/** Real web servers on a volume as kubelet writes it: what several tests share. */
import { mkdirSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { eventually } from '../fixtures/eventually.ts';
import { freePort } from '../fixtures/free-port.ts';
import { fetchText } from '../fixtures/http.ts';
import { createVolume, type Payload } from '../fixtures/kubelet.ts';
import type { Namespace } from '../fixtures/namespace.ts';
import { scratchDirectory } from '../fixtures/scratch.ts';
import { childNamed, childrenOf, configFile, reinit, startContainer } from './harness.ts';

export interface Site {
  /** The test's own; everything else is below it. */
  readonly directory: string;
  /** Where the ConfigMap is mounted. */
  readonly volume: string;
  /** Where it is published, where it is. */
  readonly to: string;
  readonly port: number;
  readonly url: string;
  readonly program: 'nginx' | 'apache2';
  /** Status of its answer. */
  readonly status: number;
  /** The whole ConfigMap. */
  payload(text: string, options?: PayloadOptions): Payload;
}

export interface PayloadOptions {
  /** In place of the right directive: a broken configuration. */
  readonly directive?: string;
  /** Another port. */
  readonly port?: number;
  /** More of the main part. */
  readonly main?: string;
  /** How the main file names the others (nginx). */
  readonly include?: string;
}

const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'];

/** The main file and one in conf.d, which it includes by a relative path: those are relative to the main file, wherever that is. */
export async function nginxSite(first = 'one', options: PayloadOptions = {}): Promise<Site> {
  const directory = scratchDirectory();
  const port = await freePort();
  const paths = temporary.map((name) => `${name}_temp_path ${directory}/run/${name};`).join(' ');
  const payload = (text: string, { directive = 'return', port: other, main = '', include = 'conf.d/*.conf' }: PayloadOptions = {}) => ({
    'nginx.conf': `pid ${directory}/run/nginx.pid; error_log stderr; events {} http { access_log off; ${paths} ${main} include ${include}; }\n`,
    'conf.d/site.conf': `server { listen 127.0.0.1:${other ?? port};\n location / { ${directive} 200 "${text}\\n"; } }\n`,
  });
  return siteOf({ directory, port, program: 'nginx', status: 200, payload }, payload(first, options));
}

const modules = ['mpm_event', 'authz_core', 'rewrite'];

/** Its answer is an error document: the text is configuration, and no file is needed. */
export async function apacheSite(first = 'one'): Promise<Site> {
  const directory = scratchDirectory();
  const port = await freePort();
  const loads = modules.map((name) => `LoadModule ${name}_module /usr/lib/apache2/modules/mod_${name}.so`).join('\n');
  const main = (listen: number): string =>
    `ServerRoot ${directory}\nServerName localhost\nPidFile ${directory}/run/apache2.pid\nDefaultRuntimeDir ${directory}/run\nListen 127.0.0.1:${listen}\nErrorLog /dev/stderr\nUser www-data\nGroup www-data\n${loads}\n`;
  const payload = (text: string, { directive = 'ErrorDocument', port: other }: PayloadOptions = {}) => ({
    'apache2.conf': `${main(other ?? port)}DocumentRoot ${directory}\nRewriteEngine on\nRewriteRule ^ - [R=404]\n${directive} 404 "${text}\n`,
  });
  return siteOf({ directory, port, program: 'apache2', status: 404, payload }, payload(first));
}

async function siteOf(site: Omit<Site, 'volume' | 'to' | 'url'>, first: Payload): Promise<Site> {
  const volume = join(site.directory, 'volume');
  await createVolume(volume, first);
  mkdirSync(join(site.directory, 'run'));
  return { ...site, volume, to: join(site.directory, 'run/config'), url: `http://127.0.0.1:${site.port}/` };
}

/** For the tests: no wait that a real container would have. */
export const fast = { settle: '50ms', reload_after_start: '300ms' };
export const byWorkers = { confirm_by: { workers: true, period: '50ms' } };

/** The application reads what is published, and no file of the volume; the validator is given the candidate. */
export function publishing(site: Site, rule: object = {}, service: object = {}): object {
  const base = { paths: [site.volume], publish: site.to, ...fast, ...byWorkers };
  return {
    ...(site.program === 'nginx'
      ? {
          command: ['nginx', '-c', join(site.to, 'nginx.conf'), '-g', 'daemon off;'],
          stop_signal: 'QUIT',
          watch: [{ ...base, validate: ['nginx', '-t', '-c', '{{snapshot}}/nginx.conf'], reload_signal: 'HUP', ...rule }],
        }
      : {
          command: ['apache2', '-f', join(site.to, 'apache2.conf'), '-D', 'FOREGROUND'],
          stop_signal: 'WINCH',
          watch: [{ ...base, validate: ['apache2', '-t', '-f', '{{snapshot}}/apache2.conf'], reload_signal: 'USR1', ...rule }],
        }),
    ...service,
  };
}

/** Under reinit with this configuration, once it serves. */
export async function startSite(site: Site, config: object, text = 'one'): Promise<Namespace> {
  const container = await startContainer([reinit, '-c', configFile(config)]);
  await serves(site, text);
  return container;
}

export const answer = (site: Site): Promise<string> => fetchText(site.url, site.status);

export const serves = (site: Site, text: string, timeoutMs?: number): Promise<true> =>
  eventually(`${site.program} serves ${text}`, async () => (await answer(site)) === text, timeoutMs);

export const mainOf = (site: Site, container: Namespace): Promise<number> =>
  eventually('the main process', () => childNamed(container, site.program));

export const workersOf = async (site: Site, container: Namespace): Promise<number[]> => childrenOf(await mainOf(site, container)).sort();

/** What reinit wrote of one kind, in order: its log has a line of JSON for each. */
export const lines = (container: Pick<Namespace, 'stderr'>, event: string): LogLine[] =>
  container
    .stderr()
    .split('\n')
    .flatMap((line): LogLine[] => (line.startsWith('{') && line.endsWith('}') ? [JSON.parse(line)] : []))
    .filter((line) => line.event === event);

export interface LogLine {
  readonly event?: string;
  readonly rule?: string;
  readonly msg: string;
  readonly output?: string;
  readonly [field: string]: unknown;
}

/** Waits until there are so many of them, and gives them all. */
export const said = (container: Pick<Namespace, 'stderr'>, event: string, count = 1, timeoutMs?: number): Promise<LogLine[]> =>
  eventually(
    `${count} lines of ${event}`,
    () => {
      const found = lines(container, event);
      return found.length >= count && found;
    },
    timeoutMs,
  );

/** A port that somebody else listens on, until the test ends. */
export async function takenPort(): Promise<number> {
  const port = await freePort();
  const server = createServer().listen(port, '127.0.0.1');
  onTestFinished(() => void server.close());
  return port;
}

/** Runs `script` in the container's own mount namespace, with `words` as $1…, and then the command. Needs root. */
export const prepared = (script: string, words: readonly string[], command: readonly string[]): string[] => [
  'sh',
  '-euc',
  `${script}; shift ${words.length}; exec "$@"`,
  'sh',
  ...words,
  ...command,
];
