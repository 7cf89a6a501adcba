import { expect, test } from 'vitest';
import type { Report, RuleReport } from '../../src/control/report.ts';
import { age } from '../../src/core/durations.ts';
import { historyText, statusText } from '../../src/operate/render.ts';
import { helpOf, runOperate } from '../../src/operate/run.ts';
import { topText } from '../../src/operate/top.ts';
import { operatingVerbs } from '../../src/operate/verbs.ts';
import { isOperating } from '../../src/operate/words.ts';

const now = Date.parse('2026-03-01T12:00:00Z');
const rule: RuleReport = {
  name: '/etc/nginx',
  paths: ['/etc/nginx'],
  standing: 'refused',
  in_sync: false,
  action: 'reload',
  desired: 'bbbbbbbbbbbb',
  applied: 'aaaaaaaaaaaa',
  good: null,
  refused: 'bbbbbbbbbbbb',
  rollback_to: null,
  pinned: true,
  published: false,
  out_of_sync_since: '2026-03-01T11:58:30Z',
  changed_at: '2026-03-01T11:58:30Z',
  retry_at: null,
  refusal: { hash: 'bbbbbbbbbbbb', decided_at: null, reason: 'it was refused', output: 'line 3\nis wrong' },
  watched_by: 'poll',
  warnings: ['/etc/nginx is mounted by subPath.'],
};
const report: Report = {
  v: 1,
  time: '2026-03-01T12:00:00Z',
  healthy: true,
  in_sync: false,
  summary: 's',
  application: {
    state: 'running',
    pid: 7,
    ready: true,
    not_ready_because: null,
    since: '2026-02-27T09:00:00Z',
    attempt: 0,
    next_start_at: null,
  },
  rules: [rule],
  own_file: null,
  restarts: 2,
  reinit: { host: 'web-7d9f', version: '1.2.3', pid: 9, controller_generation: 1, since: '2026-03-01T11:00:00Z' },
};

test('status, for somebody on call', () => {
  expect(statusText(report, now)).toBe(`application    running, ready, pid 7, since 2d3h, 2 restarts
configuration  NOT in sync
reinit         1.2.3 on web-7d9f, up 1h0m, controller started 2 times

RULE        STATE             RUNS WITH     FILES HOLD    LAST GOOD  SINCE
/etc/nginx  refused (pinned)  aaaaaaaaaaaa  bbbbbbbbbbbb  -          1m30s

it was refused
    | line 3
    | is wrong
/etc/nginx is mounted by subPath.
/etc/nginx: changes are found by polling
`);
});

test('an application that is not ready, and why', () => {
  const application = { ...report.application, ready: false, not_ready_because: '127.0.0.1:80 answered 503' };
  expect(statusText({ ...report, application }, now)).toContain('running, not ready (127.0.0.1:80 answered 503), pid 7');
});

test('an application that waits for its next start', () => {
  const application = {
    ...report.application,
    state: 'backoff',
    pid: null,
    ready: false,
    since: null,
    next_start_at: '2026-03-01T12:00:09Z',
  } as const;
  expect(statusText({ ...report, application, rules: [], restarts: 0 }, now)).toContain(
    'application    backoff, next start in 9s\nconfiguration  nothing is watched\n',
  );
});

test('history', () => {
  expect(historyText([], now)).toBe('No change was seen yet.\n');
  const generation = {
    rule: '/etc/nginx',
    hash: 'bbbbbbbbbbbb',
    seen_at: '2026-03-01T11:59:00Z',
    files: ['/etc/nginx/a', '/etc/nginx/b'],
    more: 3,
    fate: 'refused',
    decided_at: null,
    how: null,
    ms: 1500,
    reason: 'it was refused',
    output: 'line 3',
    good: false,
  } as const;
  expect(historyText([generation], now)).toBe(`SEEN      RULE        GENERATION    FATE     TOOK  FILES
1m0s ago  /etc/nginx  bbbbbbbbbbbb  refused  1.5s  /etc/nginx/a /etc/nginx/b and 3 more

it was refused
    | line 3
`);
  expect(historyText([{ ...generation, files: ['/etc/\u001b[31m\nx'], more: 0 }], now)).toContain('  /etc/?[31m?x\n');
});

test.each([
  ['2026-03-01T12:00:05Z', '0s'],
  ['2026-03-01T11:59:55Z', '5s'],
  ['2026-03-01T09:59:55Z', '2h0m'],
  [null, '-'],
])('age of %s: %s', (time, text) => expect(age(time, now)).toBe(text));

test.each(operatingVerbs)('reinit $name --help has examples', (about) => {
  expect(helpOf(about)).toMatch(/^Usage: reinit \w+[\s\S]*Options:[\s\S]*Examples:\n {2}\S/);
  expect(isOperating([about.name]) && isOperating(['help', about.name])).toBe(true);
});

test.each([
  [['status', '--bogus'], 100, /unknown option '--bogus'/],
  [['reload', '--timeout', 'soon', '--socket', '/nowhere'], 100, /--timeout soon: /],
  [['signal', '--socket', '/nowhere'], 100, /missing required argument/],
  [['status', '--socket', '/nowhere/c.sock'], 103, /no running reinit is reached \(\/nowhere\/c.sock: ENOENT\)/],
] as const)('%j leaves with %d', async (argv, code, words) => {
  let error = '';
  expect(await runOperate(argv, {}, { out: () => undefined, error: (text) => (error += text) })).toBe(code);
  expect(error).toMatch(words);
});

test('top: the busiest first, and names only', () => {
  const one = { pid: 7, ppid: 1, name: 'nginx', cpu: 0.04, cpuMs: 40, memory: 2 ** 20, since: now - 65_000 };
  const tree = { at: now, cpu: 50.04, memory: 3 * 2 ** 30, processes: [one, { ...one, pid: 8, ppid: 7, cpu: 50, memory: 2 ** 30 }] };
  expect(topText(tree)).toBe(`2 processes, 50.0% of one CPU, 3.00 GiB resident (what they share counts for each)

PID  PARENT  CPU    MEMORY    AGE   NAME
8    7       50.0%  1.00 GiB  1m5s  nginx
7    1       0.0%   1.0 MiB   1m5s  nginx
`);
  const many = Array.from({ length: 100 }, (_, pid) => ({ ...one, pid }));
  expect(topText({ ...tree, processes: many })).toContain('and 60 more');
});

test("reinit's own file is named where it is refused, or has more to come", () => {
  const own = { hash: 'cccccccccccc', refused: null, refusal: null, next_start: [] };
  expect(statusText({ ...report, own_file: own }, now)).not.toContain('own file');
  expect(statusText({ ...report, own_file: { ...own, next_start: ['user', 'umask'] } }, now)).toContain(
    'own file       cccccccccccc is in force; user, umask will count from the next start of the application\n',
  );
  const refused = { ...own, refused: 'dddddddddddd', refusal: { reason: 'it was refused', output: 'line 2' } };
  expect(statusText({ ...report, own_file: refused }, now)).toContain(
    'own file       dddddddddddd is refused, cccccccccccc is in force\nit was refused\n    | line 2\n',
  );
});
