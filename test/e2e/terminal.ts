import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { onTestFinished } from 'vitest';
import { eventually } from '../fixtures/eventually.ts';
import { onTerminal, resizeTerminal } from '../fixtures/terminal.ts';

/** A container on a terminal, as `docker run -it` starts one. */
export interface Terminal {
  /** All that the terminal has shown. */
  shown(): string;
  type(text: string): void;
  resize(columns: number, rows: number): void;
  readonly exited: Promise<number | null>;
}

const asPid1 = ['unshare', '--pid', '--fork', '--mount-proc', '--kill-child', '--', 'setsid', '--ctty'];

export async function startTerminal(command: readonly string[]): Promise<Terminal> {
  const [python = '', ...args] = onTerminal([...asPid1, ...command]);
  const child = spawn(python, args, { stdio: ['pipe', 'pipe', 'inherit'], detached: true });
  let output = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    output += text;
  });
  const exited = once(child, 'close').then(([code]) => (typeof code === 'number' ? code : null));
  onTestFinished(async ({ task }) => {
    child.kill('SIGKILL'); // takes unshare along, and that PID 1
    await exited;
    if (task.result?.state === 'fail') process.stderr.write(`--- ${task.name}: what the terminal showed\n${output}---\n`);
  });
  await eventually('the terminal', () => output.includes('\n'));
  const device = output.split('\n')[0] ?? '';
  return {
    shown: () => output.slice(output.indexOf('\n') + 1),
    type: (text) => void child.stdin.write(text),
    resize: (columns, rows) => resizeTerminal(device, columns, rows),
    exited,
  };
}
