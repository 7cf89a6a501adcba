/**
 * The controller's end of the link. At boot everything that init has to say is in the socket already, so it is read at once, without the
 * event loop (and without loading node:net, which costs milliseconds of the application's start); later the socket is an ordinary stream.
 */
import { readSync } from 'node:fs';
import { createFrameReader, decodeFromInit, encodeCommit, type FrameReader, MalformedFrame } from './codec.ts';
import { createCounting } from './counting.ts';
import type { Counted, Effect, FromInit, Hello, LinkEvent, Slot } from './messages.ts';
import { createFrameWriter, type KillHook, writeSomeTo } from './writer.ts';

/** The descriptor that init gives to every controller. */
const linkFd = 3;
const chunkBytes = 64 * 1024;
/** init wrote hello before it started this process: waiting at all is the exception (a memo larger than the socket's buffer). */
const helloDeadlineMs = 5_000;

export interface Link {
  readonly hello: Hello;
  readonly slots: readonly Slot[];
  /** Applied by init as a whole or not at all. @throws MalformedFrame where the commit is one that init would refuse. */
  commit(ack: number, memo: Buffer | undefined, effects: readonly Effect[]): void;
  /** What init has counted so far; undefined: it does not say in time. Only after `listen`. Rejects never. */
  count(): Promise<Counted | undefined>;
  /** Starts to deliver events: those that arrived with hello first. `ended` is called once, when init is gone or has let go of this controller. */
  listen(deliver: (events: readonly LinkEvent[]) => void, ended: (error: Error | undefined) => void): Promise<void>;
}

/** Reads hello and all slots. Blocks for as long as init needs to write them, at most five seconds. @throws MalformedFrame */
export function openLink(fd: number = linkFd, hook?: KillHook): Link {
  const reader = createFrameReader();
  const { hello, slots, events } = readStart(fd, reader);
  const writer = createFrameWriter(writeSomeTo(fd), hook);
  const commit: Link['commit'] = (ack, memo, effects) => writer.write(encodeCommit(ack, memo, effects));
  const counting = createCounting((id) => commit(0, undefined, [{ kind: 'count', id }]));
  return {
    hello,
    slots,
    commit,
    count: counting.ask,
    async listen(deliver, ended) {
      const { Socket } = await import('node:net');
      const socket = new Socket({ fd, readable: true, writable: false });
      const end = once(ended);
      const feed = (bytes: Buffer): void => {
        try {
          const received = reader.push(bytes).map(decodeFromInit);
          for (const message of received) if (message.kind === 'counted') counting.answer(message);
          const news = received.filter((message) => message.kind !== 'counted').map(eventOf);
          if (news.length > 0) deliver(news);
        } catch (error) {
          end(error as Error);
        }
      };
      socket.on('data', feed);
      socket.on('error', end);
      socket.on('close', () => end(undefined));
      if (events.length > 0) deliver(events);
    },
  };
}

const once = (call: (error: Error | undefined) => void): ((error: Error | undefined) => void) => {
  let called = false;
  return (error) => {
    if (called) return;
    called = true;
    call(error);
  };
};

interface Start {
  readonly hello: Hello;
  readonly slots: Slot[];
  /** Events that came in the same reads. */
  readonly events: LinkEvent[];
}

function readStart(fd: number, reader: FrameReader): Start {
  const messages: FromInit[] = [];
  const deadline = process.uptime() * 1000 + helloDeadlineMs;
  for (;;) {
    const start = asStart(messages);
    if (start) return start;
    for (const frame of reader.push(readSome(fd, deadline))) messages.push(decodeFromInit(frame));
  }
}

function asStart([hello, ...rest]: readonly FromInit[]): Start | undefined {
  if (!hello) return undefined;
  if (hello.kind !== 'hello') throw new MalformedFrame(`the link begins with ${hello.kind}, not hello`);
  if (rest.length < hello.slots) return undefined;
  return { hello, slots: rest.slice(0, hello.slots).map(slotOf), events: rest.slice(hello.slots).map(eventOf) };
}

function slotOf(message: FromInit): Slot {
  if (message.kind !== 'slot') throw new MalformedFrame(`${message.kind} where hello announced a slot`);
  return message;
}

function eventOf(message: FromInit): LinkEvent {
  if (!('seq' in message)) throw new MalformedFrame(`${message.kind} after the begin of the link`);
  return message;
}

/** At least one byte. A socket that does not block is asked again every millisecond. */
function readSome(fd: number, deadlineMs: number): Buffer {
  const buffer = Buffer.allocUnsafe(chunkBytes);
  for (;;) {
    try {
      const count = readSync(fd, buffer);
      if (count === 0) throw new MalformedFrame('the link ended before hello was complete');
      return buffer.subarray(0, count);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') throw error;
      if (process.uptime() * 1000 > deadlineMs) throw new MalformedFrame('hello did not come in time');
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1);
    }
  }
}
