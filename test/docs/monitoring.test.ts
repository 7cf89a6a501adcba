import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { createMetrics } from '../../src/http/metrics.ts';
import { fakeController } from '../http/serving.ts';

const file = (name: string): string => readFileSync(new URL(`../../docs/monitoring/${name}`, import.meta.url), 'utf8');
const namesIn = (text: string): Set<string> => new Set(text.match(/\breinit_[a-z_]+\b/g));

/** All that can be scraped, by the names of their series. */
async function scraped(): Promise<{ readonly metrics: Set<string>; readonly series: Set<string> }> {
  const controller = fakeController({ publish: { to: '/run/r', mode: 'flip', keep: 3 } });
  controller.become({ rule: { divergedAt: 2_000, refused: 'a'.repeat(64), applied: undefined } });
  const metrics = createMetrics(controller, async () => ({ at: 0, cpu: 0, cpuSeconds: 0, memory: 0, processes: 0 }));
  const out = (await metrics.scrape('text')).body;
  controller.become({ rule: { applied: { hash: 'a'.repeat(64), files: undefined }, refused: undefined, divergedAt: undefined } });
  const back = (await metrics.scrape('text')).body;
  const metricNames = [...`${out}${back}`.matchAll(/^# TYPE (\S+) (\S+)$/gm)];
  const parts = (name = '', type = '') => (type === 'histogram' ? ['_bucket', '_sum', '_count'].map((end) => name + end) : [name]);
  return {
    metrics: new Set(metricNames.map(([, name = '']) => name)),
    series: new Set(metricNames.flatMap(([, name, type]) => parts(name, type))),
  };
}

test('rules and dashboard ask for series that there are', async () => {
  const { series } = await scraped();
  for (const name of ['alerts.yaml', 'dashboard.json']) {
    const asked = [...namesIn(file(name))];
    expect(asked.length, name).toBeGreaterThan(0);
    expect(
      asked.filter((one) => !series.has(one)),
      name,
    ).toEqual([]);
  }
});

test('the page names each metric', async () => {
  const { metrics } = await scraped();
  const told = namesIn(file('README.md'));
  expect(metrics.size).toBeGreaterThan(0);
  expect([...metrics].filter((one) => !told.has(one))).toEqual([]);
});
