import { type Alias, type Document, isAlias, isMap, isScalar, isSeq, type Node, type Pair, parseDocument, type YAMLError } from 'yaml';
import type { Mistake } from './errors.ts';
import { infoOf, rootSchema, type Schema, type Shape, shapeOf } from './fields.ts';
import type { Raw } from './kinds.ts';
import { hintFor, type Scope, shorten } from './names.ts';
import { addSecret, lineEnd, positionOf, type Source, type Span, sourceOf } from './source.ts';
import { syntaxMistake } from './syntax.ts';

/** A path into the settings; as a key of maps it is JSON. */
export type Path = readonly (string | number)[];
export const pathKey = (path: Path): string => JSON.stringify(path);

/** What the file says, as text at each leaf, and where it says so. Unknown keys are reported and left out. */
export interface FileSettings {
  readonly raw: { readonly [name: string]: Raw };
  readonly source: Source;
  readonly spans: ReadonlyMap<string, Span>;
  readonly mistakes: readonly Mistake[];
}

/** A document with more values (aliases expanded) is a bomb, not a configuration. */
const maxNodes = 50_000;
/** Each use of an alias counts, also inside of what another alias stands for. */
const maxAliases = 100;
const maxDepth = 32;
/** Enough to correct; a hint and a place for each of 100,000 would take minutes. */
export const maxMistakes = 200;
/** The first leads to most of the others. */
const maxSyntaxMistakes = 10;

interface Walk {
  readonly file: string;
  readonly source: Source;
  readonly document: Document;
  readonly spans: Map<string, Span>;
  readonly found: Found[];
  nodes: number;
  aliases: number;
}

/** A mistake before it has its place: lines are shown only once all secrets are known. */
type Found = Omit<Mistake, 'place'> & { readonly span: Span };

class Exhausted extends Error {}

export function readDocument(file: string, text: string): FileSettings {
  const source = sourceOf(text);
  const nothing = (mistakes: readonly Mistake[]): FileSettings => ({ raw: {}, source, spans: new Map(), mistakes });
  const whole = (problem: string, hint?: string): FileSettings =>
    nothing([{ place: { kind: 'file', file }, setting: undefined, problem, hint }]);
  let document: Document;
  try {
    // Failsafe: every scalar stays the text that it is. Unique keys are checked here, since yaml's check takes quadratic time.
    document = parseDocument(text, {
      schema: 'failsafe',
      version: '1.2',
      lineCounter: source.lines,
      prettyErrors: false,
      uniqueKeys: false,
      logLevel: 'error',
    });
  } catch (error) {
    // The parser is recursive: a file of brackets alone ends its stack.
    if (error instanceof RangeError) return whole('the YAML is nested too deeply');
    throw error;
  }
  const broken: readonly YAMLError[] = [...document.errors, ...document.warnings];
  if (broken.length > 0) return nothing(broken.slice(0, maxSyntaxMistakes).map((error) => syntaxMistake(file, source, error)));
  const root = document.contents;
  if (root === null || (isScalar(root) && isEmpty(root))) return whole('the file is empty', 'a start: command: [my-server, --port, "80"]');
  if (!isMap(root))
    return nothing([
      {
        place: place(file, source, spanOf(root)),
        setting: undefined,
        problem: 'the file must be a mapping',
        expected: 'lines such as stop_timeout: 25s',
      },
    ]);
  const walk: Walk = { file, source, document, spans: new Map(), found: [], nodes: 0, aliases: 0 };
  return walked(walk, root, whole);
}

function walked(walk: Walk, root: Node, whole: (problem: string) => FileSettings): FileSettings {
  try {
    const raw = readNode(walk, root, [], rootSchema);
    const mistakes = walk.found.map(({ span, ...rest }): Mistake => ({ ...rest, place: place(walk.file, walk.source, span) }));
    return { raw: raw as FileSettings['raw'], source: walk.source, spans: walk.spans, mistakes };
  } catch (error) {
    if (error instanceof Exhausted) return whole(error.message);
    throw error;
  }
}

