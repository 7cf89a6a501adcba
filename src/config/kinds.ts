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
  /** JSON Schema of what the YAML may hold (editors see YAML's own types). */
  readonly json: Readonly<Record<string, unknown>>;
}

/** Reports what is wrong, without the value; `path` leads from the setting to the place. Returns undefined for its callers' sake. */
export type Fault = (problem: string, ...path: readonly (string | number)[]) => undefined;
export type Read<T> = (raw: Raw, fault: Fault) => T | undefined;
export type Kind<T> = v.GenericSchema<unknown, T>;

/** A leaf of the schema: text in, meaning out. `read` returns undefined where it has reported a fault. */
export function kind<T>(info: KindInfo, read: Read<T>): Kind<T> {
  return v.pipe(
    v.unknown(),
    v.rawTransform<unknown, T>(({ dataset, addIssue, NEVER }) => {
      let faulty = false;
      const value = read(dataset.value as Raw, (problem, ...path) => {
        faulty = true;
        addIssue({ message: problem, expected: info.expected, ...pathItems(path) });
        return undefined;
      });
      return faulty || value === undefined ? NEVER : value;
    }),
    v.metadata({ ...info }),
  );
}

/** Text, or the fault that every scalar kind shares. */
export function scalar(raw: Raw, fault: Fault, ...path: readonly (string | number)[]): string | undefined {
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

export function isMapping(raw: unknown): raw is { readonly [name: string]: Raw } {
  return typeof raw === 'object' && raw !== null && !Array.isArray(raw);
}

const present = <T>(items: readonly (T | undefined)[]): T[] => items.filter((item): item is T => item !== undefined);

function pathItems(path: readonly (string | number)[]): { readonly path?: [v.IssuePathItem, ...v.IssuePathItem[]] } {
  const [first, ...rest] = path.map(
    (key): v.IssuePathItem => ({ type: 'unknown', origin: 'value', input: undefined, key, value: undefined }),
  );
  return first === undefined ? {} : { path: [first, ...rest] };
}
