/** The steps that several phases of a rule share. */
import { backOffMs } from './back-off.ts';
import { noticeChange } from './loop-guard.ts';
import type { Refusal, RuleNote, Verdict, Way } from './notes.ts';
import { isOwned, isStaged, type RulePolicy } from './policy.ts';
import { bare, differenceOf, type Reading, shortHash, shortOf } from './reading.ts';
import type { Candidate, Phase, RuleCommand, RuleEvent, RuleState, RuleStep } from './rule.ts';

export type Handler<K extends Phase['kind']> = (
  rule: RuleState,
  phase: Extract<Phase, { kind: K }>,
  event: RuleEvent,
  policy: RulePolicy,
  id: number,
) => RuleStep | undefined;

/** Circumstances change by themselves, or somebody sees to them. */
const firstDelayMs = 10_000;
const longestDelayMs = 300_000;

export const enter = (rule: RuleState, phase: Phase, commands: readonly RuleCommand[] = []): RuleStep => ({
  state: { ...rule, phase },
  commands,
  notes: [],
});
/** Notes said before those of the step itself. */
export const tell = (step: RuleStep, ...notes: readonly RuleNote[]): RuleStep => ({ ...step, notes: [...notes, ...step.notes] });
/** What was learnt, without leaving the phase. */
export const stay = ({ state, notes }: Learnt): RuleStep => ({ state, commands: [], notes });
export const learnt = (state: RuleState): RuleStep => ({ state, commands: [], notes: [] });

export interface Learnt {
  readonly state: RuleState;
  readonly notes: readonly RuleNote[];
}

/** Takes a settled reading as desired. It is told once, and not at all where it is what is there already. */
export function change(rule: RuleState, reading: Reading, at: number, policy: RulePolicy, foreign = false): Learnt {
  const calm = { ...rule, stirsSince: undefined };
  if (reading.hash === rule.desired?.hash) return { state: { ...calm, desired: reading }, notes: [] };
  const actedAt = rule.phase.kind === 'applying' ? at : rule.actedAt;
  const { echo, note } = foreign || !policy.loop_guard ? { echo: rule.echo } : noticeChange(rule.echo, at, actedAt, policy.settle);
  const loop = note ? [note] : [];
  const state = { ...calm, echo, desired: reading, seenAt: at, steadySince: at };
  const from = rule.applied ?? rule.desired;
  if (reading.hash === rule.applied?.hash) return { state: { ...state, divergedAt: undefined }, notes: loop };
  const seen = { kind: 'change_seen', from: shortOf(from), to: shortHash(reading.hash), difference: differenceOf(from, reading) } as const;
  return { state: { ...state, divergedAt: rule.divergedAt ?? at }, notes: [seen, ...loop] };
}

/** Level-triggered: what is to be done follows from the three values alone. */
export function evaluate(rule: RuleState, policy: RulePolicy, at: number, id: number): RuleStep {
  const { desired, applied, refused } = rule;
  if (!desired) return enter(rule, { kind: 'idle' });
  if (desired.hash === applied?.hash) {
    const step = enter({ ...rule, refused: undefined, divergedAt: undefined }, { kind: 'idle' });
    return refused === undefined && !awaited(rule.phase) ? step : tell(step, { kind: 'back', hash: shortHash(desired.hash) });
  }
  if (desired.hash === refused) return enter(rule, { kind: 'idle' });
  return consider(rule, { reading: desired, since: rule.seenAt, tries: 0 }, policy, at, id);
}

/** A change was told and nothing has come of it yet: its withdrawal is told, too. */
const awaited = ({ kind }: Phase): boolean =>
  kind === 'checking' || kind === 'staging' || kind === 'queued' || kind === 'settling' || kind === 'rereading' || kind === 'delayed';

/** The first step that this candidate needs. */
export function consider(rule: RuleState, candidate: Candidate, policy: RulePolicy, at: number, id: number): RuleStep {
  const { problem } = candidate.reading;
  if (problem !== undefined) return refuse(rule, candidate, 0, { kind: 'unusable', problem }, policy, at, id);
  if (isStaged(policy)) return enter(rule, { kind: 'staging', candidate, job: id });
  if (isToBeValidated(candidate, policy)) return enter(rule, { kind: 'checking', candidate, read: id });
  return accept(rule, candidate, policy, at, id);
}

