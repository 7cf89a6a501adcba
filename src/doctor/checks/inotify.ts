/** File events: what the kernel allows, and what the rules need. */
import { noEvents } from '../../watch/warnings.ts';
import type { Inotify } from '../facts/kernel.ts';
import type { Watched } from '../facts/watched.ts';
import { type Finding, info, ok, warn } from '../finding.ts';

/** @param running a reinit runs, whose own watches are among those that are counted */
export function inotifyFindings(inotify: Inotify, watched: readonly Watched[], running: boolean): Finding[] {
  const following = watched.filter(({ policy, reading }) => policy.mode !== 'poll' && reading.kind === 'read');
  if (following.length === 0) return [];
  const { maxInstances, maxWatches, instances, watches, refused } = inotify;
  const poll = Math.min(...following.map(({ policy }) => policy.poll_interval));
  if (refused !== undefined) {
    const { hint } = noEvents(refused, poll);
    return [
      warn('inotify.refused', `file events cannot be had (${refused}): the files are read every ${poll} ms instead`, {
        remedy: hint,
        detail: use(inotify),
      }),
    ];
  }
  const needed = following.reduce((sum, { reading }) => sum + (reading.kind === 'read' ? reading.plan.points.size : 0), 0);
  const found: Finding[] = [];
  if (maxWatches !== undefined && !running && watches + needed > maxWatches)
    found.push(
      warn('inotify.watches', `${needed} places are to be watched, and this user has room for ${Math.max(0, maxWatches - watches)}`, {
        detail: use(inotify),
        remedy: noEvents('ENOSPC', poll).hint,
      }),
    );
  // Each container of the node counts, also those that cannot be seen from here.
  if (maxInstances !== undefined && instances + scarce > maxInstances)
    found.push(
      info(
        'inotify.instances',
        `few inotify instances are left: ${instances} of ${maxInstances} are in use as far as can be seen from here`,
        {
          remedy: noEvents('EMFILE', poll).hint,
        },
      ),
    );
  return found.length > 0 ? found : [ok('inotify.enough', `${needed} places to watch: ${use(inotify)}`)];
}

const scarce = 8;

function use({ maxInstances, maxWatches, instances, watches }: Inotify): string {
  const of = (limit: number | undefined): string => (limit === undefined ? 'an unknown number' : String(limit));
  return `as far as visible this user has ${instances} of ${of(maxInstances)} instances and ${watches} of ${of(maxWatches)} watches`;
}
