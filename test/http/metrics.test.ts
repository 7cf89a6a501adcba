import { expect, test } from 'vitest';
import { reportOf } from '../../src/control/report.ts';
import { createMetrics } from '../../src/http/metrics.ts';
import { createCpuTotal } from '../../src/http/usage.ts';
import { fakeController, running, serve } from './serving.ts';

const metricsOf = (controller = fakeController()) => {
  const { scrape } = createMetrics(controller, async () => ({ at: 0, cpu: 12, cpuSeconds: 3.5, memory: 4096, processes: 2 }));
  const lines = async () => (await scrape('text')).body.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  return { controller, scrape, lines };
};
const seriesOf = (lines: readonly string[], series: string): string | undefined =>
  lines.find((line) => line.startsWith(`${series} `))?.slice(series.length + 1);

test('before anything has happened', async () => {
  const before = Date.now();
  const lines = await metricsOf().lines();
  const after = Date.now();
  expect(lines).toEqual(
    expect.arrayContaining([
      'reinit_config_last_reload_successful{rule="r"} 1',
      'reinit_config_in_sync{rule="r"} 1',
      'reinit_config_pinned{rule="r"} 0',
      'reinit_config_info{rule="r",hash="aaaaaaaaaaaa"} 1',
      'reinit_application_up 1',
      'reinit_application_ready 1',
      'reinit_reloads_total{rule="r",how="reload",result="success"} 0',
      'reinit_refusals_total{rule="r",reason="invalid"} 0',
      'reinit_application_restarts_total{reason="policy"} 0',
      'reinit_controller_restarts_total 2',
      'reinit_orphans_reaped_total 5',
      'reinit_signals_forwarded_total 4',
      'reinit_application_cpu_seconds_total 3.5',
      'reinit_application_memory_bytes 4096',
      'reinit_application_processes 2',
      'reinit_build_info{version="1.2.3"} 1',
    ]),
  );
  const started = Number(seriesOf(lines, 'reinit_application_start_time_seconds'));
  expect(started * 1000).toBeGreaterThanOrEqual(before - 9_000);
  expect(started * 1000).toBeLessThanOrEqual(after - 9_000);
  expect(seriesOf(lines, 'reinit_config_last_reload_success_timestamp_seconds{rule="r"}')).toBe(String(started));
});

const counted: readonly [string, Record<string, string | number | boolean>, string][] = [
  ['change_seen', { to: 'b' }, 'reinit_config_changes_total{rule="r"}'],
  ['applied', { hash: 'b', how: 'exec', ms: 5 }, 'reinit_reloads_total{rule="r",how="exec",result="success"}'],
  ['reload_failed', { hash: 'b' }, 'reinit_reloads_total{rule="r",how="reload",result="failure"}'],
  ['restart_failed', { hash: 'b' }, 'reinit_reloads_total{rule="r",how="restart",result="failure"}'],
  ['action_failed', { hash: 'b', how: 'http' }, 'reinit_reloads_total{rule="r",how="http",result="failure"}'],
  ['refused', { hash: 'b', exit_code: 1 }, 'reinit_refusals_total{rule="r",reason="invalid"}'],
  ['refused', { hash: 'b', timed_out: true }, 'reinit_refusals_total{rule="r",reason="timeout"}'],
  ['refused', { hash: 'b', signal: 'KILL' }, 'reinit_refusals_total{rule="r",reason="validator_killed"}'],
  ['refused', { hash: 'b', stage: 'exec' }, 'reinit_refusals_total{rule="r",reason="validator_not_started"}'],
  ['refused', { hash: 'b', reason: 'two files of one name' }, 'reinit_refusals_total{rule="r",reason="unusable"}'],
  ['not_staged', { hash: 'b' }, 'reinit_refusals_total{rule="r",reason="not_copied"}'],
  ['rolled_back', { from: 'b', to: 'a', why: 'ended' }, 'reinit_rollbacks_total{rule="r",reason="ended"}'],
  ['watch_mode', { mode: 'poll' }, 'reinit_watch_fallbacks_total{rule="r"}'],
];

