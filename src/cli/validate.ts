import { ConfigError } from '../config/errors.ts';
import { loadConfig } from '../config/load.ts';
import { exitCodes } from '../core/exit-codes.ts';
import type { Output } from './output.ts';
import { summarise } from './summary.ts';

/**
 * `reinit validate [file] [flags] [-- command…]`: what a start would read, read and told; nothing is started.
 *
 * @returns the exit code: 0, or 100 where there are mistakes
 */
export function validate(
  own: readonly string[],
  command: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
  output: Output,
): number {
  const [first, ...rest] = own;
  const argv = first === undefined || first.startsWith('-') ? own : ['-c', first, ...rest];
  try {
    // An image often has its command in CMD: the file alone is right without one.
    const config = loadConfig({
      argv,
      env,
      hasCommand: command.length > 0,
      commandOptional: true,
      warn: (warning) => output.error(`reinit: ${warning}\n`),
    });
    output.out(`ok\n${summarise(config, command)}\n`);
    return exitCodes.ok;
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    output.error(`${error.render()}\n\nreinit: ${error.message}\n`);
    return error.exitCode;
  }
}
