import type { WatchRule } from '../config/model.ts';

/** One consistent reading of all files that a rule names. Two generations are the same if their hashes are. */
export interface Generation {
  /** SHA-256 (hex) over the sorted list of (logical path, present or absent, content hash). */
  readonly hash: string;
  /** Logical path → content hash (hex), or null where the configured path is absent. */
  readonly files: ReadonlyMap<string, string | null>;
}

/** What a reading needs to know: where the files are and which of them count. */
export type ReadRule = Pick<WatchRule, 'paths' | 'include' | 'exclude' | 'recursive' | 'max_files' | 'max_bytes'>;
/** What a watch needs to know. */
export type WatchedRule = ReadRule & Pick<WatchRule, 'mode' | 'settle' | 'max_wait' | 'rescan' | 'poll_interval' | 'missing_grace'>;

/** What a watch tells its owner. Everything here is a fact, told once; deciding is the owner's. */
export type WatchEvent =
  /**
   * The files have settled on a generation that differs from the one told last (or given as `known`). `swapped`: it has come by links that lead
   * elsewhere now, so by nobody who reads it.
   */
  | { readonly kind: 'generation'; readonly generation: Generation; readonly swapped: boolean }
  /**
   * Something is going on (a file event, or a first look at other content) that is not judged yet. It ends with `generation`, or with
   * `calm`; what changes together with other rules' files is one change to an owner that waits meanwhile. Files that never hold still stir
   * without an end, so such an owner needs a limit of its own.
   */
  | { readonly kind: 'stir' }
  /** It was nothing: the owner has what is there, or nothing can be read at present. */
  | { readonly kind: 'calm' }
  /** Once a cause: what is wrong with this watch and what to do about it (stale mount, subPath, no events, path missing…). */
  | ({ readonly kind: 'warning' } & WatchTrouble)
  /** It is proven, beside the warning `stale_mount`, that this watched path will never change again as long as the container lives. */
  | { readonly kind: 'stale'; readonly path: string; readonly message: string }
  /** How changes are found from now on. */
  | { readonly kind: 'mode'; readonly mode: 'events' | 'poll'; readonly reason: string };

/** What is wrong with a watch, and what to do about it. */
export interface WatchTrouble {
  readonly code: WatchWarning;
  readonly message: string;
  readonly hint: string;
}

export type WatchWarning =
  | 'missing'
  | 'unreadable'
  | 'unreachable'
  | 'stale_mount'
  | 'subpath'
  | 'single_file_mount'
  | 'no_events'
  | 'polling'
  | 'too_large'
  | 'token';

/** One running watch of one rule. */
export interface Watch {
  /** How changes are found; undefined: that is not known yet. */
  readonly mode: 'events' | 'poll' | undefined;
  /** What is wrong now, the oldest first. */
  readonly warnings: readonly WatchTrouble[];
  /** Something may have changed: look now (after `settle`). */
  look(): void;
  /**
   * Reads the rule's files right now, outside of any settling.
   * Resolves to undefined when no consistent reading could be had within the deadline.
   */
  read(): Promise<Generation | undefined>;
  close(): Promise<void>;
}

/** The first reading, before the application starts: no watcher, no settle. Undefined as in `Watch.read`. */
export type ReadGeneration = (rule: ReadRule) => Promise<Generation | undefined>;
/** Starts to watch; `known` is the hash that the owner has already. */
export type StartWatch = (rule: WatchedRule, known: string | undefined, tell: (event: WatchEvent) => void) => Watch;
