/** What the machines command, as init understands it: here the configuration meets the link. Pure. */
import type { Config, ServiceConfig, WatchRule } from '../config/model.ts';
import type { Command, Orders } from '../core/run.ts';
import { constants, type Effect } from '../link/messages.ts';
import type { UserIds } from './user.ts';

/** Who runs what; undefined: as init itself. */
export interface Users {
  readonly application: UserIds | undefined;
  /** By the rule's name. */
  readonly validators: ReadonlyMap<string, UserIds | undefined>;
}

const { roles, spawnFlags, scopes, mainEnds, signalActions, logFormats } = constants;
const signalCount = 65;
const codeCount = 256;
const sigwinch = 28;

export function effectOf(command: Command, config: Config, users: Users): Effect {
  const service = config.services.main;
  switch (command.kind) {
    case 'spawn':
      return applicationSpawn(command.token, service, users);
    case 'validate': {
      const rule = service.watch.find(({ name }) => name === command.rule);
      if (!rule) throw new Error(`no rule ${command.rule}`);
      return validatorSpawn(command.token, rule, rule.validate[command.step] ?? [], service, users);
    }
    case 'signal': {
      const { id, token, signo, minAgeMs } = command;
      return { kind: 'signal_to', id, token, signo, scope: scopes.values[service.signal_target], guard: 1, min_age_ms: minAgeMs };
    }
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

function applicationSpawn(token: number, service: ServiceConfig, users: Users): Effect {
  return {
    ...spawnBase(service, users.application),
    token,
    role: roles.values.main,
    flags: (service.no_new_privileges ? spawnFlags.values.no_new_privs : 0) | (winchMeansMore(service) ? spawnFlags.values.session : 0),
    argv: service.command.map((word) => Buffer.from(word)),
    nice: service.nice,
    umask: service.umask ?? -1,
    rlimits: Object.entries(service.limits).map(([name, limit]) => Buffer.from(`${name}=${limit}`)),
    timeout_ms: 0,
  };
}

/**
 * For an application that stops or reloads on WINCH a change of the terminal's size is deadly, and the kernel sends it to whoever is in the
 * foreground: such an application gets a session of its own, so that the terminal has nothing to tell it, and WINCH comes only from outside.
 */
function winchMeansMore(service: ServiceConfig): boolean {
  const meanings = [service.stop_signal, ...service.container_stop_signals, ...service.watch.map((rule) => rule.reload_signal)];
  return meanings.includes(sigwinch);
}

/** A validator has the application's surroundings, for it is to see what the application would; but not its limits, which could end it. */
function validatorSpawn(token: number, rule: WatchRule, argv: readonly string[], service: ServiceConfig, users: Users): Effect {
  return {
    ...spawnBase(service, users.validators.get(rule.name)),
    token,
    role: roles.values.helper,
    flags: spawnFlags.values.capture | spawnFlags.values.session | (service.no_new_privileges ? spawnFlags.values.no_new_privs : 0),
    argv: argv.map((word) => Buffer.from(word)),
    nice: 0,
    umask: service.umask ?? -1,
    rlimits: [],
    timeout_ms: rule.validate_timeout,
  };
}

function spawnBase(service: ServiceConfig, user: UserIds | undefined) {
  // HOME of the user, as gosu and su set it: the container's is that of the user who started init.
  const variables = Object.entries({ ...(user?.home && { HOME: user.home }), ...service.environment });
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
    exit_map: Buffer.from(Array.from({ length: codeCount }, (_, code) => main.exit_codes[code] ?? code)),
    log_format: logFormats.values[log.format],
  };
}

function actionOf(signo: number, service: ServiceConfig): 'forward' | 'stop' | 'drop' {
  return service.signals[signo]?.kind ?? (service.container_stop_signals.includes(signo) ? 'stop' : 'forward');
}

function targetOf(signo: number, service: ServiceConfig): number {
  const rule = service.signals[signo];
  return rule?.kind === 'forward' ? rule.as : signo;
}
