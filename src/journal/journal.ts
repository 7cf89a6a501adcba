/**
 * What has happened, as the log told it: the last lines in memory, and in a file that outlives the controller. Status, history, events, metrics and
 * the page read it; nothing else is remembered beside it.
 */
import type { Line, LogFields } from '../log/lines.ts';
import type { JournalFile } from './journal-file.ts';

/** One line of the log, with the time at which it was said. `event` and `rule` are among the fields. */
export interface Entry {
  readonly time: string;
  readonly level: Line['level'];
  readonly msg: string;
  readonly event?: string;
  readonly rule?: string;
  readonly [field: string]: LogFields[string];
}

export interface Journal {
  add(line: Line): void;
  /** The oldest first. */
  readonly entries: readonly Entry[];
  /** Called with each entry from here on, in the same turn; returns what takes that back. */
  subscribe(listener: (entry: Entry) => void): () => void;
}

/** So much is in memory at most: what a person reads back, and no load for a small container. */
const mostEntries = 500;
const mostBytes = 256 * 1024;

/**
 * @param file where there is a place for it: what the former controller left there comes first
 * @param now in ms since the epoch
 */
export function createJournal(file?: JournalFile, now: () => number = Date.now): Journal {
  const entries: Entry[] = [];
  const sizes: number[] = [];
  const listeners = new Set<(entry: Entry) => void>();
  let bytes = 0;

  function keep(entry: Entry, size: number): void {
    entries.push(entry);
    sizes.push(size);
    bytes += size;
    while (entries.length > mostEntries || (bytes > mostBytes && entries.length > 1)) {
      entries.shift();
      bytes -= sizes.shift() ?? 0;
    }
  }

  for (const { text, entry } of file?.read() ?? []) keep(entry, text.length);

  return {
    entries,
    add({ level, msg, fields }) {
      const entry: Entry = { time: new Date(now()).toISOString(), level, msg, ...fields };
      const text = JSON.stringify(entry);
      keep(entry, text.length);
      file?.append(text);
      for (const listener of listeners) listener(entry);
    },
    subscribe(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}
