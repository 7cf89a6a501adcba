import { LineCounter } from 'yaml';
import { printable } from '../core/printable.ts';
import type { Excerpt, Position } from './errors.ts';

/** Offsets into the text of the file; `end` is exclusive. */
export interface Span {
  readonly start: number;
  readonly end: number;
}

/** The text of the file, with what of it must never be shown. */
export interface Source {
  readonly text: string;
  readonly lines: LineCounter;
  readonly secrets: Span[];
}

export function sourceOf(text: string): Source {
  return { text, lines: new LineCounter(), secrets: [] };
}

/** From there to the end of the line (comments beside a secret are often an older one). */
export function addSecret(source: Source, { start, end }: Span): void {
  source.secrets.push({ start, end: lineEnd(source.text, Math.max(start, end)) });
}

const mask = '***';
const widest = 100;
const contextBefore = 40;

/** Line, column and the line itself; the length pointed at never leaves the line. */
export function positionOf(source: Source, span: Span): Position {
  const start = Math.min(span.start, source.text.length);
  const { line, col } = source.lines.linePos(start);
  return { line: Math.max(1, line), column: Math.max(1, col), excerpt: excerptOf(source, { start, end: span.end }) };
}

function excerptOf(source: Source, span: Span): Excerpt {
  const begin = lineStart(source.text, span.start);
  const end = lineEnd(source.text, span.start);
  const visible = maskLine(source, begin, end);
  const from = visible.map(span.start);
  const length = Math.max(1, visible.map(Math.min(span.end, end)) - from);
  return clip({ text: printable(visible.text), from, length });
}

/** A stretch of the line and what is shown for it. */
interface Piece extends Span {
  readonly to: number;
  readonly shown: string;
}

/** The line with each secret replaced by the same three stars, whatever its length, and where offsets have gone to. */
function maskLine(source: Source, begin: number, end: number): { readonly text: string; readonly map: (offset: number) => number } {
  const pieces: Piece[] = [];
  let at = begin;
  let to = 0;
  const add = (until: number, shown: string): void => {
    pieces.push({ start: at, end: until, to, shown });
    at = until;
    to += shown.length;
  };
  const near = source.secrets.filter((secret) => secret.start < end && secret.end > begin);
  for (const secret of near.toSorted((a, b) => a.start - b.start)) {
    const stop = Math.min(secret.end, end);
    if (stop <= at) continue;
    if (secret.start > at) add(secret.start, source.text.slice(at, secret.start));
    add(stop, mask);
  }
  add(end, source.text.slice(at, end));
  const map = (offset: number): number => {
    const piece = pieces.find((one) => offset < one.end) ?? pieces.at(-1);
    if (piece === undefined) return 0;
    return piece.shown.length === piece.end - piece.start && piece.shown !== mask
      ? piece.to + offset - piece.start
      : piece.to + (offset >= piece.end ? piece.shown.length : 0);
  };
  return { text: pieces.map((piece) => piece.shown).join(''), map };
}

function clip({ text, from, length }: Excerpt): Excerpt {
  if (text.length <= widest) return { text, from, length };
  const begin = from > widest - contextBefore ? from - contextBefore : 0;
  const before = begin > 0 ? '…' : '';
  const kept = text.slice(begin, begin + widest);
  const after = begin + widest < text.length ? '…' : '';
  const at = from - begin + before.length;
  return { text: before + kept + after, from: at, length: Math.max(1, Math.min(length, before.length + kept.length - at)) };
}

/** Where the line of an offset begins. (`lastIndexOf` takes a position below 0 for 0, and would find a new line that stands there.) */
export function lineStart(text: string, offset: number): number {
  return offset <= 0 ? 0 : text.lastIndexOf('\n', offset - 1) + 1;
}

export function lineEnd(text: string, offset: number): number {
  const end = text.indexOf('\n', offset);
  const stop = end < 0 ? text.length : end;
  return stop > offset && text.charAt(stop - 1) === '\r' ? stop - 1 : stop;
}
