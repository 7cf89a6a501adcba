import { Command, CommanderError } from 'commander';
import schema from '../../docs/reference/reinit.schema.json' with { type: 'json' };
import { shorten } from '../config/names.ts';
import { exitCodes } from '../core/exit-codes.ts';
import { version } from '../core/version.ts';
import { completionText, shellNames } from './completion.ts';
import { type DoctorFlags, runDoctor } from './doctor.ts';
import { attachHelpText, doctorHelpText, helpText } from './help.ts';
import type { Output } from './output.ts';
import { preset } from './preset.ts';
import { validate } from './validate.ts';

/**
 * The verbs that start nothing: `validate`, `doctor`, `preset`, `schema`, `completion`, `help`, `version`, and help on `attach`. init execs this for them; all else is a start, and init's own.
 *
 * @param argv without node and script
 * @returns the exit code
 */
export async function runCli(argv: readonly string[], env: Readonly<Record<string, string | undefined>>, output: Output): Promise<number> {
  const dashes = argv.indexOf('--');
  const own = dashes < 0 ? argv : argv.slice(0, dashes);
  const command = dashes < 0 ? [] : argv.slice(dashes + 1);
  let code: number = exitCodes.ok;
  const program = programFor(output, {
    validate: (flags) => {
      code = validate(flags, command, env, output);
    },
    doctor: async (flags, given) => {
      code = await runDoctor(flags, { own: given, command, variables: env, out: output.out });
    },
    preset: (name) => {
      code = preset(name, output);
    },
  });
  try {
    await program.parseAsync(own, { from: 'user' });
    return code;
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    return error.exitCode === 0 ? exitCodes.ok : exitCodes.usage;
  }
}

interface Verbs {
  readonly validate: (flags: readonly string[]) => void;
  readonly doctor: (flags: DoctorFlags, own: readonly string[]) => Promise<void>;
  readonly preset: (name: string | undefined) => void;
}

function programFor(output: Output, verbs: Verbs): Command {
  const help = `${helpText()}\n`;
  const program = new Command('reinit')
    .exitOverride()
    .configureOutput({
      writeOut: output.out,
      writeErr: output.error,
      outputError: (text, write) => write(text.replace(/^error: /, 'reinit: ')),
    })
    .configureHelp({ formatHelp: () => help })
    .version(`reinit ${version}`, '--version')
    .showHelpAfterError('see reinit help')
    .helpCommand(true);
  // Flags of settings are not commander's: the loader reads them, so that validate reads what a start would.
  const validating = program.command('validate').argument('[file]').allowUnknownOption().allowExcessArguments();
  validating.action(() => verbs.validate(validating.args));
  const doctorHelp = `${doctorHelpText()}\n`;
  const examining = program
    .command('doctor')
    .option('--json')
    .option('--strict')
    .option('--no-run')
    .option('-v, --verbose')
    .allowUnknownOption()
    .allowExcessArguments()
    .configureHelp({ formatHelp: () => doctorHelp });
  examining.action(() => verbs.doctor(examining.opts(), examining.args));
  // It is init that runs it: what comes here asks what it does.
  const attachHelp = `${attachHelpText()}\n`;
  program
    .command('attach')
    .allowUnknownOption()
    .allowExcessArguments()
    .configureHelp({ formatHelp: () => attachHelp })
    .action(() => output.out(attachHelp));
  program.command('preset').argument('[name]').action(verbs.preset);
  program
    .command('completion')
    .argument('<shell>')
    .action((shell: string) => {
      const known = shellNames.find((name) => name === shell);
      if (known === undefined) {
        output.error(`reinit: there is no completion for ${shorten(shell)}: there are ${shellNames.join(', ')}\n`);
        throw new CommanderError(exitCodes.usage, 'reinit.shell', '');
      }
      output.out(completionText(known));
    });
  program.command('schema').action(() => output.out(`${JSON.stringify(schema, undefined, 2)}\n`));
  program.command('version').action(() => output.out(`reinit ${version}\n`));
  return program;
}