/** Not where somebody has taken it upon themselves. */
export const isToBeValidated = ({ order }: Candidate, { validate }: RulePolicy): boolean => validate.length > 0 && order !== 'accept';

/** Nothing is said against it. */
export function accept(rule: RuleState, candidate: Candidate, policy: RulePolicy, at: number, id: number): RuleStep {
  if (candidate.order === 'validate') return checked(rule, candidate, 0, { kind: 'accepted' }, policy, at, id);
  if (policy.on_change === 'none' && !isOwned(policy)) return finished(rule, candidate, 'none', false, at, policy, id);
  const refused = rule.refused === candidate.reading.hash ? undefined : rule.refused;
  return enter({ ...rule, refused }, { kind: 'queued', candidate, held: 'no' });
}

/** A verdict on the files is final for them. A validator that gave none (it hangs, it is missing) is asked again, later and later. */
export function refuse(
  rule: RuleState,
  candidate: Candidate,
  step: number,
  verdict: Refusal,
  policy: RulePolicy,
  at: number,
  id: number,
): RuleStep {
  if (candidate.order === 'validate') return checked(rule, candidate, step, verdict, policy, at, id);
  const { hash } = candidate.reading;
  const refused = { ...rule, refused: hash };
  const final = verdict.kind === 'unusable' || (verdict.kind === 'ended' && verdict.end.kind === 'code');
  const after = final ? evaluate(refused, policy, at, id) : delay(refused, candidate, at);
  const toldBefore = final ? rule.refused === hash && candidate.tries === 0 : candidate.tries > 0;
  if (toldBefore) return after;
  return tell(after, { kind: 'refused', hash: shortHash(hash), running: shortOf(rule.applied), step, verdict });
}

/** It was only to be heard. */
function checked(
  rule: RuleState,
  { reading }: Candidate,
  step: number,
  verdict: Verdict,
  policy: RulePolicy,
  at: number,
  id: number,
): RuleStep {
  const note = { kind: 'checked', hash: shortHash(reading.hash), step, verdict } as const;
  return tell(evaluate({ ...rule, phase: { kind: 'idle' } }, policy, at, id), note);
}

/** The newest files go first, if they are others by now. */
export function delay(rule: RuleState, candidate: Candidate, at: number): RuleStep {
  const until = at + backOffMs(candidate.tries, firstDelayMs, longestDelayMs);
  return enter(rule, { kind: 'delayed', candidate: { ...candidate, tries: candidate.tries + 1 }, until });
}

/** The candidate is what the application runs with now; what came meanwhile is next. */
export function finished(
  rule: RuleState,
  candidate: Candidate,
  how: Way,
  proven: boolean,
  at: number,
  policy: RulePolicy,
  id: number,
): RuleStep {
  // Who goes back does not want what the files hold; and has run on this before.
  const back = candidate.order === 'rollback';
  const actedAt = how === 'none' && !isOwned(policy) ? rule.actedAt : at;
  const state = { ...rule, refused: back ? rule.refused : undefined, actedAt };
  const applied = runsWith(state, candidate.reading, proven || back, at, policy);
  const note: RuleNote = { kind: 'applied', hash: shortHash(candidate.reading.hash), how, ms: Math.max(0, at - candidate.since) };
  return tell(evaluate({ ...applied, phase: { kind: 'idle' } }, policy, at, id), note);
}

/** A generation is good once the application has confirmed it, or has run on it for `good_after`. */
export function runsWith(rule: RuleState, reading: Reading, proven: boolean, at: number, policy: RulePolicy): RuleState {
  const state = { ...rule, applied: reading };
  if (proven || policy.good_after === 0) return provenOn(state, reading);
  if (reading.hash === rule.good?.hash) return { ...state, goodAt: undefined };
  const running = reading.hash === rule.applied?.hash ? rule.goodAt : undefined;
  return { ...state, goodAt: running ?? at + policy.good_after };
}

/** What proves itself takes the place of what did before. */
export function provenOn(rule: RuleState, reading: Reading): RuleState {
  const { good } = rule;
  return { ...rule, good: bare(reading), goodAt: undefined, former: good && good.hash !== reading.hash ? good : rule.former };
}

export const goodNote = ({ good }: RuleState) => ({ kind: 'good', hash: shortHash(good?.hash ?? '') }) as const;
