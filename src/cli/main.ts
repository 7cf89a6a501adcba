import { runCli } from './run.ts';

// A reader that has seen enough (`reinit help | head`) is no error.
process.stdout.on('error', () => undefined);
process.exitCode = runCli(process.argv.slice(2), process.env, {
  out: (text) => process.stdout.write(text),
  error: (text) => process.stderr.write(text),
});
