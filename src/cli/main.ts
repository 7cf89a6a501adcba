import { exitCodes } from '../core/exit-codes.ts';
import { runCli } from './run.ts';

// A reader that has seen enough (`reinit help | head`) is no error.
process.stdout.on('error', () => undefined);
const output = {
  out: (text: string) => process.stdout.write(text),
  error: (text: string) => process.stderr.write(text),
};
runCli(process.argv.slice(2), process.env, output)
  .catch((error: Error) => {
    output.error(`reinit: a bug in reinit: ${error.stack ?? error.message}\n`);
    return exitCodes.bug;
  })
  .then((code) => {
    process.exitCode = code;
  });
