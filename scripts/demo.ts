/**
 * `npm run demo`: a server under reinit, as PID 1 of a new PID namespace, takes over three changes of its configuration, written as
 * kubelet writes a ConfigMap. `npm run demo -- --stay` leaves it running until Ctrl-C; `--greeter` takes the repository's example server even
 * where nginx is installed.
 */
import { accessSync, constants, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { eventually } from '../test/fixtures/eventually.ts';
import { freePort } from '../test/fixtures/free-port.ts';
import { fetchText } from '../test/fixtures/http.ts';
import { createVolume, updateVolume } from '../test/fixtures/kubelet.ts';
import { type Namespace, startAsPid1 } from '../test/fixtures/namespace.ts';
import { binDir, root } from './building/paths.ts';
import type { Example } from './demo/example.ts';
import { greeterExample } from './demo/greeter.ts';
import { nginxExample } from './demo/nginx.ts';
import { heading, result, say, showLines } from './demo/terminal.ts';

const stay = process.argv.includes('--stay');
const work = mkdtempSync(join(tmpdir(), 'reinit-demo-'));
const etc = join(work, 'etc');
const port = await freePort();
const url = `http://127.0.0.1:${port}/`;
const interrupted = new Promise((resolve) => {
  for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, resolve);
});
let staying = false;
let container: Namespace | undefined;

try {
  await Promise.race([story(), interrupted.then(() => (staying ? new Promise(() => {}) : Promise.reject(new Error('interrupted'))))]);
} catch (error) {
  console.error(`\ndemo: ${error instanceof Error ? error.message : error}`);
  process.exitCode = 1;
} finally {
  await container?.kill();
  rmSync(work, { recursive: true, force: true });
}
process.exit(); // an interrupted story may still be waiting

async function story(): Promise<void> {
  const example = chooseExample();
  container = await start(example);
  await firstAnswer();
  await goodChange(example, container, 'version 2', 'A good change');
  await brokenChange(example, container);
  await goodChange(example, container, 'version 3', 'The mistake is corrected');
  if (stay) await keepUp(example, container);
  await stop(container);
}

function chooseExample(): Example {
  if (process.argv.includes('--greeter')) return greeterExample(etc, port);
  const places = [...(process.env.PATH ?? '').split(delimiter), '/usr/sbin', '/usr/local/sbin'];
  const nginx = places.map((place) => join(place, 'nginx')).find(executable);
  return nginx === undefined ? greeterExample(etc, port) : nginxExample(nginx, work, etc, port);
}

function executable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

async function start(example: Example): Promise<Namespace> {
  heading(`${example.title} under reinit, as PID 1 of a new PID namespace`);
  example.prepare();
  await createVolume(etc, example.payload('version 1'));
  const config = join(work, 'reinit.yaml');
  const yaml = configuration(example);
  writeFileSync(config, yaml);
  for (const line of yaml.trimEnd().split('\n')) say(line);
  say('');
  return startAsPid1([join(binDir, 'reinit'), '-c', config], { onOutput: showLines('container') });
}

function configuration({ command, validate, stopSignal }: Example): string {
  return `command: ${JSON.stringify(command)}
stop_signal: ${stopSignal}
log: { format: text }
watch:
  - paths: [${etc}]
    validate: ${JSON.stringify(validate)}
    on_change: reload
    reload_signal: HUP
`;
}

async function firstAnswer(): Promise<void> {
  await eventually(`${url} answers`, async () => (await fetchText(url)) === 'version 1');
  say(`curl ${url}   → version 1`);
}

async function goodChange(example: Example, { stderr }: Namespace, text: string, title: string): Promise<void> {
  heading(`${title}: the ConfigMap now says "${text}"`);
  const before = stderr().length;
  const began = performance.now();
  await updateVolume(etc, example.payload(text));
  await eventually(`${url} answers "${text}"`, async () => (await fetchText(url)) === text);
  result(`curl ${url}   → ${text}, ${Math.round(performance.now() - began)} ms after the swap of ..data`);
  // Confirmed a little later: the application has to stay up.
  await eventually('reinit confirms the change', () => /applied/.test(stderr().slice(before)));
}

async function brokenChange(example: Example, { stderr }: Namespace): Promise<void> {
  heading('A broken change: a typing error');
  const before = stderr().length;
  await updateVolume(etc, example.payload('never seen', true));
  await eventually('reinit refuses the change', () => /refused/i.test(stderr().slice(before)));
  result(`curl ${url}   → ${await fetchText(url)}: refused, and the server was not even signalled`);
}

async function stop(running: Namespace): Promise<void> {
  heading('The container is stopped: TERM to PID 1');
  running.signal('SIGTERM');
  const code = await running.exited;
  if (code !== 0) throw new Error(`the container ended with ${code}`);
  result('exit code 0, nothing is left');
}

async function keepUp(example: Example, running: Namespace): Promise<void> {
  heading('It stays up. Ctrl-C ends it.');
  const next = join(work, 'next');
  const payload = example.payload('version 4');
  for (const [key, content] of Object.entries(payload)) {
    mkdirSync(join(next, key, '..'), { recursive: true });
    writeFileSync(join(next, key), content);
  }
  const items = Object.keys(payload).map((key) => `${key}=${join(next, key)}`);
  say(`ask it         curl ${url}`);
  say(`edit           ${items.map((item) => item.split('=')[1]).join(' ')}`);
  say(`and apply      ${root}/scripts/node ${root}/test/fixtures/kubelet.ts update ${etc} ${items.join(' ')}`);
  say(`look inside    nsenter -t ${running.pid} -p -m ps axf`);
  staying = true;
  await Promise.race([running.exited, interrupted]);
}
