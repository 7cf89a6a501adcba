/**
 * From hello to the first commit, as fast as can be: the application's start waits for it. Whatever is not needed for that (watching, pino, even
 * node:net) is loaded after it. Crash-only: the way here is the same for the first controller and for the hundredth.
 */
import { setTimeout } from 'node:timers';
import { ConfigError } from '../config/errors.ts';
import type { Config } from '../config/model.ts';
import { exitCodes } from '../core/exit-codes.ts';
import { freshOwn } from '../core/own-config.ts';
import { isOwned, policiesOf } from '../core/policy.ts';
import type { Reading } from '../core/reading.ts';
import type { Readings, State, Step } from '../core/state.ts';
import { formerState, isFirst, takeOver, unknownRules } from '../core/take-over.ts';
import { type Link, openLink } from '../link/client.ts';
import { constants } from '../link/messages.ts';
import type { KillHook } from '../link/writer.ts';
import { createLog, type Log } from '../log/log.ts';
import { readGeneration } from '../watch/generation.ts';
import { steadySince } from '../watch/steady.ts';
import type { Watch } from '../watch/types.ts';
import { type Clock, createClock } from './clock.ts';
import { type Driver, startDriver } from './driver.ts';
import { effectsOf } from './effects.ts';
import { namesOf } from './names.ts';
import { checkOwn, type Loaded, loadOwn, type OwnOptions } from './own-file.ts';
import { createReporter } from './reporter.ts';
import { createTerminationLog } from './termination-log.ts';
import { lookUpUsers, UserProblem } from './users.ts';
import type { Workshop } from './workshop.ts';

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
  const former = formerState(link.hello);
  const own: OwnOptions = { argv: options.argv, env: options.env, hello: link.hello };
  const loaded = configure(own, link, former, log);
  if (!loaded) return;
  const { config } = loaded;
  const clock = createClock(link.hello.now_ms);
  const watches = new Map<string, Watch>();
  const shop = createShop(config, link, clock, log);
  const read = (name: string): Promise<Reading | undefined> => readRule(name, config, watches, shop);
  const first = await firstStep(link, former, loaded, read, shop, clock);
  const users = lookUp(config, link, log);
  if (!users) return;
  const reporter = createReporter(log, namesOf(loaded, link.hello), link.hello.generation === 0);
  const steps = new Set<() => void>();
  const driver = startDriver(first, {
    link,
    clock,
    config,
    read,
    work: async (job, state) => (job.kind === 'check' ? checkOwn(own, loaded, state) : (await shop.open()).work(job, state)),
    isSuperseded: (state) => state.own?.source.hash !== loaded.source?.hash,
    handOver: () => {
      log.drain();
      process.exit(exitCodes.handOver);
    },
    observe(state) {
      shop.opened?.observe(state);
      for (const listener of steps) listener();
    },
    effectsOf: (command) => effectsOf(command, config, users, (hash) => shop.opened?.variables(hash) ?? noVariables),
    note: reporter,
    drain: log.drain,
    later,
  });
  if (link.hello.generation > 0 && !first.notes.some(({ kind }) => kind === 'config_taken_over' || kind === 'config_went_back')) {
    log.say('warn', 'the controller was started again; the application is not affected', {
      event: 'controller_restarted',
      generation: link.hello.generation,
    });
  }
  await link.listen(driver.dispatch, (error) => leave(error, log));
  await loadLate({
    config,
    log,
    driver,
    steps,
    watches,
    shop,
    file: loaded.file,
    now: clock.now,
    count: link.count,
    generation: link.hello.generation,
  });
}

const noVariables: ReadonlyMap<string, string> = new Map();

export interface LateOptions {
  readonly config: Config;
  readonly log: Log;
  readonly driver: Driver;
  /** Filled by the late part: from then on readings are the watches'. */
  readonly watches: Map<string, Watch>;
  readonly shop: Shop;
  /** reinit's own configuration. */
  readonly file: string | undefined;
  /** Called after each step. */
  readonly steps: Set<() => void>;
  readonly now: () => number;
  readonly count: Link['count'];
  /** How many controllers there were before this one. */
  readonly generation: number;
}

