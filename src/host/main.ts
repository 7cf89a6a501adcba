/**
 * Portable mode: what runs where there is no init, for development. `main.cjs portable` and init's arguments; this process is what init is elsewhere
 * (host.ts), and starts the same controller.
 */
import { existsSync } from 'node:fs';
import { uptime } from 'node:os';
import { isatty } from 'node:tty';
import { ConfigError } from '../config/errors.ts';
import { defaultFile, loadConfig } from '../config/load.ts';
import { lookUpUser } from '../controller/users.ts';
import { exitCodes } from '../core/exit-codes.ts';
import { parseSignal, sigterm } from '../core/signals.ts';
import { version } from '../core/version.ts';
import { nodeFlags } from '../loader/node-flags.ts';
import { runtimeCommand } from '../loader/runtime-command.ts';
import { createSink, writeSomeToStderr } from '../log/sink.ts';
import { type CommandLine, isConfigured, readArguments } from './arguments.ts';
import { createController } from './controller.ts';
import { createHost, type Host } from './host.ts';
import { announcement, received, refusal, refusedSettings, type Surroundings, weakerSettings } from './limits.ts';
import { defaultOrders } from './orders.ts';
import { nodeSignal } from './signalling.ts';
import { canListTrees, treeLister } from './tree.ts';

const sighup = 1;
const drainMs = 1_000;
const usage = 'usage: reinit [flags] [--] command [arguments]; `reinit help` tells more\n';

const sink = createSink({ writeSome: writeSomeToStderr, droppedLine: (count) => `reinit: ${count} log lines were dropped\n` });
const say = (text: string): void => sink.write(`reinit: ${text}\n`);

function finish(code: number): never {
  sink.drain(drainMs);
  process.exit(code);
}

const argv = process.argv.slice(2);
const task = readArguments(argv, isConfigured(process.env, existsSync(defaultFile)));
switch (task.kind) {
  case 'cli':
    void import('../cli/main.ts');
    break;
  case 'version':
    process.stdout.write(`reinit ${version}\n`);
    break;
  case 'usage':
    sink.write(usage);
    finish(exitCodes.usage);
    break;
  default:
    run(task, task.kind === 'plain');
}

function run(line: CommandLine, plain: boolean): void {
  const weaker = plain ? [] : checkConfiguration(line);
  say(announcement([...line.ignored, ...weaker], surroundings()));
  const start = uptime() * 1000 - performance.now();
  const controller = createController({
    command: [...nodeCommand(), `${__dirname}/main.cjs`, 'boot', ...line.own],
    env: process.env,
    log: sink.write,
    say,
    leave,
  });
  const host = createHost({
    command: line.command,
    orders: defaultOrders(line),
    terminal: isatty(2),
    privileged: isRoot(),
    // CLOCK_BOOTTIME, as far as Node can tell.
    now: () => Math.floor(start + performance.now()),
    say,
    connected: () => controller.connected,
    hopeful: () => !plain && controller.hopeful,
    leave,
  });
  let leaving = false;
  function leave(code: number): void {
    if (leaving) return;
    leaving = true;
    host.killAll();
    controller.end(() => finish(code));
  }
  process.on('uncaughtException', (error) => {
    say(`a bug in reinit: ${error.stack ?? error.message}`);
    leave(exitCodes.bug);
  });
  receiveSignals(host);
  if (plain) host.runPlain();
  else controller.start(host);
}

/** A HUP with which the terminal goes is an end, since nobody could end what goes on. A terminal that has hung up is none any more (tty(4)). */
function receiveSignals(host: Host): void {
  const terminal = isatty(0);
  const meant = (signo: number): number => (signo === sighup && terminal && !isatty(0) ? sigterm : signo);
  for (const name of received) {
    const signo = parseSignal(name) ?? 0;
    process.on(nodeSignal(signo), () => host.signal(meant(signo)));
  }
}

/** The Node that is shipped is for Linux; without /proc it does not know its own path. */
function nodeCommand(): readonly string[] {
  const shipped = process.platform === 'linux' ? runtimeCommand(__dirname) : undefined;
  return shipped ?? [process.execPath, ...nodeFlags];
}

/** What is passed over of what is configured; leaves where there are mistakes, or what portable mode cannot do. */
function checkConfiguration({ own, command }: CommandLine): readonly string[] {
  try {
    const config = loadConfig({ argv: own, env: process.env, hasCommand: command.length > 0 });
    const around = surroundings();
    const refused = refusedSettings(config, around);
    if (refused.length === 0) return weakerSettings(config, around);
    say(refusal(refused));
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    say(error.render());
  }
  return finish(exitCodes.usage);
}

function surroundings(): Surroundings {
  return { proc: existsSync('/proc/self/stat'), treeLister: canListTrees() || treeLister, canRunAs };
}

function canRunAs(user: string): boolean {
  if (isRoot()) return true;
  try {
    return lookUpUser(user).uid === process.getuid?.();
  } catch {
    return false;
  }
}

function isRoot(): boolean {
  return process.getuid?.() === 0;
}
