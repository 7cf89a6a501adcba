import { shown } from './problems.ts';

/** Who and what may read, of a file or directory. */
export interface Access {
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
}

/** How one open file, or one path, gets its rights. */
export interface Rights {
  chmod(mode: number): Promise<void>;
  chown(uid: number, gid: number): Promise<void>;
}

/** Gives copies the rights of what they are copies of. */
export interface Owners {
  /** `has`: the mode that it has already, created by this process. Never fails because an owner cannot be kept: that is told once. */
  give(path: string, rights: Rights, wanted: Access, has: number): Promise<void>;
}

/**
 * The owner needs CAP_CHOWN. Without it the group is still kept where this process belongs to it (fsGroup), and the copy's owner, who then is
 * another one, may at least read it.
 */
export function createOwners(warn: (message: string) => void): Owners {
  let warned = false;
  const uid = process.geteuid?.() ?? 0;
  const gid = process.getegid?.() ?? 0;
  return {
    give: async (path, rights, wanted, has) => {
      if (wanted.mode !== has) await rights.chmod(wanted.mode); // before it is given away: after that it is not ours to change
      if (wanted.uid === uid && wanted.gid === gid) return;
      if (await allowed(rights.chown(wanted.uid, wanted.gid))) return;
      const group = wanted.gid === gid || (await allowed(rights.chown(uid, wanted.gid)));
      if (wanted.uid !== uid && (wanted.mode & 0o400) === 0) await rights.chmod(wanted.mode | 0o400);
      if (warned) return;
      warned = true;
      warn(
        `${shown(path)} belongs to ${wanted.uid}:${wanted.gid}, its copy to ${uid}:${group ? wanted.gid : gid}: reinit lacks the right to give files away (CAP_CHOWN); where the application then cannot read the copies, make the files readable for its group (fsGroup, defaultMode)`,
      );
    },
  };
}

async function allowed(change: Promise<void>): Promise<boolean> {
  try {
    await change;
    return true;
  } catch (error) {
    if (error instanceof Error && 'code' in error && (error.code === 'EPERM' || error.code === 'EINVAL')) return false; // EINVAL: not in this user namespace
    throw error;
  }
}
