import { exitCodeCatalogue } from '../core/exit-codes.ts';
import { type FlagRow, flagGroups } from './flag-table.ts';

const width = 100;

const introduction = `reinit runs your application as a correct PID 1, watches its configuration, and when that changes makes the
application take it over: checked first, then by a signal or by a graceful restart.

Usage
  reinit [flags] -- command [arguments…]   run the command (a drop-in for tini and dumb-init)
  reinit [flags]                           run the command of the file
  reinit run [flags] [-- command…]         the same, said aloud
  reinit validate [file] [flags] [-- command…]
                                           say what would happen, or all mistakes; start nothing
  reinit preset [name]                     print what a preset means, as YAML; without a name: which there are
  reinit schema                            print the JSON Schema of the file, for editors
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
  reinit preset nginx > reinit.yaml
  reinit validate reinit.yaml

Each setting has one name: stop_timeout in the file, --stop-timeout as a flag, REINIT_STOP_TIMEOUT as a variable.
Flags win over variables, variables over the file. A string command is split as a shell would, and never given to one:
for shell syntax ask for a shell, [sh, -c, "…"].`;

/** The text of `reinit help`. */
export function helpText(): string {
  const groups = flagGroups().map(({ title, rows }) => `${title}\n${rows.map(flagLines).join('\n')}`);
  const codes = exitCodeCatalogue.map(({ code, meaning }) => hang(`  ${code}`, meaning, 14));
  return [introduction, ...groups, examples, `Exit codes\n${codes.join('\n')}`].join('\n\n');
}

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
