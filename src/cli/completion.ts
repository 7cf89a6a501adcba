/** `reinit completion bash|zsh|fish`: the shell's own code, made from the verbs and the flags. Pure. */
import { operatingVerbs } from '../operate/verbs.ts';
import { flagGroups } from './flag-table.ts';

interface Word {
  readonly name: string;
  readonly about: string;
  readonly options: readonly string[];
}

const shells = { bash, zsh, fish } as const;
export type Shell = keyof typeof shells;
export const shellNames = Object.keys(shells) as readonly Shell[];

export const completionText = (shell: Shell): string => shells[shell](words());

const ownVerbs: Readonly<Record<string, string>> = {
  run: 'run the command, watch its configuration',
  attach: 'do it for a process of another container',
  validate: 'check the configuration file, start nothing',
  doctor: 'look for what is wrong, and say what to do',
  preset: 'print what a preset means',
  schema: 'print the JSON Schema of the file',
  completion: 'print the completion for a shell',
  version: 'print the version',
  help: 'say what there is',
};

/** Flags as they are typed: the long ones. */
const long = (flags: string): string[] => flags.match(/--[\w-]+/g) ?? [];

function words(): Word[] {
  const settings = flagGroups().flatMap(({ rows }) => rows.flatMap(({ flag }) => long(flag)));
  const own = Object.entries(ownVerbs).map(([name, about]) => ({
    name,
    about,
    options: withFiles.includes(name) ? [...settings, ...(name === 'doctor' ? doctorOptions : [])] : [],
  }));
  const operating = operatingVerbs.map(({ name, about, options }) => ({
    name,
    about,
    options: [...options.flatMap(({ flags }) => long(flags)), '--socket', '--help'],
  }));
  return [...operating, ...own];
}

const names = (all: readonly Word[]): string => all.map(({ name }) => name).join(' ');
/** Files are completed where a file is meant. */
const withFiles = ['run', 'validate', 'attach', 'doctor'];
const doctorOptions = ['--json', '--strict', '--no-run', '--verbose'];

function bash(all: readonly Word[]): string {
  const cases = all.filter(({ options }) => options.length > 0).map(({ name, options }) => `    ${name}) words="${options.join(' ')}" ;;`);
  return `# bash completion for reinit: . <(reinit completion bash)
_reinit() {
  local current=\${COMP_WORDS[COMP_CWORD]} words=
  if [ "$COMP_CWORD" -eq 1 ]; then
    COMPREPLY=($(compgen -W "${names(all)}" -- "$current"))
    return
  fi
  case \${COMP_WORDS[1]} in
${cases.join('\n')}
    completion) words="${shellNames.join(' ')}" ;;
  esac
  COMPREPLY=($(compgen -W "$words" -- "$current"))
}
complete -o default -F _reinit reinit
`;
}

function zsh(all: readonly Word[]): string {
  const verbs = all.map(({ name, about }) => `    '${name}:${quoted(about)}'`);
  const cases = all
    .filter(({ options }) => options.length > 0)
    .map(({ name, options }) => `    ${name}) compadd -- ${options.join(' ')}${withFiles.includes(name) ? '; _files' : ''} ;;`);
  return `#compdef reinit
# zsh completion for reinit: reinit completion zsh > "\${fpath[1]}/_reinit"
_reinit() {
  local -a verbs=(
${verbs.join('\n')}
  )
  if (( CURRENT == 2 )); then
    _describe verb verbs
    return
  fi
  case \${words[2]} in
${cases.join('\n')}
    completion) compadd -- ${shellNames.join(' ')} ;;
    *) _files ;;
  esac
}
compdef _reinit reinit
`;
}

function fish(all: readonly Word[]): string {
  const verbs = all.map(({ name, about }) => `complete -c reinit -n __fish_use_subcommand -f -a ${name} -d '${quoted(about)}'`);
  const options = all.flatMap(({ name, options }) =>
    options.map((option) => `complete -c reinit -n '__fish_seen_subcommand_from ${name}' -l ${option.slice(2)}`),
  );
  const shell = `complete -c reinit -n '__fish_seen_subcommand_from completion' -f -a '${shellNames.join(' ')}'`;
  return `# fish completion for reinit: reinit completion fish | source\n${[...verbs, ...options, shell].join('\n')}\n`;
}

/** Within single quotes; a colon would end the name in zsh. */
const quoted = (text: string): string => text.replaceAll("'", '’').replaceAll(':', ';');
