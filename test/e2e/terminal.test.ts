import { describe, expect, it } from 'vitest';
import { eventually } from '../fixtures/eventually.ts';
import { installed, isRoot } from '../fixtures/host.ts';
import { pause, reinit } from './harness.ts';
import { startTerminal, type Terminal } from './terminal.ts';

const ctrlC = '\u0003';
const ctrlZ = '\u001a';

const shows = (terminal: Terminal, pattern: RegExp) => eventually(`the terminal shows ${pattern}`, () => pattern.exec(terminal.shown()));
const count = (terminal: Terminal, pattern: RegExp) => [...terminal.shown().matchAll(pattern)].length;

/** Says what it gets, and how large the terminal is. It reads while it waits: a foreground `sleep` would get the signals too. */
const listener = (signal: string, action: string) => [
  'bash',
  '-c',
  `trap '${action}' ${signal}; echo ready; while :; do read -t 0.05; done`,
];

describe.skipIf(!isRoot || !installed('python3')).each([
  ['', []],
  [' in a nest', ['--restart-order', 'start_first']],
])('on a terminal%s', (_, options) => {
  it('bash has job control', async () => {
    const terminal = await startTerminal([reinit, ...options, '--', 'bash', '--norc', '-i']);
    terminal.type('echo re""ady\n');
    await shows(terminal, /^ready/m);
    expect(terminal.shown()).not.toMatch(/no job control|cannot set terminal/);
    terminal.type('sleep 1000\n');
    await pause(300);
    terminal.type(ctrlC);
    await shows(terminal, /\^C/);
    terminal.type('echo "code" $?\n');
    await shows(terminal, /^code 130/m);
    terminal.type('sleep 1001\n');
    await pause(300);
    terminal.type(ctrlZ);
    await shows(terminal, /Stopped\s+sleep 1001/);
    terminal.type('fg\n');
    await pause(300);
    terminal.type(ctrlC);
    await shows(terminal, /\^C[^^]*\^Z[^^]*\^C/);
    terminal.type('exit 7\n');
    expect(await terminal.exited).toBe(7);
  });

  it('Ctrl-C arrives once', async () => {
    const terminal = await startTerminal([reinit, ...options, '--', ...listener('INT', 'echo got INT')]);
    await shows(terminal, /^ready/m);
    terminal.type(ctrlC);
    await shows(terminal, /^(\^C)?got INT/m);
    await pause(300);
    expect(count(terminal, /got INT/g)).toBe(1);
  });

  it('Ctrl-Z cannot freeze the container', async () => {
    const terminal = await startTerminal([reinit, ...options, '--', 'sh', '-c', 'sleep 1; exit 5']);
    await pause(300);
    terminal.type(ctrlZ);
    expect(await terminal.exited).toBe(5);
  });

  it.skipIf(!installed('tini'))('control: under tini the application stays stopped, and nobody can wake it', async () => {
    const terminal = await startTerminal(['tini', '--', 'sh', '-c', 'sleep 1; exit 5']);
    await pause(300);
    terminal.type(ctrlZ);
    expect(await Promise.race([terminal.exited, pause(3000)])).toBeUndefined();
  });

  it('a change of its size arrives once, with the new size', async () => {
    const terminal = await startTerminal([reinit, ...options, '--', ...listener('WINCH', 'stty size')]);
    await shows(terminal, /^ready/m);
    terminal.resize(100, 40);
    await shows(terminal, /^40 100/m);
    terminal.resize(90, 30);
    await shows(terminal, /^30 90/m);
    await pause(300);
    expect(count(terminal, /^\d+ \d+/gm)).toBe(2);
  });
});
