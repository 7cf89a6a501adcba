import { chmodSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { eventually } from '../fixtures/eventually.ts';
import { installed, isRoot } from '../fixtures/host.ts';
import { createVolume, type Payload, updateVolume } from '../fixtures/kubelet.ts';
import { scratchDirectory } from '../fixtures/scratch.ts';
import { configFile, logged, pause, python, reinit, startContainer } from './harness.ts';
import { makeServer, type Server, startServer } from './server.ts';

const untouched = async (server: Server) => {
  expect(await server.get('/')).toBe('one');
  expect(await server.get('/hups')).toBe('0 0');
};

describe.skipIf(!installed('python3'))('a validator that is not there', () => {
  it('is told with its name and its setting; nothing is said against the files', async () => {
    const server = await makeServer();
    const container = await startServer(server, { validate: ['/no/such/check'] }, { ready: server.url });
    await logged(container, /is ready/);
    await server.change({ text: 'two' });
    const [line = ''] = await logged(container, /refused: \/no\/such\/check cannot be started/);
    expect(line).toContain('No such file');
    expect(line).toContain('(validate, validate_timeout)');
    await untouched(server);
  });
});

describe.skipIf(!installed('python3'))('a copy that does not fit', () => {
  it.each([{ publish: true }, { snapshot: true, validate: ['true'] }])(
    'with %o: told with max_bytes, and applied once it fits',
    async (rule) => {
      const server = await makeServer();
      const container = await startServer(server, { ...rule, max_bytes: '10KiB', confirm: '300ms' }, { ready: server.url });
      await logged(container, /is ready/);
      await server.change({ text: 'x'.repeat(20_000) });
      expect((await logged(container, /cannot be checked/)).join()).toContain('max_bytes');
      await untouched(server);
      await server.change({ text: 'two' });
      await server.serves('two');
    },
  );
});

describe.skipIf(!isRoot || !installed('python3'))('a secret with mode 000, and nobody who may read it all the same', () => {
  it('is told with its path, the application is untouched, and the change is applied once it can be read', async () => {
    const server = await makeServer();
    const secret = join(server.directory, 'secret');
    await createVolume(secret, { password: 'hidden-one' });
    const file = configFile({
      command: server.command(),
      ready: server.url,
      watch: [{ name: 'both', paths: [server.volume, secret], settle: '50ms', max_wait: '1s', confirm: '300ms' }],
    });
    for (const path of [file, dirname(file)]) chmodSync(path, 0o755);
    const container = await startContainer([reinit, '-c', file], { uid: 65534 });
    await logged(container, /is ready/);
    await updateVolume(secret, { password: 'hidden-two' }, { mode: 0o000 });
    const [line = ''] = await logged(container, /password/);
    expect(line).toMatch(/cannot be read|EACCES|permission/i);
    await untouched(server);
    await updateVolume(secret, { password: 'hidden-three' });
    await logged(container, /applied: reloaded/, 1, 40_000);
    expect(container.stderr()).not.toContain('hidden-');
  });
});

describe.skipIf(!installed('python3'))('files that change during each validation', () => {
  it('published, they do not starve it: after max_wait the newest complete generation is tried', async () => {
    const server = await makeServer();
    const rule = { publish: true, validate: ['sleep', '0.5'], max_wait: '1s', confirm: '100ms' };
    const container = await startServer(server, rule, { ready: server.url });
    await logged(container, /is ready/);
    let writing = true;
    let last = 0;
    const writer = (async () => {
      for (; writing; await pause(100)) await server.change({ text: `round ${++last}` });
    })();
    try {
      const applied = await logged(container, /applied: reloaded/, 2);
      expect(applied.length).toBeGreaterThanOrEqual(2);
      expect(await server.get('/')).toMatch(/^round /);
    } finally {
      writing = false;
      await writer;
    }
    await server.serves(`round ${last}`);
    expect(container.stderr()).not.toMatch(/refused|failed/);
  });
});

describe.skipIf(!installed('python3'))('very many variables', () => {
  const count =
    'import os, signal; found = [name for name in os.environ if name.startswith("KEY_")]; print("start", len(found), os.environ.get("KEY_9"), flush=True); signal.pause()';
  const namesOf = (many: number) => Array.from({ length: many }, (_, index) => `KEY_${index}`);
  const valueFor = (name: string, last: string) => (name === 'KEY_9' ? last : `hidden-${name}`);
  const asFiles = (many: number, last: string): Payload => Object.fromEntries(namesOf(many).map((name) => [name, valueFor(name, last)]));
  const asLines = (many: number, last: string): Payload => ({
    env: namesOf(many)
      .map((name) => `${name}=${valueFor(name, last)}\n`)
      .join(''),
  });

  it.each([
    { many: 1_000, kind: 'a directory of files', payload: asFiles, path: '' },
    { many: 10_000, kind: 'one file of lines', payload: asLines, path: 'env' },
  ])('$many of $kind are handed on, and a change of one is a restart that names it, not its value', async ({ many, payload, path }) => {
    const volume = join(scratchDirectory(), 'volume');
    await createVolume(volume, payload(many, 'hidden-old'));
    const config = { command: [python, '-c', count], env_from: [join(volume, path)] };
    const container = await startContainer([reinit, '-c', configFile(config)]);
    const says = (line: string) => eventually(line, () => container.stdout().split('\n').includes(line));
    await says(`start ${many} hidden-old`);
    await updateVolume(volume, payload(many, 'hidden-new'));
    await says(`start ${many} hidden-new`);
    expect((await logged(container, /change seen/)).join()).toContain('KEY_9');
    expect(container.stderr()).not.toContain('hidden-');
  });

  it('too large to be handed on: refused with the bound, and the application keeps what it has', async () => {
    const volume = join(scratchDirectory(), 'volume');
    await createVolume(volume, { KEY_9: 'small' });
    const container = await startContainer([reinit, '-c', configFile({ command: [python, '-c', count], env_from: [volume] })]);
    await eventually('its start', () => container.stdout().includes('start 1 small'));
    const large = Object.fromEntries(Array.from({ length: 30 }, (_, index) => [`KEY_${index}`, 'x'.repeat(100_000)]));
    await updateVolume(volume, large);
    expect((await logged(container, /env_from refused/)).join()).toContain('the environment is larger than can be passed on');
    expect(container.stdout().match(/start/g)).toHaveLength(1);
  });
});
