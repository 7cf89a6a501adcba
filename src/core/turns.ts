/** What may be applied, and when: one change at a time over all rules, and not before the application can take it. Pure. */
import type { Batch, Member } from './apply-state.ts';
import { type ApplyState, applyDeadline } from './apply-state.ts';
import { type Action, isOwned, type RulePolicy, strengthOf } from './policy.ts';
import type { Reading } from './reading.ts';
import { type Candidate, holdsOthersBack, isJudging, isRefused, isUnderWay, type RuleState, ruleDeadline } from './rule.ts';
import { renewalDeadline } from './service-care.ts';
import { otherInstance, type ServiceState, serviceDeadline } from './service-state.ts';
import { earliest } from './times.ts';

/** What of the state the turns depend on. */
export interface Turns {
  readonly service: ServiceState;
  readonly rules: Readonly<Record<string, RuleState>>;
  readonly apply: ApplyState;
  readonly lastSignalAt: number;
}

/** applications.md, trap 5: haproxy loses the second of two reload signals that are 10 to 60 ms apart. */
const signalGapMs = 250;

/** A rule that waits for its turn. */
interface Queued {
  readonly policy: RulePolicy;
  readonly rule: RuleState;
  readonly candidate: Candidate;
}

export interface Turn {
  readonly batch: Batch | undefined;
  /** Rules that wait for others whose files are refused. A check is over soon, and is no news; what is refused waits for somebody. */
  readonly heldBack: readonly { readonly rule: string; readonly by: string }[];
}

/** What to begin now: all that may go, by the strongest of their actions. */
export function nextTurn(turns: Turns, policies: readonly RulePolicy[], at: number): Turn {
  if (turns.apply.kind !== 'none') return { batch: undefined, heldBack: [] };
  const queued = queuedRules(turns, policies);
  const free = queued.filter(({ policy }) => heldBackBy(policy.name, turns, policies) === undefined);
  const due = free.filter((one) => at >= (dueAt(one, turns, policies) ?? Number.POSITIVE_INFINITY));
  const leader = strongest(due);
  return { batch: leader && batchOf(leader, free, turns, at), heldBack: heldBackRules(queued, turns, policies) };
}

/** When the machines have to be woken up next, if ever. */
export function nextDeadline(turns: Turns, policies: readonly RulePolicy[]): number | undefined {
  const deadlines = [serviceDeadline(turns.service), applyDeadline(turns.apply), ...Object.values(turns.rules).map(ruleDeadline)];
  if (turns.apply.kind === 'none') {
    deadlines.push(renewalDeadline(turns.service));
    // One that is held back waits for the other rule, not for a time.
    const free = queuedRules(turns, policies).filter(({ policy }) => heldBackBy(policy.name, turns, policies) === undefined);
    deadlines.push(...free.map((one) => dueAt(one, turns, policies)));
  }
  return turns.service.kind === 'ended' || turns.service.kind === 'ending' ? undefined : earliest(deadlines);
}

/** An application that does not survive its reload signal is restarted. */
export const actionOf = (policy: RulePolicy, { fallen }: Pick<RuleState, 'fallen'>): Action =>
  policy.on_change === 'reload' && fallen ? 'restart' : policy.on_change;

function queuedRules(turns: Turns, policies: readonly RulePolicy[]): Queued[] {
  const queued = policies.flatMap((policy): Queued[] => {
    const rule = turns.rules[policy.name];
    return rule?.phase.kind === 'queued' && !rule.pinned ? [{ policy, rule, candidate: rule.phase.candidate }] : [];
  });
  return queued.sort((a, b) => a.candidate.since - b.candidate.since);
}

const strengthOfQueued = ({ policy, rule }: Queued): number => strengthOf[actionOf(policy, rule)];

/** Of equals the one that waits longest. */
function strongest(queued: readonly Queued[]): Queued | undefined {
  return queued.reduce<Queued | undefined>(
    (best, one) => (best && strengthOfQueued(best) >= strengthOfQueued(one) ? best : one),
    undefined,
  );
}

