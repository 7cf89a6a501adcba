/**
 * What operators see: derived from the state and the configuration alone, so that command line, HTTP, page and metrics tell the same story. Pure.
 * It holds hashes, names and times; no value of the environment, no contents, no arguments.
 */
import type { Config } from '../config/model.ts';
import { isOwned, policiesOf, type RulePolicy } from './policy.ts';
import { shortHash, shortOf } from './reading.ts';
import { formerOf, isJudging, isRefused, type RuleState } from './rule.ts';
import { servedOf } from './service-care.ts';
import type { ServiceState } from './service-state.ts';
import { needsRestart, startSettingsOf } from './start-settings.ts';
import type { State } from './state.ts';

/** Raised with every change that somebody who reads it could trip over; keys may be added without. */
const statusVersion = 1;

/** Where a rule is, in one word. */
export type RuleStanding =
  /** The application runs with what the files hold. */
  | 'in_sync'
  /** Something is on its way: settling, being judged, waiting for its turn, being applied. */
  | 'changing'
  | 'refused'
  /** Circumstances, not the files: tried again later. */
  | 'retrying'
  /** It is accepted, and waits for a rule whose files are refused. */
  | 'held_back'
  /** It is accepted, and waits for somebody to unpin the rule. */
  | 'pinned'
  /** No instance runs, or what it has found is not known yet. */
  | 'waiting'
  /** Nothing can be read. */
  | 'unknown';

/** What the files hold was decided upon, and is not applied: for good, or for now. */
export const isDenied = ({ standing }: Pick<RuleStatus, 'standing'>): boolean => standing === 'refused' || standing === 'retrying';

export interface RuleStatus {
  readonly name: string;
  readonly paths: readonly string[];
  readonly standing: RuleStanding;
  readonly in_sync: boolean;
  readonly action: RulePolicy['on_change'];
  /** What the files hold, what the application runs with, what has proven itself last: short hashes. */
  readonly desired: string | null;
  readonly applied: string | null;
  readonly good: string | null;
  readonly refused: string | null;
  /** What `reinit rollback` would go back to. */
  readonly rollback_to: string | null;
  readonly pinned: boolean;
  readonly published: boolean;
  /** Since when the application does not run with what the files hold. */
  readonly out_of_sync_since: string | null;
  readonly changed_at: string | null;
  readonly retry_at: string | null;
}

export interface ApplicationStatus {
  readonly state: ServiceState['kind'];
  readonly pid: number | null;
  /** `ready` has said so, and `readiness`, where there is one, does. */
  readonly ready: boolean;
  readonly not_ready_because: string | null;
  readonly since: string | null;
  /** Restarts by policy in a row. */
  readonly attempt: number;
  readonly next_start_at: string | null;
}

/** reinit's own file. */
export interface OwnStatus {
  /** What is in force. */
  readonly hash: string;
  /** What the file holds, and is not taken over. */
  readonly refused: string | null;
  /** Settings that count from the next start of the application. */
  readonly next_start: readonly string[];
}

export interface Status {
  readonly v: typeof statusVersion;
  readonly time: string;
  /** The application is up and ready. */
  readonly healthy: boolean;
  /** Each rule: the application runs with what its files hold; and what reinit's own file holds is in force. */
  readonly in_sync: boolean;
  readonly summary: string;
  readonly application: ApplicationStatus;
  readonly rules: readonly RuleStatus[];
  /** Null: there is no file. */
  readonly own_file: OwnStatus | null;
}

/** @param now ms of CLOCK_BOOTTIME, the clock of the state; `wall`: the same moment in ms since the epoch */
export function statusOf(state: State, config: Config, clock: { readonly now: number; readonly wall: number }): Status {
  const time = (at: number): string => new Date(clock.wall - clock.now + at).toISOString();
  const application = applicationStatus(state.service, time);
  const rules = policiesOf(config.services.main).flatMap((policy) => {
    const rule = state.rules[policy.name];
    return rule ? [ruleStatus(rule, policy, time)] : [];
  });
  const own = ownStatus(state, config);
  const healthy = application.state === 'running' && application.ready;
  return {
    v: statusVersion,
    time: time(clock.now),
    healthy,
    in_sync: rules.every(({ in_sync }) => in_sync) && !own?.refused,
    summary: summaryOf(application, rules, own),
    application,
    rules,
    own_file: own,
  };
}

