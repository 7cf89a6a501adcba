/**
 * The state as init keeps it for the next controller: JSON, versioned, at most 64 KiB. It holds no variables and no contents of files, but the text
 * of reinit's own configuration, which is with init in parts anyway. The names and short hashes of files are for messages only: they are the first
 * to be left out where something does not fit, that text is the next.
 */
import { maxMemoBytes } from '../link/messages.ts';
import { type Reading, shortHash } from './reading.ts';
import type { State } from './state.ts';

/** Raised with every change of what State means. A memo of another version is not read. */
const memoVersion = 5;
/** More names than this would not fit anyway, and are not worth the time at every commit. */
const mostFiles = 400;

export function encodeMemo(state: State): Buffer {
  const whole = serialise(state, packReading);
  if (whole.length <= maxMemoBytes) return whole;
  const nameless = serialise(state, packHash);
  if (nameless.length <= maxMemoBytes || !state.own) return nameless;
  const { source } = state.own;
  return serialise({ ...state, own: { ...state.own, source: { ...source, text: undefined }, trial: undefined } }, packHash);
}

/** Undefined: empty, of another version, or none of ours. */
export function decodeMemo(memo: Buffer): State | undefined {
  if (memo.length === 0) return undefined;
  try {
    const { version, state } = JSON.parse(memo.toString('utf8'), unpack) as { version: number; state: State };
    return version === memoVersion ? state : undefined;
  } catch {
    return undefined;
  }
}

type Packed = { readonly hash: string; readonly files?: readonly (readonly [string, string | null])[]; readonly problem?: string };

function serialise(state: State, pack: (reading: Reading) => Packed): Buffer {
  const replace = (_: string, value: unknown): unknown => (isReading(value) ? { $reading: pack(value) } : value);
  return Buffer.from(JSON.stringify({ version: memoVersion, state }, replace));
}

const isReading = (value: unknown): value is Reading =>
  typeof value === 'object' &&
  value !== null &&
  'hash' in value &&
  'files' in value &&
  (value.files === undefined || value.files instanceof Map);

const packHash = ({ hash, problem }: Reading): Packed => (problem === undefined ? { hash } : { hash, problem });

function packReading({ hash, files, problem }: Reading): Packed {
  const base = packHash({ hash, files, problem });
  if (!files || files.size > mostFiles) return base;
  return { ...base, files: [...files].map(([path, file]) => [path, file && shortHash(file)]) };
}

function unpack(_: string, value: unknown): unknown {
  if (typeof value !== 'object' || value === null || !('$reading' in value)) return value;
  const { hash, files, problem } = value.$reading as Packed;
  return { hash, files: files && new Map(files), ...(problem !== undefined && { problem }) } satisfies Reading;
}
