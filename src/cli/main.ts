/** The command line: what asks a running reinit is loaded without what reads a configuration, and the other way round. */

import { exitCodes } from '../core/exit-codes.ts';
import { isOperating } from '../operate/words.ts';
import type { Output } from './output.ts';

// A reader that has seen enough (`reinit help | head`) is no error.
process.stdout.on('error', () => undefined);

const argv = process.argv.slice(2);
const output: Output = { out: (text) => process.stdout.write(text), error: (text) => process.stderr.write(text) };

async function run(): Promise<number> {
  if (isOperating(argv)) return (await import('../operate/run.ts')).runOperate(argv, process.env, output);
  return (await import('./run.ts')).runCli(argv, process.env, output);
}

run()
  .catch((error: Error) => {
    output.error(`reinit: a bug in reinit: ${error.stack ?? error.message}\n`);
    return exitCodes.bug;
  })
  .then((code) => {
    process.exitCode = code;
  });
