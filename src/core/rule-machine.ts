/**
 * The way of a change, as a pure machine for one watch rule: read again → copy (where there is one) → validate → read again → queued. From there the
 * apply machine (apply.ts) takes it over, and says how it ended.
 *
 * What must never happen: files in the queue that were refused, or that are no longer what was validated; a change that is forgotten: whatever path is
 * taken, it ends in comparing desired with applied again.
 */
import { isOwned, type RulePolicy } from './policy.ts';
import { bare, shortHash } from './reading.ts';
import type { Phase, RuleEvent, RuleState, RuleStep } from './rule.ts';
import { isRefused } from './rule.ts';
import { asked } from './rule-asked.ts';
import { confirmedByStart, ended, found, ordered, started } from './rule-instance.ts';
import {
  accept,
  change,
  consider,
  delay,
  enter,
  evaluate,
  goodNote,
  type Handler,
  isToBeValidated,
  learnt,
  provenOn,
  refuse,
  runsWith,
  stay,
  tell,
} from './rule-steps.ts';
import { dissolved, failed, rolledBack, succeeded } from './rule-verdicts.ts';
import { isOverdue, lookAgain, reread } from './settle.ts';

/**
 * Pure. Undefined: the event means nothing in this phase.
 *
 * @param id one that was never used: for a reading, a job or a validator's token
 */
export function ruleTransition(rule: RuleState, event: RuleEvent, policy: RulePolicy, id: number): RuleStep | undefined {
  if (rule.phase.kind === 'over') return undefined;
  const whole = wholeRule[event.kind] as WholeHandler<RuleEvent['kind']> | undefined;
  if (whole) return whole(rule, event, policy, id);
  if (event.kind === 'read' && !('read' in rule.phase && rule.phase.read === event.id)) return undefined;
  const proven = proves(rule, event);
  const handler = handlers[rule.phase.kind] as Handler<Phase['kind']>;
  return handler(proven ?? rule, rule.phase, event, policy, id) ?? (proven && tell(learnt(proven), goodNote(proven)));
}

type WholeHandler<K extends RuleEvent['kind']> = (
  rule: RuleState,
  event: Extract<RuleEvent, { kind: K }>,
  policy: RulePolicy,
  id: number,
) => RuleStep | undefined;

/** Events that mean the same, or nearly, in whatever phase the rule is. */
const wholeRule: { readonly [K in RuleEvent['kind']]?: WholeHandler<K> } = {
  containerStops: (rule) => enter(rule, { kind: 'over' }),
  asked,
  told,
  stirred: (rule, { at }) => (rule.stirsSince === undefined ? learnt({ ...rule, stirsSince: at }) : undefined),
  calmed: (rule) => (rule.stirsSince === undefined ? undefined : learnt({ ...rule, stirsSince: undefined })),
  instanceOrdered: ordered,
  instanceStarted: started,
  instanceFound: found,
  instanceEnded: ended,
  instanceReady: confirmedByStart,
  instanceUnready: () => undefined,
  besideFailed: (rule) => (rule.beside === undefined ? undefined : learnt({ ...rule, beside: undefined })),
  published: (rule, { reading }) => learnt({ ...rule, published: bare(reading) }),
  dissolved,
  succeeded,
  failed,
  rolledBack,
};

const ignore = (): undefined => undefined;

