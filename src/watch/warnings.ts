import { basename, dirname } from 'node:path';
import type { Reading } from './generation.ts';
import { isDeleted, isSilent, isSubPath, type Mount, mountOf } from './mounts.ts';
import type { ReadRule, WatchTrouble } from './types.ts';

/** `subject` and `code` make it one cause: told when it appears, and again only after it was gone. */
export interface Warning extends WatchTrouble {
  readonly subject: string;
}

type Read = Extract<Reading, { kind: 'read' }>;

/** What is wrong with the files of a rule, seen from one reading. Never says what is in a file. */
export function warningsOf(rule: ReadRule, reading: Read): Warning[] {
  return [...missing(reading), ...unreadable(reading), ...mounted(rule, reading), ...tooLarge(rule, reading), ...tokens(rule, reading)];
}

function missing({ plan }: Read): Warning[] {
  return [...plan.missing].map(([path, below]) => ({
    code: 'missing',
    subject: path,
    message: `${path} does not exist (the deepest directory that does is ${below}); it is watched until it appears`,
    hint: 'Check the path (`watch.paths`, `env_from`) and the mount of the ConfigMap or Secret.',
  }));
}

function unreadable({ unknown }: Read): Warning[] {
  return [...unknown].map(([path, code]) => ({ code: 'unreadable', subject: path, ...unreadableText(path, code) }));
}

function unreadableText(path: string, code: string): { message: string; hint: string } {
  if (code === 'special')
    return {
      message: `${path} is neither a file nor a directory and is not read`,
      hint: 'Take the FIFO, socket or device out of `watch.paths`.',
    };
  if (code === 'EILSEQ')
    return {
      message: `${path} has a name that is not UTF-8 and is not watched`,
      hint: 'Rename the file, or leave it out with `watch.exclude`.',
    };
  return {
    message: `${path} cannot be read (${code}): changes to it are not seen, its last known content counts`,
    hint: 'Give the user that reinit runs as the right to read it (fsGroup, defaultMode), or leave it out with `watch.exclude`.',
  };
}

/** Files that are mounted by themselves, and mounts whose source is gone. */
function mounted(rule: ReadRule, { plan, mounts, stats }: Read): Warning[] {
  const places = new Map(rule.paths.flatMap((path) => [[path, plan.roots.get(path) ?? path] as const]));
  for (const { path, real } of plan.files) if (mounts.has(real)) places.set(path, real);
  const warnings: Warning[] = [];
  for (const [path, real] of places) {
    const mount = mountOf(mounts, real);
    if (mount === undefined) continue;
    // Of a file that is not itself the mount, link count 0 only means that it was replaced the moment before.
    const unlinked = mount.mountPoint === real && stats.get(real)?.nlink === 0;
    if (isDeleted(mount) || unlinked) warnings.push(stale(path, mount));
    else if (isSubPath(mount)) warnings.push(subPath(path));
    else if (mount.mountPoint === real && stats.has(real)) warnings.push(singleFile(path));
  }
  return warnings;
}

const stale = (path: string, mount: Mount): Warning => ({
  code: 'stale_mount',
  subject: path,
  message: `${path} was replaced outside of the container; the mount ${mount.mountPoint} still shows the old one and will never change`,
  hint: 'Restart the container to mount the new content; to follow changes, mount the directory (of a ConfigMap: the whole volume, without subPath).',
});

const subPath = (path: string): Warning => ({
  code: 'subpath',
  subject: path,
  message: `${path} is mounted with subPath: Kubernetes never updates it, so no change will ever be seen`,
  hint: 'Mount the volume as a directory, without subPath, and point the application (or a symbolic link in the image) into it.',
});

const singleFile = (path: string): Warning => ({
  code: 'single_file_mount',
  subject: path,
  message: `${path} is a file mounted by itself: only writes in place reach the container, a file that replaces it (sed -i, most editors, kubectl) does not`,
  hint: `Mount its directory instead of the file ${basename(path)}.`,
});

