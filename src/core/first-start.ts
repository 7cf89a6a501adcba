/** The first start of a container, and what every start waits for: something accepted of each rule whose files or variables are only handed on. Pure. */
import type { Config } from '../config/model.ts';
import { isOwned, policiesOf } from './policy.ts';
import { shortHash, shortOf } from './reading.ts';
import { freshRule, isRefused, type RuleState } from './rule.ts';
import { close, openRun, servicePolicy, takeService, toRule, toService } from './run.ts';
import { firstStart } from './service.ts';
import type { Beginning, Run, Step } from './state.ts';

/** The first start of the container: the spawn (or what comes before it), and what the rules' files were before it. */
export function begin(config: Config, { readings, kept, key, steady, own }: Beginning, at: number, token = 1): Step {
  const rules = policiesOf(config.services.main).map(({ name }): [string, RuleState] => {
    const good = kept[name]?.good;
    const rule = freshRule(readings[name], at, steady?.[name]);
    return [name, { ...rule, good: good === undefined ? undefined : { hash: good, files: undefined }, refused: kept[name]?.refused }];
  });
  const base = {
    nextId: token + 1,
    rules: Object.fromEntries(rules),
    apply: { kind: 'none' },
    lastSignalAt: 0,
    orders: undefined,
    key,
    own,
  } as const;
  const first = firstStart(token, at, servicePolicy({ service: config.services.main, policies: policiesOf(config.services.main) }));
  const run = openRun({ ...base, service: first.state }, config);
  takeService(run, first);
  // Owned rules do not wait for an instance: it is the instance that waits for them.
  for (const policy of run.policies) {
    const reading = readings[policy.name];
    if (isOwned(policy) && reading) toRule(run, policy.name, { kind: 'told', reading, foreign: true, at });
  }
  decideStart(run);
  return close(run, at);
}

/** The application waits for something accepted: what was just judged, or what has proven itself before. Then it is published, and the spawn follows. */
export function decideStart(run: Run): void {
  const { service } = run.state;
  if (service.kind !== 'preparing' || service.step.kind !== 'deciding') return;
  const owned = run.policies.filter(isOwned).map(({ name }) => name);
  for (const name of owned) settleOn(run, name);
  const left = owned.filter((name) => run.state.rules[name]?.published === undefined);
  if (left.length === 0) {
    const id = run.state.nextId;
    run.state = { ...run.state, nextId: id + 1 };
    toService(run, { kind: 'publishes', id });
    return;
  }
  const refused = left.filter((name) => isRejected(run.state.rules[name]));
  if (refused.length > 0) toService(run, { kind: 'nothingAccepted', rules: refused });
}

function settleOn(run: Run, name: string): void {
  const rule = run.state.rules[name];
  if (!rule || rule.published) return;
  const reading = rule.phase.kind === 'queued' ? rule.phase.candidate.reading : isRejected(rule) ? rule.good : undefined;
  if (!reading) return;
  if (rule.phase.kind !== 'queued') {
    run.notes.push({ rule: name, kind: 'starts_on_good', hash: shortHash(reading.hash), refused: shortOf(rule.desired) });
  }
  toRule(run, name, { kind: 'published', reading });
}

const isRejected = (rule: RuleState | undefined): boolean => rule !== undefined && (isRefused(rule) || rule.phase.kind === 'delayed');
