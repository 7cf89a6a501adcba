/** What is small and kept beside the copies: hashes over restarts of the container, and variables of accepted environments. */
import { chmod, open, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { makeDirectory, namesIn, removeFile, replaceFile, unlessMissing } from './disk.ts';
import type { Home } from './places.ts';
import { writing } from './problems.ts';
import type { Remembered } from './types.ts';

/** The one in use, the last good one, and the one that is being tried. */
const environmentsKept = 3;

const stateOf = (home: Home) => join(home.directory, 'state.json');
const keyOf = (home: Home) => join(home.directory, 'key');
const environmentsOf = (home: Home) => join(home.directory, 'environments');

export async function writeState(home: Home, state: Readonly<Record<string, Remembered>>): Promise<void> {
  await writing('state_dir', home.directory, () => replaceFile(stateOf(home), JSON.stringify(state), { mode: 0o600, durable: true }));
}

/** Undefined: there is a file, but it is none of ours. */
export async function readState(home: Home): Promise<Record<string, Remembered> | undefined> {
  const text = await readFile(stateOf(home), 'utf8').catch(unlessMissing);
  if (text === undefined) return {};
  const read = parse(text);
  if (!isObject(read)) return undefined;
  const state: Record<string, Remembered> = {};
  for (const [rule, of] of Object.entries(read)) {
    if (!isObject(of)) return undefined;
    state[rule] = { ...hashOf(of, 'good'), ...hashOf(of, 'refused') };
  }
  return state;
}

function hashOf(of: Readonly<Record<string, unknown>>, name: keyof Remembered): Remembered {
  const hash = of[name];
  return typeof hash === 'string' ? { [name]: hash } : {};
}

/** The secret of the hashes of environments; undefined: none was kept. */
export async function readKey(home: Home): Promise<Buffer | undefined> {
  const key = await readFile(keyOf(home)).catch(() => undefined);
  return key && key.length >= 16 ? key : undefined;
}

/** From the kernel: node:crypto would load OpenSSL for it, before the application starts. */
export async function newKey(): Promise<Buffer> {
  const random = await open('/dev/urandom');
  try {
    return (await random.read(Buffer.alloc(32))).buffer;
  } finally {
    await random.close();
  }
}

export async function writeKey(home: Home, key: Buffer): Promise<void> {
  await writing(home.setting, home.directory, () => replaceFile(keyOf(home), key, { mode: 0o600, durable: home.durable }));
}

export async function writeEnvironment(home: Home, hash: string, variables: ReadonlyMap<string, string>): Promise<void> {
  const directory = environmentsOf(home);
  await writing(home.setting, directory, async () => {
    if (!(await makeDirectory(directory, 0o700))) await chmod(directory, 0o700);
    await replaceFile(join(directory, hash), JSON.stringify([...variables]), { mode: 0o600, durable: home.durable });
    await forgetOldest(directory, hash);
  });
}

async function forgetOldest(directory: string, newest: string): Promise<void> {
  const others = (await namesIn(directory)).filter((name) => name !== newest);
  const aged = await Promise.all(
    others.map(async (name) => ({ name, at: (await stat(join(directory, name)).catch(unlessMissing))?.mtimeMs ?? 0 })),
  );
  const old = aged.sort((a, b) => b.at - a.at).slice(environmentsKept - 1);
  for (const { name } of old) await removeFile(join(directory, name));
}

/** Undefined: it was not kept, or is no longer. */
export async function readEnvironment(home: Home, hash: string): Promise<Map<string, string> | undefined> {
  const text = await readFile(join(environmentsOf(home), hash), 'utf8').catch(() => undefined);
  const read = text === undefined ? undefined : parse(text);
  if (!Array.isArray(read)) return undefined;
  const isPair = (pair: unknown): pair is [string, string] =>
    Array.isArray(pair) && pair.length === 2 && pair.every((part) => typeof part === 'string');
  return read.every(isPair) ? new Map(read) : undefined;
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

const isObject = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null && !Array.isArray(value);
