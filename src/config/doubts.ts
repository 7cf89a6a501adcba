/** What is allowed, and is probably not what was meant. Pure. */
import { posix } from 'node:path';
import { snapshotPlaceholder } from '../core/policy.ts';
import type { Config, WatchRule } from './model.ts';
import { isWithin } from './within.ts';

/** Programs that check what they are told to, and never what reinit's variable names. */
const checkers: ReadonlySet<string> = new Set([
  'nginx',
  'apachectl',
  'apache2ctl',
  'apache2',
  'httpd',
  'haproxy',
  'php-fpm',
  'postgres',
  'redis-server',
  'promtool',
  'dnsmasq',
]);

/** One sentence each, for the log. */
export function doubts({ services: { main } }: Config): string[] {
  return main.watch.flatMap((rule) => {
    if (rule.publish === undefined) return [];
    return rule.validate.flatMap((argv) => doubtsOf(rule, argv, rule.publish?.to ?? ''));
  });
}

/** A published rule's validator has to look at the copy: the live files may be others by then, and the published ones are the old ones. */
function doubtsOf({ name, paths }: WatchRule, argv: readonly string[], to: string): string[] {
  if (argv.some((word) => word.includes(snapshotPlaceholder))) return [];
  const other = argv.find((word) => [...paths, to].some((path) => isWithin(posix.normalize(word), path)));
  const program = posix.basename(argv[0] ?? '').replace(/[\d.]+$/, '');
  if (other === undefined && !checkers.has(program)) return [];
  const what = other === undefined ? 'the files that it finds by itself' : other;
  return [
    `${name}: the validator ${argv[0]} checks ${what}, and not the copy that would be published: a broken change could pass. Give it ${snapshotPlaceholder}, the directory of the copy, in its place (validate)`,
  ];
}
