/** The names on the way to a file, with who may pass them. */
import { lstatSync, realpathSync } from 'node:fs';
import type { Step, Trail } from '../identity.ts';

/** Undefined where it is not there, or not to be seen. */
export function trailTo(path: string): Trail | undefined {
  try {
    const parts = realpathSync(path).split('/').filter(Boolean);
    return ['/', ...parts.map((_, index) => `/${parts.slice(0, index + 1).join('/')}`)].map(stepOf);
  } catch {
    return undefined;
  }
}

function stepOf(path: string): Step {
  const { mode, uid, gid } = lstatSync(path);
  return { path, mode, uid, gid };
}
