/** `sockets` and `restart_order: start_first`: servers that are replaced under load, and what may go wrong while two of them are there. */
import { existsSync, readFileSync, statSync } from 'node:fs';
import { request } from 'node:http';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { eventually } from '../fixtures/eventually.ts';
import { freePort } from '../fixtures/free-port.ts';
import { installed, isRoot } from '../fixtures/host.ts';
import { fetchText, startLoad } from '../fixtures/http.ts';
import { createVolume, updateVolume } from '../fixtures/kubelet.ts';
import { type Namespace, processesOf } from '../fixtures/namespace.ts';
import { randomFrom } from '../fixtures/random.ts';
import { scratchDirectory } from '../fixtures/scratch.ts';
import { configFile, controllerOf, logged, pause, reinit, startContainer, withVolume } from './harness.ts';

const programs = join(import.meta.dirname, '../fixtures/programs');
const restarts = Number(process.env.START_FIRST_RESTARTS ?? 100);
const kills = Number(process.env.START_FIRST_KILLS ?? 12);

interface Site {
  readonly container: Namespace;
  readonly port: number;
  readonly url: string;
  readonly target: string;
  change(text: string): Promise<void>;
}

/** Half a minute: the machine may be busy. */
const notifies = { notify: true, period: '100ms', failure_threshold: 300 };

/** socket-server.py on a published file. */
async function start(text = 'one', given: { readonly settings?: object; readonly own?: boolean } = {}): Promise<Site> {
  const directory = scratchDirectory();
  const [volume, target] = [join(directory, 'volume'), join(directory, 'published')];
  const port = await freePort();
  await createVolume(volume, { text });
  const config = configFile({
    command: ['python3', join(programs, 'socket-server.py'), join(target, 'text'), ...(given.own ? [`${port}`] : [])],
    ...(!given.own && { sockets: [`127.0.0.1:${port}`] }),
    restart_order: 'start_first',
    ready: notifies,
    watch: [{ paths: [volume], publish: target, on_change: 'restart', settle: '10ms' }],
    ...given.settings,
  });
  // Read-only, as a ConfigMap is mounted: or changes that follow each other so fast would be taken for the application's own.
  const command = [reinit, '-c', config];
  const container = await startContainer(isRoot ? withVolume(volume, volume, command) : command);
  const url = `http://127.0.0.1:${port}/`;
  if (given.settings === undefined) await serves(url, text);
  return { container, port, url, target, change: (next) => updateVolume(volume, { text: next }) };
}

const serves = (url: string, text: string, timeoutMs = 30_000) =>
  eventually(`${url} serves ${text}`, async () => (await fetchText(url)) === text, timeoutMs);

/** Of the application, as seen from out here. */
function instancesOf(container: Namespace, program = 'socket-server.py'): number[] {
  return processesOf(container.id).filter((pid) => {
    try {
      return readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(program) && !isNest(pid) && pid !== container.pid;
    } catch {
      return false;
    }
  });
}

function isNest(pid: number): boolean {
  try {
    return readFileSync(`/proc/${pid}/comm`, 'utf8').includes('nest');
  } catch {
    return false;
  }
}

const nestsOf = (container: Namespace): number[] => processesOf(container.id).filter(isNest);
const instances = (container: Namespace, count: number, program?: string) =>
  eventually(`${count} instances`, () => {
    const found = instancesOf(container, program);
    return found.length === count ? found : undefined;
  });

async function stop(container: Namespace, code = 0): Promise<void> {
  container.signal('SIGTERM');
  expect(await container.exited).toBe(code);
}

