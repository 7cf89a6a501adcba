/** Where published and copied files go, and that they go nowhere they would be watched themselves. */
import { posix } from 'node:path';
import { snapshotPlaceholder } from '../core/policy.ts';
import type { Add, Rule } from './contradictions.ts';
import type { Settings } from './schema.ts';
import { isWithin } from './within.ts';

export function publishMistakes(settings: Settings, add: Add): void {
  const watched = settings.watch.flatMap(({ paths }) => paths.map(plain));
  const { state_dir } = settings;
  const state = state_dir === undefined ? undefined : plain(state_dir);
  if (state !== undefined && watched.some((path) => isWithin(state, path)))
    add(
      ['state_dir'],
      'it is inside of a path that is watched: reinit would see its own files as changes',
      'choose a directory of its own',
    );
  settings.watch.forEach((rule, index) => {
    if (isCopied(rule)) overlaps(rule, index, add);
    if (rule.publish === undefined) return;
    const { to } = rule.publish;
    const at = ['watch', index, 'publish'];
    if (watched.some((path) => meet(to, path)))
      add(
        at,
        'it is a path that is watched, or inside of one, or one is inside of it',
        'choose a path of its own, such as /run/app/config',
      );
    if (settings.watch.slice(0, index).some(({ publish }) => publish !== undefined && meet(to, publish.to)))
      add(at, 'another rule publishes to this path, or inside of it, or above it', 'give each rule a path of its own');
  });
}

const isCopied = (rule: Rule): boolean =>
  rule.publish !== undefined || rule.snapshot || rule.validate.some((argv) => argv.some((word) => word.includes(snapshotPlaceholder)));

/** Several paths are copied below the last part of each: two of one name would lie over each other. */
function overlaps(rule: Rule, index: number, add: Add): void {
  const names = new Set<string>();
  rule.paths.forEach((path, nth) => {
    const name = posix.basename(plain(path));
    if (names.has(name))
      add(
        ['watch', index, 'paths', nth],
        'another path has the same last part, and a copy of the files keeps them apart by that only',
        'watch it with a rule of its own',
      );
    names.add(name);
  });
}

/** Without `..` and a slash at the end; the root is empty. */
const plain = (path: string): string => posix.normalize(path).replace(/\/$/, '');
const meet = (one: string, other: string): boolean => isWithin(one, other) || isWithin(other, one);
