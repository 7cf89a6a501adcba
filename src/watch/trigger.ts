import { watch as watchFile } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { isLeftover } from './exclude.ts';
import type { WatchPoint } from './plan.ts';

export interface TriggerEvents {
  /** Something happened at a place that matters. */
  hint(): void;
  /** Everything that `arm` asked for is watched now; what changed before may have gone unseen. */
  armed(): void;
  /** No events can be had (EMFILE, ENOSPC…): the trigger is of no use any more. */
  failed(error: unknown): void;
}

/** The source of hints: chokidar for directories, plain inotify for single files. */
export interface Trigger {
  /**
   * Watches these places, and no others, from now on. `files` are resolved paths whose inode is watched by itself: a write to a
   * bind-mounted file shows nowhere else, and chokidar 6 watches directories only.
   */
  arm(points: ReadonlyMap<string, WatchPoint>, files: ReadonlyMap<string, Inode>): void;
  close(): Promise<void>;
}

export interface Inode {
  readonly dev: number;
  readonly ino: number;
}

interface Armed extends Inode {
  /** What matters in it at present; undefined: this is a file. */
  point: WatchPoint | undefined;
  close(): Promise<void> | void;
}

interface Arming {
  readonly events: TriggerEvents;
  readonly watch: typeof import('chokidar').watch;
  readonly armed: Map<string, Armed>;
  /** A directory that is removed and made anew at once can get the same inode number; only an event tells that its watch is dead. */
  readonly dead: Set<string>;
  /** How many watchers are not ready yet. */
  starting: number;
  closed: boolean;
}

export async function startTrigger(events: TriggerEvents): Promise<Trigger> {
  const { watch } = await import('chokidar');
  const arming: Arming = { events, watch, armed: new Map(), dead: new Set(), starting: 0, closed: false };
  return {
    arm: (points, files) => arm(arming, points, files),
    close: async () => {
      arming.closed = true;
      const all = [...arming.armed.values()];
      arming.armed.clear();
      await Promise.allSettled(all.map((watcher) => watcher.close()));
    },
  };
}

function arm(arming: Arming, points: ReadonlyMap<string, WatchPoint>, files: ReadonlyMap<string, Inode>): void {
  const { armed, dead } = arming;
  for (const [path, current] of [...armed]) keepOrDisarm(arming, path, current, points.get(path), files.get(path));
  dead.clear();
  const before = armed.size;
  arming.starting++; // one for this call, so that armed() is told once, after the last, also if there is no directory among them
  for (const [path, point] of points) {
    if (!armed.has(path) && !arming.closed) armed.set(path, armDirectory(arming, path, point));
  }
  for (const [path, inode] of files) {
    const watcher = armed.has(path) || arming.closed ? undefined : armFile(arming, path, inode);
    if (watcher !== undefined) armed.set(path, watcher);
  }
  if (armed.size > before) started(arming);
  else arming.starting--;
}

function keepOrDisarm(arming: Arming, path: string, current: Armed, point: WatchPoint | undefined, file: Inode | undefined): void {
  const wanted = point ?? file;
  if (wanted !== undefined && !arming.dead.has(path) && current.dev === wanted.dev && current.ino === wanted.ino) {
    current.point = point;
    return;
  }
  arming.armed.delete(path);
  Promise.resolve(current.close()).catch((error: unknown) => failed(arming, error));
}

function armDirectory(arming: Arming, directory: string, point: WatchPoint): Armed {
  arming.starting++;
  // chokidar looks at nothing but the directory itself: its raw events are the hints, its own view of 10,000 entries would only cost.
  const watcher = arming.watch(directory, {
    followSymlinks: false,
    depth: 0,
    atomic: false,
    ignoreInitial: true,
    awaitWriteFinish: false,
    usePolling: false,
    ignored: (path) => path !== directory,
  });
  watcher.on('ready', () => started(arming));
  watcher.on('all', () => happened(arming, directory, 'all', null));
  watcher.on('raw', (event, name, details) => happened(arming, watchedPath(details) ?? directory, event, name || null));
  watcher.on('error', (error) => {
    // inotify wants the right to read a directory. One that may only be passed is left to the re-scan: it holds links and names, no files.
    if (!isDenied(error) || point.ignores !== undefined) failed(arming, error);
  });
  return { dev: point.dev, ino: point.ino, point, close: () => watcher.close() };
}

function armFile(arming: Arming, path: string, inode: Inode): Armed | undefined {
  try {
    const watcher = watchFile(path, (event) => happened(arming, dirname(path), event, event === 'rename' ? basename(path) : null));
    watcher.on('error', (error) => failed(arming, error));
    return { ...inode, point: undefined, close: () => watcher.close() };
  } catch (error) {
    if (hasCode(error, 'ENOENT'))
      arming.events.hint(); // replaced this very moment
    else if (!isDenied(error)) failed(arming, error);
    return undefined;
  }
}

/** An event at a name in a directory, or (null) at something that matters in any case. */
function happened(arming: Arming, directory: string, event: string, name: string | null): void {
  if (arming.closed) return;
  if (event === 'rename' && name !== null) {
    if (name === basename(directory)) arming.dead.add(directory);
    const path = join(directory, name);
    if (arming.armed.has(path)) arming.dead.add(path); // and nothing else: a busy neighbour makes thousands of names between two looks
  }
  if (name === null || name === basename(directory) || matters(name, arming.armed.get(directory)?.point)) arming.events.hint();
}

function started(arming: Arming): void {
  if (--arming.starting === 0 && !arming.closed) arming.events.armed();
}

function failed(arming: Arming, error: unknown): void {
  if (!arming.closed) arming.events.failed(error);
}

const hasCode = (error: unknown, code: string): boolean => error instanceof Error && 'code' in error && error.code === code;
const isDenied = (error: unknown): boolean => hasCode(error, 'EACCES') || hasCode(error, 'EPERM');

/** chokidar also watches the directory above, for the directory itself: its raw events name the place they come from. */
function watchedPath(details: unknown): string | undefined {
  const path = typeof details === 'object' && details !== null && 'watchedPath' in details ? details.watchedPath : undefined;
  return typeof path === 'string' ? path : undefined;
}

/** In a directory whose files count, kubelet's `..data` does, an editor's swap file does not. */
function matters(name: string, point: WatchPoint | undefined): boolean {
  if (point?.names.has(name)) return true;
  if (point !== undefined && point.ignores === undefined) return false;
  return name.startsWith('..') || !(isLeftover(name) || point?.ignores?.(name));
}
