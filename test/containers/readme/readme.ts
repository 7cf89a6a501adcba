/** Follows the README of an example to the letter: its blocks of `console` are commands after `$ `, and below each what its output has to show. */
import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import { root } from '../../../scripts/building/paths.ts';
import { eventually } from '../../fixtures/eventually.ts';
import { command as call, engine } from '../engine.ts';

interface Step {
  readonly command: string;
  /** Lines of its output, in this order, among others. Such a command may be repeated until they are there. */
  readonly shows: readonly string[];
}

const blocks = (markdown: string): string[] => [...markdown.matchAll(/^```console\n([\s\S]*?)^```$/gm)].map(([, block = '']) => block);

/**
 * Packages that are installed into the images cost the most, and that depends on a mirror. Hence also not every example in both engines: those with
 * small packages are.
 */
export const patience = 600_000;

const stepsOf = (markdown: string): Step[] =>
  blocks(markdown).flatMap((block) =>
    block
      .split(/^\$ /m)
      .slice(1)
      .map((step) => {
        const [command = '', ...shows] = step.trimEnd().split('\n');
        return { command, shows };
      }),
  );

/** What differs each time: pids, times, the time of day before reinit's lines; and hashes, which are those of other files after each edit of an example. */
const constant = (text: string): string =>
  text
    .replace(/ \d\d:\d\d:\d\d\.\d{3} /g, '')
    .replace(/\bpid \d+/g, 'pid N')
    .replace(/\b[0-9a-f]{12}\b/g, 'HASH')
    .replace(/\b\d+(\.\d+)?(ms|s)\b/g, 'TIME')
    .replace(/[ \t]+$/gm, '');

/** The first piece of `lines` that `output` does not show in its place. `…` in a README stands for what it does not want to say. */
function missing(output: string, lines: readonly string[]): string | undefined {
  const text = constant(output);
  let at = 0;
  return lines
    .flatMap((line) => constant(line).split('…'))
    .find((piece) => {
      const found = text.indexOf(piece, at);
      at = found + piece.length;
      return found < 0;
    });
}

export async function follow(example: string): Promise<void> {
  const scratch = mkdtempSync(join(tmpdir(), 'reinit-readme-'));
  const started = join(scratch, 'containers');
  writeFileSync(started, '');
  const env = { ...process.env, BASH_ENV: join(import.meta.dirname, 'shell'), REINIT_TEST_ENGINE: engine, REINIT_TEST_CONTAINERS: started };
  const run = async (command: string): Promise<string> => {
    const output = promisify(execFile)('bash', ['-c', `exec 2>&1\n${command}`], { cwd: root, env });
    return (await output.catch((error) => Promise.reject(new Error(`${error.message}${error.stdout}`)))).stdout;
  };
  try {
    for (const { command, shows } of stepsOf(readFileSync(join(root, 'examples', example, 'README.md'), 'utf8'))) {
      const here = command.replaceAll('/tmp/', `${scratch}/`); // two engines, one machine
      if (shows.length === 0) await run(here);
      else await eventually(`${command} shows what ${example}/README.md says`, () => expectShown(run(here), shows), 30_000);
    }
  } finally {
    const names = readFileSync(started, 'utf8').split('\n').filter(Boolean);
    for (const name of names.reverse()) await call('rm', '-f', '-v', name).catch(() => ''); // it is gone already, or never came
    rmSync(scratch, { recursive: true, force: true });
  }
}

async function expectShown(running: Promise<string>, shows: readonly string[]): Promise<true> {
  const output = await running;
  const line = missing(output, shows);
  if (line === undefined) return true;
  await delay(200);
  throw new Error(`"${line}" is not there, or not in its place:\n${output}`);
}
