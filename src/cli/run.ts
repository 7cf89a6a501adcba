import { Command, CommanderError } from 'commander';
import schema from '../../docs/reference/reinit.schema.json' with { type: 'json' };
import { shorten } from '../config/names.ts';
import { exitCodes } from '../core/exit-codes.ts';
import { version } from '../core/version.ts';
import { completionText, shellNames } from './completion.ts';
import { attachHelpText, helpText } from './help.ts';
import type { Output } from './output.ts';
import { preset } from './preset.ts';
import { validate } from './validate.ts';

/**
 * The verbs that run nothing: `validate`, `preset`, `schema`, `completion`, `help`, `version`, and help on `attach`. init execs this for them; all else is a start, and init's own.
 *
 * @param argv without node and script
 * @returns the exit code
 */
export function runCli(argv: readonly string[], env: Readonly<Record<string, string | undefined>>, output: Output): number {
  const dashes = argv.indexOf('--');
  const own = dashes < 0 ? argv : argv.slice(0, dashes);
  const command = dashes < 0 ? [] : argv.slice(dashes + 1);
  let code: number = exitCodes.ok;
  const program = programFor(output, {
    validate: (flags) => {
      code = validate(flags, command, env, output);
    },
    preset: (name) => {
      code = preset(name, output);
    },
  });
  try {
    program.parse(own, { from: 'user' });
    return code;
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    return error.exitCode === 0 ? exitCodes.ok : exitCodes.usage;
  }
}

interface Verbs {
  readonly validate: (flags: readonly string[]) => void;
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
