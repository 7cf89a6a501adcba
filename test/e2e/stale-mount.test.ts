/** A file that is mounted by itself, as `subPath` mounts it: a new one outside never shows in here. */
import { renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { eventually } from '../fixtures/eventually.ts';
import { isRoot } from '../fixtures/host.ts';
import { scratchDirectory } from '../fixtures/scratch.ts';
import { configFile, logged, pause, reinit, startContainer } from './harness.ts';

/** Takes a moment to stop, and says when it has. */
const application = 'trap "sleep 0.3; echo stopped; exit 0" TERM; echo started; while :; do sleep 0.05; done';

async function start(rule: object) {
  const directory = scratchDirectory();
  const [source, mounted] = [join(directory, 'source'), join(directory, 'mounted.conf')];
  writeFileSync(source, 'one\n');
  writeFileSync(mounted, '');
  const config = configFile({
    command: ['sh', '-c', application],
    watch: [{ paths: [mounted], settle: '20ms', rescan: '300ms', ...rule }],
  });
  const mount = 'mount --bind "$1" "$2" && shift 2 && exec "$@"';
  const container = await startContainer(['sh', '-c', mount, 'sh', source, mounted, reinit, '-c', config]);
  await eventually('the application', () => container.stdout().includes('started'));
  await logged(container, /subPath|mounted by itself|single file/);
  const replace = () => {
    writeFileSync(`${source}.new`, 'two\n');
    renameSync(`${source}.new`, source);
  };
  return { container, replace };
}

describe.skipIf(!isRoot)('on_stale_mount', () => {
  it('exit: stops the application gracefully and leaves with 75', async () => {
    const { container, replace } = await start({ on_stale_mount: 'exit' });
    await pause(500);
    expect(container.stderr()).not.toMatch(/"event":"stale"/);
    replace();
    expect(await container.exited).toBe(75);
    expect(container.stdout()).toBe('started\nstopped\n');
    expect(container.stderr()).toMatch(/"event":"stale".*on_stale_mount: exit/);
  });

  it('exit: with the code that is set', async () => {
    const { container, replace } = await start({ on_stale_mount: 'exit', stale_exit_code: 9 });
    replace();
    expect(await container.exited).toBe(9);
  });

  it('warn: says so and goes on', async () => {
    const { container, replace } = await start({});
    replace();
    await logged(container, /replaced outside|has been replaced|deleted/);
    await pause(700);
    container.signal('SIGTERM');
    expect(await container.exited).toBe(0);
    expect(container.stdout()).toBe('started\nstopped\n');
  });
});
