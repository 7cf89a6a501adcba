/**
 * What happens when a reading is not what was expected: the files are being written, or have changed. The watch tells what they settle on, but
 * not if that is what it told last (A → B → A); so the rule reads by itself, `settle` apart, until two readings agree. Files that differ for longer
 * than `max_wait` need not agree: the newest complete reading is tried.
 */

import { backOffMs } from './back-off.ts';
import type { RulePolicy } from './policy.ts';
import type { Reading } from './reading.ts';
import type { RuleState, RuleStep } from './rule.ts';
import { change, enter, evaluate, type Handler, tell } from './rule-steps.ts';

const leastMs = 50;
const mostMs = 30_000;
/** Unreadable so often in a row is worth a line. */
const triesToTell = 6;

interface Answer {
  readonly reading: Reading | undefined;
  readonly at: number;
}

/** Enters settling with the reading that did not fit. */
export function lookAgain(rule: RuleState, event: Answer, policy: RulePolicy): RuleStep {
  return tell(wait(rule, event, policy, 0), { kind: 'unsettled' });
}

export const reread: Handler<'rereading'> = (rule, phase, event, policy, id) => {
  if (event.kind !== 'read') return undefined;
  const { reading, at } = event;
  if (!reading || (reading.hash !== phase.last && !isOverdue(rule, at, policy))) {
    const step = wait(rule, event, policy, phase.tries + 1);
    return phase.tries + 1 === triesToTell && !reading ? tell(step, { kind: 'unreadable' }) : step;
  }
  const settled = change(rule, reading, at, policy);
  return tell(evaluate(settled.state, policy, at, id), ...settled.notes);
};

/** The files have been others than those that are applied for longer than `max_wait`. */
export const isOverdue = (rule: RuleState, at: number, policy: RulePolicy): boolean =>
  rule.divergedAt !== undefined && at - rule.divergedAt >= policy.max_wait;

/** Unreadable files are asked for less and less often; those that change are asked for every `settle`. */
function wait(rule: RuleState, event: Answer, policy: RulePolicy, tries: number): RuleStep {
  const quiet = Math.max(leastMs, policy.settle);
  const delay = event.reading ? quiet : backOffMs(tries, quiet, mostMs);
  return enter(rule, { kind: 'settling', last: event.reading?.hash, readAt: event.at + delay, tries: event.reading ? 0 : tries });
}
