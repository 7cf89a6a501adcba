/** Workers as a real daemon has them. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { ask } from '../../src/probe/ask.ts';
import { countOlder } from '../../src/probe/workers.ts';
import { eventually } from '../fixtures/eventually.ts';
import { freePort } from '../fixtures/free-port.ts';
import { installed } from '../fixtures/host.ts';
import { scratchDirectory } from '../fixtures/scratch.ts';
import { bootTime, nextTick } from './support.ts';

interface Nginx {
  readonly pid: number;
  readonly port: number;
  /** Sends HUP, and says when. */
  reload(): Promise<number>;
  break(): void;
  log(): string;
}

const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'];

async function startNginx(): Promise<Nginx> {
  const directory = scratchDirectory();
  const port = await freePort();
  const paths = temporary.map((name) => `${name}_temp_path ${directory}/${name};`).join(' ');
  const server = `server { listen 127.0.0.1:${port}; location = /ready { return 200 "yes"; } location / { return 503; } }`;
  const main = `daemon off; worker_processes 2; pid ${directory}/pid; error_log ${directory}/log; events {}`;
  writeFileSync(join(directory, 'nginx.conf'), `${main} http { access_log off; ${paths} ${server} }\n`);
  const child = spawn('nginx', ['-e', join(directory, 'log'), '-p', directory, '-c', 'nginx.conf'], { stdio: 'ignore' });
  onTestFinished(() => stop(child));
  const { pid = 0 } = child;
  await eventually('nginx has its workers', async () => (await countOlder(pid, bootTime() + 1_000)) === 2);
  await eventually('nginx answers', async () => (await asked(port, '/ready')) === undefined);
  return {
    pid,
    port,
    reload: async () => {
      const since = await nextTick();
      child.kill('SIGHUP');
      return since;
    },
    break: () => writeFileSync(join(directory, 'nginx.conf'), 'nonsense'),
    log: () => readFileSync(join(directory, 'log'), 'utf8'),
  };
}

/** TERM is nginx's fast end: its workers go with it, whatever they hold. */
async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null) return;
  const exited = once(child, 'exit');
  child.kill('SIGTERM');
  await exited;
}

const asked = (port: number, path: string): Promise<string | undefined> =>
  ask({ kind: 'http_get', scheme: 'http', host: '127.0.0.1', port, path, headers: {} }, { pid: 0, since: 0 }, 30_000);

const workers = (pid: number, since: number): Promise<string | undefined> => ask({ kind: 'workers' }, { pid, since }, 30_000);

/** Keeps a worker busy: it has half of a request. */
async function hold(port: number): Promise<Socket> {
  const socket = connect(port, '127.0.0.1');
  onTestFinished(() => void socket.destroy());
  await once(socket, 'connect');
  socket.write('GET / HTTP/1.1\r\nHost: ');
  return socket;
}

describe.skipIf(!installed('nginx'))('nginx', () => {
  test('is asked over HTTP and TCP', async () => {
    const { port } = await startNginx();
    expect(await asked(port, '/ready')).toBeUndefined();
    expect(await asked(port, '/other')).toBe(`http://127.0.0.1:${port}/other answered 503`);
    expect(await ask({ kind: 'tcp_socket', host: '127.0.0.1', port }, { pid: 0, since: 0 }, 30_000)).toBeUndefined();
  });

  test('has young workers after each reload, and none before', async () => {
    const nginx = await startNginx();
    for (let round = 0; round < 3; round++) {
      expect(await workers(nginx.pid, await nextTick())).toBe(`no worker of process ${nginx.pid} is younger than the reload signal`);
      const since = await nginx.reload();
      await eventually('a young worker', async () => (await workers(nginx.pid, since)) === undefined);
      await eventually('the old ones are gone', async () => (await countOlder(nginx.pid, since)) === 0);
    }
  });

  test('with a broken configuration there are none', async () => {
    const nginx = await startNginx();
    nginx.break();
    const since = await nginx.reload();
    await eventually('nginx refuses it', () => nginx.log().includes('[emerg]'));
    expect(await workers(nginx.pid, since)).toContain('no worker');
    expect(await countOlder(nginx.pid, since)).toBe(2);
  });

  test('a worker that a client holds counts as older until it lets go', async () => {
    const nginx = await startNginx();
    const client = await hold(nginx.port);
    const since = await nginx.reload();
    await eventually('new workers', async () => (await workers(nginx.pid, since)) === undefined);
    await eventually('the idle one of the old two is gone', async () => (await countOlder(nginx.pid, since)) === 1);
    const later = await nginx.reload();
    await eventually('newer ones', async () => (await workers(nginx.pid, later)) === undefined);
    await eventually('the one that is held is left of all', async () => (await countOlder(nginx.pid, later)) === 1);
    client.destroy();
    await eventually('it has drained', async () => (await countOlder(nginx.pid, later)) === 0);
  });
});
