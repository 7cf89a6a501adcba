import { readFileSync, rmSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, describe, expect, it, onTestFinished } from 'vitest';
import { eventually } from '../fixtures/eventually.ts';
import { compiled } from '../fixtures/init/compiled.ts';
import { endDriven, event, openController } from '../fixtures/init/controller.ts';
import { nested, orders, stop } from '../fixtures/init/effects.ts';
import { hasNoSubreaper, unlessEmulated } from '../fixtures/init/emulated.ts';
import { reinit, signalsSeen, statusField, tini } from '../fixtures/init/init.ts';
import { closeTerminals, openTerminal, type Terminal } from '../fixtures/init/terminal.ts';

afterEach(async () => {
  closeTerminals();
  await endDriven();
});

const record = compiled('record');
const ctrlC = '\x03';
const ctrlZ = '\x1a';
/** Without children: where TSTP comes between vfork and exec of one, a shell hangs in the kernel, and no shell out here could say fg either. */
const ticker = ['/bin/bash', '-c', 'while :; do read -rt 0.05 _; echo tick; done'];
const seen = (terminal: Terminal): number[] => signalsSeen(terminal.screen().replaceAll(/\r|\^[CZ]/g, '')).map(({ signo }) => signo);

/** Waits until a signal of our own, sent after everything else, has arrived: what was to come has come. */
async function settled(terminal: Terminal): Promise<number[]> {
  const count = seen(terminal).filter((signo) => signo === 10).length;
  terminal.signal(10);
  await eventually('the last signal', () => seen(terminal).filter((signo) => signo === 10).length > count);
  return seen(terminal).filter((signo) => signo !== 10);
}

describe('terminal', () => {
  it('makes the application the foreground group', async () => {
    const terminal = openTerminal([reinit, '--', compiled('report')]);
    expect(await terminal.ended()).toBe(0);
    const [, pgid] = /pgid (\d+)/.exec(terminal.screen()) ?? [];
    expect(terminal.screen()).toContain(`foreground ${pgid}\r`);
  });

  it('Ctrl-C reaches it once, and what it makes of it is the end', async () => {
    const terminal = openTerminal([reinit, '--', record, '15', '9']);
    await terminal.shows('ready');
    terminal.type(ctrlC);
    await terminal.shows('signal 2 ');
    expect(await settled(terminal)).toEqual([2]);
    terminal.signal(15);
    expect(await terminal.ended()).toBe(9);
    const other = openTerminal([reinit, '--', '/bin/sleep', '60']);
    const init = await other.pid();
    const child = () => Number(readFileSync(`/proc/${init}/task/${init}/children`, 'utf8').split(' ')[0]);
    await eventually('sleep', () => statusField(child(), 'Name') === 'sleep');
    other.type(ctrlC);
    expect(await other.ended()).toBe(130);
  });

  unlessEmulated('its own start takes the first moments')('Ctrl-C in the very first moments is not lost', async () => {
    for (let i = 0; i < 20; i++) {
      const terminal = openTerminal([reinit, '--', '/bin/sleep', '60']);
      await terminal.pid();
      for (const until = Date.now() + i; Date.now() < until; ) await delay(1);
      // Typed before init runs, it finds nobody: the kernel drops it. So it is typed until somebody has heard.
      const typing = setInterval(() => terminal.type(ctrlC), 300);
      terminal.type(ctrlC);
      expect(await terminal.ended().finally(() => clearInterval(typing))).toBe(130);
    }
  });

  it('Ctrl-Z does not freeze it, and is told', async () => {
    const terminal = openTerminal([reinit, '--', ...ticker]);
    await terminal.shows('tick');
    terminal.type(ctrlZ);
    await terminal.shows('continued');
    const shown = terminal.screen().length;
    await eventually('it goes on', () => terminal.screen().slice(shown).includes('tick'));
    const frozen = openTerminal([tini, '--', ...ticker]);
    await frozen.shows('tick');
    frozen.type(ctrlZ);
    await frozen.shows('^Z');
    await delay(300);
    const stood = frozen.screen().length;
    await delay(300);
    expect(frozen.screen().length).toBe(stood);
  });

  it('a change of the window’s size reaches it once; WINCH from outside is forwarded', async () => {
    const terminal = openTerminal([reinit, '--', record, '15']);
    await terminal.shows('ready');
    terminal.resize(30, 100);
    await terminal.shows('signal 28 ');
    expect(await settled(terminal)).toEqual([28]);
    terminal.signal(28);
    await eventually('forwarded', () => seen(terminal).filter((signo) => signo === 28).length === 2);
    expect(await settled(terminal)).toEqual([28, 28]);
  });

  it('bash has its job control: jobs, fg, bg, Ctrl-Z, Ctrl-C, and its code', async () => {
    const terminal = openTerminal([reinit, '--', '/bin/bash', '--norc', '--noprofile', '-i']);
    const say = async (line: string, shows: string | RegExp): Promise<void> => {
      terminal.type(`${line}\r`);
      await terminal.shows(shows);
    };
    await say('PS1="$((1+1))> "', '2> ');
    expect(terminal.screen()).not.toContain('no job control');
    await say('sleep 1001', 'sleep 1001\r');
    await delay(200);
    terminal.type(ctrlZ);
    await terminal.shows(/Stopped +sleep 1001/);
    await say('bg; echo in-$((40+2))', 'in-42');
    await say('jobs', /Running +sleep 1001 &/);
    terminal.type('fg\r');
    await delay(200);
    terminal.type(ctrlC);
    await say('echo code-$?', 'code-130');
    await say('echo still-$((40+3))', 'still-43');
    expect(terminal.screen()).not.toContain('continued');
    terminal.type('exit 7\r');
    expect(await terminal.ended()).toBe(7);
  });

  it('the terminal’s hang-up reaches it once, and ends it', async () => {
    const file = `/tmp/reinit-hangup-${process.pid}`;
    onTestFinished(() => rmSync(file, { force: true }));
    const terminal = openTerminal([reinit, '--', '/bin/sh', '-c', `exec ${record} 1 5 >${file}`]);
    await eventually('ready', () => readFileSync(file, 'utf8').includes('ready'));
    terminal.hangUp();
    expect(await terminal.ended()).toBe(5);
    expect(signalsSeen(readFileSync(file, 'utf8')).filter(({ signo }) => signo === 1)).toHaveLength(1);
    const deaf = openTerminal([reinit, '--', '/bin/sleep', '60']);
    await deaf.pid();
    await delay(200);
    deaf.hangUp();
    expect(await deaf.ended()).toBe(129);
  });

  it('its modes and flags are as they were, also with tostop and words of init’s own', async () => {
    const script = 'stty -icanon tostop; echo set; read -r x; exit 3';
    const terminal = openTerminal([reinit, '--', '/bin/bash', '-c', script]);
    await terminal.shows('set');
    const before = await terminal.modes();
    terminal.type(ctrlZ); // init says that it continues: its words come through the pump, which tostop must not stop
    await terminal.shows('continued');
    terminal.type('\n');
    expect(await terminal.ended()).toBe(3);
    expect(await terminal.lastModes()).toBe(before);
  });

  it('a background job of a shell does not take the terminal, and may be stopped by it', async () => {
    const terminal = openTerminal([reinit, '-s', '--', '/bin/sh', '-c', 'echo started; cat; echo code $?'], { background: true });
    await terminal.shows('started');
    await delay(300);
    const cpu = (pid: number): number =>
      readFileSync(`/proc/${pid}/stat`, 'utf8')
        .split(' ')
        .slice(13, 15)
        .reduce((sum, ticks) => sum + Number(ticks), 0);
    const leader = await terminal.pid();
    const [child] = readFileSync(`/proc/${leader}/task/${leader}/children`, 'utf8').split(' ');
    const before = cpu(Number(child));
    await delay(500);
    expect(cpu(Number(child)) - before).toBeLessThanOrEqual(2);
    expect(terminal.screen()).not.toContain('continued');
    process.kill(Number(child), 'SIGTERM');
    expect(await terminal.ended()).toBe(143);
  });
});

