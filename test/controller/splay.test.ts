import { expect, test } from 'vitest';
import { shareOf, withShares } from '../../src/controller/splay.ts';
import { configOf } from '../fixtures/simulation.ts';

const alphabet = 'bcdfghjklmnpqrstvwxz2456789';
const letters = (seed: number): string =>
  Array.from({ length: 5 }, (_, place) => alphabet[Math.floor(seed / alphabet.length ** place) % alphabet.length]).join('');

test('a StatefulSet’s pods are spread evenly, however many there are', () => {
  expect([0, 1, 2, 3, 4, 5].map((ordinal) => shareOf(`db-${ordinal}`))).toEqual([0, 0.5, 0.25, 0.75, 0.125, 0.625]);
  for (let count = 2; count <= 64; count *= 2) {
    const shares = Array.from({ length: count }, (_, ordinal) => shareOf(`db-${ordinal}`)).sort((a, b) => a - b);
    expect(shares).toEqual(Array.from({ length: count }, (_, index) => index / count));
  }
});

test('a Deployment’s pods are spread by their names: no corner of the time is left out or overrun', () => {
  const shares = Array.from({ length: 1_000 }, (_, pod) => shareOf(`web-5d4f8c7b96-${letters(pod * 7919)}`));
  for (let tenth = 0; tenth < 10; tenth += 1) {
    const inside = shares.filter((share) => share >= tenth / 10 && share < (tenth + 1) / 10).length;
    expect(inside).toBeGreaterThan(60);
    expect(inside).toBeLessThan(150);
  }
});

test('five digits are no ordinal where a Deployment has drawn them', () => {
  expect(shareOf('web-5d4f8c7b96-24689')).not.toBe(shareOf('web-24689'));
  expect(shareOf('web-5d4f8c7b96-24689')).toBe(shareOf('web-5d4f8c7b96-24689'));
});

test('any name has its share, always the same one', () => {
  for (const name of ['', 'x', 'host-1.example', 'db-99999999', 'ü-1']) {
    expect(shareOf(name)).toBeGreaterThanOrEqual(0);
    expect(shareOf(name)).toBeLessThan(1);
    expect(shareOf(name)).toBe(shareOf(name));
  }
});

test('max_uptime is shorter by up to a tenth, and never longer', () => {
  const ofPod = (pod: string) => withShares(configOf({ max_uptime: 100_000 }), { POD_NAME: pod }).services.main.max_uptime;
  expect(['db-0', 'db-1', 'db-2', 'db-3'].map(ofPod)).toEqual([100_000, 95_000, 97_500, 92_500]);
  expect(withShares(configOf({}), { POD_NAME: 'db-1' }).services.main.max_uptime).toBeUndefined();
});

test('each rule’s splay becomes this replica’s share of it; the rest stays as it is', () => {
  const config = configOf({ nice: 3 }, { name: 'r', splay: 10_001 }, { name: 's', splay: 0 });
  const splays = (env: Readonly<Record<string, string>>) => withShares(config, env).services.main.watch.map(({ splay }) => splay);
  expect(splays({ POD_NAME: 'db-1', HOSTNAME: 'db-3' })).toEqual([5_000, 0]);
  expect(splays({ POD_NAME: '', HOSTNAME: 'db-3' })).toEqual([7_500, 0]);
  expect(splays({})).toEqual(splays({ HOSTNAME: '' }));
  expect(withShares(config, {}).services.main).toMatchObject({ nice: 3, watch: [{ name: 'r' }, config.services.main.watch[1]] });
});
