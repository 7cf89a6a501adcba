/**
 * From hello to the first commit, as fast as can be: the application's start waits for it. Whatever is not needed for that (watching, pino, even
 * node:net) is loaded after it. Crash-only: the way here is the same for the first controller and for the hundredth.
 */
import { setTimeout } from 'node:timers';
import { ConfigError } from '../config/errors.ts';
import { loadConfig } from '../config/load.ts';
import type { Config } from '../config/model.ts';
import { exitCodes } from '../core/exit-codes.ts';
import type { Reading } from '../core/reading.ts';
import type { Readings, Step } from '../core/run.ts';
import { takeOver, unknownRules } from '../core/take-over.ts';
import { type Link, openLink } from '../link/client.ts';
import { constants } from '../link/messages.ts';
import type { KillHook } from '../link/writer.ts';
import { lineOf, type Names } from '../log/lines.ts';
import { createLog, type Log } from '../log/log.ts';
import { readGeneration } from '../watch/generation.ts';
import type { Watch } from '../watch/types.ts';
import { createClock } from './clock.ts';
import { type Driver, startDriver } from './driver.ts';
import { effectOf } from './effects.ts';
import { withDistinctNames } from './rule-names.ts';
import { lookUpUsers, UserProblem } from './users.ts';

export interface ControllerOptions {
  /** init's own flags. */
  readonly argv: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
  /** For tests: called at every moment in which this process may die. */
  readonly killHook?: KillHook;
}

/** A mount that hangs must not keep the application from starting: what was not read by then is not known. */
const firstReadingMs = 2_000;

export async function runController(options: ControllerOptions): Promise<void> {
  const log = createLog();
  leaveOnBugs(log);
  const link = openLink(undefined, options.killHook);
  const config = configure(options, link, log);
  if (!config) return;
  const clock = createClock(link.hello.now_ms);
  const watches = new Map<string, Watch>();
  const read = (name: string): Promise<Reading | undefined> => readRule(name, config, watches);
  const first = await firstStep(link, config, read);
  const users = lookUp(config, link, log);
  if (!users) return;
  const names = namesOf(config, link);
  const driver = startDriver(first, {
    link,
    clock,
    config,
    read,
    effectOf: (command) => effectOf(command, config, users),
    note: (note) => log.write(lineOf(note, names)),
    drain: log.drain,
    later,
  });
  if (link.hello.generation > 0) {
    log.say('warn', 'the controller was started again; the application is not affected', {
      event: 'controller_restarted',
      generation: link.hello.generation,
    });
  }
  await link.listen(driver.dispatch, (error) => leave(error, log));
  await loadLate({ config, log, driver, watches, now: clock.now });
}

export interface LateOptions {
  readonly config: Config;
  readonly log: Log;
  readonly driver: Driver;
  /** Filled by the late part: from then on readings are the watches'. */
  readonly watches: Map<string, Watch>;
  readonly now: () => number;
}

async function loadLate(options: LateOptions): Promise<void> {
  const { startLate } = await import('./late.ts');
  startLate(options);
}

async function readRule(name: string, config: Config, watches: ReadonlyMap<string, Watch>): Promise<Reading | undefined> {
  const rule = config.services.main.watch.find((one) => one.name === name);
  if (!rule) return undefined;
  return (watches.get(name)?.read() ?? readGeneration(rule)).catch(() => undefined);
}

async function firstStep(link: Link, config: Config, read: (rule: string) => Promise<Reading | undefined>): Promise<Step> {
  const { hello, slots } = link;
  return takeOver(hello, slots, config, await readAll(unknownRules(hello, config), read));
}

async function readAll(rules: readonly string[], read: (rule: string) => Promise<Reading | undefined>): Promise<Readings> {
  if (rules.length === 0) return {};
  const late = new Promise<undefined>((resolve) => setTimeout(resolve, firstReadingMs, undefined).unref());
  return Object.fromEntries(await Promise.all(rules.map(async (rule) => [rule, await Promise.race([read(rule), late])] as const)));
}

function configure({ argv, env }: ControllerOptions, link: Link, log: Log): Config | undefined {
  const { hello } = link;
  try {
    const config = withDistinctNames(
      loadConfig({ argv, env, hasCommand: hello.command.length > 0, warn: (message) => log.say('warn', message) }),
    );
    const terminal = (hello.flags & constants.helloFlags.values.stderr_terminal) !== 0;
    log.configure({ text: config.log.format === 'text' || (config.log.format === 'auto' && terminal), level: config.log.level });
    return config;
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    refuse(error.render(), error.exitCode, link, log);
    return undefined;
  }
}

function lookUp(config: Config, link: Link, log: Log) {
  try {
    return lookUpUsers(config, link.hello);
  } catch (error) {
    if (!(error instanceof UserProblem)) throw error;
    refuse(error.message, exitCodes.cannotExecute, link, log);
    return undefined;
  }
}

/**
 * Nothing can be done as configured. Before there is an application the container ends; later (the file was changed, and this is another controller)
 * the application goes on, and this process leaves: init tries again, less and less often.
 */
function refuse(text: string, code: number, { hello, commit }: Link, log: Log): void {
  log.raw(`reinit: ${text}\n`);
  log.drain();
  if (hello.main_token !== 0) process.exit(code);
  commit(0, undefined, [{ kind: 'exit', code }]);
}

function namesOf(config: Config, { hello }: Link): Names {
  const { command, watch } = config.services.main;
  const rule = (name: string) => watch.find((one) => one.name === name);
  return {
    command: hello.command[0]?.toString() ?? command[0] ?? '',
    validator: (name, step) => rule(name)?.validate[step]?.[0] ?? 'the validator',
    validateTimeout: (name) => rule(name)?.validate_timeout ?? 0,
  };
}

function later(ms: number, call: () => void): () => void {
  const timer = setTimeout(call, ms);
  return () => clearTimeout(timer);
}

/** init is gone, or has let go of this controller: there is nothing to do here any more. */
function leave(error: Error | undefined, log: Log): void {
  if (error) log.say('error', `the link to init is broken: ${error.message}`, { event: 'link_broken' });
  log.drain();
  process.exit(error ? exitCodes.bug : exitCodes.ok);
}

/** init starts the next controller, which has the state of the last commit. */
function leaveOnBugs(log: Log): void {
  process.on('uncaughtException', (error) => {
    log.say('error', `a bug in reinit: ${error.stack ?? error.message}`, { event: 'bug' });
    log.drain();
    process.exit(exitCodes.bug);
  });
  process.removeAllListeners('warning'); // Node's own listener writes to stderr, past the log
  process.on('warning', (warning) => log.say('warn', `Node.js warns: ${warning.message}`, { event: 'node_warning' }));
}
