/** How things stand in one word, with its colour and its sign. Pure. */

import type { Fate } from '../../control/history.ts';
import type { Report } from '../../control/report.ts';
import type { ApplicationStatus, RuleStanding } from '../../core/status.ts';
import { type Html, html, verbatim } from './html.ts';

/** Names the colour and the sign alike: `.good` in style/standing.css, `#sign-good` here. */
export type Tone = 'good' | 'busy' | 'warn' | 'bad' | 'plain';

export interface Standing {
  readonly tone: Tone;
  readonly word: string;
}

export const standingTones: Readonly<Record<RuleStanding, Tone>> = {
  in_sync: 'good',
  changing: 'busy',
  refused: 'bad',
  retrying: 'warn',
  held_back: 'warn',
  pinned: 'warn',
  waiting: 'busy',
  unknown: 'warn',
};

export const fateTones: Readonly<Record<Fate, Tone>> = {
  seen: 'busy',
  refused: 'bad',
  applied: 'good',
  failed: 'bad',
  rolled_back: 'warn',
  superseded: 'plain',
};

const notRunning: Readonly<Record<Exclude<ApplicationStatus['state'], 'running'>, Standing>> = {
  preparing: { tone: 'busy', word: 'Starting' },
  starting: { tone: 'busy', word: 'Starting' },
  stopping: { tone: 'busy', word: 'Stopping' },
  sweeping: { tone: 'busy', word: 'Stopping' },
  backoff: { tone: 'bad', word: 'Down' },
  seeking: { tone: 'warn', word: 'Looking' },
  attaching: { tone: 'busy', word: 'Attaching' },
  ending: { tone: 'busy', word: 'Ending' },
  ended: { tone: 'bad', word: 'Ended' },
};

export function applicationStanding({ state, ready }: ApplicationStatus): Standing {
  if (state !== 'running') return notRunning[state];
  return ready ? { tone: 'good', word: 'Running' } : { tone: 'warn', word: 'Not ready' };
}

/** The worst of all: the application first, then the rules. */
export function standingOfAll({ application, rules, in_sync, own_file }: Report): Standing {
  const own = applicationStanding(application);
  if (own.tone !== 'good') return own;
  if (in_sync) return rules.length === 0 ? own : { tone: 'good', word: 'In sync' };
  const is = (tone: Tone) => rules.some(({ standing }) => standingTones[standing] === tone);
  if (is('bad') || own_file?.refused) return { tone: 'bad', word: 'Refused' };
  return is('warn') ? { tone: 'warn', word: 'Not in sync' } : { tone: 'busy', word: 'Changing' };
}

/** What is drawn within 16 × 16, so that nobody needs to tell colours apart. */
const shapes: Readonly<Record<Tone, string>> = {
  good: '<circle cx="8" cy="8" r="7"/><path d="m4.8 8.2 2.3 2.3 4.2-4.7"/>',
  busy: '<circle cx="8" cy="8" r="7"/><path d="M4.6 8h.01M8 8h.01M11.4 8h.01"/>',
  warn: '<path d="M8 1.6 15 14.2H1Z"/><path d="M8 6v3.8M8 12h.01"/>',
  bad: '<path d="M5.1 1h5.8L15 5.1v5.8L10.9 15H5.1L1 10.9V5.1Z"/><path d="m5.6 5.6 4.8 4.8m0-4.8-4.8 4.8"/>',
  plain: '<circle cx="8" cy="8" r="3"/>',
};
const tones = Object.keys(shapes) as Tone[];

/** Once a page. */
export const signs: Html = html`<svg class="signs" width="0" height="0" aria-hidden="true" focusable="false">${tones.map(
  (tone) => html`<symbol id="sign-${tone}" viewBox="0 0 16 16">${verbatim(shapes[tone])}</symbol>`,
)}</svg>`;

export const sign = (tone: Tone): Html =>
  html`<svg class="sign ${tone}" aria-hidden="true" focusable="false"><use href="#sign-${tone}"/></svg>`;

export const pill = (tone: Tone, word: string): Html => html`<span class="pill ${tone}">${sign(tone)}${word}</span>`;

const tabColours: Readonly<Record<Tone, string>> = { good: '#1f8a4c', busy: '#2f6fd6', warn: '#b27500', bad: '#d13438', plain: '#6a737d' };

/** The sign in the browser's tab. */
export const tabIcon = (tone: Tone): string =>
  `data:image/svg+xml,${encodeURIComponent(
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 16 16" fill="none" stroke="${tabColours[tone]}" stroke-width="2" stroke-linecap="round">${shapes[tone]}</svg>`,
  )}`;
