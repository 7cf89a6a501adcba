/** What there is to know of what a configuration names. */
import type { Config } from '../../config/model.ts';
import type { Users } from '../../controller/effects.ts';
import { policiesOf } from '../../core/policy.ts';
import { isDirectory } from '../../host/directory.ts';
import { type Account, type Accounts, readAccounts } from './accounts.ts';
import { type Places, readPlaces } from './places.ts';
import { type Application, type Processes, readApplication } from './processes.ts';
import { findProgram, type Program } from './programs.ts';
import { type DryRun, dryRuns, type Inherited, readInherited } from './validators.ts';
import type { Variables } from './variables.ts';
import { readWatched, type Watched } from './watched.ts';

/** A program that the configuration names. */
export interface Named {
  /** `command`, `validate`… */
  readonly setting: string;
  readonly rule: string | undefined;
  readonly name: string;
  readonly account: Account;
  readonly program: Program;
}

export interface ServiceFacts {
  readonly config: Config;
  /** Empty: nobody has said which. */
  readonly command: readonly string[];
  readonly accounts: Accounts;
  readonly watched: readonly Watched[];
  readonly places: Places;
  readonly programs: readonly Named[];
  readonly workingDirThere: boolean;
  readonly inherited: Inherited;
  /** Undefined: they were not to be run, or could not be. */
  readonly dryRuns: readonly DryRun[] | undefined;
  /** Of a running reinit. */
  readonly application: Application | undefined;
}

export interface Subject {
  readonly config: Config;
  readonly command: readonly string[];
  readonly variables: Variables;
  readonly processes: Processes;
  /** Whether validators may be run. */
  readonly run: boolean;
}

export async function readService({ config, command: given, variables, processes, run }: Subject): Promise<ServiceFacts> {
  const { main } = config.services;
  const command = given.length > 0 ? given : main.command;
  const accounts = readAccounts(config, processes.running?.identity ?? processes.self);
  const watched = await Promise.all(policiesOf(main).map(readWatched));
  const inherited = await readInherited(config);
  const users = usersOf(accounts);
  const variablesOfFiles = inherited.kind === 'read' ? inherited.variables : undefined;
  const asked = policiesOf(main).some(({ validate }) => validate.length > 0);
  const world = users && { config, users, variables, watched };
  return {
    config,
    command,
    accounts,
    watched,
    places: await readPlaces(main),
    programs: namesIn(config, command, accounts).map((named) => ({
      ...named,
      program: findProgram(named.name, pathFor(config, variables), main.working_dir),
    })),
    workingDirThere: main.working_dir === undefined || isDirectory(main.working_dir),
    inherited,
    dryRuns: run ? (asked ? world && variablesOfFiles && (await dryRuns(world, variablesOfFiles)) : []) : undefined,
    application: readApplication(processes, main.attach),
  };
}

const pathFor = ({ services: { main } }: Config, { PATH }: Variables): string | undefined => {
  const set = main.environment.PATH;
  return set === undefined ? PATH : (set ?? undefined);
};

/** As the controller looks them up; undefined where a name is unknown. */
function usersOf({ application, validators }: Accounts): Users | undefined {
  if ([application, ...validators.values()].some(({ kind }) => kind === 'unknown')) return undefined;
  const ids = (account: Account) => (account.kind === 'named' ? account.ids : undefined);
  return { application: ids(application), validators: new Map([...validators].map(([name, account]) => [name, ids(account)])) };
}

function namesIn({ services: { main } }: Config, command: readonly string[], accounts: Accounts): Omit<Named, 'program'>[] {
  const { application: account, validators } = accounts;
  const one = (setting: string, argv: readonly string[], rule?: string, by = account): Omit<Named, 'program'>[] =>
    argv[0] === undefined ? [] : [{ setting, rule, name: argv[0], account: by }];
  const probe = (setting: string, check: { kind: string; command?: readonly string[] } | undefined, rule?: string) =>
    check?.kind === 'exec' ? one(setting, check.command ?? [], rule) : [];
  return [
    ...(main.attach === undefined ? one('command', command) : []),
    ...main.env_validate.flatMap((argv) => one('env_validate', argv)),
    ...probe('ready', main.ready?.check),
    ...probe('liveness', main.liveness?.check),
    ...probe('readiness', main.readiness?.check),
    ...main.watch.flatMap(({ name, validate, exec, confirm_by }) => [
      ...validate.flatMap((argv) => one('validate', argv, name, validators.get(name))),
      ...exec.flatMap((argv) => one('exec', argv, name)),
      ...probe('confirm_by', confirm_by?.check, name),
    ]),
  ];
}
