/** What a rule of the configuration means to the machines. */
import type { ServiceConfig, WatchRule } from '../config/model.ts';

export interface RulePolicy extends WatchRule {
  /** `environment`: what is watched are variables (`env_from`), and what counts is the environment that comes of them. */
  readonly source: 'files' | 'environment';
}

export type Action = WatchRule['on_change'];

/** One change that touches several rules runs the strongest of their actions, and that alone. */
export const strengthOf: Readonly<Record<Action, number>> = { none: 0, exec: 1, http: 1, reload: 2, restart: 3 };

/** In logs and status. */
export const environmentRule = 'env_from';

/** `env_from` is a rule like any other: these are the defaults of one, with what a restart for variables needs. */
const environmentDefaults: Omit<RulePolicy, 'paths' | 'validate'> = {
  name: environmentRule,
  source: 'environment',
  include: [],
  exclude: [],
  recursive: false,
  mode: 'auto',
  settle: 300,
  max_wait: 5_000,
  rescan: 30_000,
  poll_interval: 2_000,
  missing_grace: 5_000,
  max_files: 20_000,
  max_bytes: 64 * 1024 * 1024,
  validate_timeout: 30_000,
  validate_user: undefined,
  snapshot: false,
  publish: undefined,
  on_change: 'restart',
  reload_signal: 1,
  reload_after_start: 0,
  exec: [],
  exec_timeout: 30_000,
  http: undefined,
  confirm: 3_000,
  confirm_by: undefined,
  reload_retries: 0,
  on_failure: 'rollback',
  good_after: 30_000,
  min_interval: 0,
  splay: 0,
  max_draining: undefined,
  loop_guard: true,
  on_stale_mount: 'warn',
  stale_exit_code: 75,
};

const known = new WeakMap<ServiceConfig, readonly RulePolicy[]>();

/** All rules of a service, the same objects at each call. */
export function policiesOf(service: ServiceConfig): readonly RulePolicy[] {
  const found = known.get(service);
  if (found) return found;
  const rules = service.watch.map((rule): RulePolicy => ({ ...rule, source: 'files' }));
  if (service.env_from.length > 0) rules.push({ ...environmentDefaults, paths: service.env_from, validate: service.env_validate });
  known.set(service, rules);
  return rules;
}

/** The rule of that name: those that the machines speak of exist. */
export function ruleNamed(policies: readonly RulePolicy[], name: string): RulePolicy {
  const rule = policies.find((one) => one.name === name);
  if (!rule) throw new Error(`no rule ${name}`);
  return rule;
}

/** The application finds only what was handed to it: published files, or variables. Otherwise it reads the files that are watched. */
export const isOwned = ({ publish, source }: Pick<RulePolicy, 'publish' | 'source'>): boolean =>
  publish !== undefined || source === 'environment';

/** In an argv of a validator: the directory with the copy that it is to check. */
export const snapshotPlaceholder = '{{snapshot}}';

/** A copy is made before validation, so what is judged cannot change meanwhile. */
export const isStaged = (policy: RulePolicy): boolean =>
  isOwned(policy) ||
  (policy.validate.length > 0 && (policy.snapshot || policy.validate.flat().some((word) => word.includes(snapshotPlaceholder))));
