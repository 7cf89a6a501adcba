import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { isAlive } from './alive.ts';
import { build } from './paths.ts';

/** Two builds in one tree take turns. A lock whose owner is gone does not count. */
export async function withLock(work: () => Promise<void>): Promise<void> {
  mkdirSync(build, { recursive: true });
  const lock = join(build, 'lock');
  while (!taken(lock)) await delay(100);
  try {
    await work();
  } finally {
    rmSync(lock, { force: true });
  }
}

function taken(lock: string): boolean {
  try {
    writeFileSync(lock, `${process.pid}`, { flag: 'wx' });
    return true;
  } catch {
    if (!ownerLives(lock)) rmSync(lock, { force: true });
    return false;
  }
}

function ownerLives(lock: string): boolean {
  try {
    const pid = Number(readFileSync(lock, 'utf8'));
    // Empty: its owner is about to write its pid.
    return pid === 0 || isAlive(pid);
  } catch {
    return false; // gone meanwhile
  }
}
