/**
 * The jobs that are done on files and over the network (src/core/jobs.ts), and what outlives a controller on disk. A bundle of its own: the start
 * of an application waits for it only where something is to be published, or its variables come from files.
 */
import type { Config, WatchRule } from '../config/model.ts';
import type { JobResult, WorkshopJob } from '../core/jobs.ts';
import { environmentRule, isOwned, policiesOf, ruleNamed } from '../core/policy.ts';
import type { Reading } from '../core/reading.ts';
import type { Kept, State } from '../core/state.ts';
import { skippedWarning } from '../environment/directory.ts';
import { type EnvironmentReading, readEnvironment } from '../environment/environment.ts';
import { ask } from '../probe/ask.ts';
import { call } from '../probe/call.ts';
import { countOlder } from '../probe/workers.ts';
import { openStore } from '../publish/store.ts';
import type { Remembered } from '../publish/types.ts';
import { seek } from '../target/seek.ts';
import { directOperations } from '../watch/operations.ts';

export interface Workshop {
  /** Rejects never. */
  work(job: WorkshopJob, state: State): Promise<JobResult>;
  /** The variables of `env_from` as the files are now; undefined: no consistent reading can be had. */
  readVariables(): Promise<Reading | undefined>;
  /** Before anything is started with them. Empty where they are not to be had any more. */
  variables(hash: string): ReadonlyMap<string, string>;
  /** Those that the state speaks of, from where the last controller left them. */
  load(state: State): Promise<void>;
  /** Keeps and tidies what follows from the state. */
  observe(state: State): void;
  recall(): Promise<Kept>;
  /** The key of the environments' hashes, in hex. */
  key(): Promise<string>;
  /** From here the hashes are made with this key. */
  use(key: string): void;
}

export interface WorkshopOptions {
  readonly config: Config;
  /** init holds CAP_KILL. */
  readonly canKill: boolean;
  /** ms of CLOCK_BOOTTIME. */
  now(): number;
  /** Something that is no failure, once each. */
  warn(message: string): void;
}

const none: ReadonlyMap<string, string> = new Map();

