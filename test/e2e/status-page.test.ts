/** The status page in a real browser. REINIT_TEST_SCREENSHOTS=DIRECTORY leaves pictures there, to be looked at. */
import { join } from 'node:path';
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { ago, entries, entry, generation, hostile, refusedGeneration, refusedRule, report, rule, type Shown } from '../http/reports.ts';
import { installed } from './harness.ts';
import looks from './page-looks.js?raw';
import { type StatusServer, startStatusServer } from './status-server.ts';

const phone: BrowserContextOptions = { viewport: { width: 360, height: 740 }, colorScheme: 'light', isMobile: true, hasTouch: true };
const desktop: BrowserContextOptions = { viewport: { width: 1280, height: 900 }, colorScheme: 'dark' };

const others = [
  rule({
    name: '/etc/tls',
    paths: ['/etc/tls/tls.crt', '/etc/tls/tls.key'],
    applied: '0d1f3a99c2b7',
    desired: '0d1f3a99c2b7',
    good: '0d1f3a99c2b7',
  }),
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
    // A sandbox of Chromium's own needs another user than root; all that it opens here is ours.
    browser = await chromium.launch({ executablePath: '/usr/bin/chromium', args: ['--no-sandbox', '--disable-dev-shm-usage'] });
  });
  afterAll(() => browser?.close());

  /** Opens it, and has it looked at in the end: nothing is misplaced or faint, the browser complains of nothing, and nothing else was asked for. */
  async function open(shown: Shown, options: BrowserContextOptions): Promise<{ page: Page; server: StatusServer; complaints: string[] }> {
    const server = await startStatusServer(shown);
    onTestFinished(() => server.stop());
    const context = await browser.newContext(options);
    onTestFinished(() => context.close());
    const page = await context.newPage();
    const complaints: string[] = [];
    page.on('console', (message) => complaints.push(message.text()));
    page.on('pageerror', ({ message }) => complaints.push(message));
    page.on(
      'request',
      (request) =>
        request.url().startsWith(server.url) || request.url().startsWith('data:') || complaints.push(`asks for ${request.url()}`),
    );
    await page.goto(server.url);
    return { page, server, complaints };
  }

  /** The picture comes last: for it Playwright adds a style, of which the browser complains. */
  async function look(page: Page, complaints: readonly string[], name: string): Promise<void> {
    expect(await page.evaluate(looks)).toEqual({ misplaced: [], faint: [] });
    expect(complaints).toEqual([]);
    const directory = process.env.REINIT_TEST_SCREENSHOTS;
    if (directory) await page.screenshot({ path: join(directory, `${name}.png`), fullPage: true });
  }

  const textOf = (page: Page, selector: string) => page.locator(selector).textContent();
  const isLive = (page: Page) => page.waitForSelector('#live.now');

  test.each([
    ['phone', phone],
    ['desktop', desktop],
  ])('a refused change, %s', async (name, options) => {
    const { page, server, complaints } = await open(refused, options);
    await isLive(page);
    for (const sample of usage) server.send('usage', sample);
    await page.waitForSelector('svg.curve');
    await page.locator('.timeline summary').first().click();
    expect(await textOf(page, 'h1')).toBe('Refused');
    expect(await textOf(page, 'article >> nth=0')).toContain('unknown directive "retrun"');
    expect(await page.locator('figcaption').allTextContents()).toEqual([
      expect.stringContaining('5 processes'),
      expect.stringContaining('MiB'),
    ]);
    await look(page, complaints, `refused-${name}`);
  });

  test('without JavaScript all of it is there', async () => {
    const { page, complaints, server } = await open(refused, { ...phone, colorScheme: 'dark', javaScriptEnabled: false });
    const words = await textOf(page, 'body');
    for (const fact of [
      'Refused',
      '/etc/nginx',
      '49073d2162fd',
      'unknown directive',
      'Correct the files',
      'reinit accept /etc/nginx',
      'As of 2026-03-04 12:00:00 UTC',
      'The curves need JavaScript',
    ]) {
      expect(words).toContain(fact);
    }
    expect(server.asked).toEqual([new URL(server.url).pathname]);
    await look(page, complaints, 'refused-static');
  });

  test('it follows what happens, and keeps what its reader has opened', async () => {
    const { page, server, complaints } = await open(refused, { ...desktop, colorScheme: 'light' });
    await isLive(page);
    const summary = page.locator('.timeline summary').first();
    await summary.focus();
    await page.keyboard.press('Enter');
    server.show({ ...inSync, generations: [generation(), refusedGeneration(), generation({ hash: 'c0ffee15900d', decided_at: ago(0) })] });
    server.send('entry', entry(0, 'info', 'change c0ffee15900d of /etc/nginx applied: reloaded, 3.1s after it was seen'));
    await page.waitForSelector('.headline.good');
    expect(await page.title()).toBe('In sync · reinit');
    expect(await textOf(page, '.timeline li >> nth=0')).toContain('c0ffee15900d');
    expect(await page.locator('.timeline details').getAttribute('open')).not.toBeNull();
    expect(await page.evaluate('document.activeElement.localName')).toBe('summary');
    await look(page, complaints, 'in-sync-desktop');
  });

  test('a lost connection is said, and made again', async () => {
    const { page, server, complaints } = await open(inSync, phone);
    await isLive(page);
    server.refuse();
    await page.waitForSelector('#lost:not(:empty)');
    expect(await textOf(page, '#lost')).toMatch(/^Not live since 2026-03-04 \d\d:\d\d:\d\d UTC/);
    expect(complaints.join()).not.toContain('Content Security Policy');
    await look(page, [], 'lost-phone');
    server.show(refused);
    server.accept();
    await page.waitForSelector('#lost:empty', { state: 'attached' });
    await page.waitForSelector('.headline.bad');
  });

  test('whatever names and output hold, it is text and stays in its place', async () => {
    const { page, complaints } = await open(hostile, phone);
    await isLive(page);
    expect(await page.evaluate('globalThis.harm')).toBeUndefined();
    await look(page, complaints, 'hostile-phone');
  });
});
