import { exitCodeCatalogue } from '../core/exit-codes.ts';
import { operatingVerbs } from '../operate/verbs.ts';
import { type FlagRow, flagGroups } from './flag-table.ts';

const width = 100;

const introduction = `reinit runs your application as a correct PID 1, watches its configuration, and when that changes makes the
application take it over: checked first, then by a signal or by a graceful restart.

Usage
  reinit [flags] -- command [arguments…]   run the command (a drop-in for tini and dumb-init)
  reinit [flags]                           run the command of the file
  reinit run [flags] [-- command…]         the same, said aloud
  reinit attach [flags]                    do it for a process of another container: reinit attach --help
  reinit validate [file] [flags] [-- command…]
                                           say what would happen, or all mistakes; start nothing
  reinit preset [name]                     print what a preset means, as YAML; without a name: which there are
  reinit doctor [flags] [-- command…]      look at the surroundings, before or in a running container, and
                                           say what is wrong and what to do: reinit doctor --help
  reinit schema                            print the JSON Schema of the file, for editors
  reinit completion bash|zsh|fish          print the completion for a shell
  reinit version                           print the version
  reinit help                              this page

A Dockerfile
  FROM nginx:1.27
  COPY --from=reinit /opt/reinit /opt/reinit
  COPY reinit.yaml /etc/reinit.yaml
  ENTRYPOINT ["/opt/reinit/bin/reinit", "--"]
  CMD ["nginx", "-g", "daemon off;"]

The file, /etc/reinit.yaml
  watch:
    - paths: [/etc/nginx]
      validate: [nginx, -t]
      reload_signal: HUP

In Kubernetes only args: keeps the ENTRYPOINT; command: replaces it, and reinit with it.`;

const examples = `Examples
  reinit -- python app.py
  reinit --watch /etc/nginx --validate 'nginx -t' --reload-signal HUP -- nginx -g 'daemon off;'
  reinit --watch /etc/app --on-change restart --stop-timeout 20s -- ./server
  reinit -g -e 143 -- java -jar app.jar
  reinit --preset nginx -- nginx -g 'daemon off;'
  reinit attach --match 'nginx: master' --watch /etc/nginx --validate 'nginx -t'
  reinit preset nginx > reinit.yaml
  reinit validate reinit.yaml

Each setting has one name: stop_timeout in the file, --stop-timeout as a flag, REINIT_STOP_TIMEOUT as a variable.
Flags win over variables, variables over the file. A string command is split as a shell would, and never given to one:
for shell syntax ask for a shell, [sh, -c, "…"].`;

/** The text of `reinit help`. */
export function helpText(): string {
  const groups = flagGroups().map(({ title, rows }) => `${title}\n${rows.map(flagLines).join('\n')}`);
  const codes = exitCodeCatalogue.map(({ code, meaning }) => hang(`  ${code}`, meaning, 14));
  return [introduction, operatingText(), ...groups, examples, `Exit codes\n${codes.join('\n')}`].join('\n\n');
}

function operatingText(): string {
  const lines = operatingVerbs.map(({ name, argument, about }) =>
    hang(`  reinit ${[name, argument].filter(Boolean).join(' ')}`, about, 27),
  );
  return `In a running container: docker exec app reinit status; reinit VERB --help says more\n${lines.join('\n')}`;
}

const attachIntroduction = `reinit attach watches configuration for an application that another container runs. Both share one process
namespace: shareProcessNamespace: true in the pod, or docker run --pid container:NAME. The process is found, never
started, stopped or restarted; everything else is as ever: a change is checked, then told to it, then confirmed.

Usage
  reinit attach --match PATTERN [flags]
  reinit attach -c FILE [flags]            with attach: in the file (then reinit alone does the same)`;

const attachEnd = `All flags about watching and the log, see reinit help. Not among them are those about the start, the stop and the restart
of the application, which are its own container's; on_change is reload, exec, http or none. With http, exec and none no
process has to be known.

Who may signal: the user that the application runs as, or one with CAP_KILL. While it is not there, or could be one of
several, reinit waits and says so. It leaves with 0 on TERM, INT and QUIT, and with 100 where the namespace is not shared.

Examples
  reinit attach --match 'nginx: master' --watch /etc/nginx --validate 'nginx -t' --confirm-by workers
  reinit attach --name haproxy --watch /etc/haproxy --reload-signal USR2
  reinit attach --watch /etc/prometheus --on-change http --http http://127.0.0.1:9090/-/reload`;

/** The text of `reinit attach --help`. */
export function attachHelpText(): string {
  const rows = flagGroups().flatMap(({ group, rows }) => (group === 'attach' ? rows : []));
  const flags = rows.map(({ flag, about }) => hang(`  ${flag}`, about.replaceAll('`', ''), 34)).join('\n');
  return [attachIntroduction, `Which process: all that is given has to fit\n${flags}`, attachEnd].join('\n\n');
}

const doctorHelp = `reinit doctor looks at everything that reinit and its application depend on, before they run or while they do: the
configuration, the mounts of what is watched, file events, users and permissions, the programs, the validators (each is
run once), the signals that the running application takes, the time to stop, places to write, PID 1, memory and processes.
Each finding says what to do. It changes nothing.

Usage
  reinit doctor [-c FILE] [flags] [-- command…]

Flags
  -v, --verbose    show what is as it should be, too
  --json           {v: 1, findings: [{id, level, title, detail, remedy, rule}], summary}
  --strict         leave with 1 for a warning, too
  --no-run         do not run the validators
  and all flags of a start, see reinit help. Where reinit runs as PID 1 and none is given, its own are taken.

Exit codes
  0    no error is among the findings
  1    at least one is

Examples
  docker exec app /opt/reinit/bin/reinit doctor
  docker run --rm --entrypoint /opt/reinit/bin/reinit my-image doctor -- nginx -g 'daemon off;'
  kubectl exec deploy/app -- /opt/reinit/bin/reinit doctor --json
  reinit doctor -c reinit.yaml --strict --no-run`;

/** The text of `reinit doctor --help`. */
export const doctorHelpText = (): string => doctorHelp;

function flagLines({ flag, about }: FlagRow): string {
  return hang(`  ${flag}`, firstSentences(about), 34);
}

/** The first sentence, or two short ones: the reference page has the rest. */
function firstSentences(text: string): string {
  const [first = '', second = ''] = text.split(/(?<=[.])\s+(?=[A-Z`])/);
  return (first.length + second.length < 110 ? `${first} ${second}` : first).trim().replaceAll('`', '');
}

function hang(head: string, text: string, column: number): string {
  const lines = wrap(text, width - column);
  const indent = ' '.repeat(column);
  if (head.length >= column - 1) return [head, ...lines.map((line) => indent + line)].join('\n');
  return lines.map((line, index) => (index === 0 ? head.padEnd(column) : indent) + line).join('\n');
}

function wrap(text: string, columns: number): readonly string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(/\s+/)) {
    if (line !== '' && line.length + 1 + word.length > columns) {
      lines.push(line);
      line = word;
    } else {
      line = line === '' ? word : `${line} ${word}`;
    }
  }
  return line === '' ? lines : [...lines, line];
}
