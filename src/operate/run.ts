/** The command line that asks a running reinit. It knows nothing of the configuration's schema, so it starts quickly. */
import { setTimeout as pause } from 'node:timers/promises';
import { Command, CommanderError } from 'commander';
import type { Output } from '../cli/output.ts';
import { shorten } from '../config/names.ts';
import type { Generation } from '../control/history.ts';
import type { Outcome, Request } from '../control/protocol.ts';
import type { Report } from '../control/report.ts';
import { parseDuration } from '../core/durations.ts';
import { exitCodes } from '../core/exit-codes.ts';
import type { RuleVerb } from '../core/rule.ts';
import type { Entry } from '../journal/journal.ts';
import type { TreeSample } from '../usage/usage.ts';
import { ask, NotReached, Refused } from './client.ts';
import { entryLine, historyText, statusText } from './render.ts';
import { samplesOf, topText } from './top.ts';
import { operatingVerbs, type VerbAbout } from './verbs.ts';

class WrongFlag extends Error {
  override readonly name = 'WrongFlag';
}

interface Given {
  readonly rules: readonly string[];
  readonly options: Readonly<Record<string, string | boolean | undefined>>;
  readonly socket: string | undefined;
  readonly output: Output;
}

/** The same everywhere, so that the reference page is what a terminal shows. */
const helpWidth = 100;
/** What an asked one may take beyond the time that it was given, in ms. */
const slackMs = 5_000;
/** To the upper left corner, and all that is below goes. */
const clearScreen = '\x1b[H\x1b[J';
const quickMs = 5_000;

/** @returns the exit code */
export async function runOperate(
  argv: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
  output: Output,
): Promise<number> {
  let code: number = exitCodes.ok;
  const program = programFor(output);
  for (const about of operatingVerbs) {
    const command = commandOf(program, about);
    command.action(async () => {
      const { socket = socketOf(env), ...options } = command.opts<{ socket?: string }>();
      code = await run(about.name, { rules: command.args, options, socket, output });
    });
  }
  try {
    await program.parseAsync(argv, { from: 'user' });
    return code;
  } catch (error) {
    if (error instanceof WrongFlag) return say(error, exitCodes.usage, output);
    if (error instanceof CommanderError) return error.exitCode === 0 ? exitCodes.ok : exitCodes.usage;
    if (error instanceof Refused) return say(error, exitCodes.no, output);
    if (error instanceof NotReached) return say(error, exitCodes.notReached, output);
    throw error;
  }
}

const programFor = (output: Output): Command =>
  new Command('reinit').exitOverride().configureOutput({
    writeOut: output.out,
    writeErr: output.error,
    outputError: (text, write) => write(text.replace(/^error: /, 'reinit: ')),
  });

/** What `reinit VERB --help` says. */
export function helpOf(about: VerbAbout): string {
  let text = '';
  const program = programFor({ out: (part) => (text += part), error: () => undefined });
  commandOf(program, about).outputHelp();
  return text;
}

function say({ message }: Error, code: number, { error }: Output): number {
  error(`reinit: ${message}\n`);
  return code;
}

/** The words of the setting are no paths. */
function socketOf({ REINIT_CONTROL_SOCKET: socket }: Readonly<Record<string, string | undefined>>): string | undefined {
  return socket?.startsWith('/') ? socket : undefined;
}

function commandOf(program: Command, { name, argument, about, more, options, examples }: VerbAbout): Command {
  const command = program.command(name).description(more === undefined ? about : `${about}.\n${more}`);
  if (argument !== undefined) command.argument(argument);
  for (const option of options) command.option(option.flags, option.about);
  command.option('--socket <path>', 'the control socket (REINIT_CONTROL_SOCKET), where it is not at its usual place');
  return command.configureHelp({ helpWidth }).addHelpText('after', `\nExamples:\n${examples.map((one) => `  ${one}`).join('\n')}`);
}

async function run(verb: string, given: Given): Promise<number> {
  switch (verb) {
    case 'status':
      return status(given);
    case 'history':
      return history(given);
    case 'events':
    case 'logs':
      return events(verb, given);
    case 'top':
      return top(given);
    case 'stop':
    case 'signal':
      return signal(verb, given);
    case 'restart':
      return act({ verb, wait_ms: waitOf(given) }, given);
    default:
      return act(
        { verb: verb === 'check' ? 'validate' : (verb as RuleVerb | 'rescan'), rules: given.rules, wait_ms: waitOf(given) },
        given,
      );
  }
}

