/** What a line of the log is made of. */
import type { Note, RuleNote } from '../core/notes.ts';

export type Level = 'debug' | 'info' | 'warn' | 'error';
/** Structured beside the words. Never a value of the environment, never an argument but the command's name, never contents. */
export type LogFields = Readonly<Record<string, string | number | boolean | readonly string[] | undefined>>;

export interface Line {
  readonly level: Level;
  readonly msg: string;
  readonly fields: LogFields;
}

/** What the notes do not hold, for they are the same all the time. */
export interface Names {
  /** The application's command, without its arguments. */
  readonly command: string;
  /** It is another container's. */
  readonly attached: boolean;
  /** reinit's own. */
  readonly configFile: string;
  /** The validators' commands of a rule, without arguments. */
  validator(rule: string, step: number): string;
  /** In ms. */
  validateTimeout(rule: string): number;
  /** The commands of `on_change: exec`, without arguments. */
  action(rule: string, step: number): string;
  /** In ms. */
  actionTimeout(rule: string): number;
}

export type ServiceNote = Exclude<Note, { rule: string }>;
export type RuleLine<K extends RuleNote['kind']> = (note: Extract<RuleNote, { kind: K }>, rule: string, names: Names) => Line;
export type ServiceLine<K extends ServiceNote['kind']> = (note: Extract<ServiceNote, { kind: K }>, names: Names) => Line;

export const line = (level: Level, msg: string, fields: LogFields = {}): Line => ({ level, msg, fields });
