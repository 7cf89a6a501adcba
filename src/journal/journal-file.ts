/** The journal's file: lines of JSON, bounded by a change to a second file. What cannot be written is only in memory then. */
import { appendFileSync, readFileSync, renameSync, statSync } from 'node:fs';
import type { Entry } from './journal.ts';

export interface JournalFile {
  /** What is there, the oldest first. Half a line at an end (the disk was full, or the writer was killed) is left out. */
  read(): readonly { readonly text: string; readonly entry: Entry }[];
  append(text: string): void;
}

const mostBytes = 256 * 1024;
const mode = 0o600;

export function openJournalFile(path: string): JournalFile {
  const former = `${path}.1`;
  let size = sizeOf(path);
  /** The last line has no end: the disk was full, or the writer was killed. The next one must not be taken for the rest of it. */
  let torn = size > 0;

  function append(text: string): void {
    try {
      if (size > mostBytes) {
        renameSync(path, former);
        size = 0;
      }
      const line = `${torn ? '\n' : ''}${text}\n`;
      torn = true;
      appendFileSync(path, line, { mode });
      torn = false;
      size += line.length;
    } catch {
      // A full disk, or one that is read-only by now: the log has told it all the same.
    }
  }

  return { read: () => [former, path].flatMap(readEntries), append };
}

function sizeOf(path: string): number {
  try {
    return statSync(path).size;
  } catch {
    return 0;
  }
}

function readEntries(path: string) {
  try {
    return readFileSync(path, 'utf8').split('\n').flatMap(parse);
  } catch {
    return [];
  }
}

function parse(text: string): { text: string; entry: Entry }[] {
  try {
    const entry: unknown = JSON.parse(text);
    return isEntry(entry) ? [{ text, entry }] : [];
  } catch {
    return [];
  }
}

const isEntry = (value: unknown): value is Entry =>
  typeof value === 'object' && value !== null && 'time' in value && typeof value.time === 'string' && 'msg' in value;
