/** What is so at a scrape, told from the report. Pure. */
import type { Generation } from '../control/history.ts';
import type { Report, RuleReport } from '../control/report.ts';
import { isDenied } from '../core/status.ts';
import type { Labels } from './counts.ts';

export const gauges = {
  reinit_config_last_reload_successful:
    'Whether the last change that was decided upon has reached the application (1), or was refused or has failed (0).',
  reinit_config_last_reload_success_timestamp_seconds: 'When configuration has reached the application last.',
  reinit_config_in_sync: 'Whether the application runs with what the files hold.',
  reinit_config_out_of_sync_since_timestamp_seconds: 'Since when it does not; absent while it does.',
  reinit_config_pinned: 'Whether somebody has pinned the rule: changes wait until it is unpinned.',
  reinit_config_info: 'The generation that the application runs with, as its hash.',
  reinit_own_file_in_force: 'Whether what the file of reinit itself holds is in force (1), or was refused (0); absent without a file.',
  reinit_watch_mode: 'How changes are found: by events of the file system, or by polling.',
  reinit_application_up: 'Whether the application runs.',
  reinit_application_ready: 'Whether it is ready.',
  reinit_application_start_time_seconds: 'When its process was started; absent while none runs.',
  reinit_build_info: 'The version of reinit.',
} as const;
type GaugeName = keyof typeof gauges;

export interface Sample {
  readonly name: GaugeName;
  readonly labels: Labels;
  readonly value: number;
}

export function samplesOf(report: Report, generations: readonly Generation[]): Sample[] {
  const { application, reinit } = report;
  const up = application.state === 'running';
  const none: Labels = {};
  return [
    ...report.rules.flatMap((rule) =>
      ofRule(
        rule,
        report,
        generations.filter((one) => one.rule === rule.name),
      ),
    ),
    ...(report.own_file
      ? [{ name: 'reinit_own_file_in_force' as const, labels: none, value: Number(report.own_file.refused === null) }]
      : []),
    { name: 'reinit_application_up', labels: none, value: Number(up) },
    { name: 'reinit_application_ready', labels: none, value: Number(up && application.ready) },
    ...(up ? moment('reinit_application_start_time_seconds', none, application.since) : []),
    { name: 'reinit_build_info', labels: { version: reinit.version }, value: 1 },
  ];
}

function ofRule(status: RuleReport, { application }: Report, generations: readonly Generation[]): Sample[] {
  const rule: Labels = { rule: status.name };
  const last = generations.findLast(({ fate }) => fate === 'applied')?.decided_at;
  // Configuration that was there when the application started has reached it then.
  const reached = last ?? (status.applied === null || application.state !== 'running' ? null : application.since);
  return [
    { name: 'reinit_config_last_reload_successful', labels: rule, value: Number(isSuccessful(status, generations)) },
    ...moment('reinit_config_last_reload_success_timestamp_seconds', rule, reached),
    { name: 'reinit_config_in_sync', labels: rule, value: Number(status.in_sync) },
    ...moment('reinit_config_out_of_sync_since_timestamp_seconds', rule, status.out_of_sync_since),
    { name: 'reinit_config_pinned', labels: rule, value: Number(status.pinned) },
    ...(status.applied === null ? [] : [{ name: 'reinit_config_info' as const, labels: { ...rule, hash: status.applied }, value: 1 }]),
    ...(status.watched_by === null ? [] : [{ name: 'reinit_watch_mode' as const, labels: { ...rule, mode: status.watched_by }, value: 1 }]),
  ];
}

/** While something is on its way, what was decided before it still counts. */
function isSuccessful(rule: RuleReport, generations: readonly Generation[]): boolean {
  if (rule.in_sync) return true;
  if (isDenied(rule)) return false;
  const decided = generations.findLast(({ fate }) => fate !== 'seen' && fate !== 'superseded');
  return decided === undefined || decided.fate === 'applied';
}

const moment = (name: GaugeName, labels: Labels, time: string | null): Sample[] =>
  time === null ? [] : [{ name, labels, value: Date.parse(time) / 1000 }];
