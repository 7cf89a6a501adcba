/** What real applications do with reload and stop, and others do not expect: each a test that is named after it. */

import { spawnSync } from 'node:child_process';
import { statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { eventually } from '../fixtures/eventually.ts';
import { freePort } from '../fixtures/free-port.ts';
import { installed, isRoot } from '../fixtures/host.ts';
import { fetchText } from '../fixtures/http.ts';
import { createVolume, updateVolume } from '../fixtures/kubelet.ts';
import type { Namespace } from '../fixtures/namespace.ts';
import { scratchDirectory } from '../fixtures/scratch.ts';
import { configFile, logged, pause, python, reinit, startContainer } from './harness.ts';
import { makeServer, startServer } from './server.ts';

const program = join(import.meta.dirname, '../fixtures/programs/daemon.py');

interface Daemon {
  readonly container: Namespace;
  readonly directory: string;
  write(text: string): Promise<void>;
  says(line: string): Promise<unknown>;
  starts(): number;
}

async function startDaemon(kind: string, rule: object = {}, published = false): Promise<Daemon> {
  const directory = scratchDirectory();
  const volume = join(directory, 'volume');
  await createVolume(volume, { text: 'one\n' });
  const file = join(published ? join(directory, 'published') : volume, 'text');
  const watch = [{ name: 'text', paths: [volume], settle: '50ms', reload_after_start: '0', confirm: '300ms', ...rule }];
  const container = await startContainer([reinit, '-c', configFile({ command: [python, program, kind, file], watch })]);
  const says = (line: string) => eventually(`the daemon says ${line}`, () => container.stdout().split('\n').includes(line));
  await says('start one');
  const starts = () => container.stdout().match(/^start /gm)?.length ?? 0;
  return { container, directory, write: (text) => updateVolume(volume, { text: `${text}\n` }), says, starts };
}

describe.skipIf(!installed('python3'))('trap 3: what /proc says of signals is no proof', () => {
  it('no handler, yet right: HUP taken by sigwait is a reload', async () => {
    const { container, write, says, starts } = await startDaemon('sigwait');
    await write('two');
    await says('reload two');
    await logged(container, /applied: reloaded/);
    expect(starts()).toBe(1);
  });

  it('handler, yet deadly: it is started again on the new configuration, and not signalled again', async () => {
    const { container, write, says, starts } = await startDaemon('deadly');
    await write('two');
    await logged(container, /reload of .* failed: the application ended .* after HUP/);
    await says('start two');
    await pause(500);
    await write('three');
    await says('start three');
    await logged(container, /applied: restarted/);
    expect(container.stderr().match(/failed: the application ended/g)).toHaveLength(1);
    expect(starts()).toBe(3);
  });

  it('ignored is lost: it is waited for', async () => {
    const { container, write, says, starts } = await startDaemon('deaf');
    await write('two');
    await logged(container, /does not take HUP yet \(it ignores the signal\)/);
    await says('reload two');
    expect(starts()).toBe(1);
  });
});

describe.skipIf(!installed('java', 'javac'))('trap 3: a JVM', () => {
  it('has a handler for HUP and ends of it with 129: the next change is applied by a restart', async () => {
    const directory = scratchDirectory();
    const source = `import java.nio.file.*;
public class App { public static void main(String[] a) throws Exception {
  System.out.println("start " + Files.readString(Path.of(a[0])).trim()); Thread.sleep(Long.MAX_VALUE); } }`;
    writeFileSync(join(directory, 'App.java'), source);
    expect(spawnSync('javac', ['App.java'], { cwd: directory }).status).toBe(0);
    const volume = join(directory, 'volume');
    await createVolume(volume, { text: 'one' });
    const command = ['java', '-Xshare:auto', '-XX:TieredStopAtLevel=1', '-cp', directory, 'App', join(volume, 'text')];
    const watch = [{ name: 'text', paths: [volume], settle: '50ms', confirm: '500ms' }];
    const container = await startContainer([reinit, '-c', configFile({ command, watch })]);
    const says = (line: string) => eventually(line, () => container.stdout().includes(`${line}\n`));
    await says('start one');
    await updateVolume(volume, { text: 'two' });
    await says('start two');
    await logged(container, /java ended by itself .* exit code 129/);
    await updateVolume(volume, { text: 'three' });
    await says('start three');
    await logged(container, /applied: restarted/);
    expect(container.stderr().match(/ended by itself/g)).toHaveLength(1);
    container.signal('SIGTERM');
    // Trap 11: the right end of a JVM that was told to stop.
    expect(await container.exited).toBe(143);
  });
});

describe.skipIf(!installed('python3'))('trap 4: an early signal kills', () => {
  it('a reload is held until there is a handler', async () => {
    const { container, write, says, starts } = await startDaemon('late');
    await write('two');
    await logged(container, /does not take HUP yet/);
    await says('reload two');
    expect(starts()).toBe(1);
  });
});

describe.skipIf(!installed('python3'))('trap 2: a path that is resolved at start', () => {
  it('control: it finds no file after a swap, and keeps what it had', async () => {
    const { container, write, says } = await startDaemon('realpath');
    await write('two');
    await logged(container, /applied: reloaded/);
    await says('reload one');
  });

  it('published as files, it finds each change', async () => {
    const directory = scratchDirectory();
    const volume = join(directory, 'volume');
    const to = join(directory, 'published');
    await createVolume(volume, { text: 'one\n' });
    const watch = [{ paths: [volume], publish: { to, mode: 'files' }, settle: '50ms', reload_after_start: '0', confirm: '300ms' }];
    const command = [python, program, 'realpath', join(to, 'text')];
    const container = await startContainer([reinit, '-c', configFile({ command, watch })]);
    const says = (line: string) => eventually(line, () => container.stdout().split('\n').includes(line));
    await says('start one');
    for (const text of ['two', 'three', 'four']) {
      await updateVolume(volume, { text: `${text}\n` });
      await says(`reload ${text}`);
    }
  });
});

describe.skipIf(!isRoot || !installed('haproxy'))('trap 6: a stop in a reload is lost', () => {
  it('haproxy, told to stop in the very moment of its reload, stops, with 0', async () => {
    for (const delayMs of [0, 20, 50]) {
      const volume = join(scratchDirectory(), 'volume');
      const port = await freePort();
      const payload = (text: string) => ({
        'haproxy.cfg': `defaults
  mode http
  timeout client 1s
  timeout connect 1s
  timeout server 1s
frontend main
  bind 127.0.0.1:${port}
  http-request return status 200 content-type text/plain string "${text}"
`,
      });
      await createVolume(volume, payload('one'));
      const watch = [{ paths: [volume], settle: '50ms', reload_signal: 'USR2' }];
      const command = ['haproxy', '-W', '-db', '-f', join(volume, 'haproxy.cfg')];
      const config = { command, stop_signal: 'USR1', watch, log: { level: 'debug' } };
      const container = await startContainer([reinit, '-c', configFile(config)]);
      await eventually('haproxy serves', async () => (await fetchText(`http://127.0.0.1:${port}/`)) === 'one');
      await updateVolume(volume, payload('two'));
      await logged(container, /sent USR2/);
      await pause(delayMs);
      container.signal('SIGTERM');
      expect(await Promise.race([container.exited, pause(10_000)])).toBe(0);
    }
  });
});

describe.skipIf(!installed('python3'))('trap 13: a file that is older than the last load may be skipped', () => {
  it.each(['flip', 'files'])('what is published and what is taken back has a new time (%s)', async (mode) => {
    const server = await makeServer();
    const file = join(server.published, 'server.json');
    const confirm_by = { http_get: { port: server.port, path: '/health' }, initial_delay: '300ms', period: '100ms', failure_threshold: 2 };
    const rule = { publish: { to: server.published, mode }, good_after: '200ms', confirm_by, reload_retries: 0 };
    const watch = [{ name: 'server', paths: [server.volume], settle: '50ms', reload_after_start: '100ms', ...rule }];
    const container = await startContainer([reinit, '-c', configFile({ command: server.command(true), watch, ready: server.url })]);
    await logged(container, /is ready/);
    const times = [statSync(file, { bigint: true }).mtimeNs];
    await pause(300);
    await server.change({ text: 'bad', health: 503 });
    await server.serves('bad');
    times.push(statSync(file, { bigint: true }).mtimeNs);
    await logged(container, /is back on/);
    await server.serves('one');
    times.push(statSync(file, { bigint: true }).mtimeNs);
    expect(times).toEqual([...times].sort((a, b) => (a < b ? -1 : 1)));
    expect(new Set(times).size).toBe(3);
  });
});

describe.skipIf(!isRoot || !installed('python3'))('trap 14: a secret that only root may read', () => {
  it('is seen by the validator, which runs as the user of the application', async () => {
    const server = await makeServer();
    const secret = join(server.directory, 'secret');
    await createVolume(secret, { password: 'hidden-one' }, { mode: 0o444 });
    const rule = { paths: [server.volume, secret], validate: ['cat', join(secret, 'password')], confirm: '300ms' };
    const container = await startServer(server, rule, { user: 'nobody', ready: server.url });
    await logged(container, /is ready/);
    await updateVolume(secret, { password: 'hidden-two' }, { mode: 0o400 });
    const [line = ''] = await logged(container, /refused: cat says no/);
    expect(line).toContain('Permission denied');
    expect(await server.get('/hups')).toBe('0 0');
    await updateVolume(secret, { password: 'hidden-three' }, { mode: 0o444 });
    await logged(container, /applied: reloaded/);
    expect(container.stderr()).not.toContain('hidden-');
  });
});

describe('trap 15: a validator of variables', () => {
  it('gets the new ones, and the application keeps the old ones where it says no', async () => {
    const directory = scratchDirectory();
    const volume = join(directory, 'volume');
    await createVolume(volume, { LEVEL: '1' });
    const config = {
      command: ['sh', '-c', 'echo "start $LEVEL"; exec sleep 1000'],
      env_from: [volume],
      env_validate: ['sh', '-c', '[ "$LEVEL" -lt 5 ] || { echo "LEVEL is too high"; exit 1; }'],
    };
    const container = await startContainer([reinit, '-c', configFile(config)]);
    const says = (line: string) => eventually(line, () => container.stdout().split('\n').includes(line));
    await says('start 1');
    await updateVolume(volume, { LEVEL: '7' });
    expect((await logged(container, /refused/)).join()).toContain('LEVEL is too high');
    await updateVolume(volume, { LEVEL: '3' });
    await says('start 3');
    expect(container.stdout()).not.toContain('start 7');
  });
});
