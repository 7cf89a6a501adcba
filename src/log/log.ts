/**
 * The log. Lines that are said before pino is loaded (it is not needed to start the application) wait for it; where the process ends before,
 * they are written in the same form without it.
 */
import type { Level, Line, LogFields } from './lines.ts';
import { createSink, type Sink, writeSomeToStderr } from './sink.ts';
import { readable } from './text.ts';

/** Writes one line somewhere. pino's, once it is there. */
export type Backend = (line: Line) => void;

export interface Log {
  write(line: Line): void;
  /** Text for people as it is, e.g. all mistakes of a configuration. */
  raw(text: string): void;
  say(level: Level, msg: string, fields?: LogFields): void;
  /** From here on lines go through the backend, those that waited first. */
  use(backend: (destination: { write(json: string): void }) => Backend): void;
  /** Format and level are known only after the configuration is. */
  configure(settings: { readonly text: boolean; readonly level: Level }): void;
  /** Gets everything out, with what there is. Blocks for a moment: only before an end. */
  drain(): void;
}

const drainMs = 200;
const mostWaiting = 1_000;
const levels: readonly Level[] = ['debug', 'info', 'warn', 'error'];

export function createLog(writeSome: (bytes: Buffer) => number = writeSomeToStderr): Log {
  let text = false;
  let level: Level = 'info';
  const form = (json: string): string => (text ? readable(json) : json);
  const sink: Sink = createSink({
    writeSome,
    droppedLine: (count) =>
      form(plain({ level: 'warn', msg: `${count} log lines were dropped: nobody read them in time`, fields: { dropped: count } })),
  });
  const destination = { write: (json: string): void => sink.write(form(json)) };
  const waiting: Line[] = [];
  let backend: Backend | undefined;
  const log: Log = {
    write(line) {
      if (backend) backend(line);
      else if (waiting.length < mostWaiting) waiting.push(line);
    },
    raw: (words) => sink.write(words),
    say: (level, msg, fields = {}) => log.write({ level, msg, fields }),
    use(create) {
      backend = create(destination);
      for (const line of waiting.splice(0)) backend(line);
    },
    configure(settings) {
      ({ text, level } = settings);
    },
    drain() {
      for (const line of waiting.splice(0)) if (levels.indexOf(line.level) >= levels.indexOf(level)) destination.write(plain(line));
      sink.drain(drainMs);
    },
  };
  return log;
}

/** The same form as pino's. */
function plain({ level, msg, fields }: Line): string {
  return `${JSON.stringify({ level, time: new Date().toISOString(), name: 'reinit', ...fields, msg })}\n`;
}
