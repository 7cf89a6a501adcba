import { type FSWatcher as FileWatcher, watch as watchFile } from 'node:fs';
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
  /** Directories only: which names matter at present. */
  names: ReadonlySet<string> | undefined;
  close(): Promise<void> | void;
}

export async function startTrigger(events: TriggerEvents): Promise<Trigger> {
  const { watch } = await import('chokidar');
  const armed = new Map<string, Armed>();
  // A directory that is removed and made anew at once can get the same inode number; only an event tells that its watch is dead.
  const dead = new Set<string>();
  let starting = 0;
  let closed = false;

  const started = () => {
    if (--starting === 0 && !closed) events.armed();
  };
  const fail = (error: unknown) => {
    if (!closed) events.failed(error);
  };
  // inotify wants the right to read a directory. One that may only be passed is left to the re-scan: it holds links and names, no files.
  const onError = (point: WatchPoint, error: unknown) => {
    const denied = error instanceof Error && 'code' in error && (error.code === 'EACCES' || error.code === 'EPERM');
    if (!denied || point.names === undefined) fail(error);
  };
  const onEvent = (directory: string, event: string, name: string | null) => {
    if (closed) return;
    if (event === 'rename' && name !== null) {
      if (name === basename(directory)) dead.add(directory);
      dead.add(join(directory, name));
    }
    const names = armed.get(directory)?.names;
    if (name === null || name === basename(directory) || (names === undefined ? matters(name) : names.has(name))) events.hint();
  };

  const armDirectory = (directory: string, point: WatchPoint): Armed => {
    starting++;
    // chokidar looks at nothing but the directory itself: its raw events are the hints, its own view of 10,000 entries would only cost.
    const watcher = watch(directory, {
      followSymlinks: false,
      depth: 0,
      atomic: false,
      ignoreInitial: true,
      awaitWriteFinish: false,
      usePolling: false,
      ignored: (path) => path !== directory,
    });
    watcher
      .on('ready', started)
      .on('error', (error) => onError(point, error))
      .on('all', () => onEvent(directory, 'all', null));
    watcher.on('raw', (event, name, details) => onEvent(watchedPath(details) ?? directory, event, name || null));
    return { ...point, close: () => watcher.close() };
  };

  const armFile = (path: string, inode: Inode): Armed | undefined => {
    let watcher: FileWatcher;
    try {
      watcher = watchFile(path, (event) => onEvent(dirname(path), event, event === 'rename' ? basename(path) : null));
    } catch (error) {
      if (error instanceof Error && 'code' in error && error.code === 'ENOENT')
        events.hint(); // replaced this very moment
      else fail(error);
      return undefined;
    }
    watcher.on('error', fail);
    return { ...inode, names: undefined, close: () => watcher.close() };
  };

  const disarm = (path: string) => {
    const watcher = armed.get(path);
    armed.delete(path);
    if (watcher !== undefined) void Promise.resolve(watcher.close()).catch(fail);
  };

  const keep = (path: string, wanted: (Inode & { names?: ReadonlySet<string> | undefined }) | undefined): boolean => {
    const current = armed.get(path);
    if (current === undefined) return false;
    if (wanted === undefined || dead.has(path) || current.dev !== wanted.dev || current.ino !== wanted.ino) {
      disarm(path);
      return false;
    }
    current.names = wanted.names;
    return true;
  };

  return {
    arm(points, files) {
      starting++; // armed() is told after the last of them, also if there is no directory among them
      let fresh = false;
      for (const path of [...armed.keys()]) keep(path, points.get(path) ?? files.get(path));
      dead.clear();
      for (const [path, point] of points) {
        if (armed.has(path) || closed) continue;
        armed.set(path, armDirectory(path, point));
        fresh = true;
      }
      for (const [path, inode] of files) {
        if (armed.has(path) || closed) continue;
        const watcher = armFile(path, inode);
        if (watcher === undefined) continue;
        armed.set(path, watcher);
        fresh = true;
      }
      if (fresh) started();
      else starting--;
    },
    async close() {
      closed = true;
      const all = [...armed.values()];
      armed.clear();
      await Promise.allSettled(all.map((watcher) => watcher.close()));
    },
  };
}

/** chokidar also watches the directory above, for the directory itself: its raw events name the place they come from. */
function watchedPath(details: unknown): string | undefined {
  const path = typeof details === 'object' && details !== null && 'watchedPath' in details ? details.watchedPath : undefined;
  return typeof path === 'string' ? path : undefined;
}

/** kubelet's `..data` does, an editor's swap file does not. */
function matters(name: string): boolean {
  return name.startsWith('..') || !isLeftover(name);
}
