import { allFields, type Field } from '../config/fields.ts';
import { flagAliases } from '../config/flags.ts';

/** A flag as the help and the reference show it. */
export interface FlagRow {
  readonly flag: string;
  readonly about: string;
  readonly variable: string | undefined;
}

export interface FlagGroup {
  readonly group: Field['group'] | undefined;
  readonly title: string;
  readonly rows: readonly FlagRow[];
}

/** Flags that are no settings: how to begin, and what tini's users have in their entrypoints. */
const general: readonly FlagRow[] = [
  { flag: '-c, --config FILE', about: 'The YAML file. Default: /etc/reinit.yaml, if there is one.', variable: 'REINIT_CONFIG' },
  { flag: '-g', about: 'Short for --signal-target group.', variable: undefined },
  { flag: '-e CODE', about: 'Short for --exit-codes CODE=0 (repeatable).', variable: undefined },
  { flag: '-v', about: 'Short for --log-level debug.', variable: undefined },
  { flag: '-s, -w', about: "tini's flags for what reinit does anyway: being a subreaper, telling of orphans.", variable: undefined },
  {
    flag: '-p SIGNAL',
    about: 'What init gets when its own parent dies (without a configuration only).',
    variable: undefined,
  },
];

const titles: Readonly<Record<Field['group'], string>> = {
  service: 'The application',
  attach: 'An application of another container (reinit attach)',
  watch: 'Watching (these make one rule, in place of those in the file)',
  output: "The application's output",
  log: "reinit's log",
  http: 'Status, metrics and probes by HTTP',
};

/** All flags, grouped; those of settings come from the schema. */
export function flagGroups(): readonly FlagGroup[] {
  const groups = (['service', 'attach', 'watch', 'output', 'log', 'http'] as const).map((group) => ({
    group,
    title: titles[group],
    rows: allFields()
      .filter((field) => field.group === group)
      .flatMap(settingRow),
  }));
  return [{ group: undefined, title: 'General', rows: general }, ...groups];
}

function settingRow(field: Field): FlagRow[] {
  const { flag, info, variable } = field;
  if (flag === undefined) return [];
  const names = [...Object.keys(flagAliases).filter((alias) => flagAliases[alias] === flag), flag];
  const name = names.map((one) => `--${one}`).join(', ');
  const { spelling } = info;
  const placeholder = 'placeholder' in spelling ? ` ${spelling.placeholder}` : '';
  const repeat = spelling.form === 'list' || spelling.form === 'map' ? ' Repeatable.' : '';
  return [{ flag: name + placeholder, about: field.description + repeat, variable }];
}
