import type { WatchRule } from '../config/model.ts';
import { codeOf } from '../watch/operations.ts';
import type { LeftOut } from '../watch/plan.ts';

/** Ends a piece of work with words for people: what, why, what to do, with the setting's name. */
export class Problem extends Error {}

/** A file of the source that cannot be read; `code` is the errno, or `special`, as in a plan. */
export class Unreadable extends Problem {
  constructor(path: string, code: string) {
    super(`${shown(path)} ${unreadableText(code)}`);
  }
}

/** Does what writes to `path`, which the user chose by `setting`. @throws Problem; code `MOVED` as it came */
export async function writing<T>(setting: string, path: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    const code = codeOf(error);
    throw code === 'MOVED' ? error : new Problem(`${setting}: ${shown(path)} ${unwritableText(code, setting)}`);
  }
}

/** The problem in words; undefined where there was none. */
export async function problemIn(work: () => Promise<unknown>): Promise<string | undefined> {
  try {
    await work();
    return undefined;
  } catch (error) {
    return textOf(error);
  }
}

/** For people, also where the file system failed in a place that nothing could be expected of. */
export function textOf(error: unknown): string {
  if (error instanceof Problem) return error.message;
  codeOf(error);
  return `publish: ${shown((error as Error).message)}`;
}

/** A path on one line. */
export function shown(path: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: those are what must not get into a message
  return /[\x00-\x1f\x7f]/.test(path) ? JSON.stringify(path) : path;
}

export function tooLarge(rule: WatchRule, why: LeftOut['why']): Problem {
  const reasons = {
    files: `there are more than ${rule.max_files} files; watch a smaller directory, leave files out with watch.exclude, or raise watch.max_files`,
    bytes: `the files have more than ${rule.max_bytes} bytes; watch a smaller directory, leave files out with watch.exclude, or raise watch.max_bytes`,
    depth: 'there are files more than 8 directories below the watched path; name the deep directory in watch.paths too',
  };
  return new Problem(`no complete copy of ${shown(rule.name)} can be made: ${reasons[why]}`);
}

function unreadableText(code: string): string {
  if (code === 'special') return 'is neither a file nor a directory and cannot be copied; take it out of watch.paths';
  if (code === 'EILSEQ') return 'has a name that is not UTF-8 and cannot be copied; rename it, or leave it out with watch.exclude';
  const remedy = 'give the user that reinit runs as the right to read it (fsGroup, defaultMode), or leave it out with watch.exclude';
  return `cannot be read (${code}), so no complete copy can be made; ${remedy}`;
}

function unwritableText(code: string, setting: string): string {
  const elsewhere =
    setting === 'publish.to' ? 'or choose a path below /run or /dev/shm' : 'or set state_dir to a directory that can be written';
  if (code === 'EROFS') return `cannot be written: read-only file system; mount an emptyDir (medium: Memory) or tmpfs there, ${elsewhere}`;
  if (code === 'ENOSPC' || code === 'EDQUOT')
    return `has no room for the files (${code}); give it more (sizeLimit of an emptyDir, size of a tmpfs or of /dev/shm), ${elsewhere}`;
  if (code === 'EACCES' || code === 'EPERM')
    return `cannot be written by the user that reinit runs as, ${process.geteuid?.()} (${code}); give the directory to that user (fsGroup), ${elsewhere}`;
  if (code === 'HUNG') return 'does not answer; check the server of that mount (NFS, CIFS, FUSE)';
  return `cannot be written (${code})`;
}
