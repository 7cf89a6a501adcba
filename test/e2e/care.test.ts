/** Probes that are asked over and over, and limits, with real applications. What follows from which answer is in test/core/care.test.ts. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { libDir } from '../../scripts/building/paths.ts';
import { eventually } from '../fixtures/eventually.ts';
import { installed } from '../fixtures/host.ts';
import { childNamed, childrenOf, configFile, controllerOf, logged, python, reinit, startContainer, zombiesOf } from './harness.ts';
import { makeServer, startServer } from './server.ts';

const often = { period: '200ms', timeout: '500ms' };
const again = { restart: 'always', restart_delay: '100ms', stop_timeout: '1s' };
/** As JSON lines. */
const events = (text: string): string[] => [...text.matchAll(/"event":"(\w+)"/g)].flatMap(([, event]) => event ?? []);

describe.skipIf(!installed('python3'))('liveness', () => {
  it('an application that hangs is ended and started again', async () => {
    const server = await makeServer();
    const liveness = { http_get: { port: server.port, path: '/health' }, ...often };
    const container = await startServer(server, {}, { ...again, ready: server.url, liveness });
    await logged(container, /is ready/);
    const pid = childNamed(container, 'python3');
    process.kill(pid as number, 'SIGSTOP');
    const [line] = await logged(container, /has not answered its liveness probe/);
    expect(line).toMatch(/no answer within 500ms\. It is stopped, and started again/);
    await server.serves('one');
    expect(childNamed(container, 'python3')).not.toBe(pid);
    await logged(container, /started .*since it did not live any more/);
    expect(zombiesOf(container)).toEqual([]);
  });

  it('where restart is no the container ends with 104', async () => {
    const server = await makeServer({ health: 503 });
    const liveness = { http_get: { port: server.port, path: '/health' }, ...often };
    const container = await startServer(server, {}, { ready: server.url, liveness });
    await logged(container, /answered 503\. It is stopped, and the container ends with 104, since restart is no/);
    expect(await container.exited).toBe(104);
  });

  it('right after a change it is the change that has failed: the last good one is back', async () => {
    const server = await makeServer();
    const liveness = { http_get: { port: server.port, path: '/health' }, ...often };
    const rule = { publish: true, on_failure: 'rollback', confirm: '20s' };
    const container = await startServer(server, rule, { stop_timeout: '1s', ready: server.url, liveness });
    await logged(container, /is ready/);
    await server.change({ text: 'two', health: 'hang' });
    await logged(container, /the application did not live on with the new one/);
    await server.serves('one');
    expect(events(container.stderr())).toEqual(expect.arrayContaining(['reload_failed', 'not_alive', 'rolled_back']));
    expect(container.stderr()).toContain('the change before it has failed');
  });
});

describe.skipIf(!installed('python3'))('readiness', () => {
  it('is told when it changes, and nothing is restarted', async () => {
    const server = await makeServer({ text: 'one', health: 503 });
    const readiness = { http_get: { port: server.port, path: '/health' }, ...often };
    const container = await startServer(server, { confirm: '100ms' }, { readiness, ready: server.url });
    await logged(container, /is ready/);
    const pid = childNamed(container, 'python3');
    for (const [health, told] of [
      [200, /serves \(readiness\)/],
      [503, /does not serve any more.*answered 503/],
    ] as const) {
      await server.change({ text: String(health), health });
      await logged(container, told);
    }
    expect(childNamed(container, 'python3')).toBe(pid);
    expect(events(container.stderr()).filter((event) => event.endsWith('serving'))).toEqual(['serving', 'not_serving']);
  });
});

/** Two processes: the child holds more and more, as fast as a second has tenths. */
const leaking = `
import os, time
if os.fork() == 0:
    held = []
    while True:
        held.append(b'x' * (4 << 20))
        time.sleep(0.1)
os.wait()
`;

describe.skipIf(!installed('python3'))('limits', () => {
  it('memory_limit: the tree is restarted before it holds more; the controller starts no process for it', async () => {
    const config = configFile({ command: [python, '-c', leaking], stop_timeout: '2s', memory_limit: '64MiB' });
    const container = await startContainer([reinit, '-c', config]);
    const pid = await eventually('the application', () => childNamed(container, 'python3'));
    const controller = await eventually('the controller', () => controllerOf(container));
    const children = new Set<number>();
    const looking = setInterval(() => childrenOf(controller).forEach((child) => void children.add(child)), 5);
    onTestFinished(() => clearInterval(looking));
    const [line = ''] = await logged(container, /more than memory_limit, 64MiB: it is restarted/, 1, 40_000);
    expect(line).toMatch(/holds \d+MiB in 2 processes/);
    await eventually('another process', () => (childNamed(container, 'python3') ?? pid) !== pid);
    await logged(container, /started .* again, for its memory/);
    expect([...children]).toEqual([]);
    expect(zombiesOf(container)).toEqual([]);
    expect(container.stderr()).not.toMatch(/getconf|pidusage|ENOENT|node_warning/);
    expect(readFileSync(join(libDir, 'usage.cjs'), 'utf8')).not.toContain('child_process');
  });

  it('max_uptime: started anew', async () => {
    const server = await makeServer();
    const container = await startServer(server, {}, { max_uptime: '3s', stop_timeout: '2s', ready: server.url });
    await logged(container, /is ready/);
    const pid = childNamed(container, 'python3');
    const [line] = await logged(container, /it is started anew \(max_uptime\)/);
    expect(line).toMatch(/has run for \d/);
    await logged(container, /started .* anew, as `max_uptime` asks for/);
    await server.serves('one');
    expect(childNamed(container, 'python3')).not.toBe(pid);
  });
});
