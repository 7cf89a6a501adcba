/** The configuration itself: mistakes, and what is allowed and probably not meant. */
import { formatConfigError, type Mistake } from '../../config/errors.ts';
import type { Config } from '../../config/model.ts';
import { error, type Finding, info, ok, warn } from '../finding.ts';

/** What came of reading file, variables and flags. */
export type Loaded = ({ readonly config: Config } | { readonly config: undefined; readonly mistakes: readonly Mistake[] }) & {
  readonly warnings: readonly string[];
  /** Said where there is no file; flags and variables alone will do, too. */
  readonly noFile?: string | undefined;
};

/** @param command empty: nobody has said which */
export function configurationFindings(loaded: Loaded, command: readonly string[]): Finding[] {
  const noFile = loaded.noFile === undefined ? [] : [info('config.no_file', loaded.noFile)];
  const doubts = [...noFile, ...loaded.warnings.map((warning) => warn('config.doubt', warning))];
  if (loaded.config === undefined) return [...loaded.mistakes.map(mistakeFinding), ...doubts];
  const { main } = loaded.config.services;
  const none =
    main.attach === undefined && command.length === 0
      ? [
          info('config.command', 'it is not known which command would run', {
            detail: "The file has none, and an image's CMD cannot be seen from inside.",
            remedy: 'Say it behind --, as CMD has it: reinit doctor -- nginx -g "daemon off;"',
          }),
        ]
      : [];
  const idle =
    main.watch.length === 0 && main.env_from.length === 0
      ? [info('config.watch', 'nothing is watched', { remedy: 'Say what: watch: [{paths: [/etc/app]}], or --watch /etc/app.' })]
      : [];
  return [ok('config.valid', 'the configuration is valid'), ...none, ...idle, ...doubts];
}

/** As `reinit validate` says it: the first line is what is wrong, the others where and what to do. */
function mistakeFinding({ hint, ...mistake }: Mistake): Finding {
  const [title = '', ...rest] = formatConfigError([mistake]).split('\n');
  return error('config.mistake', title, { detail: rest.join('\n'), remedy: hint ?? '' });
}
