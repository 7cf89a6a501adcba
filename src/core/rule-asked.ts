/** What somebody asks for at the control socket: the same ways as those of a change, begun by hand. */
import { isOwned, type RulePolicy } from './policy.ts';
import { formerOf, isRefused, type Order, type RuleEvent, type RuleState, type RuleStep, type RuleVerb } from './rule.ts';
import { consider, enter, learnt, tell } from './rule-steps.ts';

type Asked = Extract<RuleEvent, { kind: 'asked' }>;

/** Undefined: nothing can come of it now. Whoever asks is told so beforehand (asked.ts). */
export function asked(rule: RuleState, event: Asked, policy: RulePolicy, id: number): RuleStep | undefined {
  const step = verbs[event.verb](rule, event, policy, id);
  return step && tell(step, { kind: 'asked', verb: event.verb });
}

type Verb = (rule: RuleState, event: Asked, policy: RulePolicy, id: number) => RuleStep | undefined;

const verbs: { readonly [V in RuleVerb]: Verb } = {
  pin: (rule) => learnt({ ...rule, pinned: true }),
  unpin: (rule) => learnt({ ...rule, pinned: false }),
  reload: (rule, { at }, policy, id) => (isAtRest(rule) ? anew(rule, undefined, at, policy, id) : undefined),
  accept: (rule, { at }, policy, id) => (isAtRest(rule) && isRefused(rule) ? anew(rule, 'accept', at, policy, id) : undefined),
  validate: (rule, { at }, policy, id) =>
    rule.phase.kind === 'idle' && rule.desired
      ? consider(rule, { reading: rule.desired, since: at, tries: 0, order: 'validate' }, policy, at, id)
      : undefined,
  rollback(rule, { at }, policy) {
    const target = isOwned(policy) && isAtRest(rule) ? formerOf(rule) : undefined;
    if (!target) return undefined;
    const unwanted = { ...rule, refused: rule.desired?.hash === target.hash ? undefined : rule.desired?.hash };
    return enter(unwanted, { kind: 'queued', candidate: { reading: target, since: at, tries: 0, order: 'rollback' }, held: 'no' });
  },
};

/** Nothing is being judged or applied. */
export const isAtRest = ({ phase: { kind } }: RuleState): boolean => kind === 'idle' || kind === 'delayed' || kind === 'queued';

/** As if the files had just become what they are. */
function anew(rule: RuleState, order: Order | undefined, at: number, policy: RulePolicy, id: number): RuleStep | undefined {
  const { desired, echo } = rule;
  if (!desired) return undefined;
  const fresh = { ...rule, refused: undefined, echo: { ...echo, heldUntil: 0 } };
  return consider(fresh, { reading: desired, since: at, tries: 0, ...(order && { order }) }, policy, at, id);
}
