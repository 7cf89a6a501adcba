/** Where published and copied files go, and that they go nowhere they would be watched themselves. */
import { posix } from 'node:path';
import type { Add, Rule } from './contradictions.ts';
import type { Settings } from './schema.ts';

export function publishMistakes(settings: Settings, add: Add): void {
  const { state_dir: state, watch } = settings;
  const watched = watch.flatMap(({ paths }) => paths);
  if (state !== undefined && watched.some((path) => isWithin(state, path)))
    add(
      ['state_dir'],
      'it is inside of a path that is watched: reinit would see its own files as changes',
      'choose a directory of its own',
    );
  watch.forEach((rule, index) => {
    overlaps(rule, index, add);
    if (rule.publish === undefined) return;
    const { to } = rule.publish;
    const at = ['watch', index, 'publish'];
    if (watched.some((path) => isWithin(to, path) || isWithin(path, to)))
      add(
        at,
        'it is a path that is watched, or inside of one, or one is inside of it',
        'choose a path of its own, such as /run/app/config',
      );
    const others = watch.slice(0, index).flatMap(({ publish }) => publish?.to ?? []);
    if (others.some((other) => isWithin(to, other) || isWithin(other, to)))
      add(at, 'another rule publishes to this path, or inside of it, or above it', 'give each rule a path of its own');
  });
}

/** Several paths are copied below the last part of each: two of one name would lie over each other. */
function overlaps(rule: Rule, index: number, add: Add): void {
  const copied =
    rule.publish !== undefined || rule.snapshot || rule.validate.some((argv) => argv.some((word) => word.includes('{{snapshot}}')));
  if (!copied) return;
  const names = rule.paths.map((path) => posix.basename(posix.normalize(path)));
  names.forEach((name, nth) => {
    if (names.indexOf(name) < nth)
      add(
        ['watch', index, 'paths', nth],
        'another path has the same last part, and a copy of the files keeps them apart by that only',
        'watch it with a rule of its own',
      );
  });
}

function isWithin(path: string, directory: string): boolean {
  const from = posix.relative(posix.normalize(directory), posix.normalize(path));
  return from !== '..' && !from.startsWith('../');
}
