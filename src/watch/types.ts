import type { WatchRule } from '../config/model.ts';

/** One consistent reading of all files that a rule names. Two generations are the same if their hashes are. */
export interface Generation {
  /** SHA-256 (hex) over the sorted list of (logical path, present or absent, content hash). */
  readonly hash: string;
  /** Logical path → content hash (hex), or null where the configured path is absent. */
  readonly files: ReadonlyMap<string, string | null>;
}

/** What a watch tells its owner. Everything here is a fact, told once; deciding is the owner's. */
export type WatchEvent =
  /** The files have settled on a generation that differs from the one told last (or given as `known`). */
  | { readonly kind: 'generation'; readonly generation: Generation }
  /** Once a cause: what is wrong with this watch and what to do about it (stale mount, subPath, no events, path missing…). */
  | { readonly kind: 'warning'; readonly code: WatchWarning; readonly message: string; readonly hint: string }
  /** How changes are found from now on. */
  | { readonly kind: 'mode'; readonly mode: 'events' | 'poll'; readonly reason: string };

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
export type ReadGeneration = (rule: WatchRule) => Promise<Generation | undefined>;
/** Starts to watch; `known` is the hash that the owner has already. */
export type StartWatch = (rule: WatchRule, known: string | undefined, tell: (event: WatchEvent) => void) => Watch;
