/** What an entry of the journal adds to which counter. Pure. Labels are words of reinit's own and names of rules: so many, and no more. */

import { restartReasonOf } from '../control/report.ts';
import { type Failure, isFailure } from '../core/failures.ts';
import type { RollbackReason, StartReason } from '../core/notes.ts';
import { type Action, isOwned, type RulePolicy } from '../core/policy.ts';
import type { Entry } from '../journal/journal.ts';

export const counters = {
  reinit_config_changes_total: 'Changes of the watched files that were seen.',
  reinit_reloads_total: 'Changes that were brought to the application, by how, and by whether it took them.',
  reinit_refusals_total: 'Changes that were refused, by why. The application was left as it was.',
  reinit_rollbacks_total: 'Times that the last good configuration was gone back to, by why.',
  reinit_application_restarts_total: 'Starts of the application after its first one, by why.',
  reinit_watch_fallbacks_total: 'Times that polling took over, because there were no events of the file system to be had.',
} as const;
type CounterName = keyof typeof counters;
export type Labels = Readonly<Record<string, string>>;

export interface Count {
  readonly name: CounterName;
  readonly labels: Labels;
}

/** Event → by what the change was to reach the application, where its line does not say so. */
const waysOf: Readonly<Record<Failure, 'said' | 'configured' | Action>> = {
  reload_failed: 'configured',
  restart_failed: 'restart',
  action_failed: 'said',
  unconfirmed: 'said',
  signal_refused: 'reload',
  not_signalled: 'reload',
  publish_failed: 'configured',
};

/** @param policyOf how a rule is configured */
export function countOf(entry: Entry, policyOf: (rule: string) => RulePolicy | undefined): Count | undefined {
  const { event = '', rule } = entry;
  const reason = restartReasonOf(entry);
  if (reason !== undefined) return { name: 'reinit_application_restarts_total', labels: { reason } };
  if (rule === undefined) return undefined;
  switch (event) {
    case 'change_seen':
      return { name: 'reinit_config_changes_total', labels: { rule } };
    case 'applied':
      return { name: 'reinit_reloads_total', labels: { rule, how: String(entry.how), result: 'success' } };
    case 'refused':
      return { name: 'reinit_refusals_total', labels: { rule, reason: refusalReason(entry) } };
    case 'not_staged':
      return { name: 'reinit_refusals_total', labels: { rule, reason: 'not_copied' } };
    case 'rolled_back':
      return { name: 'reinit_rollbacks_total', labels: { rule, reason: String(entry.why) } };
    case 'watch_mode':
      if (entry.mode !== 'poll' || policyOf(rule)?.mode === 'poll') return undefined;
      return { name: 'reinit_watch_fallbacks_total', labels: { rule } };
    default: {
      if (!isFailure(event)) return undefined;
      const by = waysOf[event];
      const how = by === 'said' ? String(entry.how) : by === 'configured' ? (policyOf(rule)?.on_change ?? 'none') : by;
      return { name: 'reinit_reloads_total', labels: { rule, how, result: 'failure' } };
    }
  }
}

/** As the line tells it apart: src/log/words.ts, verdictFields. */
function refusalReason({ timed_out, stage, exit_code, signal }: Entry): string {
  if (timed_out === true) return 'timeout';
  if (stage !== undefined) return 'validator_not_started';
  if (exit_code !== undefined) return 'invalid';
  return signal === undefined ? 'unusable' : 'validator_killed';
}

/** Records, so that the compiler asks for what comes to be. */
const restarts: Readonly<Record<Exclude<StartReason, 'start'>, true>> = {
  change: true,
  policy: true,
  failed_change: true,
  liveness: true,
  memory: true,
  uptime: true,
  asked: true,
};
const rollbacks: Readonly<Record<RollbackReason, true>> = {
  ended: true,
  not_ready: true,
  not_alive: true,
  unconfirmed: true,
  refused: true,
};

/** Those that are there before anything has happened: a rate needs a first value. */
export function countsAtRest(rules: readonly RulePolicy[]): Count[] {
  return [
    ...rules.flatMap((policy): Count[] => {
      const { name: rule, on_change: how } = policy;
      return [
        { name: 'reinit_config_changes_total', labels: { rule } },
        { name: 'reinit_reloads_total', labels: { rule, how, result: 'success' } },
        { name: 'reinit_reloads_total', labels: { rule, how, result: 'failure' } },
        { name: 'reinit_refusals_total', labels: { rule, reason: 'invalid' } },
        { name: 'reinit_watch_fallbacks_total', labels: { rule } },
        ...(isOwned(policy) ? Object.keys(rollbacks) : []).map(
          (reason): Count => ({ name: 'reinit_rollbacks_total', labels: { rule, reason } }),
        ),
      ];
    }),
    ...Object.keys(restarts).map((reason): Count => ({ name: 'reinit_application_restarts_total', labels: { reason } })),
  ];
}