/** @param hidden what is a secret below a setting that holds some */
function readNode(walk: Walk, node: Node | null, path: Path, schema: Schema | undefined, hidden?: RegExp): Raw {
  walk.nodes += 1;
  if (walk.nodes > maxNodes) throw new Exhausted(`the file holds more than ${maxNodes} values (aliases expanded)`);
  if (path.length > maxDepth) throw new Exhausted('the YAML is nested too deeply');
  if (node === null) return null;
  const shape = schema === undefined ? leaf : shapeOf(schema);
  const own = schema === undefined ? undefined : infoOf(schema)?.secret;
  // A secret is one wherever it is written, behind an anchor, too; a `*` in front may be its first character.
  hideValue(walk, node, own, hidden);
  if (isAlias(node)) return readNode(walk, resolveAlias(walk, node, path), path, schema, hidden);
  walk.spans.set(pathKey(path), spanOf(node));
  // Where a mapping has keys of its own, each says itself what is secret; so do the items of a list that are such mappings.
  if (isMap(node))
    return readMap(walk, node.items as Pair<Node, Node | null>[], path, shape, hidden ?? (shape.kind === 'object' ? undefined : own));
  if (isSeq(node)) {
    const item = shape.kind === 'list' ? shape.item : undefined;
    return node.items.map((one, index) => readNode(walk, one as Node | null, [...path, index], item, hidden ?? (item ? undefined : own)));
  }
  if (!isScalar(node)) return null;
  return isNull(node) ? null : String(node.value);
}

const leaf: Shape = { kind: 'leaf' };

/** The names of variables may be seen; whatever stands behind one may not, a mapping with keys of its own included. */
function hideValue(walk: Walk, node: Node, own: RegExp | undefined, hidden: RegExp | undefined): void {
  const matches = own !== undefined && isScalar(node) && !isEmpty(node) && own.test(String(node.value));
  if (hidden !== undefined || matches || (own !== undefined && isAlias(node))) addSecret(walk.source, spanOf(node));
  if ((hidden ?? own) === undefined) return;
  // Nothing, and beside it what it was; an item of a list that is nothing has no place of its own.
  if (isScalar(node) && isEmpty(node)) hideComment(walk, spanOf(node).start);
  if (!isSeq(node)) return;
  hideComment(walk, spanOf(node).start); // behind the first dash, what has become of the first item
  if (node.items.some((item) => item === null || (isScalar(item) && isEmpty(item)))) addSecret(walk.source, spanOf(node));
}

function resolveAlias(walk: Walk, alias: Alias, path: Path): Node | null {
  walk.aliases += 1;
  if (walk.aliases > maxAliases) throw new Exhausted(`the file uses aliases more than ${maxAliases} times (counted inside each other)`);
  const node = alias.resolve(walk.document);
  if (node === undefined)
    mistake(walk, spanOf(alias), path, 'there is no anchor for this alias', 'a value that begins with * has to be in quotes');
  return node ?? null;
}

function readMap(walk: Walk, pairs: readonly Pair<Node, Node | null>[], path: Path, shape: Shape, hidden: RegExp | undefined): Raw {
  // Without a prototype, and assigned by name only: `__proto__` is a name like any other here.
  const result: Record<string, Raw> = Object.create(null);
  for (const { key, value } of pairs) {
    const name = readKey(walk, key, path);
    if (name === undefined) {
      hideTree(walk, key, value);
      continue;
    }
    const at = [...path, name];
    if (name in result) mistake(walk, spanOf(key), at, 'this key is here twice', 'keep one of the two');
    if (shape.kind === 'object' && !Object.hasOwn(shape.entries, name)) {
      hideTree(walk, key, value);
      unknownKey(walk, key, name, path, shape);
      continue;
    }
    const raw = readEntry(walk, key, value, at, shape.kind === 'object' ? shape.entries[name] : undefined, hidden);
    if (raw !== undefined) result[name] = raw;
  }
  return result;
}

function unknownKey(walk: Walk, key: Node, name: string, path: Path, { entries, hints }: Extract<Shape, { kind: 'object' }>): void {
  if (walk.found.length >= maxMistakes) return;
  const scope = hints === undefined ? scopeOf(path) : 'part';
  const hint = hintFor(name, { scope, known: Object.keys(entries), elsewhere: elsewhere(scope), own: hints ?? {} });
  mistake(walk, spanOf(key), path, `unknown key "${shorten(name)}"`, hint);
}

