import { statSync } from 'node:fs';

/** Whatever hinders the look (a directory above that may not be passed, a circle of links) hinders its use as well. */
export function isDirectory(path: string): boolean {
  try {
    return statSync(path).isDirectory();
  } catch {
    return false;
  }
}
