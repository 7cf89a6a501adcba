/** The status page. */
import type { Generation } from '../control/history.ts';
import type { Report } from '../control/report.ts';
import type { Entry } from '../journal/journal.ts';

/** @param nonce what the policy of the answer allows inline */
export function renderPage(report: Report, _generations: readonly Generation[], _entries: readonly Entry[], _nonce: string): string {
  const text = report.summary.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
  return `<!doctype html><html lang="en"><meta charset="utf-8"><title>reinit</title><p>${text}</p></html>\n`;
}