async function status({ options, socket, output }: Given): Promise<number> {
  const get = (): Promise<Report> => ask<Report>({ verb: 'status' }, { socket, timeoutMs: quickMs });
  if (options.check) {
    const { healthy, in_sync } = await get();
    return healthy && (in_sync || !options.strict) ? exitCodes.ok : exitCodes.no;
  }
  const show = async (): Promise<void> => {
    const report = await get();
    output.out(options.json ? `${JSON.stringify(report)}\n` : statusText(report, Date.now()));
  };
  if (!options.watch) {
    await show();
    return exitCodes.ok;
  }
  for (;;) {
    if (!options.json) output.out(clearScreen);
    await show();
    await pause(1_000);
  }
}

async function history({ rules, options, socket, output }: Given): Promise<number> {
  const { generations } = await ask<{ generations: Generation[] }>({ verb: 'history', rules }, { socket, timeoutMs: quickMs });
  output.out(options.json ? `${JSON.stringify(generations)}\n` : historyText(generations, Date.now()));
  return exitCodes.ok;
}

/** Lines that are no event, and those for debugging, are of the log only. */
const isEvent = ({ event, level }: Entry): boolean => event !== undefined && level !== 'debug';

async function events(verb: 'events' | 'logs', { options, socket, output }: Given): Promise<number> {
  const last = numberOf(options.last);
  const show = (entry: Entry): void => output.out(options.json ? `${JSON.stringify(entry)}\n` : entryLine(entry));
  const known: Entry[] = [];
  let live = false;
  const onEntry = (entry: Entry): void => {
    if (verb === 'events' && !isEvent(entry)) return;
    if (live) show(entry);
    else known.push(entry);
  };
  await ask({ verb: 'events' }, { socket, onEntry, timeoutMs: quickMs });
  for (const entry of last === undefined ? known : known.slice(-last)) show(entry);
  live = true;
  if (options.follow) await ask({ verb: 'events', follow: true, last: 0 }, { socket, onEntry });
  return exitCodes.ok;
}

async function top({ options, socket, output }: Given): Promise<number> {
  const { application } = await ask<Report>({ verb: 'status' }, { socket, timeoutMs: quickMs });
  if (application.pid === null) throw new Refused({ code: 'not_running', message: 'the application does not run' });
  for await (const sample of samplesOf(application.pid)) {
    if (isAnother(sample, application.since)) throw new Refused(elsewhere);
    if (options.json) output.out(`${JSON.stringify(sample)}\n`);
    else output.out(`${options.once ? '' : clearScreen}${topText(sample)}`);
    if (options.once) break;
  }
  return exitCodes.ok;
}

/** Whoever reaches the socket need not see the same processes by the same numbers. */
const isAnother = ({ processes: [main] }: TreeSample, since: string | null): boolean =>
  main !== undefined && since !== null && Math.abs(main.since - Date.parse(since)) > apartMs;
/** Clocks that were set since are no reason. */
const apartMs = 60_000;
const elsewhere = {
  code: 'elsewhere',
  message: "the application's process has another number here",
  hint: 'Ask in the container: docker exec app reinit top.',
} as const;

async function signal(verb: 'stop' | 'signal', { rules, options, socket, output }: Given): Promise<number> {
  const request: Request = verb === 'stop' ? { verb } : { verb, signal: rules[0] ?? '' };
  const { signal } = await ask<{ signal: string }>(request, { socket, timeoutMs: quickMs });
  const words = verb === 'stop' ? `the container is being stopped (${signal})` : `${signal} is being sent to the application`;
  output.out(options.json ? `${JSON.stringify({ signal })}\n` : `${words}\n`);
  return exitCodes.ok;
}

async function act(request: Extract<Request, { wait_ms?: number }>, { options, socket, output }: Given): Promise<number> {
  const timeoutMs = (request.wait_ms ?? 0) + slackMs;
  const result = await ask<Outcome>(request, { socket, timeoutMs });
  if (options.json) output.out(`${JSON.stringify(result)}\n`);
  else output.out(`${result.entries.map(entryLine).join('')}${outcomeText(result)}`);
  return result.outcome === 'done' ? exitCodes.ok : exitCodes.no;
}

function outcomeText({ outcome, status: { summary } }: Outcome): string {
  switch (outcome) {
    case 'done':
      return `done: ${summary}\n`;
    case 'refused':
      return `refused: ${summary}\n`;
    default:
      return `still under way: ${summary}\n`;
  }
}

const waitDefaultMs = 60_000;

/** @throws WrongFlag */
function waitOf({ options: { timeout } }: Given): number {
  if (typeof timeout !== 'string') return waitDefaultMs;
  const read = parseDuration(timeout);
  if (!read.ok) throw new WrongFlag(`--timeout ${shorten(timeout)}: ${read.problem}`);
  return read.ms;
}

function numberOf(text: string | boolean | undefined): number | undefined {
  return typeof text === 'string' && /^\d+$/.test(text) ? Number(text) : undefined;
}
