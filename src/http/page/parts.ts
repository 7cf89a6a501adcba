/** What several sections are made of. Pure. */
import { age } from '../../core/durations.ts';
import { clipped, type Html, html } from './html.ts';

/** Longer than that no reason, no name and no output is shown. The whole of it is in `reinit history --json`. */
const longestText = 1_000;
const longestName = 300;
const longestOutput = 16_000;

export const text = (words: string): string => clipped(words, longestText);
export const named = (name: string): string => clipped(name, longestName);

/** `2026-03-04 12:00:00 UTC` */
export const utc = (time: string): string => `${time.slice(0, 19).replace('T', ' ')} UTC`;

/** The hour alone, of what is to come soon. */
export const clock = (time: string): Html => html`<time datetime="${time}">${time.slice(11, 19)} UTC</time>`;

/** When, and how long ago; the script keeps the latter up to date. @param now ms since the epoch */
export const moment = (time: string, now: number): Html =>
  html`<span class="moment"><span data-ago="${time}">${age(time, now)} ago</span> <time datetime="${time}">${utc(time)}</time></span>`;

interface Fact {
  readonly term: string;
  readonly value: Html | string | null;
  /** Needs the room of two. */
  readonly wide?: boolean;
}

/** What is not known or does not apply is left out. */
export const facts = (known: readonly Fact[]): Html =>
  html`<dl class="facts">${known.flatMap(({ term, value, wide }) =>
    value === null ? [] : [html`<div${wide && html` class="wide"`}><dt>${term}</dt><dd>${value}</dd></div>`],
  )}</dl>`;

export const code = (words: string): Html => html`<code>${words}</code>`;

/** What a program printed. It can be scrolled by keyboard. @param key the same for the same output: the script keeps its place */
export const printed = (output: string | null, label: string, key: string): Html =>
  output ? html`<pre tabindex="0" role="region" aria-label="${label}" data-key="${key}">${clipped(output, longestOutput)}</pre>` : html``;

/** The first of many names, and how many more there are. */
export const some = (items: readonly string[], most: number, more = 0): string => {
  const left = Math.max(0, items.length - most) + more;
  return `${items.slice(0, most).map(named).join(', ')}${left > 0 ? ` and ${left} more` : ''}`;
};
