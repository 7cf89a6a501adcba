/** What is to be read about a container after its end: why it ended, and which configuration is refused. Pure. */
import { failures, refusals } from '../core/failures.ts';
import type { Note } from '../core/notes.ts';
import type { Line } from './line.ts';

export interface LastWords {
  /** By rule (reinit's own file: ''): why what it holds is not what runs. */
  readonly refused: ReadonlyMap<string, string>;
  /** What a former controller has said of it, until there is something newer. */
  readonly former: string;
  /** Of the instance of this moment: how it came to its end. */
  readonly ending: readonly string[];
  /** The ending is worth more than what the application may have written itself: it was not asked, or could not even start. */
  readonly ours: boolean;
}

export const wordsFrom = (former: string): LastWords => ({ refused: new Map(), former, ending: [], ours: false });

const refused: ReadonlySet<Note['kind']> = new Set([
  ...refusals,
  ...failures,
  'rolled_back',
  'rollback_failed',
  'config_refused',
  'config_went_back',
]);
const overWith: ReadonlySet<Note['kind']> = new Set(['applied', 'back', 'config_back', 'config_taken_over']);
/** reinit's own reasons. `starts_on_good` is none, but what somebody has to know who looks for one. */
const reasons: ReadonlySet<Note['kind']> = new Set([
  'start_failed',
  'gave_up',
  'socket_failed',
  'nothing_accepted',
  'not_published',
  'stale',
  'starts_on_good',
]);
const ends: ReadonlySet<Note['kind']> = new Set(['ended', 'container_stop']);
const begins: ReadonlySet<Note['kind']> = new Set(['started', 'took_over', 'attached']);

/** @param oomKills processes of the container that the kernel has ended for want of memory */
export function wordsAfter(words: LastWords, note: Note, line: Line, oomKills: () => number): LastWords {
  const { kind } = note;
  const about = 'rule' in note ? note.rule : '';
  if (refused.has(kind)) return { ...words, former: '', refused: new Map(words.refused).set(about, withOutput(line)) };
  if (overWith.has(kind)) return { ...words, former: '', refused: new Map([...words.refused].filter(([name]) => name !== about)) };
  if (begins.has(kind)) return words.ending.length === 0 ? words : { ...words, ending: [], ours: false };
  if (reasons.has(kind) || isLastStraw(note)) return { ...words, ending: [...words.ending, line.msg], ours: true };
  if (ends.has(kind)) return { ...words, ending: [...words.ending, sentence(line.msg), ...(isKill(note) ? oomWords(oomKills()) : [])] };
  if (kind === 'leaving') return { ...words, ending: [...words.ending, `The container ends with ${note.code}.`] };
  return words;
}

/** How the container ended first, and then what is refused. */
export function textOf({ ending, refused, former }: LastWords): string {
  const parts = [ending.join(' '), ...refused.values(), former.trimEnd()].filter((part) => part !== '');
  return parts.length === 0 ? '' : `${parts.join('\n\n')}\n`;
}

const sentence = (text: string): string => (text.endsWith('.') ? text : `${text}.`);

/** It did nothing to end: what it is stopped for is told nowhere else. */
const isLastStraw = (note: Note): boolean =>
  (note.kind === 'not_alive' || note.kind === 'over_memory') && (note.sequel === 'leave' || note.sequel === 'give_up');

const isKill = (note: Note): boolean => note.kind === 'ended' && !note.ordered && note.end.kind === 'signal' && note.end.signo === 9;

const oomWords = (kills: number): string[] =>
  kills === 0
    ? []
    : [
        `By all appearances it was killed for want of memory (processes of this container that the kernel has ended so: ${kills}): raise the container's memory limit, or have the application use less.`,
      ];

const withOutput = ({ msg, fields: { output } }: Line): string =>
  typeof output === 'string' && output !== '' ? `${msg}\n\n${output}` : msg;