/** Weaker ones ride along, since a stronger action makes the application read their files, too; of equals those that mean the very same. */
function batchOf(leader: Queued, queued: readonly Queued[], { service }: Turns, at: number): Batch {
  const action = service.kind === 'running' ? actionOf(leader.policy, leader.rule) : service.kind === 'seeking' ? 'none' : 'restart';
  const riders = queued.filter((one) => one !== leader && at >= one.rule.echo.heldUntil && ridesWith(one, leader));
  return {
    leader: leader.policy.name,
    action,
    members: [leader, ...riders].map(memberOf),
    since: at,
    tries: 0,
    published: false,
    rollback: false,
  };
}

function ridesWith(one: Queued, leader: Queued): boolean {
  const strength = strengthOfQueued(one);
  if (strength !== strengthOfQueued(leader)) return strength < strengthOfQueued(leader);
  switch (actionOf(leader.policy, leader.rule)) {
    case 'reload':
      return one.policy.reload_signal === leader.policy.reload_signal;
    case 'restart':
    case 'none':
      return true;
    default: {
      const same = (a: unknown, b: unknown): boolean => JSON.stringify(a) === JSON.stringify(b);
      const [a, b] = [one.policy, leader.policy];
      return a.on_change === b.on_change && same(a.exec, b.exec) && same(a.http, b.http);
    }
  }
}

function memberOf({ policy, rule, candidate }: Queued): Member {
  return { rule: policy.name, candidate, fallback: isOwned(policy) ? fallbackOf(rule, candidate) : undefined };
}

/** The last good generation; before there is one, what it has run with so far. */
function fallbackOf(rule: RuleState, candidate: Candidate): Reading | undefined {
  const fallback = rule.good ?? rule.applied;
  return fallback?.hash === candidate.reading.hash ? undefined : fallback;
}

function heldBackRules(queued: readonly Queued[], turns: Turns, policies: readonly RulePolicy[]): Turn['heldBack'] {
  return queued.flatMap(({ policy }) => {
    const by = heldBackBy(policy.name, turns, policies);
    const other = by === undefined ? undefined : turns.rules[by];
    return by !== undefined && other && isRefused(other) && !isJudging(other) ? [{ rule: policy.name, by }] : [];
  });
}

/** A signal or a restart makes the application read the files of all rules, so none of them may be refused or under validation. */
function heldBackBy(name: string, turns: Turns, policies: readonly RulePolicy[]): string | undefined {
  const other = policies.find((policy) => {
    const rule = turns.rules[policy.name];
    return policy.name !== name && rule !== undefined && holdsOthersBack(rule, policy);
  });
  return other?.name;
}

/** Undefined while the application cannot take it. */
function dueAt(queued: Queued, turns: Turns, policies: readonly RulePolicy[]): number | undefined {
  const { policy, rule, candidate } = queued;
  const able = ableAt(queued, turns);
  if (able === undefined) return undefined;
  const paced = rule.actedAt > 0 ? rule.actedAt + policy.min_interval : 0;
  return Math.max(able, paced, candidate.since + policy.splay, rule.echo.heldUntil, othersAt(queued, turns, policies));
}

function ableAt({ policy, rule }: Queued, { service, lastSignalAt }: Turns): number | undefined {
  // Files that the next instance would find need no turn; those that it finds only once they are published do.
  if ((service.kind === 'backoff' || service.kind === 'seeking') && isOwned(policy)) return 0;
  // Two instances at most: the one that was replaced may have much to finish.
  if (service.kind !== 'running' || service.readiness.kind === 'probing' || otherInstance(service) !== undefined) return undefined;
  const settled = actionOf(policy, rule) === 'reload' ? service.since + policy.reload_after_start : 0;
  return Math.max(settled, lastSignalAt + signalGapMs);
}

/** What another rule is about to find may be the other half of the same change (a ConfigMap and its Secret): wait for it, but not for ever. */
function othersAt({ policy, candidate }: Queued, { rules }: Turns, policies: readonly RulePolicy[]): number {
  const others = policies.some(({ name }) => {
    const other = rules[name];
    return name !== policy.name && other !== undefined && isUnderWay(other);
  });
  return others ? candidate.since + policy.max_wait : 0;
}
