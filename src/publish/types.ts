import type { WatchRule } from '../config/model.ts';

/** What came of copying a rule's files. */
export type Staged =
  /** A complete, verified copy of the wanted generation is in `directory`. */
  | { readonly kind: 'staged'; readonly directory: string }
  /** The files are other ones by now, or kept changing. */
  | { readonly kind: 'moved' }
  /** For people: what, why, what to do, with the setting's name. */
  | { readonly kind: 'problem'; readonly problem: string };

/** What is known of a rule's generations, by their hashes. */
export interface Remembered {
  readonly good?: string;
  readonly refused?: string;
}

/**
 * Copies of generations: those that were published, those to go back to, and private ones for validators.
 * Calls for one rule are done one after the other, whoever makes them. Everything is on disk: a new store finds what the last one left.
 */
export interface Store {
  /**
   * Copies the rule's files if they are generation `hash`; a complete copy that is there already is verified and used. With `publish` the
   * copy is made where `publish` will look for it, else in a private place. Says early where `publish.to` is not ours.
   */
  stage(rule: WatchRule, hash: string): Promise<Staged>;
  /**
   * Makes `publish.to` show a generation that was staged; needs no source files. May be killed at any instant and be called again.
   * Resolves to the problem, for people; then `publish.to` is as it was (`flip`), or incomplete until the next success (`files`).
   */
  publish(rule: WatchRule, hash: string): Promise<string | undefined>;
  /** The generation that `publish.to` shows, by its bytes. Undefined: none, or not ours, or changed by somebody, or incomplete. */
  published(rule: WatchRule): Promise<string | undefined>;
  /** Whether there is a complete copy with the right bytes. */
  has(rule: WatchRule, hash: string): Promise<boolean>;
  /** Where such a copy is. */
  directoryOf(rule: WatchRule, hash: string): Promise<string | undefined>;
  /** Keeps the published generation, those in `keep`, and the `publish.keep` newest of the others; removes the rest, and what killed runs left. */
  prune(rule: WatchRule, keep: readonly string[]): Promise<void>;
  /** Removes the private copies of a rule that does not publish. */
  discard(rule: WatchRule): Promise<void>;
  /** With `state_dir`: keeps this over restarts of the container; without one there is nothing to do. Rule → hashes. Resolves to the problem. */
  remember(state: Readonly<Record<string, Remembered>>): Promise<string | undefined>;
  recall(): Promise<Readonly<Record<string, Remembered>>>;
  /** The secret for hashes of environments (src/environment/digest.ts): the one that was kept, else a new one, kept where that is possible. */
  environmentKey(): Promise<Buffer>;
  /** Keeps the variables of an accepted environment, and the last few before it, readable for reinit's user only. Resolves to the problem. */
  keepEnvironment(hash: string, variables: ReadonlyMap<string, string>): Promise<string | undefined>;
  environmentOf(hash: string): Promise<ReadonlyMap<string, string> | undefined>;
}

export interface StoreOptions {
  /** `state_dir`. */
  readonly stateDir: string | undefined;
  /** Something that is no failure, once each. */
  readonly warn: (message: string) => void;
  /** Where private copies may go: the first that can be written. */
  readonly places?: readonly string[];
}