test.each(counted)('%s %o is counted', async (event, fields, series) => {
  const { controller, lines } = metricsOf();
  controller.tell(event, fields);
  controller.tell(event, fields);
  expect(seriesOf(await lines(), series)).toBe('2');
});

test('polling that is configured has taken over from nothing', async () => {
  const { controller, lines } = metricsOf(fakeController({ mode: 'poll' }));
  controller.tell('watch_mode', { mode: 'poll' });
  expect(seriesOf(await lines(), 'reinit_watch_fallbacks_total{rule="r"}')).toBe('0');
});

test('starts after the first one are restarts', async () => {
  const { controller, lines } = metricsOf();
  for (const reason of ['start', 'policy', 'failed_change', 'policy'])
    controller.journal.add({ level: 'info', msg: 'started', fields: { event: 'started', reason } });
  expect(seriesOf(await lines(), 'reinit_application_restarts_total{reason="policy"}')).toBe('2');
  expect(seriesOf(await lines(), 'reinit_application_restarts_total{reason="failed_change"}')).toBe('1');
  expect((await lines()).join()).not.toContain('reason="start"');
  // With start_first the second one of two has been started.
  for (const reason of ['change', 'uptime', 'asked'])
    controller.journal.add({ level: 'info', msg: 'took over', fields: { event: 'took_over', reason } });
  for (const reason of ['change', 'uptime', 'asked'])
    expect(seriesOf(await lines(), `reinit_application_restarts_total{reason="${reason}"}`)).toBe('1');
  expect(reportOf(controller, 0).restarts).toBe(6);
});

test('what a former controller has counted is not counted again', async () => {
  const controller = fakeController();
  controller.tell('change_seen', { to: 'b' });
  const since = new Date(Date.now() + 1).toISOString();
  const later = metricsOf({ ...controller, reinit: { ...controller.reinit, since } });
  expect(seriesOf(await later.lines(), 'reinit_config_changes_total{rule="r"}')).toBe('0');
});

test('a refusal, until the files are good again', async () => {
  const { controller, lines } = metricsOf();
  const b = { hash: 'b'.repeat(64), files: undefined };
  const successful = async () => seriesOf(await lines(), 'reinit_config_last_reload_successful{rule="r"}');
  controller.tell('change_seen', { to: 'bbbbbbbbbbbb' });
  controller.tell('refused', { hash: 'bbbbbbbbbbbb', exit_code: 1 });
  controller.become({ rule: { desired: b, refused: b.hash, divergedAt: 2_000 } });
  expect(await successful()).toBe('0');
  expect(seriesOf(await lines(), 'reinit_config_in_sync{rule="r"}')).toBe('0');
  expect(seriesOf(await lines(), 'reinit_config_out_of_sync_since_timestamp_seconds{rule="r"}')).toBeDefined();
  // Another change is on its way: what was decided last still counts.
  controller.become({
    rule: { desired: { hash: 'c'.repeat(64), files: undefined }, phase: { kind: 'settling', last: undefined, readAt: 1, tries: 0 } },
  });
  expect(await successful()).toBe('0');
  controller.become({ rule: { applied: { hash: 'c'.repeat(64), files: undefined }, phase: { kind: 'idle' } } });
  expect(await successful()).toBe('1');
  // The hash of before is no series any more.
  expect((await lines()).filter((line) => line.startsWith('reinit_config_info'))).toEqual([
    'reinit_config_info{rule="r",hash="cccccccccccc"} 1',
  ]);
});

test('a refusal that the journal remembers no more is still one', async () => {
  const { controller, lines } = metricsOf();
  controller.become({ rule: { desired: { hash: 'b'.repeat(64), files: undefined }, refused: 'b'.repeat(64), divergedAt: 2_000 } });
  expect(seriesOf(await lines(), 'reinit_config_last_reload_successful{rule="r"}')).toBe('0');
});

