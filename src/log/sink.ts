/**
 * Writes lines to a descriptor that may be full (the pipe that init's pump empties), without ever blocking: what cannot be written waits in
 * bounded memory; what does not fit there is dropped, counted, and told when there is room again.
 */
import { writeSync } from 'node:fs';
import { setTimeout } from 'node:timers';

export interface Sink {
  /** A whole line with its newline. */
  write(line: string): void;
  /** Waits for what is queued to be written, at most so long. Blocks: only for the end of the process. */
  drain(ms: number): void;
}

export interface SinkOptions {
  /** Returns how many bytes were taken. @throws an error with code EAGAIN where none can be taken now. */
  readonly writeSome: (bytes: Buffer) => number;
  /** The line that tells of dropped ones. */
  readonly droppedLine: (count: number) => string;
  readonly maxBytes?: number;
}

const maxQueueBytes = 256 * 1024;
const retryMs = 20;

export const writeSomeToStderr = (bytes: Buffer): number => writeSync(2, bytes);

export function createSink({ writeSome, droppedLine, maxBytes = maxQueueBytes }: SinkOptions): Sink {
  const queue: Buffer[] = [];
  let bytes = 0;
  let dropped = 0;
  let timer: NodeJS.Timeout | undefined;

  function push(line: string): void {
    const buffer = Buffer.from(line);
    if (bytes + buffer.length > maxBytes) {
      dropped += 1;
      return;
    }
    queue.push(buffer);
    bytes += buffer.length;
  }

  /** A line that has begun is never given up: half a line would spoil the next one as well. */
  function flush(): void {
    timer = undefined;
    for (let first = queue[0]; first !== undefined; first = queue[0]) {
      const written = attempt(first);
      if (written === undefined) {
        timer = setTimeout(flush, retryMs);
        return;
      }
      bytes -= written;
      if (written === first.length) queue.shift();
      else queue[0] = first.subarray(written);
      if (queue.length === 0 && dropped > 0) tellDropped();
    }
  }

  function tellDropped(): void {
    push(droppedLine(dropped));
    dropped = 0;
  }

  function attempt(buffer: Buffer): number | undefined {
    try {
      return writeSome(buffer);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'EAGAIN') return undefined;
      return buffer.length; // nobody reads any more (EPIPE): a log that cannot be written must not end the controller
    }
  }

  return {
    write(line) {
      push(line);
      if (timer === undefined) flush();
    },
    drain(ms) {
      const pause = new Int32Array(new SharedArrayBuffer(4));
      for (let waited = 0; queue.length > 0 && waited < ms; waited += 1) {
        Atomics.wait(pause, 0, 0, 1);
        clearTimeout(timer);
        flush();
      }
    },
  };
}
