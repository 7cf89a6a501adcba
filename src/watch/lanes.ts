import { fault, type Operations } from './operations.ts';

/**
 * Bounds how many file operations are under way.
 *
 * An operation on a mount that hangs cannot be cancelled: it keeps one of libuv's four threads until the mount comes back. So it keeps
 * its place in the lane too, and what comes later fails by its own deadline instead of taking the next thread.
 */
export interface Lane {
  /** Fails with code `HUNG` when `operation` has not ended `deadlineMs` after this call, be it that it waits for its turn or runs. */
  run<T>(path: string, deadlineMs: number, operation: () => Promise<T>): Promise<T>;
}

export interface Lanes {
  readonly local: Lane;
  /** Local file systems, for sets so large that waking a thread for each operation is what takes the time. */
  readonly bulk: Lane;
  readonly remote: Lane;
}

export function createLane(width: number): Lane {
  let free = width;
  const waiting: (() => void)[] = [];
  const release = () => {
    const next = waiting.shift();
    if (next === undefined) free++;
    else next();
  };
  return {
    run: (path, deadlineMs, operation) =>
      new Promise((resolve, reject) => {
        const start = () => {
          const end = () => {
            stopTimer();
            release();
          };
          operation().then(resolve, reject).finally(end);
        };
        const stopTimer = startDeadline(deadlineMs, () => {
          const turn = waiting.indexOf(start);
          if (turn >= 0) waiting.splice(turn, 1);
          reject(fault('HUNG', `${path} does not answer`));
        });
        if (free === 0) waiting.push(start);
        else {
          free--;
          start();
        }
      }),
  };
}

/**
 * Lanes of a process. Local: one thread less than libuv has. Bulk: a queue for all four; should a local disk hang under so many files,
 * it stops the other watches too, but nothing else in the controller. Remote (network and FUSE mounts, and what is not known): one
 * operation at a time, over all watches, so that at most one thread is ever lost to a server that went away.
 */
export function createLanes(): Lanes {
  return { local: createLane(3), bulk: createLane(12), remote: createLane(1) };
}

/** The process's own. */
export const sharedLanes: Lanes = createLanes();

/** The same operations in a lane and with a deadline. */
export function guarded(operations: Operations, deadlineMs: number, lane: Lane): Operations {
  const guard = <T>(path: string, operation: () => Promise<T>) => lane.run(path, deadlineMs, operation);
  return {
    lstat: (path) => guard(path, () => operations.lstat(path)),
    readlink: (path) => guard(path, () => operations.readlink(path)),
    readdir: (path) => guard(path, () => operations.readdir(path)),
    hash: (path, expected) => guard(path, () => operations.hash(path, expected)),
    content: (path, expected) => guard(path, () => operations.content(path, expected)),
    text: (path) => guard(path, () => operations.text(path)),
  };
}

/** For each path the operations that are right for it. */
export function routed(pick: (path: string) => Operations): Operations {
  return {
    lstat: (path) => pick(path).lstat(path),
    readlink: (path) => pick(path).readlink(path),
    readdir: (path) => pick(path).readdir(path),
    hash: (path, expected) => pick(path).hash(path, expected),
    content: (path, expected) => pick(path).content(path, expected),
    text: (path) => pick(path).text(path),
  };
}

/** A deadline that counts only time in which this process ran: after SIGSTOP and SIGCONT the timer is due before the answer could come. */
function startDeadline(ms: number, expire: () => void): () => void {
  let due = performance.now() + ms;
  let timer = setTimeout(check, ms);
  function check(): void {
    const now = performance.now();
    if (now < due + ms / 2) {
      expire();
      return;
    }
    due = now + ms;
    timer = setTimeout(check, ms);
  }
  return () => clearTimeout(timer);
}
