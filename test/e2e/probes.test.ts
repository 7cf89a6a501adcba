import { describe, expect, it } from 'vitest';
import { eventually } from '../fixtures/eventually.ts';
import { installed } from '../fixtures/host.ts';
import { childNamed, logged } from './harness.ts';
import { makeServer, type Server, startServer } from './server.ts';

/** As `ready` and as `confirm_by`. */
const probes: Readonly<Record<string, (server: Server) => object>> = {
  http_get: ({ port }) => ({ http_get: { port, path: '/health' } }),
  tcp_socket: ({ port }) => ({ tcp_socket: { port } }),
  exec: ({ url }) => ({ exec: ['curl', '-fsS', `${url}/health`] }),
  notify: () => ({ notify: true }),
};
const names = Object.keys(probes);
const often = { period: '100ms', timeout: '500ms' };
const msOf = (line: string | undefined) => Number(/"ms":(\d+)/.exec(line ?? '')?.[1]);

describe.skipIf(!installed('python3', 'curl'))('ready', () => {
  it.each(names)('%s: told when it is so, and a change that comes before waits for it', async (name) => {
    const server = await makeServer({ text: 'one', delay: 1 });
    const ready = { ...probes[name]?.(server), ...often };
    const container = await startServer(server, { reload_after_start: '0', confirm: '200ms' }, { ready });
    await logged(container, /started .*python3/);
    await server.change({ text: 'two', delay: 1 });
    await logged(container, /change seen/);
    const [line] = await logged(container, /python3 is ready/);
    expect(msOf(line)).toBeGreaterThanOrEqual(900);
    await server.serves('two');
    await logged(container, /applied: /);
    // One reload, none of it before the server was ready.
    expect(await server.get('/hups')).toBe('1 0');
    const lines = container.stderr().split('\n');
    expect(lines.findIndex((text) => text.includes('applied: '))).toBeGreaterThan(lines.findIndex((text) => text.includes('is ready')));
  });

  it.each(names)(
    '%s: never so is told with the reason, the application is left running, and a change is applied in spite of it',
    async (name) => {
      const server = await makeServer({ listen: false, notify: false });
      const ready = { ...probes[name]?.(server), ...often, failure_threshold: 5 };
      const container = await startServer(server, { confirm: '200ms' }, { ready });
      const [line = ''] = await logged(container, /python3 is not ready after/);
      expect(line).toMatch({ http_get: /refused/, tcp_socket: /refused/, exec: /curl/, notify: /READY=1 did not come/ }[name] ?? /^$/);
      const pid = childNamed(container, 'python3');
      await server.change({ text: 'two' });
      await server.serves('two');
      expect(childNamed(container, 'python3')).toBe(pid);
    },
  );

  it.each(names)('%s: not so after a restart for a new generation: the last good one is back, once', async (name) => {
    const server = await makeServer();
    const ready = { ...probes[name]?.(server), ...often, failure_threshold: 30 };
    const container = await startServer(server, { on_change: 'restart', publish: true }, { ready, stop_timeout: '2s' });
    await logged(container, /python3 is ready/);
    await server.change({ text: 'bad', health: 503, listen: name === 'http_get' || name === 'exec', notify: false });
    await logged(container, /goes back from/);
    await logged(container, /is back on/);
    await server.serves('one');
    await server.change({ text: 'three' });
    await server.serves('three');
    await logged(container, /applied: restarted/);
    expect(await logged(container, /goes back from/)).toHaveLength(1);
  });

  it('a host that cannot be resolved is told by its name', async () => {
    const server = await makeServer();
    const ready = { http_get: { port: server.port, host: 'nobody.invalid' }, ...often, failure_threshold: 2 };
    const container = await startServer(server, {}, { ready });
    const [line = ''] = await logged(container, /is not ready after/);
    expect(line).toContain('(ready)');
    expect(line).toContain('nobody.invalid');
    await server.serves('one');
  });
});

describe.skipIf(!installed('python3', 'curl'))('confirm_by', () => {
  // Asked at once, the server may answer as it was before the signal.
  const confirming = (server: Server, name: string) => ({
    confirm_by: { ...probes[name]?.(server), ...often, initial_delay: '300ms' },
    confirm: '1500ms',
  });
  /** What this probe cannot like, and the application goes on. */
  const bad = (name: string, text: string) => ({ text, health: 503, listen: name !== 'tcp_socket', notify: false });

  it.each(names)('%s: yes', async (name) => {
    const server = await makeServer();
    const container = await startServer(server, confirming(server, name), { ready: server.url });
    await logged(container, /is ready/);
    await server.change({ text: 'two' });
    await logged(container, /applied: reloaded/);
    expect(await server.get('/hups')).toBe('1 0');
  });

  it.each(names)('%s: no; tried again, then on_failure: keep', async (name) => {
    const server = await makeServer();
    const rule = { ...confirming(server, name), reload_retries: 2, on_failure: 'keep' };
    const container = await startServer(server, rule, { ready: server.url });
    await logged(container, /is ready/);
    const pid = childNamed(container, 'python3');
    await server.change(bad(name, 'two'));
    const lines = await logged(container, /the reload was not confirmed/, 3);
    expect(lines[0]).toMatch({ http_get: /503/, tcp_socket: /refused/, exec: /curl.*503/, notify: /READY=1 did not/ }[name] ?? /^$/);
    expect(childNamed(container, 'python3')).toBe(pid);
    await server.change({ text: 'three' });
    await server.serves('three');
    await logged(container, /applied: reloaded/);
    expect(await server.get('/hups')).toBe('4 0');
  });

  it.each(names)('%s: no; on_failure: restart', async (name) => {
    const server = await makeServer();
    const rule = { ...confirming(server, name), reload_retries: 0, on_failure: 'restart' };
    const container = await startServer(server, rule, { ready: { notify: true } });
    await logged(container, /is ready/);
    const pid = childNamed(container, 'python3');
    // Only as it reloads does it not do what it should.
    await server.change({ ...bad(name, 'two'), delay: 0.5 });
    await logged(container, /is applied by a restart instead/);
    await eventually('another process', () => (childNamed(container, 'python3') ?? pid) !== pid);
    await server.change({ text: 'three' });
    await server.serves('three');
  });

  it.each(names)('%s: no; on_failure: rollback', async (name) => {
    const server = await makeServer();
    const rule = { ...confirming(server, name), reload_retries: 0, publish: true };
    const container = await startServer(server, rule, { ready: server.url });
    await logged(container, /is ready/);
    const pid = childNamed(container, 'python3');
    await server.change(bad(name, 'two'));
    await logged(container, /goes back from .* has not confirmed the new one/);
    await logged(container, /is back on/);
    await server.serves('one');
    expect(childNamed(container, 'python3')).toBe(pid);
    await server.change({ text: 'three' });
    await server.serves('three');
    expect(await logged(container, /goes back from/)).toHaveLength(1);
  });

  it('a confirmation that never answers is over after `confirm`, and the application is untouched', async () => {
    const server = await makeServer();
    const confirm_by = { http_get: { port: server.port, path: '/health' }, timeout: '10s' };
    const rule = { confirm_by, confirm: '500ms', reload_retries: 0, on_failure: 'keep' };
    const container = await startServer(server, rule, { ready: server.url });
    await logged(container, /is ready/);
    await server.change({ text: 'two', health: 'hang' });
    const [line = ''] = await logged(container, /not confirmed within 500ms \(confirm_by, confirm\)/);
    expect(line).toContain('no answer yet');
    await server.serves('two');
    await server.change({ text: 'three' });
    await logged(container, /applied: reloaded/);
  });
});
