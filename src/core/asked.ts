/** What somebody may ask for now, and why not: said at once, in place of a wait for what will not come. Pure. */
import type { Config } from '../config/model.ts';
import { isOwned, policiesOf, type RulePolicy } from './policy.ts';
import { formerOf, isRefused, type RuleState, type RuleVerb } from './rule.ts';
import { isAtRest } from './rule-asked.ts';
import type { State } from './state.ts';

/** `hint`: what to do instead. */
export interface Objection {
  readonly code: 'unknown_rule' | 'no_rules' | 'not_now' | 'nothing_to_do' | 'not_published' | 'attached' | 'not_running';
  readonly message: string;
  readonly hint?: string;
}

/** The rules that are meant; none named: all of them. */
export function rulesMeant(
  names: readonly string[],
  config: Config,
): { readonly rules: readonly string[] } | { readonly objection: Objection } {
  const known = policiesOf(config.services.main).map(({ name }) => name);
  const unknown = names.find((name) => !known.includes(name));
  if (unknown !== undefined) {
    return {
      objection: { code: 'unknown_rule', message: `there is no rule ${unknown}`, hint: `There are: ${known.join(', ') || 'none'}.` },
    };
  }
  if (known.length === 0) return { objection: { code: 'no_rules', message: 'nothing is watched (there is no `watch:`)' } };
  return { rules: names.length > 0 ? names : known };
}

/** Undefined: something comes of it. Of several rules it is enough if one of them can. */
export function objectionTo(verb: RuleVerb, names: readonly string[], state: State, config: Config): Objection | undefined {
  const objections = names.map((name) => {
    const policy = policiesOf(config.services.main).find((one) => one.name === name);
    const rule = state.rules[name];
    return policy && rule ? objection(verb, rule, policy) : undefined;
  });
  return objections.some((one) => one === undefined) ? undefined : objections[0];
}

function objection(verb: RuleVerb, rule: RuleState, policy: RulePolicy): Objection | undefined {
  const { name } = policy;
  switch (verb) {
    case 'pin':
      return rule.pinned ? { code: 'nothing_to_do', message: `${name} is pinned already` } : undefined;
    case 'unpin':
      return rule.pinned ? undefined : { code: 'nothing_to_do', message: `${name} is not pinned` };
    case 'rollback':
      return isOwned(policy) ? (cannotGoBack(rule, name) ?? busy(rule, name)) : notOwned(name);
    case 'accept':
      if (busy(rule, name)) return busy(rule, name);
      return isRefused(rule) ? undefined : { code: 'nothing_to_do', message: `nothing of ${name} is refused` };
    case 'validate':
      if (policy.validate.length === 0) return { code: 'nothing_to_do', message: `${name} has no validator`, hint: 'Set `validate`.' };
      return busy(rule, name);
    case 'reload':
      if (rule.pinned) return { code: 'not_now', message: `${name} is pinned`, hint: `First \`reinit unpin ${name}\`.` };
      return busy(rule, name);
    default:
      return verb satisfies never;
  }
}

function busy(rule: RuleState, name: string): Objection | undefined {
  if (isAtRest(rule) && rule.desired) return undefined;
  if (!rule.desired) return { code: 'not_now', message: `the files of ${name} cannot be read` };
  return { code: 'not_now', message: `${name} is being worked on (${rule.phase.kind})`, hint: 'Look at `reinit status`, and ask again.' };
}

const notOwned = (name: string): Objection => ({
  code: 'not_published',
  message: `${name} cannot be rolled back: the application reads the watched files themselves`,
  hint: 'Set `publish`, so that it reads what reinit hands to it, or put the old files back.',
});

function cannotGoBack(rule: RuleState, name: string): Objection | undefined {
  if (formerOf(rule)) return undefined;
  return { code: 'nothing_to_do', message: `no earlier generation of ${name} is known to go back to` };
}
