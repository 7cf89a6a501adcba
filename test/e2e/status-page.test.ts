/** The status page in Chromium. */
import type { Browser, BrowserContextOptions } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { eventually } from '../fixtures/eventually.ts';
import { freePort } from '../fixtures/free-port.ts';
import { installed, isRoot } from '../fixtures/host.ts';
import { updateVolume } from '../fixtures/kubelet.ts';
import { ago, entries, entry, generation, hostile, refusedGeneration, refusedRule, report, rule, type Shown } from '../http/reports.ts';
import { desktop, type Opened, openPage, phone, startBrowser } from './browser.ts';

import { nginxSite, startSite } from './sites.ts';
import { type StatusServer, startStatusServer } from './status-server.ts';

const others = [
  rule({ name: '/etc/tls', paths: ['/etc/tls/tls.crt', '/etc/tls/tls.key'] }),
  rule({
    name: '/srv/flags',
    paths: ['/srv/flags'],
    action: 'none',
    watched_by: 'poll',
    warnings: ['/srv/flags: its file system (fuse) tells of no changes: it is polled each 2s.'],
  }),
];
const inSync: Shown = { report: report([rule(), ...others]), generations: [generation()], entries };
const refused: Shown = { report: report([...others, refusedRule()]), generations: [generation(), refusedGeneration()], entries };

const usage = Array.from({ length: 120 }, (_, at) => ({
  at: Date.parse(refused.report.time) - (119 - at) * 5_000,
  cpu: 14 + 9 * Math.sin(at / 9) + (at % 17 === 0 ? 38 : 0),
  memory: (180 + at * 0.35 + 6 * Math.sin(at / 5)) * 2 ** 20,
  processes: 5,
}));

describe.skipIf(!installed('chromium'))('the status page in Chromium', () => {
  let browser: Browser;
  beforeAll(async () => {
    browser = await startBrowser();
  });
  afterAll(() => browser?.close());

  async function open(shown: Shown, options: BrowserContextOptions): Promise<Opened & { readonly server: StatusServer }> {
    const server = await startStatusServer(shown);
    onTestFinished(() => server.stop());
    return { ...(await openPage(browser, server.url, options)), server };
  }
  const live = ({ page }: Opened) => page.waitForSelector('#live.now');

  test.each([
    ['phone', phone],
    ['desktop', desktop],
  ])('a refused change, %s', async (name, options) => {
    const opened = await open(refused, options);
    const { page, server, textOf } = opened;
    await live(opened);
    for (const sample of usage) server.send('usage', sample);
    await page.waitForSelector('svg.curve');
    await page.locator('.timeline summary').first().click();
    expect(await textOf('h1')).toBe('Refused');
    expect(await textOf('article >> nth=0')).toContain('unknown directive "retrun"');
    const captions = await page.locator('figcaption').allTextContents();
    expect(captions).toEqual([expect.stringContaining('5 processes'), expect.stringContaining('MiB')]);
    server.send('usage', null); // it has been stopped
    for (const figure of ['CPU', 'Memory']) await page.waitForSelector(`figcaption:has-text("${figure}: not known10 minutes, at most")`);
    server.send('usage', usage.at(-1));
    await page.waitForSelector('figcaption:has-text("5 processes")');
    server.send('usage', { ...usage[60], processes: 6 }); // the server's clock was put back
    await page.waitForSelector('figcaption:has-text("6 processes")');
    await opened.look(`refused-${name}`);
  });

  test('without JavaScript all of it is there', async () => {
    const { server, textOf, look } = await open(refused, { ...phone, colorScheme: 'dark', javaScriptEnabled: false });
    const words = await textOf('body');
    for (const fact of [
      'Refused',
      'unknown directive',
      'Correct the files',
      'As of 2026-03-04 12:00:00 UTC',
      'The curves need JavaScript',
    ]) {
      expect(words).toContain(fact);
    }
    expect(server.asked).toEqual([new URL(server.url).pathname]);
    await look('refused-static');
  });

  test('it follows what happens, and keeps what its reader has opened', async () => {
    const opened = await open(refused, { ...desktop, colorScheme: 'light' });
    const { page, server, textOf } = opened;
    await live(opened);
    await page.locator('.timeline summary').first().focus();
    await page.keyboard.press('Enter');
    server.show({ ...inSync, generations: [generation(), refusedGeneration(), generation({ hash: 'c0ffee15900d', decided_at: ago(0) })] });
    server.send('entry', entry(0, 'info', 'change c0ffee15900d of /etc/nginx applied: reloaded, 3.1s after it was seen'));
    await page.waitForSelector('.headline.good');
    expect(await page.title()).toBe('In sync · web-7d9f · reinit');
    expect(await textOf('.timeline li >> nth=0')).toContain('c0ffee15900d');
    expect(await page.locator('.timeline details').getAttribute('open')).not.toBeNull();
    expect(await page.evaluate('document.activeElement.localName')).toBe('summary');
    await opened.look('in-sync-desktop');
  });

  test('a silent connection is made anew; a lost one is said, and made again', async () => {
    const server = await startStatusServer(inSync);
    onTestFinished(() => server.stop());
    const opened = await openPage(browser, server.url, phone, (page) => page.clock.install());
    const { page, complaints, textOf } = opened;
    await live(opened);
    await page.clock.fastForward(47_000);
    await eventually('another connection', () => server.asked.filter((path) => path.endsWith('/events')).length === 2);
    expect(await textOf('#lost')).toBe('');

    server.refuse();
    await page.waitForSelector('#lost:not(:empty)');
    expect(await textOf('#lost')).toMatch(/^Not live since 2026-03-04 \d\d:\d\d:\d\d UTC/);
    const unexpected = complaints.splice(0).filter((complaint) => !/ERR_|status of 503/.test(complaint));
    expect(unexpected).toEqual([]);
    await opened.look('lost-phone');

    server.show(refused);
    server.accept();
    await page.clock.fastForward(3_000);
    await page.waitForSelector('#lost:empty', { state: 'attached' });
    await page.waitForSelector('.headline.bad');
  });

  test('whatever names and output hold, it is text and stays in its place', async () => {
    const opened = await open(hostile, phone);
    await live(opened);
    expect(await opened.page.evaluate('globalThis.harm')).toBeUndefined();
    await opened.look('hostile-phone');
  });

  test.skipIf(!isRoot || !installed('nginx'))('a real reinit', async () => {
    const site = await nginxSite();
    const port = await freePort();
    const config = site.volume;
    await startSite(site, {
      command: ['nginx', '-c', `${config}/nginx.conf`, '-g', 'daemon off;'],
      stop_signal: 'QUIT',
      http: `127.0.0.1:${port}`,
      watch: [
        {
          paths: [config],
          validate: ['nginx', '-t', '-c', `${config}/nginx.conf`],
          settle: '50ms',
          reload_after_start: '0s',
          confirm: '1s',
        },
      ],
    });
    const url = `http://127.0.0.1:${port}/`;
    await eventually('the page', async () => (await fetch(url)).ok);
    const opened = await openPage(browser, url, phone);
    const { page, textOf } = opened;
    await live(opened);
    await page.waitForSelector('.headline.good');
    await updateVolume(config, site.payload('two', { directive: 'retrun' }));
    await page.waitForSelector('.headline.bad');
    expect(await textOf('article pre')).toContain('unknown directive "retrun"');
    await updateVolume(config, site.payload('three'));
    await page.waitForSelector('.headline.good');
    await eventually('the change in the timeline', async () => (await textOf('.timeline'))?.includes('applied by reload'));
    await opened.look('real-phone');
  });
});
