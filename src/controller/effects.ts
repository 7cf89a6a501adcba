/** What the machines command, as init understands it: here the configuration meets the link. Pure. */
import type { Config, ServiceConfig } from '../config/model.ts';
import { exitCodes } from '../core/exit-codes.ts';
import { policiesOf, type RulePolicy, ruleNamed, snapshotPlaceholder } from '../core/policy.ts';
import { asksForNotify, winchMeansMore } from '../core/start-settings.ts';
import type { Command, Orders } from '../core/state.ts';
import { constants, type Effect } from '../link/messages.ts';
import { addressBytes, isIPv6 } from './address.ts';
import { outputEffect } from './output.ts';
import type { UserIds } from './user.ts';

/** Who runs what; undefined: as init itself. */
export interface Users {
  readonly application: UserIds | undefined;
  /** By the rule's name. */
  readonly validators: ReadonlyMap<string, UserIds | undefined>;
}

/** The variables of an accepted environment (`env_from`), by its hash. Known before anything is started with it. */
export type Environments = (hash: string) => ReadonlyMap<string, string>;

const { roles, spawnFlags, scopes, mainEnds, signalActions, logFormats, socketFamilies } = constants;
const signalCount = 65;
const codeCount = 256;

/** Tells a validator where the copy is that it is to check. */
const snapshotVariable = 'REINIT_SNAPSHOT_DIR';

/** Before a start init hears what becomes of the output: this controller's configuration may not be that of the one before it. */
export function effectsOf(command: Command, config: Config, users: Users, environments: Environments): readonly Effect[] {
  const { output } = config.services.main;
  const told = output && (command.kind === 'spawn' || command.kind === 'output') ? [outputEffect(output, users.application)] : [];
  return command.kind === 'output' ? told : [...told, effectOf(command, config, users, environments)];
}

export function effectOf(command: Exclude<Command, { kind: 'output' }>, config: Config, users: Users, environments: Environments): Effect {
  const service = config.services.main;
  const surroundings = (user: UserIds | undefined, environment: string | undefined) =>
    spawnBase(service, user, environment === undefined ? undefined : environments(environment));
  switch (command.kind) {
    case 'spawn':
      return applicationSpawn(command.token, service, surroundings(users.application, command.environment));
    case 'validate':
      return validatorSpawn(
        command,
        ruleOf(service, command.rule),
        service,
        surroundings(validatorUser(command.rule, users), command.environment),
      );
    case 'execute': {
      const { exec, exec_timeout } = ruleOf(service, command.rule);
      return helperSpawn(
        command.token,
        exec[command.step] ?? [],
        exec_timeout,
        service,
        surroundings(users.application, command.environment),
      );
    }
    case 'probe': {
      const probe = 'rule' in command.of ? ruleOf(service, command.of.rule).confirm_by : service[command.of.service];
      const argv = probe?.check.kind === 'exec' ? probe.check.command : [];
      return helperSpawn(command.token, argv, probe?.timeout ?? 0, service, surroundings(users.application, command.environment));
    }
    case 'listen':
      return listenEffect(command.index, service, users.application);
    case 'signal': {
      const { id, token, signo, minAgeMs } = command;
      return { kind: 'signal_to', id, token, signo, scope: scopes.values[service.signal_target], guard: 1, min_age_ms: minAgeMs };
    }
    case 'signalAnyway': {
      const { id, token, signo } = command;
      return { kind: 'signal_to', id, token, signo, scope: scopes.values[service.signal_target], guard: 0, min_age_ms: 0 };
    }
    case 'attach':
      return { kind: 'attach', token: command.token, pid: command.pid, started: command.startTicks };
    case 'stop':
      return { kind: 'stop', token: command.token, signo: command.signo, timeout_ms: command.timeoutMs };
    case 'orders':
      return ordersEffect(command, config);
    case 'exit':
      return { kind: 'exit', code: command.code };
    default:
      return command satisfies never;
  }
}

const ruleOf = (service: ServiceConfig, name: string): RulePolicy => ruleNamed(policiesOf(service), name);

export const validatorUser = (rule: string, { validators, application }: Users): UserIds | undefined =>
  validators.has(rule) ? validators.get(rule) : application;

type Surroundings = ReturnType<typeof spawnBase>;

function applicationSpawn(token: number, service: ServiceConfig, base: Surroundings): Effect {
  return {
    ...base,
    token,
    role: roles.values.main,
    flags: applicationFlags(service),
    argv: service.command.map((word) => Buffer.from(word)),
    nice: service.nice,
    umask: service.umask ?? -1,
    rlimits: Object.entries(service.limits).map(([name, limit]) => Buffer.from(`${name}=${limit}`)),
    timeout_ms: 0,
  };
}

