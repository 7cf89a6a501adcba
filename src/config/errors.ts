import { exitCodes } from '../core/exit-codes.ts';

/** Where a mistake is, as people find it. */
export type Place =
  | { readonly kind: 'file'; readonly file: string; readonly at?: Position }
  | { readonly kind: 'flag'; readonly flag: string }
  | { readonly kind: 'variable'; readonly name: string }
  | { readonly kind: 'nowhere' };

export interface Position {
  /** Both count from 1. */
  readonly line: number;
  readonly column: number;
  /** The line with secrets masked, and what of it to point at. */
  readonly excerpt: Excerpt;
}

export interface Excerpt {
  readonly text: string;
  readonly from: number;
  readonly length: number;
}

/** One mistake in the configuration. Neither text holds a value: values may be secrets; the excerpt shows what may be shown. */
export interface Mistake {
  readonly place: Place;
  /** `stop_timeout`, `watch[0].settle`; undefined where the mistake is not about a setting. */
  readonly setting: string | undefined;
  readonly problem: string;
  readonly expected?: string | undefined;
  readonly hint?: string | undefined;
}

/** All mistakes of a configuration at once. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
  readonly exitCode = exitCodes.usage;
  readonly mistakes: readonly Mistake[];

  constructor(mistakes: readonly Mistake[]) {
    super(`${mistakes.length} ${mistakes.length === 1 ? 'mistake' : 'mistakes'} in the configuration`);
    this.mistakes = mistakes;
  }

  /** The text for people, without a final new line. */
  render(): string {
    return formatConfigError(this.mistakes);
  }
}

/** More than this is one mistake with many faces; the rest is counted. */
const shown = 25;

export function formatConfigError(mistakes: readonly Mistake[]): string {
  const rest = mistakes.length - shown;
  const blocks = mistakes.slice(0, shown).map(formatMistake);
  if (rest > 0) blocks.push(`… and ${rest} more`);
  return blocks.join('\n\n');
}

function formatMistake({ place, setting, problem, expected, hint }: Mistake): string {
  const head = [placeText(place), place.kind === 'flag' || place.kind === 'variable' ? undefined : setting, problem];
  const lines = [head.filter((part) => part !== undefined && part !== '').join(': ')];
  if (place.kind === 'file' && place.at !== undefined) lines.push(...excerptLines(place.at));
  if (expected !== undefined) lines.push(`  expected: ${expected}`);
  if (hint !== undefined) lines.push(`  hint: ${hint}`);
  return lines.join('\n');
}

function placeText(place: Place): string {
  switch (place.kind) {
    case 'file':
      return place.at === undefined ? place.file : `${place.file}:${place.at.line}:${place.at.column}`;
    case 'flag':
      return place.flag;
    case 'variable':
      return place.name;
    case 'nowhere':
      return '';
  }
}

function excerptLines({ line, excerpt }: Position): string[] {
  const number = String(line);
  const blank = ' '.repeat(number.length);
  return [`  ${number} | ${excerpt.text}`, `  ${blank} | ${' '.repeat(excerpt.from)}${'^'.repeat(Math.max(1, excerpt.length))}`];
}