/** @returns undefined where what is wrong has been said already */
function readEntry(
  walk: Walk,
  key: Node,
  value: Node | null,
  path: Path,
  schema: Schema | undefined,
  hidden: RegExp | undefined,
): Raw | undefined {
  const before = walk.found.length;
  if (path[0] === 'environment' && path.length === 2 && (value === null || (isScalar(value) && isEmpty(value)))) {
    mistake(walk, spanOf(key), path, 'this variable has no value', 'write "" for an empty one, or null to take the variable away');
  }
  const isSecret = hidden !== undefined || (schema !== undefined && infoOf(schema)?.secret !== undefined);
  if (isSecret && (value === null || (isScalar(value) && isEmpty(value)))) hideTree(walk, key, null);
  const raw = readNode(walk, value, path, schema, hidden);
  // An empty value has no place of its own: the key is what to look at. Nor does it help to point to where an alias leads.
  if (raw === null) walk.spans.set(pathKey(path), spanOf(key));
  return walk.found.length > before && raw === null ? undefined : raw;
}

/** The name of a key; what is not a plain one is reported. */
function readKey(walk: Walk, key: Node, path: Path): string | undefined {
  if (isScalar(key)) return String(key.value);
  mistake(walk, spanOf(key), path, 'a key must be plain text', isAlias(key) ? 'an alias cannot be a key' : undefined);
  return undefined;
}

/** Whatever stands below is not shown: behind a misspelt `enviroment` there are secrets, too. */
function hideTree(walk: Walk, key: Node, node: Node | null): void {
  hideComment(walk, spanOf(key).end);
  if (node !== null && spanOf(node).end > spanOf(node).start) addSecret(walk.source, spanOf(node));
}

function hideComment({ source }: Walk, at: number): void {
  const comment = commentAfter(source, at);
  if (comment.end > comment.start) addSecret(source, comment);
}

/** The comment on a key's line: perhaps the value that was. */
function commentAfter({ text }: Source, at: number): Span {
  const end = lineEnd(text, at);
  const comment = text.slice(at, end).indexOf('#');
  return { start: comment < 0 ? end : at + comment, end };
}

function mistake(walk: Walk, span: Span, path: Path, problem: string, hint: string | undefined): void {
  if (walk.found.length < maxMistakes) walk.found.push({ span, setting: settingName(path), problem, hint });
}

/** `watch[0].settle`; undefined for the whole file. */
export function settingName(path: Path): string | undefined {
  const text = path.map((part, index) => (typeof part === 'number' ? `[${part}]` : `${index > 0 ? '.' : ''}${shorten(part)}`)).join('');
  return text === '' ? undefined : text;
}

export const place = (file: string, source: Source, span: Span): Mistake['place'] => ({ kind: 'file', file, at: positionOf(source, span) });
function scopeOf([first]: Path): Scope {
  if (first === 'attach' || first === 'output') return 'part';
  return first === 'watch' || first === 'log' ? first : 'service';
}

/** Keys of the other parts of the file, and where they belong. */
function elsewhere(scope: Scope): ReadonlyMap<string, string> {
  const top = entriesOf(rootSchema);
  const places = (['log', 'http'] as const).flatMap((group) =>
    Object.keys(entriesOf(top[group])).map((name): [string, string] => [name, `under ${group}`]),
  );
  if (scope !== 'watch')
    places.push(...Object.keys(entriesOf(itemOf(top.watch))).map((name): [string, string] => [name, 'in a rule under watch']));
  if (scope !== 'service') places.push(...Object.keys(top).map((name): [string, string] => [name, 'at the top of the file']));
  return new Map(places);
}

function entriesOf(schema: Schema | undefined): Readonly<Record<string, Schema>> {
  const shape = schema === undefined ? undefined : shapeOf(schema);
  return shape?.kind === 'object' ? shape.entries : {};
}

function itemOf(schema: Schema | undefined): Schema | undefined {
  const shape = schema === undefined ? undefined : shapeOf(schema);
  return shape?.kind === 'list' ? shape.item : undefined;
}

function spanOf(node: Node): Span {
  const [start, end] = node.range ?? [0, 0, 0];
  return { start, end: Math.max(end, start) };
}

const isEmpty = (node: { readonly source?: string; readonly type?: string; readonly value: unknown }): boolean =>
  node.type === 'PLAIN' && node.value === '';
const isNull = (node: { readonly type?: string; readonly value: unknown }): boolean =>
  node.type === 'PLAIN' && ['', '~', 'null', 'Null', 'NULL'].includes(String(node.value));
