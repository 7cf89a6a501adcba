/** When a change is applied: `splay`, `min_interval`, `ready` and back-off; and that a stop of the container waits for none of them. */
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { eventually } from '../fixtures/eventually.ts';
import { createVolume, updateVolume } from '../fixtures/kubelet.ts';
import type { Namespace } from '../fixtures/namespace.ts';
import { scratchDirectory } from '../fixtures/scratch.ts';
import { configFile, logged, pause, reinit, startContainer } from './harness.ts';

/** Tells of each HUP with the time in ms since 1970, and of its end. */
const application = `trap 'echo "hup $(cat "$1") $(date +%s%3N)"' HUP; trap 'exit 0' TERM; echo "start $(cat "$1")"; while :; do sleep 0.02; done`;

interface Site {
  readonly container: Namespace;
  change(text: string): Promise<void>;
}

async function start(rule: object, settings: object = {}, env: NodeJS.ProcessEnv = {}): Promise<Site> {
  const volume = join(scratchDirectory(), 'volume');
  await createVolume(volume, { text: 'one' });
  const config = configFile({
    command: ['bash', '-c', application, 'application', join(volume, 'text')],
    ...settings,
    log: { level: 'debug' },
    watch: [{ paths: [volume], settle: '10ms', reload_after_start: '0', confirm: '10ms', ...rule }],
  });
  const container = await startContainer([reinit, '-c', config], { env: { ...process.env, ...env } });
  await logged(container, /"event":"watch_mode"/);
  return { container, change: (text) => updateVolume(volume, { text }) };
}

const hups = ({ container }: Site) =>
  [...container.stdout().matchAll(/^hup (.*) (\d+)$/gm)].map(([, text = '', at]) => ({ text, at: Number(at) }));
const hup = (site: Site, text: string) => eventually(`hup ${text}`, () => hups(site).find((one) => one.text === text));

/** How long it takes to end after a TERM, in ms. */
async function stop({ container }: Site, code = 0): Promise<number> {
  const at = performance.now();
  container.signal('SIGTERM');
  expect(await container.exited).toBe(code);
  return performance.now() - at;
}

describe('pace', () => {
  it('min_interval: changes in between are one, and it is the last', async () => {
    const site = await start({ min_interval: '2s' });
    await site.change('two');
    const first = await hup(site, 'two');
    for (const text of ['three', 'four', 'five']) {
      await site.change(text);
      await pause(100);
    }
    const second = await hup(site, 'five');
    expect(second.at - first.at).toBeGreaterThanOrEqual(1_900);
    expect(hups(site).map(({ text }) => text)).toEqual(['two', 'five']);
    expect(await stop(site)).toBeLessThan(2_000);
  });

  it('splay: replicas have shares of their own, the same each time', async () => {
    const wait = async (HOSTNAME: string) => {
      const site = await start({ splay: '3s' }, {}, { HOSTNAME });
      const at = Date.now();
      await site.change('two');
      const waited = (await hup(site, 'two')).at - at;
      await stop(site);
      return waited;
    };
    expect(await wait('web-0'), 'the first one begins').toBeLessThan(1_400);
    for (const _ of [1, 2]) {
      const waited = await wait('web-1');
      expect(waited, 'half of it').toBeGreaterThanOrEqual(1_500);
      expect(waited).toBeLessThan(2_900);
    }
  });

  it.each([
    ['splay', { splay: '300s' }],
    ['settle', { settle: '60s', max_wait: '120s' }],
    ['min_interval', { min_interval: '300s' }],
  ])('TERM acts at once during %s', async (what, rule) => {
    const site = await start(rule, {}, { HOSTNAME: 'web-1' });
    await site.change('two');
    if (what === 'min_interval') {
      await hup(site, 'two');
      await site.change('three');
    }
    await pause(300);
    expect(await stop(site)).toBeLessThan(3_000);
    expect(hups(site)).toHaveLength(what === 'min_interval' ? 1 : 0);
  });

  it('TERM acts at once during back-off', async () => {
    const container = await startContainer([
      reinit,
      '--restart',
      'always',
      '--restart-delay',
      '300s',
      '--restart-max-delay',
      '300s',
      '--',
      'false',
    ]);
    await logged(container, /"event":"restart_scheduled"/);
    expect(await stop({ container, change: async () => undefined }, 143)).toBeLessThan(3_000);
  });

  it('a change during the start waits until the application is ready', async () => {
    const directory = scratchDirectory();
    const site = await start({}, { ready: { exec: ['test', '-e', join(directory, 'ready')], period: '50ms', failure_threshold: 1_000 } });
    await eventually('the start', () => site.container.stdout().includes('start one'));
    await site.change('two');
    await logged(site.container, /"event":"change_seen"/);
    await pause(1_000);
    expect(hups(site)).toEqual([]);
    await createVolume(directory, { ready: '' });
    await hup(site, 'two');
    expect(await stop(site)).toBeLessThan(2_000);
  });

  it('TERM acts at once while it is not ready', async () => {
    const site = await start({}, { ready: { exec: ['false'], period: '1s', failure_threshold: 1_000 } });
    await eventually('the start', () => site.container.stdout().includes('start one'));
    await site.change('two');
    expect(await stop(site)).toBeLessThan(3_000);
  });
});
