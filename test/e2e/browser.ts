/** A page in a real browser, and what is wrong with it. REINIT_TEST_SCREENSHOTS=DIRECTORY leaves pictures there, to be looked at. */
import { join } from 'node:path';
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core';
import { expect, onTestFinished } from 'vitest';
import looks from './page-looks.js?raw';

export const phone: BrowserContextOptions = { viewport: { width: 360, height: 740 }, colorScheme: 'light', isMobile: true, hasTouch: true };
export const desktop: BrowserContextOptions = { viewport: { width: 1280, height: 900 }, colorScheme: 'dark' };

/** A sandbox of Chromium's own needs another user than root; all that it opens here is ours. */
export const startBrowser = (): Promise<Browser> =>
  chromium.launch({ executablePath: '/usr/bin/chromium', args: ['--no-sandbox', '--disable-dev-shm-usage'] });

export interface Opened {
  readonly page: Page;
  /** What the browser has complained of, and whatever was asked for elsewhere than below `url`. */
  readonly complaints: string[];
  textOf(selector: string): Promise<string | null>;
  /** Nothing is misplaced or faint, and nobody complains. */
  look(name: string): Promise<void>;
}

/** Until the test has finished. @param prepare before anything is loaded */
export async function openPage(
  browser: Browser,
  url: string,
  options: BrowserContextOptions,
  prepare: (page: Page) => Promise<void> = async () => {},
): Promise<Opened> {
  const context = await browser.newContext(options);
  onTestFinished(() => context.close());
  const page = await context.newPage();
  await prepare(page);
  const complaints: string[] = [];
  page.on('console', (message) => complaints.push(message.text()));
  page.on('pageerror', ({ message }) => complaints.push(message));
  page.on('request', (request) => {
    if (!request.url().startsWith(url) && !request.url().startsWith('data:')) complaints.push(`asks for ${request.url()}`);
  });
  await page.goto(url);
  return {
    page,
    complaints,
    textOf: (selector) => page.locator(selector).textContent(),
    async look(name) {
      expect(await page.evaluate(looks)).toEqual({ misplaced: [], faint: [] });
      expect(complaints).toEqual([]);
      const directory = process.env.REINIT_TEST_SCREENSHOTS;
      // The last act: for the picture Playwright adds a style, of which the browser complains.
      if (directory) await page.screenshot({ path: join(directory, `${name}.png`), fullPage: true, clip: await firstOf(page) });
    },
  };
}

/** As much of it as a picture can well hold. */
async function firstOf(page: Page): Promise<{ x: number; y: number; width: number; height: number }> {
  const height = await page.evaluate<number>('document.documentElement.scrollHeight');
  return { x: 0, y: 0, width: page.viewportSize()?.width ?? 0, height: Math.min(height, 5_000) };
}
