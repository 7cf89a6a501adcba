/** The whole of what operators are told: what is so now, from the state, and why, from the journal. Pure. */
import { type RuleStatus, type Status, statusOf } from '../core/status.ts';
import type { Entry } from '../journal/journal.ts';
import type { Controller } from './control.ts';
import { type Generation, historyOf } from './history.ts';
import type { ReinitStatus } from './protocol.ts';

export interface RuleReport extends RuleStatus {
  /** Why what the files hold is not applied, where it was refused or has failed. */
  readonly refusal: Pick<Generation, 'hash' | 'decided_at' | 'reason' | 'output'> | null;
  /** How changes are found: by events or by polling. */
  readonly watched_by: string | null;
  /** What is wrong with this watch (a mount that never changes…), and what to do. */
  readonly warnings: readonly string[];
}

export interface Report extends Omit<Status, 'rules'> {
  readonly rules: readonly RuleReport[];
  /** So often it was started again, as far back as the journal reaches. */
  readonly restarts: number;
  readonly reinit: ReinitStatus;
}

export function reportOf({ state, config, now, journal: { entries }, reinit }: Controller, wall: number): Report {
  const status = statusOf(state(), config, { now: now(), wall });
  const generations = historyOf(entries);
  const rules = status.rules.map((rule) => ({ ...rule, ...told(rule, entries), refusal: refusalOf(rule, generations) }));
  return { ...status, rules, restarts: entries.filter(isRestart).length, reinit };
}

const isRestart = (entry: Entry): boolean => entry.event === 'started' && entry.reason !== 'start';

function told({ name }: RuleStatus, entries: readonly Entry[]): Pick<RuleReport, 'watched_by' | 'warnings'> {
  const own = entries.filter(({ rule }) => rule === name);
  const mode = own.findLast(({ event }) => event === 'watch_mode')?.mode;
  const warnings = new Set(own.filter(({ event }) => event === 'watch_warning').map(({ msg }) => msg));
  return { watched_by: typeof mode === 'string' ? mode : null, warnings: [...warnings] };
}

function refusalOf({ name, refused, standing }: RuleStatus, generations: readonly Generation[]): RuleReport['refusal'] {
  if (refused === null || standing === 'in_sync') return null;
  const found = generations.findLast(({ rule, hash, reason }) => rule === name && hash === refused && reason !== null);
  if (!found) return { hash: refused, decided_at: null, reason: null, output: null };
  const { hash, decided_at, reason, output } = found;
  return { hash, decided_at, reason, output };
}
