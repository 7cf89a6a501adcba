import * as v from 'valibot';

/**
 * What a setting is before the schema reads it. Every scalar is text, as written in the file, the flag or the variable: the schema alone
 * gives it a meaning, so that `umask: 022`, `VERSION: 1.10` and `restart: no` are what they look like in all three places.
 */
export type Raw = string | null | readonly Raw[] | { readonly [name: string]: Raw };

/** How a kind is spelled as a flag and as a variable. */
export type Spelling =
  | { readonly form: 'value'; readonly placeholder: string }
  | { readonly form: 'switch' }
  /** Repeatable; in a variable the items are parted by `separator`. */
  | { readonly form: 'list'; readonly placeholder: string; readonly separator: string }
  /** Repeatable `NAME=VALUE`. */
  | { readonly form: 'map'; readonly placeholder: string }
  | { readonly form: 'none' };

export const value = (placeholder: string) => ({ form: 'value', placeholder }) as const;
export const list = (placeholder: string, separator: string) => ({ form: 'list', placeholder, separator }) as const;
export const map = (placeholder: string) => ({ form: 'map', placeholder }) as const;

export interface KindInfo {
  /** One word or two for the reference page. */
  readonly type: string;
  /** Follows "expected" in messages. */
  readonly expected: string;
  readonly spelling: Spelling;
  /** JSON Schema of what the YAML may hold (editors see YAML's own types), but for a mapping with `parts`. */
  readonly json: Readonly<Record<string, unknown>>;
  /** The keys of its mapping, where it may be one with keys of its own. */
  readonly parts?: Parts | undefined;
  /** What the items are of a list whose items have parts. */
  readonly item?: v.GenericSchema | undefined;
  /** Other tools' names for the parts → the part, or what to write here, a sentence. */
  readonly hints?: Readonly<Record<string, string>> | undefined;
  /** Texts that match are shown in no message; of a mapping the names are. */
  readonly secret?: RegExp | undefined;
}

/** Key → its schema: optional, or with a default, or neither. */
export type Parts = Readonly<Record<string, v.GenericSchema>>;

type Steps = readonly (string | number)[];
/** Reports what is wrong, without the value; `path` leads from the setting to the place. Returns undefined for its callers' sake. */
export type Fault = (problem: string, ...path: Steps) => undefined;
/** Reads with another schema; its mistakes become mistakes of this setting, with their own places below it, or all of them `here`. */
export type Inner = <S extends v.GenericSchema>(schema: S, raw: Raw, where: 'below' | 'here') => v.InferOutput<S> | undefined;
export type Read<T> = (raw: Raw, fault: Fault, inner: Inner) => T | undefined;
export type Kind<T> = v.GenericSchema<unknown, T>;

/** A setting that always has a value. Defaults are written as a user would write them, and read by the leaf like any other value. */
export type Fallback = string | readonly string[] | Readonly<Record<string, never>>;
export const withDefault = <T>(leaf: Kind<T>, fallback: Fallback, about: string) =>
  v.optional(v.pipe(leaf, v.description(about)), fallback);
/** A setting that may be unset. */
export const unset = <T>(leaf: Kind<T>, about: string) => v.optional(v.pipe(leaf, v.description(about)));
/** A setting that cannot be left out. */
export const required = <T>(leaf: Kind<T>, about: string) => v.pipe(leaf, v.description(about));

/** A leaf of the schema: text in, meaning out. `read` returns undefined where it has reported a fault. */
export function kind<T>(info: KindInfo, read: Read<T>): Kind<T> {
  return v.pipe(
    v.unknown(),
    v.rawTransform<unknown, T>(({ dataset, addIssue, NEVER }) => {
      let faulty = false;
      const report = (problem: string, expected: string | undefined, path: Steps): undefined => {
        faulty = true;
        addIssue({ message: problem, ...(expected === undefined ? {} : { expected }), ...pathItems(path) });
        return undefined;
      };
      const inner: Inner = (schema, raw, where) => {
        const parsed = v.safeParse(schema, raw);
        if (parsed.success) return parsed.output;
        for (const issue of parsed.issues) reportInner(issue, where, report);
        return undefined;
      };
      const value = read(dataset.value as Raw, (problem, ...path) => report(problem, info.expected, path), inner);
      return faulty || value === undefined ? NEVER : value;
    }),
    v.metadata({ ...info }),
  );
}

