/** Who may apply, and when: one at a time over all rules, and not before the application can take it. */
import type { WatchRule } from '../config/model.ts';
import { holdsOthersBack, holdsTurn, isRefused, type RuleEvent, type RuleState, ruleDeadline } from './rule.ts';
import type { ServiceState } from './service.ts';

/** What of the state the turns depend on. */
export interface Turns {
  readonly service: ServiceState;
  readonly rules: Readonly<Record<string, RuleState>>;
  readonly lastSignalAt: number;
}

/** applications.md, trap 5: haproxy loses the second of two reload signals that are 10 to 60 ms apart. */
const signalGapMs = 250;

export interface Given {
  readonly rule: string;
  readonly event: RuleEvent;
}

interface Queued {
  readonly policy: WatchRule;
  readonly since: number;
}

/** Turns to give now. Rules that only report need no turn of the others; of the rest one at most, the longest waiting first. */
export function nextTurns(turns: Turns, policies: readonly WatchRule[], at: number): Given[] {
  const queued = queuedRules(turns, policies);
  const given = queued.filter(({ policy }) => policy.on_change === 'none').map(({ policy }) => turn(policy, at));
  if (Object.values(turns.rules).some(holdsTurn)) return given;
  for (const { policy } of queued.filter((one) => one.policy.on_change !== 'none')) {
    const by = heldBackBy(policy.name, turns, policies);
    if (by !== undefined) given.push(...heldBack(policy, by, turns));
    else if (at >= (earliest(policy, turns) ?? Number.POSITIVE_INFINITY)) return [...given, turn(policy, at)];
  }
  return given;
}

/** When the machines have to be woken up next, if ever. */
export function nextDeadline(turns: Turns, policies: readonly WatchRule[]): number | undefined {
  const deadlines = Object.values(turns.rules).map(ruleDeadline);
  if (turns.service.kind === 'backoff') deadlines.push(turns.service.until);
  if (!Object.values(turns.rules).some(holdsTurn)) {
    // One that is held back waits for the other rule, not for a time.
    const free = queuedRules(turns, policies).filter(({ policy }) => heldBackBy(policy.name, turns, policies) === undefined);
    deadlines.push(...free.map(({ policy }) => earliest(policy, turns)));
  }
  const known = deadlines.filter((deadline) => deadline !== undefined);
  return known.length > 0 ? Math.min(...known) : undefined;
}

/** Readings that the rules wait for. */
export function pendingReads(rules: Readonly<Record<string, RuleState>>): { readonly rule: string; readonly id: number }[] {
  return Object.entries(rules).flatMap(([rule, { phase }]) => ('read' in phase ? [{ rule, id: phase.read }] : []));
}

const turn = (policy: WatchRule, at: number): Given => ({ rule: policy.name, event: { kind: 'turn', at } });

function queuedRules(turns: Turns, policies: readonly WatchRule[]): Queued[] {
  const queued = policies.flatMap((policy): Queued[] => {
    const phase = turns.rules[policy.name]?.phase;
    return phase?.kind === 'queued' ? [{ policy, since: phase.candidate.since }] : [];
  });
  return queued.sort((a, b) => a.since - b.since);
}

/** A check is over soon, and is no news; what is refused waits for somebody. */
function heldBack(policy: WatchRule, by: string, { rules }: Turns): Given[] {
  const other = rules[by];
  return other && isRefused(other) ? [{ rule: policy.name, event: { kind: 'heldBack', by } }] : [];
}

/** A signal or a restart makes the application read the files of all rules, so none of them may be refused or under validation. */
function heldBackBy(name: string, turns: Turns, policies: readonly WatchRule[]): string | undefined {
  const other = policies.find((policy) => {
    const rule = turns.rules[policy.name];
    return policy.name !== name && rule !== undefined && holdsOthersBack(rule, policy);
  });
  return other?.name;
}

/** Undefined while no application runs: the next one finds the files anyway. */
function earliest(policy: WatchRule, { service, lastSignalAt }: Turns): number | undefined {
  if (service.kind !== 'running') return undefined;
  const ready = policy.on_change === 'reload' ? service.since + policy.reload_after_start : 0;
  return Math.max(ready, lastSignalAt + signalGapMs);
}
