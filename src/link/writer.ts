/**
 * Writes frames to the link, whole and in order, without ever blocking, and offers the points at which a test may kill the process.
 *
 * A random `kill -9` hardly ever hits the moments between two frames; those are where events get lost (protocol.md). So every moment has a
 * name, and a test walks them all: nothing of the frame written, half of it, all of it.
 */
import { writeSync } from 'node:fs';
import { setTimeout } from 'node:timers';

export type KillPoint = 'before' | 'half' | 'after';
/** Called at each point of each frame; a test ends the process in it. */
export type KillHook = (point: KillPoint, frame: number) => void;
/** Writes some of the bytes and returns how many. @throws an error with code EAGAIN where nothing can be taken now. */
export type WriteSome = (bytes: Buffer) => number;

export interface FrameWriter {
  write(frame: Buffer): void;
  /** Bytes that the socket did not take yet. */
  readonly pending: number;
}

/** init reads whenever it runs; a full socket means that it did not run for a moment. */
const retryMs = 2;

export function createFrameWriter(writeSome: WriteSome, hook?: KillHook): FrameWriter {
  const queue: Buffer[] = [];
  let pending = 0;
  let count = 0;

  function flush(): void {
    for (let first = queue[0]; first !== undefined; first = queue[0]) {
      const written = attempt(first);
      if (written === undefined) {
        setTimeout(flush, retryMs);
        return;
      }
      pending -= written;
      if (written === first.length) queue.shift();
      else queue[0] = first.subarray(written);
    }
  }

  function attempt(bytes: Buffer): number | undefined {
    try {
      return writeSome(bytes);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'EAGAIN') return undefined;
      throw error;
    }
  }

  function push(bytes: Buffer): void {
    const idle = queue.length === 0;
    queue.push(bytes);
    pending += bytes.length;
    if (idle) flush(); // else the timer of an earlier frame goes on
  }

  return {
    write(frame) {
      if (!hook) return push(frame);
      const half = frame.length >> 1;
      hook('before', count);
      push(frame.subarray(0, half));
      hook('half', count);
      push(frame.subarray(half));
      hook('after', count);
      count += 1;
    },
    get pending() {
      return pending;
    },
  };
}

export const writeSomeTo =
  (fd: number): WriteSome =>
  (bytes) =>
    writeSync(fd, bytes);
