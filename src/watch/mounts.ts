/** One line of /proc/self/mountinfo, as far as it matters to a watch; see proc_pid_mountinfo(5). */
export interface Mount {
  readonly mountPoint: string;
  /** What of its file system is mounted: `/` or a path in it; ends in `//deleted` where that is gone. */
  readonly root: string;
  readonly fsType: string;
  /** Nobody who sees it through this mount can write there. */
  readonly readOnly: boolean;
}

/** Mount point → mount; where several lie over each other, the last one, which is the one that is seen. */
export type Mounts = ReadonlyMap<string, Mount>;

/** Kernel-local file systems: they send events, answer at once, and every change of a file moves its ctime. All others are taken for remote. */
const localTypes: ReadonlySet<string> = new Set([
  'ext2',
  'ext3',
  'ext4',
  'xfs',
  'btrfs',
  'zfs',
  'f2fs',
  'bcachefs',
  'tmpfs',
  'ramfs',
  'overlay',
  'squashfs',
  'erofs',
  'rootfs',
]);

/** File systems whose content another kernel (or a process) changes without an event here. */
const silentTypes =
  /^(nfs\d?|cifs|smb3?|smbfs|9p|virtiofs|fuse|fuse\..+|fuseblk|osxfs|grpcfuse|fakeowner|drvfs|vboxsf|prl_fs|afs|ceph|glusterfs|lustre|gpfs|beegfs)$/;

/** Lines that cannot be read are left out. */
export function parseMounts(mountinfo: string): Mounts {
  const mounts = new Map<string, Mount>();
  for (const line of mountinfo.split('\n')) {
    const fields = line.split(' ');
    const [root, mountPoint, options] = [fields[3], fields[4], fields[5]];
    const fsType = fields[fields.indexOf('-', 6) + 1];
    if (root === undefined || mountPoint === undefined || fsType === undefined) continue;
    const readOnly = options?.split(',').includes('ro') ?? false;
    mounts.set(decodeOctal(mountPoint), { mountPoint: decodeOctal(mountPoint), root: decodeOctal(root), fsType, readOnly });
  }
  return mounts;
}

/** The mount that a resolved, absolute path lies on; undefined where the table does not say (no /proc). */
export function mountOf(mounts: Mounts, path: string): Mount | undefined {
  for (let at = path; ; at = at.slice(0, at.lastIndexOf('/'))) {
    const mount = mounts.get(at === '' ? '/' : at);
    if (mount !== undefined || at === '' || at === '/') return mount;
  }
}

export const isLocal = (mount: Mount | undefined): boolean => mount !== undefined && localTypes.has(mount.fsType);
export const isSilent = (mount: Mount): boolean => silentTypes.test(mount.fsType);
export const isDeleted = (mount: Mount): boolean => mount.root.endsWith('//deleted');

/**
 * A part of a ConfigMap, Secret or projected volume that is mounted by itself: kubelet bind-mounts it out of a timestamped directory, or by
 * way of `volume-subpaths`. The whole volume shows as `…/kubernetes.io~configmap/NAME`; of one on tmpfs the root is relative to the volume.
 */
export const isSubPath = (mount: Mount): boolean =>
  /\/volume-subpaths\/|\/\.\.\d{4}(_\d\d){5}\.|\/kubernetes\.io~(configmap|secret|projected|downward-api)\/[^/]+\/./.test(mount.root);

/** Space, tab, newline and backslash are written as octal. */
function decodeOctal(field: string): string {
  return field.includes('\\')
    ? field.replace(/\\([0-7]{3})/g, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 8)))
    : field;
}
