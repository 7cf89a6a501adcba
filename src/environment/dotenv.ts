/**
 * Dotenv files, strictly: what cannot be meant as it stands is a problem with a line number, and never half an environment. (node:util's
 * parseEnv goes on after anything: of an open quote it takes the quote for a part of the value, and a line without `=` it drops.)
 *
 *     # a comment
 *     NAME=value              # a comment too: after whitespace
 *     export OTHER = refused  (whitespace in a name)
 *     LITERAL='one or several lines, as they are'
 *     ESCAPED="\n \r \t \" \\ \$ are escapes, any other backslash stands for itself; several lines too"
 *
 * Nothing is expanded: `$` and `${…}` stand for themselves. A later line wins over an earlier one of the same name. CRLF counts as LF,
 * and a byte order mark at the beginning as nothing.
 */

export type Dotenv =
  | { readonly ok: true; readonly variables: ReadonlyMap<string, string> }
  /** `line 3: …`; never shows a value, nor a name that may be a piece of one. */
  | { readonly ok: false; readonly problem: string };

/** Where a value ended and the next line begins; or why there is none. */
type Value = { readonly value: string; readonly next: number } | { readonly problem: string };

export function parseDotenv(text: string): Dotenv {
  const source = text.replace(/^\uFEFF/, '').replaceAll('\r\n', '\n');
  const variables = new Map<string, string>();
  for (let at = 0; at < source.length; ) {
    const end = endOfLine(source, at);
    const line = source.slice(at, end);
    if (/^\s*(#|$)/.test(line)) {
      at = end + 1;
      continue;
    }
    const name = nameOf(line);
    const found = name.ok ? valueAt(source, at + line.indexOf('=') + 1) : name;
    if ('problem' in found) return { ok: false, problem: `line ${lineNumber(source, at)}: ${found.problem}` };
    if (name.ok) variables.set(name.name, found.value);
    at = found.next;
  }
  return { ok: true, variables };
}

type Name = { readonly ok: true; readonly name: string } | { readonly ok: false; readonly problem: string };

/** A refused name is not shown: it may as well be a line of a value whose quotes are missing. */
function nameOf(line: string): Name {
  const equals = line.indexOf('=');
  if (equals < 0) return { ok: false, problem: '`NAME=value` expected, but there is no `=`' };
  const name = line
    .slice(0, equals)
    .replace(/^\s+/, '')
    .replace(/^export[ \t]+/, '');
  if (name === '') return { ok: false, problem: 'there is no name before the `=`' };
  if (/\s/.test(name)) return { ok: false, problem: 'whitespace in the name before the `=`' };
  if (!/^[!-~]+$/.test(name)) return { ok: false, problem: 'the name before the `=` is not printable ASCII' };
  return { ok: true, name };
}

function valueAt(source: string, start: number): Value {
  const end = endOfLine(source, start);
  const raw = source.slice(start, end);
  const first = raw.trimStart()[0];
  if (first === '`') return { problem: 'backquotes have no meaning here: quote with " or \'' };
  if (first === "'" || first === '"') return quotedAt(source, start + raw.indexOf(first), first);
  if (raw.includes('\0')) return { problem: nul };
  const comment = raw.search(/\s#/);
  const value = (comment < 0 ? raw : raw.slice(0, comment)).trim();
  if (value.includes('\r'))
    return { problem: 'there is a carriage return in the value: lines end with LF or CRLF; quote it if it is meant' };
  return { value, next: end + 1 };
}

const nul = 'there is a NUL byte in the value';

function quotedAt(source: string, open: number, quote: "'" | '"'): Value {
  const close = quote === "'" ? source.indexOf(quote, open + 1) : closingQuote(source, open);
  if (close < 0) return { problem: `the ${quote === "'" ? 'single' : 'double'} quote that begins the value is never closed` };
  const end = endOfLine(source, close);
  if (!/^(\s+#|\s*$)/.test(source.slice(close + 1, end))) return { problem: 'something stands after the closing quote of the value' };
  const content = source.slice(open + 1, close);
  if (content.includes('\0')) return { problem: nul };
  return { value: quote === "'" ? content : unescaped(content), next: end + 1 };
}

/** A loop: a regular expression for this would need a stack as deep as the value is long. */
function closingQuote(source: string, open: number): number {
  for (let at = open + 1; at < source.length; at++) {
    if (source[at] === '\\') at++;
    else if (source[at] === '"') return at;
  }
  return -1;
}

const escapes: Readonly<Record<string, string>> = { n: '\n', r: '\r', t: '\t' };
const unescaped = (content: string): string => content.replace(/\\([nrt"\\$])/g, (_, letter: string) => escapes[letter] ?? letter);

function endOfLine(source: string, from: number): number {
  const end = source.indexOf('\n', from);
  return end < 0 ? source.length : end;
}

const lineNumber = (source: string, at: number): number => source.slice(0, at).split('\n').length;
