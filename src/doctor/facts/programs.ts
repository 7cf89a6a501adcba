/** The programs that the configuration names, found as init would find them (src/init/program.c). */
import { closeSync, existsSync, openSync, readSync, statSync } from 'node:fs';
import { resolve } from 'node:path';
import { type Content, contentKind, interpreterPath } from '../binary.ts';
import type { Trail } from '../identity.ts';
import { trailTo } from './trail.ts';

/** Where init looks in an environment without PATH. */
const defaultPath = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

export interface Program {
  /** Undefined: there is none of that name. */
  readonly file: string | undefined;
  readonly trail: Trail;
  readonly content: Content;
  /** The interpreter that it names is there. */
  readonly interpreted: boolean;
}

export function findProgram(name: string, path: string = defaultPath, directory = '/'): Program {
  const candidates = name.includes('/') ? [resolve(directory, name)] : path.split(':').map((place) => resolve(directory, place, name));
  const files = name === '' ? [] : candidates.filter(isFile);
  // Like execvp(3): what is found and may not be executed is remembered, while another directory may have it.
  const file = files.find((one) => (statSync(one).mode & 0o111) !== 0) ?? files[0];
  if (file === undefined) return { file, trail: [], content: { kind: 'unread' }, interpreted: true };
  const content = contentOfProgram(file);
  const interpreter = interpreterPath(content);
  return { file, trail: trailTo(file) ?? [], content, interpreted: interpreter === undefined || existsSync(interpreter) };
}

function isFile(path: string): boolean {
  try {
    return statSync(path).isFile();
  } catch {
    return false;
  }
}

/** Enough for the headers of a program and for a script's first line. */
const headBytes = 4096;

function contentOfProgram(file: string): Content {
  try {
    const fd = openSync(file, 'r');
    try {
      const head = Buffer.alloc(headBytes);
      return contentKind(head.subarray(0, readSync(fd, head, 0, headBytes, 0)));
    } finally {
      closeSync(fd);
    }
  } catch {
    return { kind: 'unread' };
  }
}
