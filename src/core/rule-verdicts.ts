/** What came of a change that the apply machine had taken over. */
import { isOwned, type RulePolicy } from './policy.ts';
import { shortHash } from './reading.ts';
import type { RuleState, RuleStep, Verdict } from './rule.ts';
import { delay, enter, evaluate, finished, learnt, runsWith, tell } from './rule-steps.ts';
import { lookAgain } from './settle.ts';

/** So many reloads in a row that ended the application are the signal's fault, not the configuration's. */
const deathsToFall = 2;

export function dissolved(
  rule: RuleState,
  event: Extract<Verdict, { kind: 'dissolved' }>,
  policy: RulePolicy,
  id: number,
): RuleStep | undefined {
  if (rule.phase.kind !== 'applying') return undefined;
  if (event.moved) return lookAgain(rule, { ...event.moved, at: event.at }, policy);
  const { candidate } = rule.phase;
  const newer = rule.desired !== undefined && rule.desired.hash !== candidate.reading.hash && !isOwned(policy);
  return newer ? evaluate(rule, policy, event.at, id) : enter(rule, { kind: 'queued', candidate, held: 'no' });
}

export function succeeded(
  rule: RuleState,
  event: Extract<Verdict, { kind: 'succeeded' }>,
  policy: RulePolicy,
  id: number,
): RuleStep | undefined {
  const { how, candidate, proven, at } = event;
  const survived = how === 'reload' ? { ...rule, deaths: 0 } : rule;
  if (rule.phase.kind === 'applying') return finished(survived, candidate, how, proven, at, policy, id);
  // A restart: the survey has found by itself, or is about to, what the application runs with.
  if (rule.phase.kind === 'surveying') return learnt({ ...rule, phase: { ...rule.phase, success: event } });
  const { hash } = candidate.reading;
  if (rule.applied && rule.applied.hash !== hash) return undefined;
  const cleared = { ...survived, refused: rule.refused === hash ? undefined : rule.refused, actedAt: at };
  const state = proven && rule.applied ? runsWith(cleared, rule.applied, true, at, policy) : cleared;
  return tell(learnt(state), { kind: 'applied', hash: shortHash(hash), how, ms: Math.max(0, at - candidate.since) });
}

export function failed(rule: RuleState, event: Extract<Verdict, { kind: 'failed' }>, policy: RulePolicy, id: number): RuleStep | undefined {
  const { candidate, note, again, death, at } = event;
  const deaths = rule.deaths + (death ? 1 : 0);
  const fallen = rule.fallen || death?.byIt === true || deaths >= deathsToFall;
  const state: RuleState = { ...rule, deaths, fallen, refused: candidate.reading.hash, goodAt: undefined, actedAt: at };
  const notes = note ? [note] : [];
  if (rule.phase.kind !== 'applying') return tell(learnt(state), ...notes);
  if (again) return tell(delay(state, candidate, at), ...notes);
  // An instance that was started on it, and is not ready, runs with it: it has failed all the same.
  const newer = rule.desired?.hash !== candidate.reading.hash;
  return tell(newer ? evaluate(state, policy, at, id) : enter(state, { kind: 'idle' }), ...notes);
}

export function rolledBack(rule: RuleState, event: Extract<Verdict, { kind: 'rolledBack' }>, policy: RulePolicy): RuleStep {
  const { reading, took, note, at } = event;
  return tell(learnt(took ? runsWith(rule, reading, false, at, policy) : rule), note);
}