describe.skipIf(!installed('python3'))('start_first', () => {
  it(`no request fails or is refused through ${restarts} restarts, and those in flight are finished by whom they have reached`, async () => {
    const { container, url, change } = await start('round 0');
    const load = startLoad(url);
    for (let round = 1; round <= restarts; round++) {
      const slow = round === 5 ? fetchText(`${url}slow`) : undefined;
      if (slow) await pause(100);
      await change(`round ${round}`);
      await serves(url, `round ${round}`);
      if (slow) expect(await slow).toBe('round 4');
    }
    const { requests, failures } = await load.stop();
    process.stdout.write(`start_first: ${restarts} restarts, ${requests} requests\n`);
    expect(failures).toEqual([]);
    expect(requests).toBeGreaterThan(10 * restarts);
    expect(container.stdout().match(/^start /gm)).toHaveLength(restarts + 1);
    await instances(container, 1);
    await stop(container);
    expect(container.stdout().match(/^end /gm)).toHaveLength(restarts + 1);
  }, 300_000);

  it('the same for Node, whose variables change', async () => {
    const rounds = Math.ceil(restarts / 5);
    const directory = scratchDirectory();
    const [volume, ready] = [join(directory, 'volume'), join(directory, 'ready')];
    const port = await freePort();
    await createVolume(volume, { GREETING: 'round 0' });
    const config = configFile({
      command: [process.execPath, join(programs, 'socket-server.mjs'), ready],
      sockets: [`127.0.0.1:${port}`],
      restart_order: 'start_first',
      env_from: [volume],
      restart: 'always',
      restart_delay: '50ms',
      ready: { exec: ['sh', '-c', `test "$(cat ${ready})" = "$GREETING"`], period: '50ms', failure_threshold: 600 },
    });
    const container = await startContainer([reinit, '-c', config]);
    const url = `http://127.0.0.1:${port}/`;
    await serves(url, 'round 0');
    const load = startLoad(url);
    for (let round = 1; round <= rounds; round++) {
      await updateVolume(volume, { GREETING: `round ${round}` });
      await serves(url, `round ${round}`);
    }
    const { requests, failures } = await load.stop();
    process.stdout.write(`start_first: ${rounds} restarts of Node, ${requests} requests\n`);
    expect(failures).toEqual([]);
    // Variables that it does not start with: the old one stays, and so do its variables for whoever comes after it.
    const [old] = await instances(container, 1, 'socket-server.mjs');
    await updateVolume(volume, { GREETING: 'fail' });
    await logged(container, /"event":"beside_failed"/);
    await logged(container, /"event":"rolled_back"/);
    expect(await fetchText(url)).toBe(`round ${rounds}`);
    process.kill(old ?? 0, 'SIGKILL');
    await eventually(
      'another on the same variables',
      () => container.stdout().match(new RegExp(`^start round ${rounds}$`, 'gm'))?.length === 2,
    );
    await serves(url, `round ${rounds}`);
    await stop(container);
  }, 300_000);

  it('control: the same load sees a restart of a server that opens its own address', async () => {
    const { container, url, change } = await start('one', { own: true, settings: { restart_order: 'stop_first' } });
    await serves(url, 'one');
    const load = startLoad(url);
    await change('two');
    await serves(url, 'two');
    expect((await load.stop()).failures.length).toBeGreaterThan(0);
    await stop(container);
  });

  it.each(['fail', 'never'])('a new instance that goes wrong (%s) leaves the old one, and what it was started with', async (how) => {
    const { container, url, target, change } = await start('one', { settings: { ready: { ...notifies, failure_threshold: 20 } } });
    await serves(url, 'one');
    const [old] = await instances(container, 1);
    const load = startLoad(url);
    await change(`two ${how}`);
    await logged(container, /"event":"beside_failed"/);
    await logged(container, /"event":"(rolled_back|restart_failed)"/);
    await eventually('the published file', () => readFileSync(join(target, 'text'), 'utf8') === 'one');
    await eventually('the old one alone', () => instancesOf(container).join() === `${old}`);
    expect((await load.stop()).failures).toEqual([]);
    expect(await fetchText(url)).toBe('one');
    await pause(500);
    expect(container.stdout().match(/^start two/gm), 'tried once').toHaveLength(1);
    await change('three');
    await serves(url, 'three');
    await stop(container);
  });

  it('tells of its sockets as systemd and Server::Starter do', async () => {
    const { container, port } = await start();
    expect(container.stdout()).toMatch(
      new RegExp(`^start one pid-matches=True LISTEN_FDNAMES=${port} SERVER_STARTER_PORT=127\\.0\\.0\\.1:${port}=3$`, 'm'),
    );
    await stop(container);
  });

  it('a Unix socket, through a restart', async () => {
    const path = join(scratchDirectory(), 'app.sock');
    const { container, change } = await start('one', { settings: { sockets: [{ listen: path, mode: '0600' }] } });
    const ask = () =>
      new Promise<string>((resolve, reject) => {
        const asked = request({ socketPath: path, agent: false, timeout: 5_000 }, async (response) => {
          let body = '';
          for await (const part of response) body += part;
          resolve(body.trim());
        });
        asked.on('error', reject).end();
      });
    await eventually('an answer', async () => (await ask()) === 'one');
    expect(statSync(path).mode & 0o777).toBe(0o600);
    const failures: unknown[] = [];
    let asking = true;
    const asked = (async () => {
      while (asking) await ask().catch((error) => failures.push(error));
    })();
    await change('two');
    await eventually('the new one', async () => (await ask()) === 'two');
    asking = false;
    await asked;
    expect(failures).toEqual([]);
    await stop(container);
    expect(existsSync(path)).toBe(false);
  });

  it('an address that is taken is told with the setting, and nothing is started', async () => {
    const port = await freePort();
    const other = createServer().listen(port, '127.0.0.1');
    onTestFinished(() => void other.close());
    const { container } = await start('one', { settings: { sockets: [`127.0.0.1:${port}`] } });
    expect(await container.exited).toBe(111);
    expect(container.stderr()).toMatch(new RegExp(`cannot listen on ${port} \\(sockets\\): .*in use`));
    expect(container.stdout()).toBe('');
  });

  it('an application that shares its own address (SO_REUSEPORT) overlaps without sockets', async () => {
    const { container, url, change } = await start('one', { own: true });
    const load = startLoad(url);
    await change('two');
    await eventually('two at once', () => instancesOf(container).length === 2);
    await logged(container, /"event":"took_over"/);
    await instances(container, 1);
    expect(await fetchText(url)).toBe('two');
    const { requests, failures } = await load.stop();
    // What has been queued for the old listener in the very moment of its end is lost: that is why there is `sockets`.
    expect(failures.length).toBeLessThanOrEqual(requests / 50);
    await stop(container);
  });

  it('a stop of the container while two are there stops both, and the code is that of the one that counts', async () => {
    const { container, change } = await start('one exit=7', { settings: {} });
    await instances(container, 1);
    await logged(container, /"event":"ready"/);
    await change('two never exit=8');
    await eventually('two at once', () => container.stdout().includes('start two'));
    await stop(container, 7);
    expect(container.stdout()).toMatch(/^end one exit=7$/m);
    expect(container.stdout()).toMatch(/^end two never exit=8$/m);
  });

  it('kill -9 of the old one while two are there: the new one is the application, ready or not', async () => {
    const { container, url, change } = await start('one', { settings: { ready: { ...notifies, failure_threshold: 50 } } });
    await serves(url, 'one');
    const [old] = await instances(container, 1);
    const load = startLoad(url);
    await change('two never');
    await serves(url, 'two never'); // it answers, and says nothing of it
    process.kill(old ?? 0, 'SIGKILL');
    await logged(container, /"event":"ended"/);
    await load.stop(); // what the old one had accepted is lost
    expect(await fetchText(url)).toBe('two never');
    await change('three');
    await serves(url, 'three');
    await instances(container, 1);
    await stop(container);
  });

  it('kill -9 of the controller while two are there: in the end there is one, with the newest configuration', async () => {
    const seed = Number(process.env.START_FIRST_SEED ?? Date.now() % 1_000_000);
    process.stdout.write(`start_first: START_FIRST_SEED=${seed}\n`);
    const random = randomFrom(seed);
    const { container, url, change } = await start('round 0');
    const load = startLoad(url, 2);
    for (let round = 1; round <= kills; round++) {
      const controller = await eventually('a controller', () => controllerOf(container), 60_000);
      await change(`round ${round}`);
      if (round % 2 === 0) await eventually('the second one', () => container.stdout().includes(`start round ${round} `), 60_000);
      await pause(random(round % 2 === 0 ? 40 : 250));
      process.kill(controller, 'SIGKILL');
      await serves(url, `round ${round}`, 60_000);
      await eventually('one instance', () => instancesOf(container).length === 1, 60_000);
    }
    expect((await load.stop()).failures).toEqual([]);
    await eventually('one nest', () => nestsOf(container).length === 1);
    await stop(container);
  }, 300_000);

  it('kill -9 of its nest: the instance goes on, and is replaced as any other', async () => {
    const { container, url, change } = await start();
    const [instance] = await instances(container, 1);
    const load = startLoad(url);
    const [nest] = nestsOf(container);
    process.kill(nest ?? 0, 'SIGKILL');
    await logged(container, /was killed \(signal 9\)/);
    expect(instancesOf(container)).toEqual([instance]);
    await change('two');
    await serves(url, 'two');
    await eventually('the new one alone, in a nest', () => instancesOf(container).length === 1 && nestsOf(container).length === 1);
    expect((await load.stop()).failures).toEqual([]);
    expect(container.stderr()).not.toMatch(/ended by itself/);
    await stop(container);
  });

  it.each([
    ['exit 7', 7],
    ['kill -USR1 $$', 138],
    ['sleep 0.1; exit 0', 0],
  ])('exit code of `%s`, with a nest and without', async (script, code) => {
    for (const order of ['start_first', 'stop_first']) {
      const container = await startContainer([reinit, '--restart-order', order, '--', 'sh', '-c', script]);
      expect(await container.exited, order).toBe(code);
    }
  });
});