async function loadLate(options: LateOptions): Promise<void> {
  const { startLate } = await import('./late.ts');
  await startLate(options);
}

/** Opened where it is needed: most containers never do. */
export interface Shop {
  readonly opened: Workshop | undefined;
  open(): Promise<Workshop>;
}

function createShop(config: Config, { hello }: Link, { now }: Clock, log: Log): Shop {
  let opened: Workshop | undefined;
  let opening: Promise<Workshop> | undefined;
  const warn = (message: string): void => log.say('warn', message, { event: 'files_warning' });
  const load = async (): Promise<Workshop> => {
    const { openWorkshop } = await import('./workshop.ts');
    const canKill = (hello.flags & constants.helloFlags.values.can_kill) !== 0;
    opened = openWorkshop({ config, canKill, now, warn });
    return opened;
  };
  return {
    get opened() {
      return opened;
    },
    open: () => {
      opening ??= load();
      return opening;
    },
  };
}

async function readRule(name: string, config: Config, watches: ReadonlyMap<string, Watch>, shop: Shop): Promise<Reading | undefined> {
  const rule = policiesOf(config.services.main).find((one) => one.name === name);
  if (!rule) return undefined;
  if (rule.source === 'environment') return (await shop.open()).readVariables().catch(() => undefined);
  return (watches.get(name)?.read() ?? readGeneration(rule)).catch(() => undefined);
}

type Read = (rule: string) => Promise<Reading | undefined>;

/** What is only handed to the application (files that are published, variables) has to be there before it. */
async function firstStep(link: Link, former: State | undefined, loaded: Loaded, read: Read, shop: Shop, { now }: Clock): Promise<Step> {
  const { hello, slots } = link;
  const { config, source } = loaded;
  const owned = policiesOf(config.services.main).some(isOwned);
  const workshop = owned ? await shop.open() : undefined;
  const key = config.services.main.env_from.length > 0 ? (former?.key ?? (await workshop?.key())) : undefined;
  if (key !== undefined) workshop?.use(key);
  const readings = await readAll(unknownRules(former, config), read);
  const kept = workshop && isFirst(former, slots) ? await workshop.recall() : {};
  const steady = config.services.main.attach && steadyTimes(config, readings, now() - Date.now());
  const own = source && { ...(former?.own ?? freshOwn(source, hello.generation)), source };
  const step = takeOver(former, hello, slots, config, { readings, kept, key, own, ...(steady && { steady }) });
  await workshop?.load(step.state);
  return step;
}

/** A process that nobody here has started may have found what is there now, or something else. */
const steadyTimes = (config: Config, readings: Readings, offset: number) =>
  Object.fromEntries(
    config.services.main.watch.map(({ name, paths }) => [name, steadySince([...paths, ...(readings[name]?.files?.keys() ?? [])], offset)]),
  );

async function readAll(rules: readonly string[], read: Read): Promise<Readings> {
  if (rules.length === 0) return {};
  const late = new Promise<undefined>((resolve) => setTimeout(resolve, firstReadingMs, undefined).unref());
  return Object.fromEntries(await Promise.all(rules.map(async (rule) => [rule, await Promise.race([read(rule), late])] as const)));
}

function configure(own: OwnOptions, link: Link, former: State | undefined, log: Log): Loaded | undefined {
  const { hello } = link;
  try {
    const loaded = loadOwn(own, former?.own?.source, (message) => log.say('warn', message));
    const { config } = loaded;
    const terminal = (hello.flags & constants.helloFlags.values.stderr_terminal) !== 0;
    log.configure({ text: config.log.format === 'text' || (config.log.format === 'auto' && terminal), level: config.log.level });
    return loaded;
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
  createTerminationLog().write(`${text}\n`);
  commit(0, undefined, [{ kind: 'exit', code }]);
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