unlessEmulated(hasNoSubreaper, describe)('terminal, with a nest', () => {
  /** The command as a nested application. */
  async function nestedOn(command: readonly string[]) {
    const controller = await openController();
    const terminal = openTerminal([reinit, 'run', '--', ...command], { env: { ...process.env, ...controller.env } });
    const life = await controller.life(0);
    life.commit([orders(), nested(1)]);
    return { terminal, life };
  }

  it('makes the application the foreground group; Ctrl-C reaches it once, and what it makes of it is the end', async () => {
    const report = await nestedOn([compiled('report')]);
    expect(await report.terminal.ended()).toBe(0);
    const [, pgid] = /pgid (\d+)/.exec(report.terminal.screen()) ?? [];
    expect(report.terminal.screen()).toContain(`foreground ${pgid}\r`);
    const { terminal } = await nestedOn([record, '15', '9']);
    await terminal.shows('ready');
    terminal.type(ctrlC);
    await terminal.shows('signal 2 ');
    expect(await settled(terminal)).toEqual([2]);
    terminal.signal(15);
    expect(await terminal.ended()).toBe(9);
    const sleeps = await nestedOn(['/bin/sleep', '60']);
    await event(sleeps.life, 'spawned');
    sleeps.terminal.type(ctrlC);
    expect(await sleeps.terminal.ended()).toBe(130);
  });

  it('Ctrl-Z does not freeze it, and is told', async () => {
    const { terminal } = await nestedOn(ticker);
    await terminal.shows('tick');
    terminal.type(ctrlZ);
    await terminal.shows('continued');
    const shown = terminal.screen().length;
    await eventually('it goes on', () => terminal.screen().slice(shown).includes('tick'));
  });

  it('bash has its job control', async () => {
    const { terminal } = await nestedOn(['/bin/bash', '--norc', '--noprofile', '-i']);
    terminal.type('PS1="$((1+1))> "\r');
    await terminal.shows('2> ');
    expect(terminal.screen()).not.toContain('no job control');
    terminal.type('sleep 1001\r');
    await terminal.shows('sleep 1001\r');
    await delay(200);
    terminal.type(ctrlZ);
    await terminal.shows(/Stopped +sleep 1001/);
    terminal.type('fg\r');
    await delay(200);
    terminal.type(ctrlC);
    terminal.type('echo code-$?\r');
    await terminal.shows('code-130');
    terminal.type('exit 7\r');
    expect(await terminal.ended()).toBe(7);
  });

  it('goes over to the next instance, and the end of the old one does not take it away', async () => {
    const { terminal, life } = await nestedOn([record, '15', '9']);
    await terminal.shows('ready');
    life.commit([nested(2, { argv: [record, '12', '8'].map((text) => Buffer.from(text)) }), orders({ main_token: 2 })]);
    await eventually('both', () => terminal.screen().match(/ready/g)?.length === 2);
    life.commit([stop(1, 15)]);
    await event(life, 'gone');
    const before = seen(terminal).length;
    terminal.type(ctrlC);
    await eventually('Ctrl-C', () => seen(terminal).length > before);
    expect(seen(terminal)).toEqual([15, 2]);
    expect(life.events.map(({ kind }) => kind)).not.toContain('stopping'); // from the terminal, not through init
    terminal.signal(12);
    expect(await terminal.ended()).toBe(8);
  });
});
