/** When what was asked for is over, and how it ended. Pure. */
import { failures, refusals } from '../core/failures.ts';
import type { RuleState } from '../core/rule.ts';
import type { State } from '../core/state.ts';
import type { Entry } from '../journal/journal.ts';
import type { Outcome } from './protocol.ts';

/** Nothing is under way for these rules, nor with the application. */
export function isQuiet({ rules, apply, service }: State, names: readonly string[]): boolean {
  const quiet = names.every((name) => rules[name] === undefined || isRuleQuiet(rules[name]));
  const steady = service.kind === 'running' ? service.readiness.kind !== 'probing' && !service.beside : atRest.has(service.kind);
  return apply.kind === 'none' && quiet && steady;
}

const atRest: ReadonlySet<State['service']['kind']> = new Set(['backoff', 'seeking', 'ending', 'ended']);

function isRuleQuiet({ phase, pinned, stirsSince }: RuleState): boolean {
  if (stirsSince !== undefined) return false;
  switch (phase.kind) {
    case 'idle':
    case 'delayed':
    case 'down':
    case 'over':
      return true;
    case 'queued':
      return pinned || phase.held === 'told';
    default:
      return false;
  }
}

const bad: ReadonlySet<string> = new Set([
  ...refusals,
  ...failures,
  'rolled_back',
  'rollback_failed',
  'unreadable',
  'held_back',
  'start_failed',
  'not_published',
  'gave_up',
  'not_ready',
  'beside_failed',
  'restart_scheduled',
]);

/** @param entries what was said since it was asked for, of these rules and of the application */
export function outcomeOf(entries: readonly Entry[], quiet: boolean): Outcome['outcome'] {
  const refused = entries.some((entry) => (entry.event !== undefined && bad.has(entry.event)) || entry.valid === false);
  if (refused) return 'refused';
  return quiet ? 'done' : 'pending';
}