function ownStatus({ own }: State, { services }: Config): OwnStatus | null {
  if (!own) return null;
  const refused = own.refused === undefined ? null : shortHash(own.refused);
  const next = own.started ? needsRestart(own.started, startSettingsOf(services.main)) : [];
  return { hash: shortHash(own.source.hash), refused, next_start: next };
}

type Time = (at: number) => string;

function applicationStatus(service: ServiceState, time: Time): ApplicationStatus {
  const running = service.kind === 'running' ? service : undefined;
  const { serves, problem } = servedOf(service);
  return {
    state: service.kind,
    pid: running?.pid || null, // 0: what is attached to is not there
    ready: serves,
    not_ready_because: problem ?? null,
    since: running ? time(running.since) : 'since' in service ? time(service.since) : null,
    attempt: 'attempt' in service ? service.attempt : 0,
    next_start_at: service.kind === 'backoff' ? time(service.until) : null,
  };
}

function ruleStatus(rule: RuleState, policy: RulePolicy, time: Time): RuleStatus {
  const standing = standingOf(rule);
  return {
    name: policy.name,
    paths: policy.paths,
    standing,
    in_sync: standing === 'in_sync',
    action: policy.on_change,
    desired: orNull(shortOf(rule.desired)),
    applied: orNull(shortOf(rule.applied)),
    good: orNull(shortOf(rule.good)),
    refused: rule.refused === undefined ? null : shortHash(rule.refused),
    rollback_to: orNull(shortOf(isOwned(policy) ? formerOf(rule) : undefined)),
    pinned: rule.pinned,
    published: isOwned(policy),
    out_of_sync_since: standing === 'in_sync' || rule.divergedAt === undefined ? null : time(rule.divergedAt),
    changed_at: rule.desired ? time(rule.seenAt) : null,
    retry_at: rule.phase.kind === 'delayed' ? time(rule.phase.until) : null,
  };
}

const orNull = (text: string | undefined): string | null => text ?? null;

function standingOf(rule: RuleState): RuleStanding {
  const { phase, desired, applied } = rule;
  switch (phase.kind) {
    case 'down':
    case 'coming':
    case 'surveying':
    case 'over':
      return 'waiting';
    case 'delayed':
      return 'retrying';
    case 'queued':
      return rule.pinned ? 'pinned' : phase.held === 'told' ? 'held_back' : 'changing';
    case 'applying':
    case 'settling':
    case 'rereading':
      return 'changing';
    default:
      if (isJudging(rule)) return 'changing';
      if (!desired) return 'unknown';
      return isRefused(rule) && applied?.hash !== desired.hash ? 'refused' : applied?.hash === desired.hash ? 'in_sync' : 'unknown';
  }
}

const states: Readonly<Record<ServiceState['kind'], string>> = {
  preparing: 'is about to start',
  starting: 'starts',
  running: 'runs',
  stopping: 'is being stopped',
  sweeping: 'has ended',
  backoff: 'has ended, and is started again later',
  seeking: 'is looked for',
  attaching: 'is being attached to',
  ending: 'is being stopped with the container',
  ended: 'has ended',
};

/** One line for people. */
function summaryOf({ state, not_ready_because: problem }: ApplicationStatus, rules: readonly RuleStatus[], own: OwnStatus | null): string {
  const application = `the application ${states[state]}${state === 'running' && problem !== null ? `, and is not ready: ${problem}` : ''}`;
  const ofRules = rules.filter(({ in_sync }) => !in_sync).map(({ name, standing }) => `${name} is ${words[standing]}`);
  const astray = own?.refused ? [...ofRules, "reinit's own file is refused"] : ofRules;
  if (rules.length === 0 && astray.length === 0) return application;
  return `${application}; ${astray.length === 0 ? 'all configuration is applied' : astray.join(', ')}`;
}

export const words: Readonly<Record<RuleStanding, string>> = {
  in_sync: 'in sync',
  changing: 'changing',
  refused: 'refused',
  retrying: 'being tried again',
  held_back: 'held back by another rule',
  pinned: 'pinned',
  waiting: 'waiting for the application',
  unknown: 'unknown',
};
