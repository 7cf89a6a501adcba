/** The verbs that ask a running reinit, for the program, its help, its completion and the reference page alike. */
export interface VerbAbout {
  readonly name: string;
  readonly argument?: '[rule...]' | '<signal>';
  readonly about: string;
  readonly more?: string;
  readonly options: readonly OptionAbout[];
  readonly examples: readonly string[];
}

export interface OptionAbout {
  readonly flags: string;
  readonly about: string;
}

const json: OptionAbout = { flags: '--json', about: 'the answer as it comes, one JSON document' };
const timeout: OptionAbout = { flags: '--timeout <duration>', about: 'wait so long for what becomes of it (60s)' };
const lines: OptionAbout = { flags: '--last <n>', about: 'only the last n of those that are known' };
const follow: OptionAbout = { flags: '-f, --follow', about: 'go on with those that come' };
const eachJson: OptionAbout = { flags: '--json', about: 'a line of JSON each' };

export const operatingVerbs: readonly VerbAbout[] = [
  {
    name: 'status',
    about: 'which configuration runs, since when, what was refused and why, and whether it is in step with the files',
    options: [
      json,
      { flags: '-w, --watch', about: 'again each second, until it is interrupted' },
      {
        flags: '--check',
        about: 'say nothing; exit with 0 if the application is up and ready, else with 1: for HEALTHCHECK and exec probes',
      },
      { flags: '--strict', about: 'with --check: also 1 while a rule is not in sync' },
    ],
    examples: ['docker exec app reinit status', 'HEALTHCHECK CMD ["/opt/reinit/bin/reinit", "status", "--check"]'],
  },
  {
    name: 'reload',
    argument: '[rule...]',
    about: 'validate and apply what the files hold, as if it had just changed, refused or not',
    options: [timeout, json],
    examples: ['reinit reload', 'reinit reload /etc/nginx --timeout 2m'],
  },
  {
    name: 'check',
    argument: '[rule...]',
    about: 'run the validators on what the files hold now, in the running container, and apply nothing',
    options: [timeout, json],
    examples: ['reinit check', 'reinit check /etc/nginx --json'],
  },
  {
    name: 'accept',
    argument: '[rule...]',
    about: 'apply what was refused, whatever the validators say: you know better',
    options: [timeout, json],
    examples: ['reinit accept /etc/nginx'],
  },
  {
    name: 'rollback',
    argument: '[rule...]',
    about: 'go back to the generation that was good before (rules with `publish`, and `env_from`)',
    more: 'What the files hold now counts as refused until they change. Twice is there and back again.',
    options: [timeout, json],
    examples: ['reinit rollback', 'reinit rollback /etc/app && reinit pin /etc/app'],
  },
  {
    name: 'pin',
    argument: '[rule...]',
    about: 'stay on what runs: changes are validated, and wait until `unpin`',
    more: 'An application that reads the watched files themselves finds new ones at its next start all the same; one with `publish` does not.',
    options: [json],
    examples: ['reinit pin', 'reinit pin /etc/nginx'],
  },
  {
    name: 'unpin',
    argument: '[rule...]',
    about: 'take over changes again, first the one that waits',
    options: [timeout, json],
    examples: ['reinit unpin'],
  },
  {
    name: 'rescan',
    argument: '[rule...]',
    about: 'look at the files now, in place of waiting for an event or for `rescan`',
    options: [timeout, json],
    examples: ['reinit rescan'],
  },
  {
    name: 'restart',
    about: 'restart the application gracefully, as a change would',
    options: [timeout, json],
    examples: ['reinit restart'],
  },
  { name: 'stop', about: 'stop the container, as its engine would', options: [json], examples: ['reinit stop'] },
  {
    name: 'signal',
    argument: '<signal>',
    about: 'send the application a signal, whatever it does about it',
    options: [json],
    examples: ['reinit signal USR1', 'reinit signal SIGHUP'],
  },
  {
    name: 'top',
    about: 'CPU and memory of the application and all its processes, again each second',
    options: [
      { flags: '--once', about: 'one look, which takes a second' },
      { flags: '--json', about: 'a line of JSON each' },
    ],
    examples: ['docker exec -it app reinit top', 'reinit top --once --json'],
  },
  {
    name: 'history',
    argument: '[rule...]',
    about: 'the generations that were seen and what became of each: files, durations, what the validator said',
    options: [json],
    examples: ['reinit history', 'reinit history /etc/nginx --json'],
  },
  {
    name: 'events',
    about: 'what has happened to the application and its configuration',
    options: [follow, lines, eachJson],
    examples: ['reinit events --follow'],
  },
  {
    name: 'logs',
    about: "reinit's own log, with the lines that log.level leaves out",
    options: [follow, lines, eachJson],
    examples: ['reinit logs --last 20 -f'],
  },
];
