/** What happens to the application, as a rule sees it: what an instance found as it started, and what its end says of that. */
import { isOwned, type RulePolicy } from './policy.ts';
import { shortHash } from './reading.ts';
import type { InstanceEvent, RuleState, RuleStep } from './rule.ts';
import { isOnProbation } from './rule.ts';
import { enter, evaluate, finished, goodNote, learnt, provenOn, runsWith, tell } from './rule-steps.ts';

/** What the files are as an instance is ordered is what it will find, unless they change before it has started. */
export function ordered(
  rule: RuleState,
  { beside }: Extract<InstanceEvent, { kind: 'instanceOrdered' }>,
  policy: RulePolicy,
): RuleStep | undefined {
  if (isOwned(policy)) return undefined;
  const found = rule.phase.kind === 'applying' ? rule.phase.candidate.reading.hash : rule.desired?.hash;
  if (beside) return learnt({ ...rule, beside: found });
  return enter(rule, { kind: 'coming', expected: rule.desired?.hash });
}

export function started(
  rule: RuleState,
  event: Extract<InstanceEvent, { kind: 'instanceStarted' }>,
  policy: RulePolicy,
  id: number,
): RuleStep | undefined {
  const { at, promoted } = event;
  if (isOwned(policy)) return startedOnPublished(rule, at, policy, id);
  // The one beside may be the only one before it has started.
  if (promoted || rule.beside !== undefined)
    return enter({ ...rule, beside: undefined }, { kind: 'surveying', expected: rule.beside, startedAt: at, read: id, success: undefined });
  if (rule.phase.kind !== 'coming') return undefined;
  return enter(rule, { kind: 'surveying', expected: rule.phase.expected, startedAt: at, read: id, success: undefined });
}

/** It was not started by us: what it has found is known if that was there before it. Where nobody knows its start, live files are taken as they are. */
export function found(
  rule: RuleState,
  { since, published, at }: Extract<InstanceEvent, { kind: 'instanceFound' }>,
  policy: RulePolicy,
  id: number,
): RuleStep | undefined {
  if (isOwned(policy)) {
    const settled = rule.phase.kind === 'idle' || rule.phase.kind === 'down';
    if (settled && since !== undefined && since >= Math.max(published, rule.actedAt)) return startedOnPublished(rule, since, policy, id);
    const unknown = { ...rule, applied: undefined, goodAt: undefined };
    return settled ? evaluate(unknown, policy, at, id) : learnt(unknown);
  }
  const expected = since === undefined || rule.steadySince <= since ? rule.desired?.hash : undefined;
  return enter(rule, { kind: 'surveying', expected, startedAt: since ?? at, read: id, success: undefined });
}

function startedOnPublished(rule: RuleState, at: number, policy: RulePolicy, id: number): RuleStep | undefined {
  const { published, phase } = rule;
  if (!published) return undefined;
  const candidate = phase.kind === 'queued' ? phase.candidate : undefined;
  if (candidate?.reading.hash === published.hash) return finished(rule, candidate, 'start', false, at, policy, id);
  const whole = [rule.desired, rule.applied].find((reading) => reading?.hash === published.hash) ?? published;
  const state = runsWith({ ...rule, applied: undefined }, whole, false, at, policy);
  return phase.kind === 'idle' || phase.kind === 'down' ? evaluate(state, policy, at, id) : learnt(state);
}

/** The next instance begins with a survey. What the apply machine has to say of this end it has said before. */
export function ended(
  rule: RuleState,
  event: Extract<InstanceEvent, { kind: 'instanceEnded' }>,
  policy: RulePolicy,
  id: number,
): RuleStep | undefined {
  if (isOwned(policy)) return event.ordered ? undefined : endedOnProbation(rule, event, policy, id);
  if (rule.phase.kind === 'down' || (rule.phase.kind === 'applying' && event.ordered)) return undefined;
  return enter({ ...rule, goodAt: undefined }, { kind: 'down' });
}

/** It came up on a new generation, and did not last: back to the last one that did. */
function endedOnProbation(
  rule: RuleState,
  { problem, at }: Extract<InstanceEvent, { kind: 'instanceEnded' }>,
  policy: RulePolicy,
  id: number,
): RuleStep | undefined {
  const { applied, good, published } = rule;
  if (!applied || !good || !isOnProbation(rule, policy) || published?.hash !== applied.hash) return undefined;
  const state = { ...rule, applied: undefined, goodAt: undefined, published: good, refused: applied.hash };
  const why = problem === undefined ? 'ended' : 'not_alive';
  const note = { kind: 'rolled_back', from: shortHash(applied.hash), to: shortHash(good.hash), why } as const;
  const busy = rule.phase.kind !== 'idle' && rule.phase.kind !== 'down';
  return tell(busy ? learnt(state) : evaluate(state, policy, at, id), note);
}

/** What it has started with. Of what is being applied, and of files that are not compared yet, this says nothing. */
export function confirmedByStart(rule: RuleState): RuleStep | undefined {
  const { applied, goodAt, phase } = rule;
  if (!applied || goodAt === undefined || phase.kind === 'applying' || phase.kind === 'coming' || phase.kind === 'surveying')
    return undefined;
  const proven = provenOn(rule, applied);
  return tell(learnt(proven), goodNote(proven));
}
