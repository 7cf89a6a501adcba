import { writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { eventually } from '../fixtures/eventually.ts';
import { installed } from '../fixtures/host.ts';
import { fetchText } from '../fixtures/http.ts';
import { createVolume, updateVolume } from '../fixtures/kubelet.ts';
import { processesOf } from '../fixtures/namespace.ts';
import { logged } from './harness.ts';
import { makeServer, startServer } from './server.ts';

const once = { reload_retries: 0, confirm: '300ms', on_failure: 'keep' };

describe.skipIf(!installed('python3', 'curl'))('on_change: exec', () => {
  it('runs its commands one after the other, as many as there are, and the change is applied', async () => {
    const server = await makeServer();
    const done = join(server.directory, 'done');
    const exec = [
      ['curl', '-fsS', '-X', 'POST', `${server.url}/-/reload`],
      ['sh', '-c', `touch ${done}`],
    ];
    const container = await startServer(server, { on_change: 'exec', exec, confirm: '300ms' }, { ready: server.url });
    await logged(container, /is ready/);
    await server.change({ text: 'two' });
    await server.serves('two');
    await logged(container, /applied: the commands have run/);
    expect(await server.get('/hups')).toBe('0 0');
  });

  it('that ends with another code stops there: what it wrote is in the log, and the application goes on', async () => {
    const server = await makeServer();
    const fails = ['sh', '-c', 'echo said on stdout; echo "cannot do it" >&2; exit 3'];
    const never = join(server.directory, 'never');
    const exec = [fails, ['touch', never]];
    const container = await startServer(server, { on_change: 'exec', exec, ...once }, { ready: server.url });
    await logged(container, /is ready/);
    await server.change({ text: 'two' });
    const [line = ''] = await logged(container, /the action for .* of server failed \(exec\)/);
    expect(line).toContain('sh says no (exit code 3)');
    expect(line).toContain('said on stdout');
    expect(line).toContain('cannot do it');
    await server.serves('one');
    expect(() => writeFileSync(never, '', { flag: 'r' })).toThrow('ENOENT');
    await server.change({ text: 'three' });
    await logged(container, /failed \(exec\)/, 2);
  });

  it('that takes longer than exec_timeout is killed with all that it started', async () => {
    const server = await makeServer();
    const exec = ['sh', '-c', 'echo at work; sleep 77 & sleep 77'];
    const rule = { on_change: 'exec', exec, exec_timeout: '400ms', ...once };
    const container = await startServer(server, rule, { ready: server.url });
    await logged(container, /is ready/);
    const before = processesOf(container.id).length;
    await server.change({ text: 'two' });
    const [line = ''] = await logged(container, /failed \(exec\)/);
    expect(line).toContain('timed out after 400ms (exec_timeout) and was killed');
    expect(line).toContain('at work');
    await eventually('nothing is left of it', () => processesOf(container.id).length <= before);
    await server.serves('one');
  });

  it('that is not there is told with its name', async () => {
    const server = await makeServer();
    const container = await startServer(server, { on_change: 'exec', exec: ['/no/such/tool'], ...once }, { ready: server.url });
    await logged(container, /is ready/);
    await server.change({ text: 'two' });
    const [line = ''] = await logged(container, /failed \(exec\)/);
    expect(line).toMatch(/\/no\/such\/tool cannot be started: .*No such file/i);
    await server.serves('one');
  });
});

describe.skipIf(!installed('python3'))('on_change: http', () => {
  const good = 'Bearer the-good-token-1234';
  const wrong = 'Bearer the-wrong-token-5678';

  it('sends a token out of a Secret, read at each call; a wrong one is a 401 that reveals nothing', async () => {
    const server = await makeServer();
    const [secret, own] = [join(server.directory, 'secret'), join(server.directory, 'own')];
    await createVolume(secret, { token: `${good}\n` }, { mode: 0o400 });
    writeFileSync(own, good);
    const http = { url: `${server.url}/-/reload`, header_files: { Authorization: join(secret, 'token') }, retries: 0 };
    const service = { command: server.command(false, own), ready: server.url };
    const container = await startServer(server, { on_change: 'http', http, ...once }, service);
    await logged(container, /is ready/);
    await server.change({ text: 'two' });
    await server.serves('two');
    await logged(container, /applied: the application was called/);
    await updateVolume(secret, { token: wrong }, { mode: 0o400 });
    await server.change({ text: 'three' });
    expect((await logged(container, /failed \(http\)/)).join()).toContain('401');
    await server.serves('two');
    await updateVolume(secret, { token: good }, { mode: 0o400 });
    await server.change({ text: 'four' });
    await server.serves('four');
    expect(container.stderr()).not.toMatch(/the-(good|wrong)-token/);
  });

  it('a header file that is gone is told by its name', async () => {
    const server = await makeServer();
    const http = { url: `${server.url}/-/reload`, header_files: { Authorization: join(server.directory, 'nothing') }, retries: 0 };
    const container = await startServer(server, { on_change: 'http', http, ...once }, { ready: server.url });
    await logged(container, /is ready/);
    await server.change({ text: 'two' });
    const [line = ''] = await logged(container, /failed \(http\)/);
    expect(line).toContain('header_files');
    expect(line).toContain('nothing');
  });

  it('is tried again with growing pauses until the server is up, and only the expected status counts', async () => {
    const server = await makeServer();
    const calls: number[] = [];
    const statuses = [503, 503, 302, 202];
    const admin = createServer((_, response) => {
      response.statusCode = statuses[calls.length] ?? 202;
      calls.push(performance.now());
      response.end();
    }).listen(0, '127.0.0.1');
    await eventually('the other server', () => admin.listening);
    try {
      const url = `http://127.0.0.1:${(admin.address() as { port: number }).port}/refresh`;
      const http = { url, method: 'PUT', retries: 5, retry_delay: '100ms', expected_status: [202] };
      const container = await startServer(server, { on_change: 'http', http, ...once }, { ready: server.url });
      await logged(container, /is ready/);
      await server.change({ text: 'two' });
      await logged(container, /applied: the application was called/);
      expect(calls).toHaveLength(4);
      const pauses = calls.slice(1).map((at, index) => at - (calls[index] ?? 0));
      for (const [index, least] of [100, 200, 400].entries()) expect(pauses[index]).toBeGreaterThanOrEqual(least * 0.9);
    } finally {
      admin.close();
    }
  });

  it('a server that is not up yet is waited for as well', async () => {
    // It listens only 1.5 s after its start, and nothing says when: no `ready`.
    const server = await makeServer({ text: 'one', delay: 1.5 });
    const http = { url: `${server.url}/-/reload`, retries: 6, retry_delay: '100ms' };
    const container = await startServer(server, { on_change: 'http', http, ...once });
    await logged(container, /started .*python3/);
    await server.change({ text: 'two', delay: 1.5 });
    await logged(container, /applied: the application was called/);
    expect(await fetchText(`${server.url}/`)).toBe('two');
    expect(container.stderr()).not.toMatch(/failed \(http\)/);
  });
});
