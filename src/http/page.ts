/**
 * The status page: one HTML document that is complete as it stands. Its script only fetches the same document again when an event says that something
 * has happened, so that what it shows is written in one place. Pure.
 */
import type { Generation } from '../control/history.ts';
import type { Report } from '../control/report.ts';
import type { Entry } from '../journal/journal.ts';
import { applicationSection, reinitSection } from './page/application.ts';
import { html, verbatim } from './page/html.ts';
import { utc } from './page/parts.ts';
import { rulesSection } from './page/rules.ts';
import script from './page/script.js?raw';
import base from './page/style/base.css?raw';
import cards from './page/style/cards.css?raw';
import places from './page/style/places.css?raw';
import standing from './page/style/standing.css?raw';
import { timelineSection } from './page/timeline.ts';
import { sign, signs, standingOfAll, tabIcon } from './page/tone.ts';

/** @param nonce of the Content-Security-Policy's style-src and script-src */
export function renderPage(report: Report, generations: readonly Generation[], entries: readonly Entry[], nonce: string): string {
  const { time, summary } = report;
  const now = Date.parse(time);
  const { tone, word } = standingOfAll(report);
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="robots" content="noindex">
<title>${word} · ${report.reinit.host} · reinit</title>
<link rel="icon" href="${tabIcon(tone)}">
<style nonce="${nonce}">${verbatim(base + standing + cards + places)}</style>
</head>
<body>
${signs}
<header class="top">
<p class="brand">reinit <span class="muted">on ${report.reinit.host}</span></p>
<p id="live" class="muted">As of <time id="as-of" datetime="${time}">${utc(time)}</time></p>
</header>
<p id="lost" role="status"></p>
<main>
<div id="headline" data-part="headline" aria-live="polite" aria-atomic="true">
<div class="headline ${tone}">${sign(tone)}<div><h1>${word}</h1><p>${sentence(summary)}</p></div></div>
</div>
<section class="rules" data-part="rules" aria-labelledby="rules">${rulesSection(report.rules, now)}</section>
<div class="side">
<section data-part="application" aria-labelledby="application">${applicationSection(report, entries, now)}</section>
<section class="usage" aria-labelledby="usage"><h2 id="usage">CPU and memory</h2>
<div class="card"><noscript><p>The curves need JavaScript. The same figures are in <a href="metrics">metrics</a>.</p></noscript><div id="curves"></div></div></section>
<section data-part="reinit" aria-labelledby="reinit">${reinitSection(report, now)}</section>
</div>
<section class="events" data-part="timeline" aria-labelledby="timeline">${timelineSection(generations, entries, now)}</section>
</main>
<footer><p class="muted">This page only shows. To act, run the commands of <code>reinit --help</code> in the container. As JSON: <a href="status">status</a> and <a href="history">history</a>; for Prometheus: <a href="metrics">metrics</a>.</p></footer>
<script nonce="${nonce}">${verbatim(script)}</script>
</body>
</html>
`.markup;
}

const sentence = (words: string): string => `${words.slice(0, 1).toUpperCase()}${words.slice(1)}.`;
