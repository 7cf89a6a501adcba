/** The watched files and what they are mounted by. What is wrong with a reading is known by src/watch; here it is only weighed. */
import { isWithin } from '../../config/within.ts';
import { formatDuration } from '../../core/durations.ts';
import { type Mount, mountOf } from '../../watch/mounts.ts';
import type { WatchWarning } from '../../watch/types.ts';
import { silentMount, unreachable, type Warning, warningsOf } from '../../watch/warnings.ts';
import type { Watched } from '../facts/watched.ts';
import { error, type Finding, info, type Level, ok, warn } from '../finding.ts';

type Read = Extract<Watched['reading'], { kind: 'read' }>;

/** What each warning means for the promise that changes are followed. */
const levels: Readonly<Record<WatchWarning, Exclude<Level, 'ok'>>> = {
  missing: 'warn',
  unreadable: 'error',
  unreachable: 'error',
  stale_mount: 'error',
  subpath: 'error',
  single_file_mount: 'warn',
  no_events: 'info',
  polling: 'info',
  too_large: 'warn',
  token: 'info',
};
const makers = { error, warn, info } as const;

export function watchedFindings(watched: Watched): Finding[] {
  const { policy, reading } = watched;
  const { name: rule } = policy;
  const told = ({ code, message, hint }: Warning): Finding => makers[levels[code]](`watch.${code}`, message, { remedy: hint, rule });
  if (reading.kind === 'unreachable') return [told(unreachable(reading.message))];
  if (reading.kind === 'moving')
    return [
      warn('watch.moving', `the files of ${rule} kept changing while they were read`, {
        rule,
        remedy: 'Look again when whoever writes them has ended.',
      }),
    ];
  const warnings = warningsOf(policy, reading).map(told);
  return [
    ...warnings,
    ...silence(watched, reading),
    ...dangling(watched),
    ...outside(watched, reading),
    ...inImage(watched, reading),
    ...(warnings.length === 0 ? [ok('watch.readable', `${rule}: ${found(reading)}`, { rule })] : []),
  ];
}

function found({ plan, mounts }: Read): string {
  const count = `${plan.files.length} ${plan.files.length === 1 ? 'file' : 'files'}`;
  const volume = plan.volumes.size > 0 ? ', in a volume that kubelet writes (ConfigMap, Secret or projected)' : '';
  const all = [...plan.roots.values()].map((place) => mountOf(mounts, place));
  return `${count} can be read${volume}${all.length > 0 && all.every((mount) => mount?.readOnly) ? ', mounted read-only' : ''}`;
}

function silence({ policy: { name: rule, mode, poll_interval } }: Watched, reading: Read): Finding[] {
  const mount = silentMount(reading);
  if (mount === undefined) return [];
  const title = `${mount.mountPoint} is on ${mount.fsType}, which announces no change of another machine: the files are read every ${formatDuration(poll_interval)} instead`;
  if (mode === 'poll') return [ok('watch.no_events', title, { rule })];
  return [
    info('watch.no_events', title, {
      rule,
      remedy: 'Nothing need be done; watch.poll_interval says how often, and watch.mode: poll that it is as it should be.',
    }),
  ];
}

const dangling = ({ dangling: links, policy: { name: rule } }: Watched): Finding[] =>
  links.map((link) =>
    warn('watch.dangling', `${link} is a link that leads nowhere, and counts as no file`, {
      rule,
      remedy: 'Mount what it leads to, or remove the link; when its file appears, that is a change.',
    }),
  );

/** Followed all the same; yet whoever copies or mounts the directory alone does not have them. */
function outside({ policy: { name: rule } }: Watched, { plan }: Read): Finding[] {
  const roots = [...plan.roots.values()];
  const away = plan.files.filter(({ real }) => !roots.some((root) => isWithin(real, root)));
  const [first] = away;
  if (first === undefined) return [];
  const others = away.length > 1 ? ` (and ${away.length - 1} more like it)` : '';
  return [
    info('watch.outside', `${first.path} leads out of the watched paths, to ${first.real}${others}`, {
      rule,
      detail: 'Changes there are followed like those of any other file.',
    }),
  ];
}

/** Nobody but a process of this container can change what lies in the image's own file system. */
function inImage({ policy: { name: rule } }: Watched, { plan, mounts }: Read): Finding[] {
  const places = [...plan.roots].filter(([, real]) => isRootFileSystem(mountOf(mounts, real)));
  // What lies outside, through a link, is on a mount of its own, if any.
  const mounted = plan.files.some(({ real }) => !isRootFileSystem(mountOf(mounts, real)));
  const [first] = places;
  if (first === undefined || mounted) return [];
  return [
    info('watch.image', `${first[0]} is a part of the image: no volume is mounted there`, {
      rule,
      remedy: 'If its configuration is to come from outside, mount a ConfigMap, a Secret or a directory there.',
    }),
  ];
}

const isRootFileSystem = (mount: Mount | undefined): boolean => mount?.mountPoint === '/' && mount.fsType === 'overlay';