const handlers: { readonly [K in Phase['kind']]: Handler<K> } = {
  idle(rule, _, event, policy, id) {
    const { desired } = rule;
    if (event.kind !== 'askedAgain' || !desired || !isRefused(rule) || policy.validate.length === 0) return undefined;
    return consider(rule, { reading: desired, since: rule.seenAt, tries: 0 }, policy, event.at, id);
  },
  down: ignore,
  over: ignore,
  coming: ignore,
  applying: ignore,
  settling(rule, phase, event, _, id) {
    if (event.kind !== 'timeElapsed' || event.at < phase.readAt) return undefined;
    return enter(rule, { kind: 'rereading', last: phase.last, tries: phase.tries, read: id });
  },
  rereading: reread,
  checking(rule, phase, event, policy, id) {
    if (event.kind !== 'read') return undefined;
    if (event.reading?.hash !== phase.candidate.reading.hash) return lookAgain(rule, event, policy);
    return validate(rule, { ...phase, directory: undefined }, 0, id);
  },
  staging(rule, phase, event, policy, id) {
    if (event.kind !== 'jobDone' || event.id !== phase.job) return undefined;
    const { candidate } = phase;
    switch (event.result.kind) {
      case 'staged':
        if (isToBeValidated(candidate, policy)) return validate(rule, { candidate, directory: event.result.directory }, 0, id);
        return accept(rule, candidate, policy, event.at, id);
      case 'moved':
        return lookAgain(rule, { reading: undefined, at: event.at }, policy);
      default: {
        const problem = event.result.kind === 'done' ? (event.result.problem ?? '') : '';
        const step = delay({ ...rule, refused: candidate.reading.hash }, candidate, event.at);
        return candidate.tries > 0 ? step : tell(step, { kind: 'not_staged', hash: shortHash(candidate.reading.hash), problem });
      }
    }
  },
  validating(rule, phase, event, policy, id) {
    if (event.kind !== 'validated' || event.token !== phase.token) return undefined;
    const { candidate, step, directory } = phase;
    if (event.refusal === undefined) {
      return step + 1 < policy.validate.length ? validate(rule, phase, step + 1, id) : accept(rule, candidate, policy, event.at, id);
    }
    if (directory !== undefined) return refuse(rule, candidate, step, event.refusal, policy, event.at, id);
    return enter(rule, { kind: 'judging', candidate, step, verdict: event.refusal, read: id });
  },
  judging(rule, { candidate, step, verdict }, event, policy, id) {
    if (event.kind !== 'read') return undefined;
    if (event.reading?.hash !== candidate.reading.hash) return lookAgain(rule, event, policy);
    return refuse(rule, candidate, step, verdict, policy, event.at, id);
  },
  delayed(rule, { candidate, until }, event, policy, id) {
    if (event.kind !== 'timeElapsed' || event.at < until) return undefined;
    return consider(rule, candidate, policy, event.at, id);
  },
  queued(rule, phase, event) {
    if (event.kind === 'chosen') return enter(rule, { kind: 'applying', candidate: phase.candidate });
    if (event.kind !== 'heldBack' || phase.held === 'told') return undefined;
    if (phase.held === 'no') return enter(rule, { ...phase, held: 'asked' });
    const note = { kind: 'held_back', hash: shortHash(phase.candidate.reading.hash), by: event.by } as const;
    return tell(enter(rule, { ...phase, held: 'told' }), note);
  },
  surveying(rule, { expected, startedAt, success }, event, policy, id) {
    if (event.kind !== 'read') return undefined;
    const { reading, at } = event;
    // What changed since may have been found by the application or not: nobody knows what it runs with.
    if (!reading || reading.hash !== expected) return lookAgain({ ...rule, applied: undefined, goodAt: undefined }, event, policy);
    const refused = rule.refused === reading.hash;
    const found = runsWith({ ...rule, refused: refused ? undefined : rule.refused }, reading, false, startedAt, policy);
    const proven = success && succeeded({ ...found, phase: { kind: 'idle' } }, success, policy, id);
    const evaluated = evaluate(proven?.state ?? found, policy, at, id);
    const step = tell(evaluated, ...(proven?.notes ?? []));
    return refused ? tell(step, { kind: 'came_up_on_refused', hash: shortHash(reading.hash) }) : step;
  },
};

function validate(rule: RuleState, { candidate, directory }: Validating, step: number, token: number): RuleStep {
  return enter(rule, { kind: 'validating', candidate, step, token, directory }, [{ kind: 'validate', token, step }]);
}

type Validating = Pick<Extract<Phase, { kind: 'validating' }>, 'candidate' | 'directory'>;

/** The time of probation has passed. */
function proves(rule: RuleState, event: RuleEvent): RuleState | undefined {
  if (event.kind !== 'timeElapsed' || rule.goodAt === undefined || event.at < rule.goodAt || !rule.applied) return undefined;
  return provenOn(rule, rule.applied);
}

function told(rule: RuleState, event: Extract<RuleEvent, { kind: 'told' }>, policy: RulePolicy, id: number): RuleStep | undefined {
  const seen = change(rule, event.reading, event.at, policy, event.foreign);
  const anew = (): RuleStep => tell(evaluate(seen.state, policy, event.at, id), ...seen.notes);
  switch (rule.phase.kind) {
    case 'idle':
    case 'settling':
    case 'rereading':
      return anew();
    case 'checking':
    case 'delayed':
      return rule.phase.candidate.reading.hash === event.reading.hash ? stay(seen) : anew();
    case 'queued': {
      // A copy that was found valid is applied in the end, however often the files change meanwhile.
      const stays = rule.phase.candidate.reading.hash === event.reading.hash || (isOwned(policy) && isOverdue(rule, event.at, policy));
      return stays ? stay(seen) : anew();
    }
    case 'down':
      if (isOwned(policy)) return anew();
      // The next instance would find it anyway: no reason to wait for the end of a back-off.
      return seen.notes.length > 0 ? { ...seen, commands: [{ kind: 'restart' }] } : stay(seen);
    default:
      return stay(seen); // compared again when this phase ends
  }
}
