import type { YAMLError } from 'yaml';
import type { Mistake } from './errors.ts';
import { rootSchema, shapeOf } from './fields.ts';
import { addSecret, lineEnd, lineStart, positionOf, type Source } from './source.ts';

type Code = YAMLError['code'];

/** yaml's messages are for those who know its grammar, and some quote the file. Its codes are stable. */
const explained: Readonly<Partial<Record<Code, readonly [problem: string, hint: string]>>> = {
  TAB_AS_INDENT: ['there is a tab in the indentation', 'YAML is indented with spaces only'],
  BAD_INDENT: ['the indentation does not fit', 'keys of one mapping, and items of one list, begin in the same column'],
  DUPLICATE_KEY: ['this key is here twice', 'keep one of the two'],
  MULTIPLE_DOCS: ['a second document begins here', 'reinit reads one document: remove the --- line and what follows'],
  BAD_ALIAS: ['there is no anchor for this alias', 'a value that begins with * has to be in quotes'],
  MISSING_CHAR: ['something is missing here: a quote, a colon, a comma, or a space', 'a value with : or # in it has to be in quotes'],
  BAD_SCALAR_START: ['a value cannot begin with this character', 'put the value in quotes'],
  BAD_DQ_ESCAPE: ['there is no such escape in double quotes', 'write \\\\ for a backslash, or use single quotes'],
  BLOCK_AS_IMPLICIT_KEY: ['a mapping cannot begin here', 'one key a line; a value with ": " in it has to be in quotes'],
  BLOCK_IN_FLOW: ['lines with - or key: cannot stand inside [ ] or { }', 'write all of it with brackets, or none'],
  MULTILINE_IMPLICIT_KEY: ['a key has to stand on one line', 'is a colon missing, or a quote open?'],
  KEY_OVER_1024_CHARS: ['a key is longer than 1024 characters', 'is a quote open?'],
  UNEXPECTED_TOKEN: ['this cannot stand here', 'is a bracket or a quote open, or one too many?'],
  TAG_RESOLVE_FAILED: ['tags (!…) are not supported', 'a value that begins with ! has to be in quotes'],
  BAD_DIRECTIVE: ['directives (%…) are not supported', 'a value that begins with % has to be in quotes'],
  MULTIPLE_ANCHORS: ['there are two anchors on one value', 'keep one'],
  ALIAS_PROPS: ['an alias cannot have an anchor or a tag', 'a value that begins with * has to be in quotes'],
  RESOURCE_EXHAUSTION: ['the YAML is nested too deeply', 'reinit needs no more than a few levels'],
};

/** A mistake of the YAML itself. There is no trustworthy tree then, so secrets are hidden by what the lines look like. */
export function syntaxMistake(file: string, source: Source, error: YAMLError): Mistake {
  const [start, end] = error.pos;
  const [problem, hint] = explained[error.code] ?? ['this is not YAML', undefined];
  hideByLines(source, start);
  return { place: { kind: 'file', file, at: positionOf(source, { start, end }) }, setting: undefined, problem: `YAML: ${problem}`, hint };
}

/** What stands before secrets: variables, headers, bodies and URLs of requests. */
const beforeSecrets = /env|header|body|url|http/i;

/**
 * Shows a line only if it belongs to a setting that is known, and is not environment: the last line before it that begins in column one
 * says whose it is. Of the others, and from where something is mentioned that holds secrets, nothing is shown: it may be the middle of one.
 */
function hideByLines(source: Source, offset: number): void {
  const begin = lineStart(source.text, offset);
  const end = lineEnd(source.text, offset);
  const line = source.text.slice(begin, end);
  const from = isOpen(ownerOf(source.text, begin, line)) ? line.search(beforeSecrets) : line.search(/\S/);
  if (from >= 0) addSecret(source, { start: begin + from, end });
}

function ownerOf(text: string, begin: number, line: string): string | undefined {
  for (let at = begin, current = line; ; ) {
    const name = /^([A-Za-z_][\w-]*)[ \t]*:/.exec(current)?.[1];
    if (name !== undefined) return name;
    // A heading that is commented out, or made a list's item, leaves its secrets to the setting before it.
    if (/^[^\s#-]/.test(current) || beforeSecrets.test(current) || at === 0) return undefined;
    const before = lineStart(text, at - 1);
    current = text.slice(before, at - 1);
    at = before;
  }
}

function isOpen(owner: string | undefined): boolean {
  const shape = shapeOf(rootSchema);
  return owner !== undefined && owner !== 'environment' && shape.kind === 'object' && Object.hasOwn(shape.entries, owner);
}