export function openWorkshop({ config, canKill, now, warn }: WorkshopOptions): Workshop {
  const service = config.services.main;
  const policies = policiesOf(service);
  const store = openStore({ stateDir: service.state_dir, warn });
  const known = new Map<string, ReadonlyMap<string, string>>();
  const warned = new Set<string>();
  let key = '';
  let remembered = '';
  let readBefore = false;
  /** One after the other: the last one counts. */
  let saving = Promise.resolve();
  /** Rules that have a private copy. */
  const copied = new Set<string>();
  const stopped = new AbortController();

  const ruleOf = (name: string) => ruleNamed(policies, name);
  const done = (problem: string | undefined): JobResult => ({ kind: 'done', problem });

  async function work(job: WorkshopJob, state: State): Promise<JobResult> {
    switch (job.kind) {
      case 'stage':
        return ruleOf(job.rule).source === 'environment' ? stageVariables(job.hash) : stageFiles(ruleOf(job.rule), job.hash);
      case 'publish':
        return done(await publish(job.hashes, state));
      case 'probe': {
        const { check } = job;
        if (check.kind === 'exec' || check.kind === 'notify') throw new Error(`init asks ${check.kind}`);
        return done(await ask(check, { pid: job.pid, since: job.since }, job.timeoutMs));
      }
      case 'call': {
        const { http } = ruleOf(job.rule);
        return done(http ? await call(http, stopped.signal) : 'http is not set');
      }
      case 'seek':
        return {
          kind: 'sought',
          sight: service.attach ? seek({ attach: service.attach, canKill, now }) : { kind: 'none', problem: undefined },
        };
      case 'weigh': {
        const { weigh } = await import('../usage/usage.ts');
        return { kind: 'weighed', answer: await weigh(job.pid, job.limit) };
      }
      case 'count':
        return { kind: 'counted', count: await countOlder(job.pid, job.since) };
      default:
        return job satisfies never;
    }
  }

  function unforeseen({ kind }: WorkshopJob, problem: string): JobResult {
    if (kind === 'weigh') return { kind: 'weighed', answer: problem };
    return kind === 'count' ? { kind: 'counted', count: 0 } : done(problem);
  }

  async function stageFiles(rule: WatchRule, hash: string): Promise<JobResult> {
    const staged = await store.stage(rule, hash);
    if (rule.publish === undefined) copied.add(rule.name);
    return staged.kind === 'problem' ? done(staged.problem) : staged;
  }

  /** Kept at once: what is accepted has to be there for any later controller. */
  async function stageVariables(hash: string): Promise<JobResult> {
    const variables = await find(hash);
    if (!variables) return { kind: 'moved' };
    const problem = await store.keepEnvironment(hash, variables);
    if (problem !== undefined) warnOnce(`${problem}. The variables are in memory only`);
    return { kind: 'staged', directory: '' };
  }

  async function publish(hashes: Readonly<Record<string, string>>, state: State): Promise<string | undefined> {
    for (const [name, hash] of Object.entries(hashes)) {
      const problem = name === environmentRule ? await missing(hash) : await store.publish(ruleOf(name), hash);
      if (problem !== undefined) return problem;
    }
    for (const name of Object.keys(hashes)) if (name !== environmentRule) void store.prune(ruleOf(name), neededOf(name, state));
    return undefined;
  }

  async function missing(hash: string): Promise<string | undefined> {
    if (await find(hash)) return undefined;
    return 'env_from: the variables that were accepted are not to be had any more, and the files hold others, which are not accepted yet';
  }

  async function find(hash: string): Promise<ReadonlyMap<string, string> | undefined> {
    const variables = known.get(hash) ?? (await store.environmentOf(hash));
    if (variables) known.set(hash, variables);
    else if (service.env_from.length > 0) await readVariables();
    return known.get(hash);
  }

  async function readVariables(): Promise<Reading | undefined> {
    const source = { paths: service.env_from, override: service.environment, key: Buffer.from(key, 'hex') };
    // The first time the application waits for it, and nothing else is to be done meanwhile.
    const direct = readBefore ? undefined : directOperations;
    readBefore = true;
    return taken(await readEnvironment(source, { direct }));
  }

  function taken(reading: EnvironmentReading): Reading | undefined {
    switch (reading.kind) {
      case 'read': {
        known.set(reading.hash, reading.variables);
        const skipped = skippedWarning(reading.skipped);
        if (skipped !== undefined) warnOnce(skipped);
        return { hash: reading.hash, files: reading.files };
      }
      case 'problem':
        return { hash: reading.hash, files: undefined, problem: reading.problem };
      default:
        return undefined;
    }
  }

  function warnOnce(message: string): void {
    if (warned.has(message)) return;
    warned.add(message);
    warn(message);
  }

  async function load(state: State): Promise<void> {
    for (const hash of variablesNeeded(state)) await find(hash);
  }

  function observe(state: State): void {
    forget(variablesNeeded(state), state);
    for (const name of copied) {
      const kind = state.rules[name]?.phase.kind;
      if (kind === 'staging' || kind === 'validating') continue;
      copied.delete(name);
      void store.discard(ruleOf(name));
    }
    if (service.state_dir !== undefined) remember(state);
  }

  /** Values that nobody needs any more leave the memory. */
  function forget(needed: readonly string[], { rules }: State): void {
    const desired = rules[environmentRule]?.desired?.hash;
    for (const hash of known.keys()) if (hash !== desired && !needed.includes(hash) && known.size > 1) known.delete(hash);
  }

  function remember(state: State): void {
    const facts = Object.fromEntries(policies.filter(isOwned).map(({ name }) => [name, rememberedOf(name, state)]));
    const text = JSON.stringify(facts);
    if (text === remembered || Object.values(facts).every((fact) => Object.keys(fact).length === 0)) return;
    remembered = text;
    saving = saving.then(async () => {
      const problem = await store.remember(facts);
      if (problem !== undefined) warnOnce(problem);
    });
  }

  async function recall(): Promise<Kept> {
    if (service.state_dir === undefined) return {};
    const facts = await store.recall();
    const owned = policies.filter(isOwned);
    const kept = owned.map(async (rule) => {
      const { good, refused } = facts[rule.name] ?? {};
      const there = good !== undefined && (rule.source === 'environment' ? (await find(good)) !== undefined : await store.has(rule, good));
      return [rule.name, { good: there ? good : undefined, refused }] as const;
    });
    return Object.fromEntries(await Promise.all(kept));
  }

  return {
    work: (job, state) =>
      work(job, state).catch((error: Error) => unforeseen(job, `it failed in a way that nobody has thought of: ${error.message}`)),
    readVariables,
    variables: (hash) => known.get(hash) ?? none,
    load,
    observe,
    recall,
    key: async () => (await store.environmentKey()).toString('hex'),
    use: (given) => {
      key = given;
    },
  };
}

/** Generations of a rule that may still be asked for. */
function neededOf(name: string, { rules, apply }: State): string[] {
  const rule = rules[name];
  const candidate = rule && 'candidate' in rule.phase ? rule.phase.candidate.reading : undefined;
  const members = apply.kind === 'none' ? [] : apply.batch.members.filter((member) => member.rule === name);
  const applying = members.flatMap((member) => [member.candidate.reading, member.fallback]);
  return [rule?.published, rule?.good, rule?.former, rule?.applied, candidate, ...applying].flatMap((reading) =>
    reading ? [reading.hash] : [],
  );
}

const variablesNeeded = (state: State): string[] => (state.rules[environmentRule] ? neededOf(environmentRule, state) : []);

function rememberedOf(name: string, { rules }: State): Remembered {
  const rule = rules[name];
  return { ...(rule?.good && { good: rule.good.hash }), ...(rule?.refused !== undefined && { refused: rule.refused }) };
}
