import { describe, expect, it } from 'vitest';
import { installed, isRoot } from '../fixtures/host.ts';
import { startLoad } from '../fixtures/http.ts';
import { updateVolume } from '../fixtures/kubelet.ts';

import { lines, mainOf, nginxSite, publishing, said, serves, startSite, workersOf } from './sites.ts';

/** The bar. Each costs 250 ms at least: so long is the gap between two signals. */
const reloads = 200;

describe.skipIf(!isRoot || !installed('nginx'))('load', () => {
  it(`answers every request through ${reloads} reloads, each validated, published and confirmed`, async () => {
    const site = await nginxSite('0');
    const rule = { settle: '10ms', confirm_by: { workers: true, period: '20ms' }, max_draining: 8 };
    const container = await startSite(site, publishing(site, rule), '0');
    const main = await mainOf(site, container);
    const load = startLoad(site.url);
    for (let round = 1; round <= reloads; round++) {
      await updateVolume(site.volume, site.payload(`${round}`));
      await serves(site, `${round}`);
    }
    await said(container, 'applied', 1 + reloads);
    const { requests, failures } = await load.stop();
    process.stderr.write(`load: ${requests} requests on fresh connections through ${reloads} reloads\n`);
    expect(failures).toEqual([]);
    expect(requests).toBeGreaterThan(reloads * 10);
    expect(lines(container, 'unconfirmed')).toEqual([]);
    expect(await mainOf(site, container)).toBe(main);
    expect((await workersOf(site, container)).length).toBeLessThan(10);
  });
});
