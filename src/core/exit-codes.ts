/**
 * The codes that reinit itself leaves with. The application's own code is passed on as it is (or as `exit_codes` maps it).
 * 100, 101 and 111 are the convention of skarnet's tools, 126 and 127 that of every shell, so that scripts can tell whose failure it is.
 */
export const exitCodes = {
  ok: 0,
  /** The answer of a verb that asks: not healthy, refused. */
  no: 1,
  usage: 100,
  bug: 101,
  nothingAccepted: 102,
  notReached: 103,
  unwell: 104,
  system: 111,
  cannotExecute: 126,
  notFound: 127,
  signalBase: 128,
} as const;

export interface ExitCodeEntry {
  readonly code: string;
  readonly meaning: string;
  readonly advice: string;
}

/** The catalogue behind docs/reference/exit-codes.md. */
export const exitCodeCatalogue: readonly ExitCodeEntry[] = [
  {
    code: '0 to 255',
    meaning: 'The application ended by itself with this code.',
    advice: '`exit_codes` (or `-e CODE`) maps it to another one.',
  },
  {
    code: '100',
    meaning:
      'Usage or configuration: a flag, a REINIT_* variable or the YAML file has mistakes, or `reinit attach` does not share a process namespace. Nothing was started.',
    advice: 'Read the message; `reinit validate` shows all mistakes without starting anything.',
  },
  {
    code: '1',
    meaning:
      'Of a verb that asks a running reinit: no. What was asked for was refused or has failed, `status --check` finds the application not ready, or `doctor` has found an error (with `--strict` a warning).',
    advice: 'The lines before say why.',
  },
  { code: '101', meaning: 'A bug in reinit.', advice: 'Please report it, with the lines before it.' },
  {
    code: '102',
    meaning: 'The configuration (or the environment) was refused or cannot be published, and there is no accepted one to start with.',
    advice:
      'Correct the files: the lines before say what is wrong. With `state_dir` on a volume the last good ones are there for the next start.',
  },
  {
    code: '103',
    meaning: 'No running reinit was reached (`reinit status` and the other verbs that ask one).',
    advice: 'The message names the places that were tried.',
  },
  {
    code: '104',
    meaning:
      'The application did not answer its `liveness` probe any more, and `restart` is `no`; or it was restarted for that, or for its memory, as often as `restart_limit` allows. It was stopped.',
    advice:
      'The engine starts the container again, where its restart policy says so. The lines before name the last answer, or the memory.',
  },
  {
    code: '111',
    meaning: 'A system call failed that reinit cannot do without, or there is no Node.js that it can use (npm package).',
    advice: 'The message names the call and the error, or the Node.js that was found.',
  },
  {
    code: '126',
    meaning: 'The command was found and cannot be started (not executable, bad interpreter, user or working directory).',
    advice: 'The message names the stage that failed.',
  },
  { code: '127', meaning: 'The command was not found.', advice: "Check `command` and the image's PATH." },
  {
    code: '128 + n',
    meaning: 'Signal n ended the application, or a stop came before there was one: 143 is TERM, 130 INT, 137 KILL.',
    advice: 'For an application that ends so on a normal stop (a JVM): `-e 143`.',
  },
];
