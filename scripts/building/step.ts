import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { build } from './paths.ts';

/**
 * Does `work` unless it succeeded before with the same inputs and all its outputs are still there.
 * `inputs` are texts: contents, flags, or `identity()` of a file that is too big to read each time.
 */
export async function step(
  name: string,
  inputs: readonly string[],
  outputs: readonly string[],
  work: () => void | Promise<void>,
): Promise<void> {
  const stamp = join(build, 'stamps', name);
  const key = createHash('sha256').update(JSON.stringify(inputs)).digest('hex');
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === key && outputs.every((file) => existsSync(file))) return;
  const start = performance.now();
  rmSync(stamp, { force: true });
  await work();
  await write(stamp, key);
  process.stderr.write(`build: ${name} (${Math.round(performance.now() - start)} ms)\n`);
}

/** Size and time of a file: tells two versions of it apart without reading it. */
export function identity(file: string): string {
  const { size, mtimeMs } = statSync(file);
  return `${file} ${size} ${mtimeMs}`;
}

/** Puts a file in place at once, so that nobody sees a half one and a running program keeps its own. */
export async function place(target: string, make: (temporary: string) => unknown): Promise<void> {
  mkdirSync(dirname(target), { recursive: true });
  const temporary = `${target}.new-${process.pid}`;
  try {
    await make(temporary);
    renameSync(temporary, target);
  } finally {
    rmSync(temporary, { force: true });
  }
}

export function write(target: string, content: string | Uint8Array, mode = 0o644): Promise<void> {
  return place(target, (temporary) => writeFileSync(temporary, content, { mode }));
}

/** A file that stays what it is keeps its time. */
export async function writeIfNew(file: string, text: string): Promise<void> {
  if (!existsSync(file) || readFileSync(file, 'utf8') !== text) await write(file, text);
}
