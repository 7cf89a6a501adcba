/** What a running reinit would report, for the status page. */
import type { Generation } from '../../src/control/history.ts';
import type { Report, RuleReport } from '../../src/control/report.ts';
import type { Entry } from '../../src/journal/journal.ts';

const noon = Date.parse('2026-03-04T12:00:00.000Z');
export interface Shown {
  readonly report: Report;
  readonly generations: readonly Generation[];
  readonly entries: readonly Entry[];
}

/** So many seconds before the report's time. */
export const ago = (seconds: number): string => new Date(noon - seconds * 1_000).toISOString();

export const rule = (over: Partial<RuleReport> = {}): RuleReport => ({
  name: '/etc/nginx',
  paths: ['/etc/nginx'],
  standing: 'in_sync',
  in_sync: true,
  action: 'reload',
  desired: '6a2416f534ed',
  applied: '6a2416f534ed',
  good: '6a2416f534ed',
  refused: null,
  rollback_to: null,
  pinned: false,
  published: false,
  out_of_sync_since: null,
  changed_at: ago(3_720),
  retry_at: null,
  refusal: null,
  watched_by: 'events',
  warnings: [],
  ...over,
});

export const validatorWords = [
  'nginx: [emerg] unknown directive "retrun" in /etc/nginx/conf.d/default.conf:4',
  'nginx: configuration file /etc/nginx/nginx.conf test failed',
].join('\n');

export const refusedRule = (over: Partial<RuleReport> = {}): RuleReport =>
  rule({
    standing: 'refused',
    in_sync: false,
    desired: '49073d2162fd',
    refused: '49073d2162fd',
    out_of_sync_since: ago(95),
    changed_at: ago(95),
    refusal: {
      hash: '49073d2162fd',
      decided_at: ago(93),
      reason:
        'change 49073d2162fd of /etc/nginx refused: nginx says no (exit code 1); the application keeps running on 6a2416f534ed. Correct the files: the next change is checked again.',
      output: validatorWords,
    },
    ...over,
  });

export function report(rules: readonly RuleReport[] = [rule()], over: Partial<Report> = {}): Report {
  const inSync = rules.every(({ in_sync }) => in_sync);
  return {
    v: 1,
    time: ago(0),
    healthy: true,
    in_sync: inSync,
    summary: `the application runs; ${inSync ? 'all configuration is applied' : '/etc/nginx is refused'}`,
    application: {
      state: 'running',
      pid: 7,
      ready: true,
      since: ago(86_400 + 7_200),
      attempt: 0,
      next_start_at: null,
      not_ready_because: null,
    },
    rules,
    own_file: null,
    restarts: 1,
    reinit: { host: 'web-7d9f', version: '0.1.0', pid: 12, controller_generation: 0, since: ago(90_000) },
    ...over,
  };
}

export const generation = (over: Partial<Generation> = {}): Generation => ({
  rule: '/etc/nginx',
  hash: '6a2416f534ed',
  seen_at: ago(3_720),
  files: ['/etc/nginx/conf.d/default.conf'],
  more: 0,
  fate: 'applied',
  decided_at: ago(3_717),
  how: 'reload',
  ms: 3_100,
  reason: null,
  output: null,
  good: true,
  ...over,
});

export const refusedGeneration = (over: Partial<Generation> = {}): Generation =>
  generation({
    hash: '49073d2162fd',
    seen_at: ago(95),
    fate: 'refused',
    decided_at: ago(93),
    how: null,
    ms: null,
    reason: refusedRule().refusal?.reason ?? null,
    output: validatorWords,
    good: false,
    ...over,
  });

export const entry = (seconds: number, level: Entry['level'], msg: string, fields: Readonly<Record<string, string>> = {}): Entry => ({
  time: ago(seconds),
  level,
  msg,
  ...fields,
});

export const entries: readonly Entry[] = [
  entry(93_600, 'info', 'started nginx, pid 7', { event: 'started', reason: 'start' }),
  entry(86_500, 'warn', 'nginx ended by itself after 2h3m: signal SEGV', { event: 'ended' }),
  entry(86_400, 'info', 'started nginx again, as `restart` asks for, pid 7', { event: 'started', reason: 'policy' }),
  entry(95, 'info', 'change seen in /etc/nginx (conf.d/default.conf): 6a2416f534ed → 49073d2162fd', {
    event: 'change_seen',
    rule: '/etc/nginx',
  }),
  entry(93, 'error', refusedRule().refusal?.reason ?? '', { event: 'refused', rule: '/etc/nginx', hash: '49073d2162fd' }),
];

/** Everything that may hold foreign text holds what would harm a page that takes it for markup, and more of it than there is room for. */
export const harmful = `</pre></style></script><script>globalThis.harm = 1</script><img src=x onerror="harm=2">"' onfocus='harm=3' \u0000\u001b[31m\u202e`;
const long = `${harmful}${'x'.repeat(5_000)}`;

const hostileRule = refusedRule({
  name: long,
  paths: Array.from({ length: 50 }, (_, at) => `/${at}${long}`),
  watched_by: harmful,
  warnings: Array.from({ length: 50 }, () => long),
  rollback_to: harmful,
  refusal: { hash: harmful, decided_at: ago(5), reason: long, output: long.repeat(10) },
});

export const hostile: Shown = {
  report: report([hostileRule, rule({ name: `it's`, standing: 'pinned', in_sync: false, pinned: true })], {
    summary: `${harmful} is refused`,
  }),
  generations: Array.from({ length: 100 }, (_, at) =>
    refusedGeneration({
      rule: long,
      hash: harmful,
      files: Array.from({ length: 50 }, () => long),
      more: 7,
      reason: long,
      output: long,
      decided_at: ago(at),
    }),
  ),
  entries: Array.from({ length: 100 }, (_, at) => entry(at, 'error', long, { event: harmful, output: long })),
};