test('how a rule is watched is what its watch says, whatever the journal remembers', async () => {
  const { controller, lines } = metricsOf();
  const mode = async () => (await lines()).filter((line) => line.startsWith('reinit_watch_mode'));
  controller.tell('watch_mode', { mode: 'poll' });
  controller.tell('watch_warning', { code: 'polling' });
  expect(await mode()).toEqual(['reinit_watch_mode{rule="r",mode="events"} 1']);
  expect(reportOf(controller, 0).rules[0]?.warnings).toEqual([]);
  controller.watching = { watched_by: 'poll', warnings: ['file events cannot be had'] };
  for (let n = 0; n < 600; n += 1) controller.tell('change_seen', { to: 'b' });
  expect(await mode()).toEqual(['reinit_watch_mode{rule="r",mode="poll"} 1']);
  expect(reportOf(controller, 0).rules[0]?.warnings).toEqual(['file events cannot be had']);
});

test('durations, of reloads as they were told and of validators as they passed by', async () => {
  const { controller, lines } = metricsOf();
  controller.tell('applied', { hash: 'b', how: 'reload', ms: 400 });
  const candidate = { reading: { hash: 'b'.repeat(64), files: undefined }, since: 1, tries: 0 };
  const validating = (step: number) => ({ kind: 'validating', candidate, step, token: step, directory: undefined }) as const;
  controller.become({ rule: { phase: validating(0) } });
  controller.clock += 30;
  controller.become({ rule: { phase: validating(1) } });
  controller.clock += 30;
  controller.become({ rule: { phase: { kind: 'idle' } } });
  const all = await lines();
  expect(seriesOf(all, 'reinit_reload_duration_seconds_sum{rule="r"}')).toBe('0.4');
  expect(seriesOf(all, 'reinit_reload_duration_seconds_bucket{le="0.25",rule="r"}')).toBe('0');
  expect(seriesOf(all, 'reinit_reload_duration_seconds_bucket{le="0.5",rule="r"}')).toBe('1');
  expect(seriesOf(all, 'reinit_validation_duration_seconds_sum{rule="r"}')).toBe('0.06');
  expect(seriesOf(all, 'reinit_validation_duration_seconds_count{rule="r"}')).toBe('1');
});

test('no application: nothing is said of one', async () => {
  const { controller, lines } = metricsOf();
  controller.become({ service: { kind: 'backoff', token: 1, attempt: 1, until: 1 } });
  const all = await lines();
  expect(seriesOf(all, 'reinit_application_up')).toBe('0');
  expect(seriesOf(all, 'reinit_application_ready')).toBe('0');
  expect(all.join()).not.toContain('start_time');
  controller.become({ service: running });
  expect(seriesOf(await lines(), 'reinit_application_up')).toBe('1');
});

test('CPU time only grows, whoever ends and whoever gets the number next', () => {
  const total = createCpuTotal();
  expect(
    total([
      { pid: 1, cpuMs: 100 },
      { pid: 2, cpuMs: 50 },
    ]),
  ).toBe(150);
  expect(total([{ pid: 1, cpuMs: 130 }])).toBe(180);
  expect(
    total([
      { pid: 1, cpuMs: 20 },
      { pid: 2, cpuMs: 10 },
    ]),
  ).toBe(210);
});

test('OpenMetrics for who asks, and the plain form is as before afterwards', async () => {
  const { ask } = await serve();
  const before = await ask('/metrics');
  const open = await ask('/metrics', { headers: { accept: 'application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5' } });
  const after = await ask('/metrics');
  expect(open.headers['content-type']).toBe('application/openmetrics-text; version=1.0.0; charset=utf-8');
  expect(open.body).toMatch(/^# TYPE reinit_config_changes counter\nreinit_config_changes_total\{rule="r"\} 0$/m);
  expect(open.body.endsWith('# EOF\n')).toBe(true);
  expect(before.headers['content-type']).toBe('text/plain; version=0.0.4; charset=utf-8');
  const names = (text: string) => text.split('\n').map((line) => line.replace(/ [\d.]+$/, ''));
  expect(names(after.body)).toEqual(names(before.body));
  expect(after.body).toContain('# TYPE reinit_config_changes_total counter');
});
