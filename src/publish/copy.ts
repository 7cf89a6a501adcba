import { chmod, chown, lstat } from 'node:fs/promises';
import { join } from 'node:path';
import type { WatchRule } from '../config/model.ts';
import { createSelection } from '../watch/exclude.ts';
import { guarded, type Lane, routed, sharedLanes } from '../watch/lanes.ts';
import { isLocal, type Mount, type Mounts, mountOf, parseMounts } from '../watch/mounts.ts';
import { codeOf, fault, realOperations } from '../watch/operations.ts';
import { makePlan, type Plan } from '../watch/plan.ts';
import { eachBounded } from './bounded.ts';
import { callsFor, immediate, waiting } from './calls.ts';
import { type Copying, copyFile } from './copy-file.ts';
import { makeDirectory } from './disk.ts';
import { type SourceDirectory, type Sources, sourcesOf } from './layout.ts';
import { filesOf, type Manifest } from './manifest.ts';
import { Problem, shown, tooLarge, Unreadable } from './problems.ts';

/** For one step of finding the files, and for copying one of them, in ms. */
const lookMs = 5_000;
const copyMs = 30_000;

/**
 * Writing for others is not kept: kubelet's volumes are 0777 on a mount that is read-only, and what was accepted is to stay what it is.
 */
const directoryPermissions = 0o755;

/**
 * What a rule's copy consists of at this moment. Nothing here decides which generation that is: the copied bytes do.
 * @throws Problem; code `MOVED` where the tree changes under the walk, `HUNG` where a mount does not answer.
 */
export async function findSources(rule: WatchRule, mounts: Mounts): Promise<Sources> {
  const near = guarded(realOperations, lookMs, sharedLanes.local);
  const far = guarded(realOperations, lookMs, sharedLanes.remote);
  const operations = routed((path) => (isLocal(mountOf(mounts, path)) ? near : far));
  const plan = await makePlan(rule, await createSelection(rule), operations);
  refuseIncomplete(rule, plan);
  return sourcesOf(rule, plan);
}

function refuseIncomplete(rule: WatchRule, { leftOut, unknown }: Plan): void {
  if (leftOut !== undefined) throw tooLarge(rule, leftOut.why);
  for (const [path, code] of unknown) throw new Unreadable(path, code);
}

/** All mounts of this process; none where there is no /proc: then every file system is taken for remote. */
export async function readMounts(): Promise<Mounts> {
  return parseMounts(await realOperations.text('/proc/self/mountinfo').catch(() => ''));
}

export interface CopyRequest {
  readonly rule: WatchRule;
  readonly sources: Sources;
  /** A directory that exists, and in it nothing. */
  readonly into: string;
  readonly mounts: Mounts;
  readonly copying: Omit<Copying, 'admit' | 'calls'>;
}

/**
 * Copies everything below `into`. Resolves to the path, place and content hash of each file, as written.
 * @throws as `findSources` and `copyFile` do.
 */
export async function copySources({ rule, sources, into, mounts, copying }: CopyRequest): Promise<Manifest['files']> {
  const root = filesOf(into);
  await makeDirectory(root, 0o755);
  for (const { to } of sources.directories) if (to !== '') await makeDirectory(join(root, to), 0o700);
  const admit = admission(rule);
  const local = isLocal(mountOf(mounts, into));
  const laneOf = (real: string): Lane => (local && isLocal(mountOf(mounts, real)) ? sharedLanes.bulk : sharedLanes.remote);
  const calls = await callsFor(root);
  const hashes = new Map<string, string>();
  await eachBounded(sources.files, async ({ real, to }) => {
    const copied = laneOf(real).run(real, copyMs, () =>
      copyFile(real, isMemory(mountOf(mounts, real)) ? immediate : waiting, join(root, to), { ...copying, calls, admit }),
    );
    hashes.set(to, await copied.catch(explainHang(real)));
  });
  await eachBounded([...sources.directories].reverse(), (directory) => giveRights(directory, root, copying));
  return sources.files.map(({ path, to }) => [path, to, hashes.get(to) ?? ''] as const);
}

const isMemory = (mount: Mount | undefined) => mount?.fsType === 'tmpfs' || mount?.fsType === 'ramfs';

/** As many bytes as the watch would read: a generation that it had to cut short is not to be had whole. */
function admission(rule: WatchRule): Copying['admit'] {
  let total = 0;
  return (bytes) => {
    total += bytes;
    if (total > rule.max_bytes) throw tooLarge(rule, 'bytes');
  };
}

/** A directory's permissions come last: it may be one that nobody can write to. */
async function giveRights({ real, to }: SourceDirectory, root: string, { owners }: CopyRequest['copying']): Promise<void> {
  const stat = await lstat(real).catch(() => {
    throw fault('MOVED', `${real} went away`);
  });
  const path = join(root, to);
  const rights = { chmod: (mode: number) => chmod(path, mode), chown: (uid: number, gid: number) => chown(path, uid, gid) };
  const mode = stat.mode & directoryPermissions;
  await owners.give(real, rights, { mode, uid: stat.uid, gid: stat.gid }, to === '' ? 0o755 : 0o700);
}

function explainHang(real: string): (error: unknown) => never {
  return (error) => {
    if (error instanceof Problem || codeOf(error) !== 'HUNG') throw error;
    throw new Problem(`${shown(real)} could not be copied within ${copyMs / 1_000} s; check the server of that mount (NFS, CIFS, FUSE)`);
  };
}
