/**
 * What Node does to the descriptors that it holds (docs/architecture.md, "The controller's place"): O_NONBLOCK on a shared description, terminal
 * modes restored at exit, a stop by SIGTTOU, blocking on a full pipe. The controller holds none of the container's.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it, onTestFinished } from 'vitest';
import { eventually } from '../fixtures/eventually.ts';
import { closeTerminals, openTerminal } from '../fixtures/init/terminal.ts';
import { makePipe } from '../fixtures/pipe.ts';
import { scratchDirectory } from '../fixtures/scratch.ts';
import { childrenOf, configFile, reinit } from './harness.ts';

afterEach(closeTerminals);

/** Sets modes of its own, and tells of each HUP on the terminal itself. */
const application = "stty -icanon tostop; trap 'echo got HUP' HUP; echo set; while :; do read -r -t 0.05 x && exit 3; done";

/** A configuration that sends HUP for changes of one file. */
function watching(command: readonly string[]): { readonly config: string; readonly change: (text: string) => void } {
  const file = join(scratchDirectory(), 'app.conf');
  writeFileSync(file, 'first\n');
  const watch = [{ paths: [file], settle: '50ms', reload_after_start: '0', confirm: '50ms' }];
  return { config: configFile({ command, watch, log: { format: 'text' } }), change: (text) => writeFileSync(file, text) };
}

const controllerOf = (pid: number) => childrenOf(pid).find((child) => readFileSync(`/proc/${child}/cmdline`, 'utf8').includes('main.cjs'));

describe('a terminal with tostop', () => {
  it('keeps its modes and flags through log lines, a killed controller and the end', async () => {
    const { config, change } = watching(['bash', '-c', application]);
    const terminal = openTerminal([reinit, '-c', config]);
    await terminal.shows('set');
    const before = await terminal.modes();
    await terminal.shows('started bash');
    change('second\n');
    await terminal.shows(/applied/);
    process.kill((await eventually('the controller', async () => controllerOf(await terminal.pid()))) ?? 0, 'SIGKILL');
    await terminal.shows('controller was started again');
    change('third\n');
    await terminal.shows(/applied.*applied/s); // before: its end would be a failed reload
    expect(terminal.screen().split('got HUP').length - 1).toBe(2);
    expect(await terminal.modes()).toBe(before);
    terminal.type('\n');
    expect(await terminal.ended()).toBe(3);
    expect(await terminal.lastModes()).toBe(before);
  });

  it('control: a Node that shares it puts back what it found', async () => {
    const wrapper =
      "require('node:child_process').spawn('bash', ['-c', process.argv[1]], { stdio: 'inherit' }).on('exit', (code) => process.exit(code))";
    const terminal = openTerminal([process.execPath, '-e', wrapper, application]);
    await terminal.shows('set');
    const before = await terminal.modes();
    terminal.type('\n');
    expect(await terminal.ended()).toBe(3);
    expect(await terminal.lastModes()).not.toBe(before);
  });
});

const nonBlocking = 0o4000; // O_NONBLOCK, asm-generic/fcntl.h

/** A program whose 1 and 2 are one pipe that nobody reads. */
function onUnreadPipe(command: readonly string[]): ChildProcess {
  const pipe = makePipe();
  const [file = '', ...args] = command;
  const child = spawn(file, args, { stdio: ['ignore', pipe.writeFd, pipe.writeFd] });
  pipe.handedOver();
  pipe.read.pause();
  onTestFinished(async () => {
    child.kill('SIGKILL');
    pipe.read.destroy();
  });
  return child;
}

const flagsOf = (pid: number): number =>
  Number.parseInt(/flags:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/fdinfo/2`, 'utf8'))?.[1] ?? '', 8);

describe('a stderr that nobody reads', () => {
  it('blocks neither controller nor application, and stays a blocking one', async () => {
    const seen = join(scratchDirectory(), 'seen');
    // Fills the pipe first, without waiting for room; from then on every line of reinit's log has nowhere to go.
    const fill = 'timeout 1 sh -c "while :; do echo xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx >&2; done"';
    const { config, change } = watching([
      'bash',
      '-c',
      `trap 'echo HUP >>${seen}' HUP; ${fill}; echo full >${seen}; while :; do sleep 0.05; done`,
    ]);
    const child = onUnreadPipe([reinit, '-c', config]);
    const pid = child.pid ?? 0;
    const hups = (): number => readFileSync(seen, 'utf8').split('HUP').length - 1;
    await eventually('the pipe is full', () => readFileSync(seen, 'utf8').includes('full'));
    for (let n = 1; n <= 3; n++) {
      change(`change ${n}\n`);
      await eventually(`change ${n} is applied`, () => hups() === n);
    }
    expect(flagsOf(pid) & nonBlocking).toBe(0);
    const ended = new Promise((resolve) => child.once('exit', (code, signal) => resolve(signal ?? code)));
    child.kill('SIGTERM');
    expect(await ended).toBe(143);
  });

  it('control: a Node that looks at it makes it non-blocking for all', async () => {
    const child = onUnreadPipe([process.execPath, '-e', 'process.stderr; setInterval(() => {}, 1e6)']);
    await eventually('the flag', () => (flagsOf(child.pid ?? 0) & nonBlocking) !== 0);
  });
});
