import type { Difference } from './notes.ts';

/** What the files of a rule were at one time. Two readings are the same if their hashes are; `files` (path → hash, null: absent) serves messages only. */
export interface Reading {
  readonly hash: string;
  readonly files: ReadonlyMap<string, string | null> | undefined;
  /** Why this cannot be used, whatever a validator says (broken quoting in a dotenv file…). */
  readonly problem?: string | undefined;
}

const namedFiles = 5;
const shortChars = 12;

/** As much of a hash as people compare. */
export const shortHash = (hash: string): string => hash.slice(0, shortChars);
export const shortOf = (reading: Reading | undefined): string | undefined => (reading ? shortHash(reading.hash) : undefined);

/** The generation alone. What is kept for long needs no list of files. */
export const bare = ({ hash }: Reading): Reading => ({ hash, files: undefined });

/** Which files differ; undefined where one of the lists is not known. The memo keeps short hashes, so short ones are compared. */
export function differenceOf(from: Reading | undefined, to: Reading): Difference | undefined {
  if (!from?.files || !to.files) return undefined;
  const [before, after] = [from.files, to.files];
  const changed = [...new Set([...before.keys(), ...after.keys()])].filter(
    (path) => shortFile(before.get(path)) !== shortFile(after.get(path)),
  );
  return { files: changed.slice(0, namedFiles), more: Math.max(0, changed.length - namedFiles) };
}

const shortFile = (hash: string | null | undefined): string => (hash ? shortHash(hash) : '');