function tooLarge(rule: ReadRule, { leftOut }: Read): Warning[] {
  if (leftOut === undefined) return [];
  const reasons = {
    files: {
      what: `there are more than ${rule.max_files} files`,
      hint: 'Watch a smaller directory, leave files out with `watch.exclude`, or raise `watch.max_files`.',
    },
    bytes: {
      what: `the files have more than ${rule.max_bytes} bytes`,
      hint: 'Watch a smaller directory, leave files out with `watch.exclude`, or raise `watch.max_bytes`.',
    },
    depth: { what: 'it lies more than 8 directories below the watched path', hint: 'Name the deep directory in `watch.paths` too.' },
  };
  const { what, hint } = reasons[leftOut.why];
  return [
    { code: 'too_large', subject: leftOut.why, message: `${leftOut.path} (and what else is too much) is not watched: ${what}`, hint },
  ];
}

/** kubelet renews a service account's token about once an hour. Whoever has named it knows. */
function tokens(rule: ReadRule, { plan }: Read): Warning[] {
  const leftOut = [...plan.tokens].map(
    (path): Warning => ({
      code: 'token',
      subject: path,
      message: `${path} is a service account token, which Kubernetes renews about every hour: it is left out`,
      hint: 'Nothing need be done. To follow it all the same, name the file in `watch.paths`, or `token` in `watch.include`.',
    }),
  );
  const alone = plan.files.filter(
    ({ path, direct }) => !direct && basename(path) === 'token' && plan.volumes.has(dirname(path)) && !rule.include.some(namesToken),
  );
  return [
    ...leftOut,
    ...alone.map(
      ({ path }): Warning => ({
        code: 'token',
        subject: path,
        message: `${path} may be a service account token, which Kubernetes renews about every hour: each renewal would be a change`,
        hint: 'Leave it out: `watch.exclude: ["token"]`; or name it in `watch.include` to say that it is none.',
      }),
    ),
  ];
}

const namesToken = (glob: string): boolean => basename(glob) === 'token';

/** The first mount of the rule that gives no events. */
export function silentMount(reading: Read): Mount | undefined {
  for (const place of [...reading.plan.roots.values(), ...reading.plan.points.keys()]) {
    const mount = mountOf(reading.mounts, place);
    if (mount !== undefined && isSilent(mount)) return mount;
  }
  return undefined;
}

export const unreachable = (message: string): Warning => ({
  code: 'unreachable',
  subject: '',
  message: `the files cannot be reached: ${message}; trying again`,
  hint: 'A mount hangs: check its server (NFS, CIFS, FUSE). The application goes on with what it has.',
});

export function noEvents(code: string, pollMs: number): Warning {
  const limits: Record<string, string> = {
    EMFILE:
      'Raise the sysctl fs.inotify.max_user_instances on the node (all containers of a user share it; 128 is common), or set `watch.mode: poll`.',
    ENOSPC: 'Raise the sysctl fs.inotify.max_user_watches on the node, or set `watch.mode: poll`.',
  };
  return {
    code: 'polling',
    subject: code,
    message: `file events cannot be had (${code}): the files are read every ${pollMs} ms instead; events are tried again every minute`,
    hint: limits[code] ?? 'Set `watch.mode: poll` to say that this is as it should be.',
  };
}

export function unannounced(reading: Read, pollMs: number): Warning {
  const place = [...reading.plan.roots.values()][0];
  const mount = place === undefined ? undefined : mountOf(reading.mounts, place);
  const where = mount === undefined ? '' : ` on ${mount.mountPoint} (${mount.fsType})`;
  return {
    code: 'no_events',
    subject: '',
    message: `a change was found that no file event announced${where}: the files are read every ${pollMs} ms from now on`,
    hint: 'Set `watch.mode: poll`, with a `watch.poll_interval` that suits you.',
  };
}
