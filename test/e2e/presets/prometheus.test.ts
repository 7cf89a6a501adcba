import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { eventually } from '../../fixtures/eventually.ts';
import { installed, isRoot } from '../../fixtures/host.ts';
import { createVolume, type Payload, updateVolume } from '../../fixtures/kubelet.ts';
import type { Namespace } from '../../fixtures/namespace.ts';
import { scratchDirectory } from '../../fixtures/scratch.ts';
import { childNamed, logged } from '../harness.ts';
import { get, startMachine } from '../machine.ts';

const scrape = (seconds: number, key = 'global'): Payload => ({ 'prometheus.yml': `${key}:\n  scrape_interval: ${seconds}s\n` });
const takes = (container: Namespace, seconds: number) =>
  eventually(`an interval of ${seconds} s`, async () =>
    (await get(container, 'http://127.0.0.1:9090/api/v1/status/config')).includes(`scrape_interval: ${seconds}s`),
  );

async function start(watch: object, options: readonly string[] = []) {
  const directory = scratchDirectory();
  const volume = join(directory, 'volume');
  await createVolume(volume, scrape(11));
  const data = `--storage.tsdb.path=${directory}/data`;
  const command = ['prometheus', '--config.file=/etc/prometheus/prometheus.yml', '--web.listen-address=127.0.0.1:9090', data, ...options];
  const container = await startMachine({ preset: 'prometheus', command, watch: [watch] }, { '/etc/prometheus': volume });
  await logged(container, /prometheus is ready/);
  await takes(container, 11);
  return { volume, container };
}
const byHttp = { on_change: 'http', http: 'http://127.0.0.1:9090/-/reload' };

describe.skipIf(!isRoot || !installed('prometheus', 'promtool'))('preset: prometheus', () => {
  it('reloads by signal under the same pid, and refuses a broken file with the words of promtool', async () => {
    const { volume, container } = await start({});
    const main = childNamed(container, 'prometheus');
    await updateVolume(volume, scrape(12));
    await takes(container, 12);
    await logged(container, /applied: reloaded/);
    await updateVolume(volume, scrape(13, 'globl'));
    expect((await logged(container, /refused: promtool says no/)).join()).toContain('globl');
    await takes(container, 12);
    expect(childNamed(container, 'prometheus')).toBe(main);
    container.signal('SIGTERM');
    expect(await container.exited).toBe(0);
  });

  it('reloads by a request, and says with which status a configuration was turned down', async () => {
    const { volume, container } = await start({ ...byHttp, validate: [] }, ['--web.enable-lifecycle']);
    await updateVolume(volume, scrape(12));
    await takes(container, 12);
    await logged(container, /applied: the application was called/);
    await updateVolume(volume, scrape(13, 'globl'));
    expect((await logged(container, /action for .* failed \(http\)/)).join()).toContain('500');
    await takes(container, 12);
  });

  it('without --web.enable-lifecycle the request is turned down, and the log says so', async () => {
    const { volume, container } = await start(byHttp);
    await updateVolume(volume, scrape(12));
    expect((await logged(container, /action for .* failed \(http\)/)).join()).toContain('403');
    await takes(container, 11);
  });
});
