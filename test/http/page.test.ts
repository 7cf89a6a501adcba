import { describe, expect, test } from 'vitest';
import type { RuleStanding } from '../../src/core/status.ts';
import { renderPage } from '../../src/http/page.ts';
import { ago, entries, entry, generation, harmful, hostile, refusedGeneration, refusedRule, report, rule, type Shown } from './reports.ts';

const page = ({ report, generations, entries }: Shown, nonce = 'abc'): string => renderPage(report, generations, entries, nonce);
const shown = (over: Partial<Shown> = {}): Shown => ({ report: report(), generations: [], entries: [], ...over });

/** The words that stand between the tags. */
const words = (markup: string): string =>
  markup
    .replace(/<(style|script)[\s\S]*?<\/\1>/g, '')
    .replace(/<[^>]*>/g, ' ')
    .replace(/&#39;/g, "'")
    .replace(/&quot;/g, '"')
    .replace(/\s+/g, ' ');

test('a refused change: what, why, since when, and what to do', () => {
  const text = words(page(shown({ report: report([rule({ name: '/etc/tls' }), refusedRule({ rollback_to: '0d1f3a99c2b7' })]) })));
  for (const fact of [
    'Refused The application runs; /etc/nginx is refused.',
    'nginx says no (exit code 1); the application keeps running on 6a2416f534ed. Correct the files',
    'unknown directive "retrun"',
    'reinit check /etc/nginx asks the validator again',
    'reinit accept /etc/nginx applies it whatever the validator says',
    'reinit rollback /etc/nginx goes back to 0d1f3a99c2b7',
    'Runs with 6a2416f534ed Files hold 49073d2162fd Last good 6a2416f534ed',
    'Out of step since 1m35s ago 2026-03-04 11:58:25 UTC',
    'Watched by events',
  ]) {
    expect(text).toContain(fact);
  }
  expect(text.indexOf('/etc/nginx refused')).toBeLessThan(text.indexOf('/etc/tls in sync'));
});

test('the application, and reinit', () => {
  const text = words(page(shown({ entries })));
  for (const fact of [
    'In sync The application runs; all configuration is applied.',
    'State running Process pid 7 Since 1d2h ago 2026-03-03 10:00:00 UTC Restarts 1',
    'Last end nginx ended by itself after 2h3m: signal SEGV',
    'Version 0.1.0 Controller generation 0, pid 12',
  ]) {
    expect(text).toContain(fact);
  }
});

test('an application that is not ready, and why', () => {
  const application = { ...report().application, ready: false, not_ready_because: '127.0.0.1:80 answered 503' };
  const text = words(page(shown({ report: report([], { application }) })));
  expect(text).toContain('It is not ready: 127.0.0.1:80 answered 503.');
});

test('the timeline: the newest first, each change once', () => {
  const markup = page(shown({ generations: [generation(), refusedGeneration()], entries }));
  expect(markup.match(/<li>/g)).toHaveLength(5);
  const text = words(markup).split('Timeline')[1];
  const order = [
    'change 49073d2162fd of /etc/nginx refused conf.d/default.conf Why',
    'change 6a2416f534ed of /etc/nginx applied by reload, 3.1s',
    'started nginx again',
    'ended by itself',
    'started nginx, pid 7',
  ];
  const places = order.map((part) => text?.indexOf(part) ?? -1);
  expect(places).not.toContain(-1);
  expect(places).toEqual(places.toSorted((a, b) => a - b));
});

test('of one moment what was said last comes first', () => {
  const text = words(page(shown({ entries: ['one', 'two', 'three'].map((words) => entry(5, 'warn', `the line ${words}`)) })));
  expect(text.indexOf('line three')).toBeLessThan(text.indexOf('line two'));
  expect(text.indexOf('line two')).toBeLessThan(text.indexOf('line one'));
});

describe('the headline is as bad as the worst', () => {
  const application = report().application;
  test.each([
    ['Running', report([])],
    ['In sync', report()],
    ['Changing', report([rule({ standing: 'changing', in_sync: false })])],
    ['Not in sync', report([rule({ standing: 'pinned', in_sync: false }), rule({ standing: 'changing', in_sync: false })])],
    ['Refused', report([rule({ standing: 'pinned', in_sync: false }), refusedRule()])],
    ['Not ready', report([refusedRule()], { application: { ...application, ready: false } })],
    ['Down', report([refusedRule()], { application: { ...application, state: 'backoff', pid: null, attempt: 3, next_start_at: ago(-7) } })],
  ])('%s', (word, is) => {
    expect(words(page(shown({ report: is })))).toContain(`${word} · web-7d9f · reinit`);
  });
});

test.each<[RuleStanding, string]>([
  ['pinned', 'reinit unpin /etc/nginx'],
  ['held_back', 'waits for the rule whose files are refused'],
  ['retrying', 'The next try is at 12:00:30 UTC'],
  ['unknown', 'reinit rescan /etc/nginx'],
])('what to do about a rule that is %s', (standing, remedy) => {
  expect(words(page(shown({ report: report([rule({ standing, in_sync: false, retry_at: ago(-30) })]) })))).toContain(remedy);
});

describe('foreign text', () => {
  test('stays text', () => {
    const markup = page(hostile);
    expect(markup).not.toContain(harmful.slice(0, 20));
    expect(markup.match(/<script /g)).toHaveLength(1);
    expect(markup.match(/<style /g)).toHaveLength(1);
    expect(markup).not.toMatch(/<img/);
    for (const character of ['\0', '\u001b', '\u202e']) expect(markup).not.toContain(character);
    expect(markup).toContain('&lt;/pre&gt;&lt;/style&gt;&lt;/script&gt;&lt;script&gt;globalThis.harm = 1');
    expect(words(markup)).toContain(`reinit unpin 'it'\\''s'`);
  });

  test('is bounded, however much there is of it', () => {
    expect(page(hostile).length).toBeLessThan(2 ** 20);
    const many = Array.from({ length: 1_000 }, (_, at) => entry(at, 'warn', `the line ${at}`));
    expect(words(page(shown({ entries: many })))).toContain('950 older ones are in reinit history and reinit events');
    expect(words(page(shown({ report: report(Array.from({ length: 130 }, () => rule())) })))).toContain('30 more rules');
  });
});

test('one document: nothing is loaded, and style and script carry the nonce', () => {
  const markup = page(shown(), 'n0nce"');
  expect(markup.match(/nonce="n0nce&quot;"/g)).toHaveLength(2);
  expect(markup).not.toMatch(/ style=| on\w+=|https?:\/\/(?!www\.w3\.org\/2000\/svg)|@import|url\(/);
});
