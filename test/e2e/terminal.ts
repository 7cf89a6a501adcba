import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { expect, onTestFinished } from 'vitest';
import { eventually } from '../fixtures/eventually.ts';

/** A container on a terminal, as `docker run -it` starts one. */
export interface Terminal {
  /** PID 1 as seen from out here. */
  readonly pid: number;
  /** All that the terminal has shown. */
  shown(): string;
  type(text: string): void;
  /** As a window manager does: the kernel sends WINCH to the terminal's foreground process group. */
  resize(columns: number, rows: number): Promise<void>;
  readonly exited: Promise<number | null>;
}

const program = join(import.meta.dirname, '../fixtures/programs/terminal.py');

export async function startTerminal(command: readonly string[]): Promise<Terminal> {
  const child = spawn('python3', [program, ...command], { stdio: ['pipe', 'pipe', 'inherit'] });
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
  const [device = '', pid] = (output.split('\n')[0] ?? '').split(' ');
  return {
    pid: Number(pid),
    shown: () => output.slice(output.indexOf('\n') + 1),
    type: (text) => void child.stdin.write(text),
    resize: async (columns, rows) => {
      // stty(1) sets one after the other: two changes, two signals.
      const script = `import fcntl, struct, termios; fcntl.ioctl(open('${device}'), termios.TIOCSWINSZ, struct.pack('4H', ${rows}, ${columns}, 0, 0))`;
      expect(spawnSync('python3', ['-c', script]).status).toBe(0);
    },
    exited,
  };
}
