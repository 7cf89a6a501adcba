/** The whole of what operators are told: what is so now, from the state and the watches, and why, from the journal. Pure. */
import { type OwnStatus, type RuleStatus, type Status, statusOf } from '../core/status.ts';
import type { Entry } from '../journal/journal.ts';
import type { Controller } from './control.ts';
import { type Generation, historyOf } from './history.ts';
import type { ReinitStatus } from './protocol.ts';

export interface Watched {
  /** How changes are found: by events or by polling. */
  readonly watched_by: string | null;
  /** What is wrong with this watch (a mount that never changes…), and what to do. */
  readonly warnings: readonly string[];
}

export interface RuleReport extends RuleStatus, Watched {
  /** Why what the files hold is not applied, where it was refused or has failed. */
  readonly refusal: Pick<Generation, 'hash' | 'decided_at' | 'reason' | 'output'> | null;
}

export interface OwnReport extends OwnStatus {
  readonly refusal: { readonly reason: string; readonly output: string | null } | null;
}

export interface Report extends Omit<Status, 'rules' | 'own_file'> {
  readonly own_file: OwnReport | null;
  readonly rules: readonly RuleReport[];
  /** So often it was started again, as far back as the journal reaches. */
  readonly restarts: number;
  readonly reinit: ReinitStatus;
}

/** @param generations for who has them already */
export function reportOf(
  { state, config, now, watched, journal: { entries }, reinit }: Controller,
  wall: number,
  generations: readonly Generation[] = historyOf(entries),
): Report {
  const status = statusOf(state(), config, { now: now(), wall });
  const rules = status.rules.map((rule) => ({ ...rule, ...watched(rule.name), refusal: refusalOf(rule, generations) }));
  const own_file = status.own_file && { ...status.own_file, refusal: ownRefusal(status.own_file, entries) };
  return { ...status, rules, own_file, restarts: entries.filter((entry) => restartReasonOf(entry) !== undefined).length, reinit };
}

function ownRefusal({ refused }: OwnStatus, entries: readonly Entry[]): OwnReport['refusal'] {
  if (refused === null) return null;
  const told = entries.findLast(({ event }) => event === 'config_refused' || event === 'config_went_back');
  if (!told) return null;
  return { reason: told.msg, output: typeof told.output === 'string' ? told.output : null };
}

/** Why the application was started again, where that is what an entry tells. */
export function restartReasonOf({ event, reason }: Entry): string | undefined {
  const starts = event === 'started' || event === 'took_over';
  return starts && typeof reason === 'string' && reason !== 'start' ? reason : undefined;
}

function refusalOf({ name, refused, standing }: RuleStatus, generations: readonly Generation[]): RuleReport['refusal'] {
  if (refused === null || standing === 'in_sync') return null;
  const found = generations.findLast(({ rule, hash, reason }) => rule === name && hash === refused && reason !== null);
  if (!found) return { hash: refused, decided_at: null, reason: null, output: null };
  const { hash, decided_at, reason, output } = found;
  return { hash, decided_at, reason, output };
}
