/**
 * One end of a connection: lines in, lines out, all of it bounded. Somebody who sends too much, says nothing or does not read is let go; nothing that
 * happens here reaches the supervisor.
 */
import type { Socket } from 'node:net';
import { type Answer, controlVersion, longestLine } from './protocol.ts';

export interface Connection {
  send(answer: Answer): void;
  /** Called once, when nobody is there any more. */
  onGone(call: () => void): void;
}

/** Somebody who connects has something to say. A request that is being answered may take its time. */
const silenceMs = 10_000;
/** What a reader may be behind. */
const mostUnread = 1024 * 1024;

/** @param handle called with each line, without its end; lines that come while one is handled wait their turn */
export function serve(socket: Socket, handle: (line: string, connection: Connection) => Promise<void>): void {
  const goneCalls: (() => void)[] = [];
  let gone = false;
  let rest = '';
  let busy = Promise.resolve();
  let waiting = 0;

  const connection: Connection = {
    send(answer) {
      if (gone || !socket.writable) return;
      socket.write(`${JSON.stringify(answer)}\n`);
      if (socket.writableLength > mostUnread) socket.destroy();
    },
    onGone(call) {
      if (gone) call();
      else goneCalls.push(call);
    },
  };

  function take(line: string): void {
    socket.setTimeout(0);
    waiting += 1;
    busy = busy
      .then(() => (gone ? undefined : handle(line, connection)))
      .catch(() => socket.destroy())
      .then(() => {
        waiting -= 1;
        if (waiting === 0) socket.setTimeout(silenceMs);
      });
  }

  socket.setEncoding('utf8');
  socket.setTimeout(silenceMs, () => socket.destroy());
  socket.on('data', (text: string) => {
    const lines = (rest + text).split('\n');
    rest = lines.pop() ?? '';
    if (rest.length > longestLine || lines.some((line) => line.length > longestLine) || waiting + lines.length > mostWaiting) {
      connection.send({ v: controlVersion, id: 0, ok: false, error: tooMuch });
      socket.destroySoon();
      rest = '';
      return;
    }
    for (const line of lines) if (line.trim() !== '') take(line);
  });
  socket.on('error', () => socket.destroy());
  socket.on('close', () => {
    gone = true;
    for (const call of goneCalls) call();
  });
}

/** Requests of one connection that may wait for the one before them. */
const mostWaiting = 100;
const tooMuch = { code: 'too_much', message: `a request is one line of at most ${longestLine} bytes` } as const;
