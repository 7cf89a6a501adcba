/** The steps that several phases of a rule share. */
import type { RuleNote } from './notes.ts';
import { differenceOf, type Reading, shortHash, shortOf } from './reading.ts';
import type { Candidate, Phase, RuleCommand, RuleEvent, RulePolicy, RuleState, RuleStep } from './rule.ts';

export type Handler<K extends Phase['kind']> = (
  rule: RuleState,
  phase: Extract<Phase, { kind: K }>,
  event: RuleEvent,
  policy: RulePolicy,
  id: number,
) => RuleStep | undefined;

export const enter = (rule: RuleState, phase: Phase, commands: readonly RuleCommand[] = []): RuleStep => ({
  state: { ...rule, phase },
  commands,
  notes: [],
});
/** Notes said before those of the step itself. */
export const tell = (step: RuleStep, ...notes: readonly RuleNote[]): RuleStep => ({ ...step, notes: [...notes, ...step.notes] });
/** What was learnt, without leaving the phase. */
export const stay = ({ state, notes }: Learnt): RuleStep => ({ state, commands: [], notes });

export interface Learnt {
  readonly state: RuleState;
  readonly notes: readonly RuleNote[];
}

/** Takes a settled reading as desired. It is told once, and not at all where it is what is there already. */
export function change(rule: RuleState, reading: Reading, at: number): Learnt {
  if (reading.hash === rule.desired?.hash) return { state: { ...rule, desired: reading }, notes: [] };
  const state = { ...rule, desired: reading, seenAt: at };
  const from = rule.applied ?? rule.desired;
  if (reading.hash === rule.applied?.hash) return { state, notes: [] };
  return {
    state,
    notes: [{ kind: 'change_seen', from: shortOf(from), to: shortHash(reading.hash), difference: differenceOf(from, reading) }],
  };
}

/** Level-triggered: what is to be done follows from the three values alone. */
export function evaluate(rule: RuleState, policy: RulePolicy, id: number): RuleStep {
  const { desired, applied, refused } = rule;
  if (!desired) return enter(rule, { kind: 'idle' });
  if (desired.hash === applied?.hash) {
    const step = enter({ ...rule, refused: undefined }, { kind: 'idle' });
    return refused === undefined && !awaited(rule.phase) ? step : tell(step, { kind: 'back', hash: shortHash(desired.hash) });
  }
  if (desired.hash === refused) return enter(rule, { kind: 'idle' });
  const candidate: Candidate = { reading: desired, since: rule.seenAt };
  if (policy.validate.length > 0) return enter(rule, { kind: 'checking', candidate, read: id });
  return enter(rule, { kind: 'queued', candidate, held: false });
}

/** A change was told and nothing has come of it yet: its withdrawal is told, too. */
const awaited = ({ kind }: Phase): boolean => kind === 'checking' || kind === 'queued' || kind === 'settling' || kind === 'rereading';

/** The candidate is what the application runs with now; what came meanwhile is next. */
export function finished(
  rule: RuleState,
  candidate: Candidate,
  how: 'reload' | 'restart' | 'none',
  at: number,
  policy: RulePolicy,
  id: number,
): RuleStep {
  const applied = { ...rule, applied: candidate.reading, refused: undefined };
  const note: RuleNote = { kind: 'applied', hash: shortHash(candidate.reading.hash), how, ms: Math.max(0, at - candidate.since) };
  return tell(evaluate(applied, policy, id), note);
}