/** A key that a mapping must have, and has not, is a mistake of the mapping. */
function reportInner(
  issue: v.BaseIssue<unknown>,
  where: 'below' | 'here',
  report: (problem: string, expected: string | undefined, path: Steps) => undefined,
): void {
  const path = (issue.path ?? []).map(({ key }) => (typeof key === 'number' ? key : String(key)));
  const missing = issue.kind === 'schema';
  const at = where === 'here' ? [] : missing ? path.slice(0, -1) : path;
  if (missing) report(`${path.at(-1)} is missing`, undefined, at);
  else report(issue.message, issue.expected ?? undefined, at);
}

/** Text, or the fault that every scalar kind shares. */
export function scalar(raw: Raw, fault: Fault, ...path: Steps): string | undefined {
  if (typeof raw === 'string') {
    if (!raw.includes('\0')) return raw;
    fault('it holds a NUL byte', ...path);
  } else {
    fault(wrongShape(raw), ...path);
  }
  return undefined;
}

export function wrongShape(raw: Raw): string {
  if (raw === null) return 'it has no value';
  if (typeof raw === 'string') return 'it is a single value';
  return Array.isArray(raw) ? 'it is a list' : 'it is a mapping';
}

/** A kind that is read from one scalar. */
export function scalarKind<T>(info: KindInfo, read: (text: string, fault: Fault) => T | undefined): Kind<T> {
  return kind(info, (raw, fault) => {
    const text = scalar(raw, fault);
    return text === undefined ? undefined : read(text, fault);
  });
}

/** A list of scalars, or a single one. */
export function listKind<T>(info: KindInfo, read: (text: string, fault: Fault) => T | undefined, least = 0): Kind<readonly T[]> {
  return kind(info, (raw, fault) => {
    if (typeof raw === 'string') return present([read(raw, fault)]);
    if (!Array.isArray(raw)) {
      fault(wrongShape(raw));
      return undefined;
    }
    if (raw.length < least) fault('it is empty');
    return present(
      raw.map((item, index) => {
        const text = scalar(item, fault, index);
        return text === undefined ? undefined : read(text, (problem) => fault(problem, index));
      }),
    );
  });
}

/** A mapping of scalars; `readEntry` gets the name and the value (null only where it is written so). */
export function mapKind<K extends string | number, T>(
  info: KindInfo,
  readEntry: (name: string, raw: Raw, fault: (problem: string) => undefined) => readonly [K, T] | undefined,
): Kind<Readonly<Record<K, T>>> {
  return kind(info, (raw, fault) => {
    if (!isMapping(raw)) {
      fault(wrongShape(raw));
      return undefined;
    }
    const entries = Object.keys(raw).map((name) =>
      name === '__proto__' ? fault('this cannot be a name', name) : readEntry(name, raw[name] ?? null, (problem) => fault(problem, name)),
    );
    return Object.fromEntries(present(entries)) as Record<K, T>;
  });
}

type Values<P extends Parts> = v.InferOutput<v.StrictObjectSchema<P, undefined>>;

/**
 * A mapping with keys of its own, each with a schema: `combine` makes the value of them. `short` says what a single value or a list stands
 * for; without it that is a mistake. Keys that are unknown are reported where the file is read.
 */
export function record<P extends Parts, T>(
  info: Omit<KindInfo, 'parts'>,
  parts: P,
  combine: (values: Values<P>, fault: Fault) => T | undefined,
  short?: Read<{ readonly [name: string]: Raw }>,
): Kind<T> {
  const whole = v.strictObject(parts);
  return kind({ ...info, parts }, (raw, fault, inner) => {
    if (isMapping(raw)) {
      const values = inner(whole, raw, 'below');
      return values === undefined ? undefined : combine(values, fault);
    }
    const long = short === undefined || raw === null ? fault(wrongShape(raw)) : short(raw, fault, inner);
    const values = long === undefined ? undefined : inner(whole, long, 'here');
    return values === undefined ? undefined : combine(values, (problem) => fault(problem));
  });
}

/** For settings whose short form is a single value. */
export const single =
  (long: (text: string, fault: Fault) => { readonly [name: string]: Raw } | undefined): Read<{ readonly [name: string]: Raw }> =>
  (raw, fault) => {
    const text = scalar(raw, fault);
    return text === undefined ? undefined : long(text, fault);
  };

export function isMapping(raw: unknown): raw is { readonly [name: string]: Raw } {
  return typeof raw === 'object' && raw !== null && !Array.isArray(raw);
}

const present = <T>(items: readonly (T | undefined)[]): T[] => items.filter((item): item is T => item !== undefined);

function pathItems(path: Steps): { readonly path?: [v.IssuePathItem, ...v.IssuePathItem[]] } {
  const [first, ...rest] = path.map(
    (key): v.IssuePathItem => ({ type: 'unknown', origin: 'value', input: undefined, key, value: undefined }),
  );
  return first === undefined ? {} : { path: [first, ...rest] };
}
