import { spawnSync } from 'node:child_process';
import { root } from './paths.ts';

/** Runs a program in the repository's root to its end and gives its standard output. Throws with everything that it printed when it fails. */
export function run(command: readonly string[], env: NodeJS.ProcessEnv = process.env): string {
  const [program = '', ...args] = command;
  const result = spawnSync(program, args, { cwd: root, encoding: 'utf8', env, maxBuffer: 64 * 1024 * 1024 });
  if (result.error) throw result.error;
  if (result.status !== 0)
    throw new Error(`${command.join(' ')}: exit ${result.status ?? result.signal}\n${result.stdout}${result.stderr}`);
  return result.stdout;
}

/** Whether a program of that name can be started at all. */
export function available(program: string): boolean {
  return spawnSync(program, ['--version'], { stdio: 'ignore' }).error === undefined;
}