function applicationFlags(service: ServiceConfig): number {
  const { no_new_privs, session, sockets, notify, nest, output } = spawnFlags.values;
  return (
    (service.no_new_privileges ? no_new_privs : 0) |
    (winchMeansMore(service) ? session : 0) |
    (service.sockets.length > 0 ? sockets : 0) |
    (asksForNotify(service) ? notify : 0) |
    (service.output ? output : 0) |
    (service.restart_order === 'start_first' ? nest : 0)
  );
}

type Validate = Extract<Command, { kind: 'validate' }>;

function validatorSpawn({ token, step, directory }: Validate, rule: RulePolicy, service: ServiceConfig, base: Surroundings): Effect {
  const argv = (rule.validate[step] ?? []).map((word) => word.replaceAll(snapshotPlaceholder, directory ?? ''));
  const surroundings =
    directory === undefined ? base : { ...base, env_set: [...base.env_set, Buffer.from(`${snapshotVariable}=${directory}`)] };
  return helperSpawn(token, argv, rule.validate_timeout, service, surroundings);
}

/** What runs for us has the application's surroundings, for it is to see what the application would; but not its limits, which could end it. */
function helperSpawn(token: number, argv: readonly string[], timeoutMs: number, service: ServiceConfig, base: Surroundings): Effect {
  return {
    ...base,
    token,
    role: roles.values.helper,
    flags: spawnFlags.values.capture | spawnFlags.values.session | (service.no_new_privileges ? spawnFlags.values.no_new_privs : 0),
    argv: argv.map((word) => Buffer.from(word)),
    nice: 0,
    umask: service.umask ?? -1,
    rlimits: [],
    timeout_ms: timeoutMs,
  };
}

function spawnBase(service: ServiceConfig, user: UserIds | undefined, inherited: ReadonlyMap<string, string> | undefined) {
  // HOME of the user, as gosu and su set it: the container's is that of the user who started init.
  const variables = Object.entries({
    ...(user?.home && { HOME: user.home }),
    ...Object.fromEntries(inherited ?? []),
    ...service.environment,
  });
  return {
    kind: 'spawn',
    env_set: variables.flatMap(([name, value]) => (value === null ? [] : [Buffer.from(`${name}=${value}`)])),
    env_unset: variables.flatMap(([name, value]) => (value === null ? [Buffer.from(name)] : [])),
    cwd: Buffer.from(service.working_dir ?? ''),
    uid: user?.uid ?? -1,
    gid: user?.gid ?? -1,
    groups: (user?.groups ?? []).map((id) => Buffer.from(String(id))),
  } as const;
}

/** The place in the list is the id: the answer says which one it is about. */
function listenEffect(index: number, { sockets }: ServiceConfig, user: UserIds | undefined): Effect {
  const socket = sockets[index];
  if (!socket) throw new Error(`no socket ${index}`);
  const { name, address, backlog, reuse_port } = socket;
  const base = { kind: 'listen', id: index, name: Buffer.from(name), backlog, reuse_port: reuse_port ? 1 : 0 } as const;
  if (address.kind === 'unix') {
    const owner = { uid: user?.uid ?? -1, gid: user?.gid ?? -1 };
    return { ...base, family: socketFamilies.values.unix, address: Buffer.from(address.path), port: 0, mode: address.mode, ...owner };
  }
  const family = isIPv6(address.host) ? socketFamilies.values.ipv6 : socketFamilies.values.ipv4;
  return { ...base, family, address: addressBytes(address.host), port: address.port, mode: 0, uid: -1, gid: -1 };
}

function ordersEffect({ token, hold }: Orders, { log, services: { main } }: Config): Effect {
  return {
    kind: 'orders',
    main_token: token,
    main_end: hold ? mainEnds.values.hold : mainEnds.values.exit,
    stop_signal: main.stop_signal,
    stop_timeout_ms: main.stop_timeout ?? 0,
    scope: scopes.values[main.signal_target],
    actions: Buffer.from(Array.from({ length: signalCount }, (_, signo) => signalActions.values[actionOf(signo, main)])),
    targets: Buffer.from(Array.from({ length: signalCount }, (_, signo) => targetOf(signo, main))),
    exit_map: Buffer.from(Array.from({ length: codeCount }, (_, code) => containerCode(code, main))),
    log_format: logFormats.values[log.format],
  };
}

/** Beside another container's application a stop is no end before its time: there is nothing of ours to be ended. */
function containerCode(code: number, { attach, exit_codes, container_stop_signals: stops }: ServiceConfig): number {
  return attach && stops.includes(code - exitCodes.signalBase) ? exitCodes.ok : (exit_codes[code] ?? code);
}

/** Signals for the application come to its own container. */
function actionOf(signo: number, service: ServiceConfig): 'forward' | 'stop' | 'drop' {
  if (service.attach) return service.container_stop_signals.includes(signo) ? 'stop' : 'drop';
  return service.signals[signo]?.kind ?? (service.container_stop_signals.includes(signo) ? 'stop' : 'forward');
}

function targetOf(signo: number, service: ServiceConfig): number {
  const rule = service.signals[signo];
  return rule?.kind === 'forward' ? rule.as : signo;
}
