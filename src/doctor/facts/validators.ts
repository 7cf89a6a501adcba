/** Runs each validator once as a start would: user, environment, working directory, time limit, and a copy where it would get one. */
import { randomBytes } from 'node:crypto';
import { chmod, mkdtemp } from 'node:fs/promises';
import { join } from 'node:path';
import type { Config } from '../../config/model.ts';
import { effectOf, type Users, validatorUser } from '../../controller/effects.ts';
import type { Verdict } from '../../core/notes.ts';
import { isStaged, policiesOf, type RulePolicy } from '../../core/policy.ts';
import { endOf } from '../../core/wait-status.ts';
import { wordsOf } from '../../core/words.ts';
import { readEnvironment } from '../../environment/environment.ts';
import { type Ended, startProcess } from '../../host/processes.ts';
import { signalGroup } from '../../host/signalling.ts';
import { constants, type Fields } from '../../link/messages.ts';
import { hide } from '../../probe/secrets.ts';
import { passable, removeTree } from '../../publish/disk.ts';
import { openStore, privatePlaces } from '../../publish/store.ts';
import { secretValues } from '../secrets.ts';
import { findProgram } from './programs.ts';
import type { Variables } from './variables.ts';
import type { Watched } from './watched.ts';

export interface DryRun {
  readonly rule: string;
  /** The validator's command, without its arguments. */
  readonly program: string;
  readonly timeoutMs: number;
  /** Its user has groups of its own, which could not be given to it. */
  readonly groupless: boolean;
  readonly verdict: Verdict;
}

export interface World {
  readonly config: Config;
  readonly users: Users;
  /** The container's. */
  readonly variables: Variables;
  readonly watched: readonly Watched[];
}

/** Variables of `env_from`, or why there are none. */
export type Inherited =
  | { readonly kind: 'read'; readonly variables: ReadonlyMap<string, string> }
  | { readonly kind: 'problem'; readonly problem: string };

const nothing: Inherited = { kind: 'read', variables: new Map() };

export async function readInherited({ services: { main } }: Config): Promise<Inherited> {
  if (main.env_from.length === 0) return nothing;
  const reading = await readEnvironment({ paths: main.env_from, override: main.environment, key: randomBytes(32) });
  if (reading.kind === 'read') return { kind: 'read', variables: reading.variables };
  return {
    kind: 'problem',
    problem: reading.kind === 'problem' ? reading.problem : 'env_from: no consistent reading can be had of the files',
  };
}

export async function dryRuns(world: World, inherited: ReadonlyMap<string, string>): Promise<DryRun[]> {
  const results: DryRun[] = [];
  for (const rule of policiesOf(world.config.services.main)) {
    if (rule.validate.length === 0) continue;
    const copy = rule.source === 'files' && isStaged(rule) ? await copyFor(rule, world.watched) : undefined;
    for (const step of rule.validate.keys()) {
      const verdict =
        copy?.problem === undefined
          ? await validate(world, rule, step, copy?.directory, inherited)
          : ({ kind: 'unusable', problem: copy.problem } as const);
      results.push(resultOf(world, rule, step, verdict));
      if (verdict.kind !== 'accepted') break; // as a start: the first that says no is the last that is asked
    }
    if (copy !== undefined && copy.home !== '') await removeTree(copy.home);
  }
  return results;
}

function resultOf({ users }: World, rule: RulePolicy, step: number, verdict: Verdict): DryRun {
  const groupless = (validatorUser(rule.name, users)?.groups.length ?? 0) > 0;
  const { name, validate_timeout: timeoutMs } = rule;
  return { rule: name, program: rule.validate[step]?.[0] ?? '', timeoutMs, groupless, verdict };
}

interface PrivateCopy {
  readonly home: string;
  readonly directory: string | undefined;
  readonly problem: string | undefined;
}

/** In a directory of its own: a running reinit has its copies elsewhere, and does not meet ours. */
async function copyFor(rule: RulePolicy, watched: readonly Watched[]): Promise<PrivateCopy> {
  const home = await newHome();
  const reading = watched.find(({ policy }) => policy.name === rule.name)?.reading;
  if (reading?.kind !== 'read') return { home, directory: undefined, problem: 'the files cannot be read, so there is no copy to check' };
  const places = home === '' ? privatePlaces : [home];
  const staged = await openStore({ stateDir: undefined, warn: () => undefined, places }).stage(
    { ...rule, publish: undefined },
    reading.generation.hash,
  );
  if (staged.kind === 'staged') return { home, directory: staged.directory, problem: undefined };
  return {
    home,
    directory: undefined,
    problem: staged.kind === 'problem' ? staged.problem : 'the files kept changing while they were copied',
  };
}

/** Empty where nothing can be written: then the store says what to do. */
async function newHome(): Promise<string> {
  for (const place of privatePlaces) {
    const home = await mkdtemp(join(place, 'reinit-doctor-')).catch(() => undefined);
    if (home === undefined) continue;
    await chmod(home, passable);
    return home;
  }
  return '';
}

async function validate(
  { config, users, variables }: World,
  rule: RulePolicy,
  step: number,
  directory: string | undefined,
  inherited: ReadonlyMap<string, string>,
): Promise<Verdict> {
  const environment = config.services.main.env_from.length > 0 ? 'read' : undefined;
  const effect = effectOf({ kind: 'validate', rule: rule.name, token: 1, step, directory, environment }, config, users, () => inherited);
  if (effect.kind !== 'spawn') throw new Error('a validator is spawned');
  return run(inEnvironment(effect, variables), rule.validate_timeout, secretValues(variables, config, inherited));
}

/** The order with all variables in it: our own environment is not the container's. */
function inEnvironment(order: Fields<'spawn'>, variables: Variables): Fields<'spawn'> {
  const unset = new Set(order.env_unset.map(String));
  const inherited = Object.entries(variables).filter(([name]) => !unset.has(name));
  const env_set = [...inherited.map(([name, value]) => Buffer.from(`${name}=${value}`)), ...order.env_set];
  const hasPath = env_set.some((variable) => variable.toString('latin1').startsWith('PATH='));
  const [program = Buffer.alloc(0), ...rest] = order.argv;
  // Without PATH init has a longer default than the C library.
  const file = hasPath ? undefined : findProgram(program.toString()).file;
  const argv = file === undefined ? order.argv : [Buffer.from(file), ...rest];
  return { ...order, argv, env_set, flags: order.flags | constants.spawnFlags.values.clear_env };
}

function run(order: Fields<'spawn'>, timeoutMs: number, secrets: readonly string[]): Promise<Verdict> {
  return new Promise((resolve) => {
    let timer: NodeJS.Timeout | undefined;
    let timedOut = false;
    startProcess(order, [], {
      spawned: (pid) => {
        timer = setTimeout(() => {
          timedOut = true;
          signalGroup(pid, 'SIGKILL');
        }, timeoutMs);
      },
      failed: ({ stage, text }) => resolve({ kind: 'not_started', stage, text }),
      ended: (end) => {
        clearTimeout(timer);
        resolve(verdictOf(end, timedOut, secrets));
      },
    });
  });
}

function verdictOf({ status, output, outputTotal }: Ended, timedOut: boolean, secrets: readonly string[]): Verdict {
  const end = endOf(status);
  // Before words are cut: half of a secret would not be found.
  const shown = Buffer.from(hide(output.toString('utf8'), secrets));
  const words = wordsOf(shown, outputTotal > output.length ? outputTotal : shown.length);
  if (timedOut) return { kind: 'timed_out', words };
  return end.kind === 'code' && end.code === 0 ? { kind: 'accepted' } : { kind: 'ended', end, words };
}
