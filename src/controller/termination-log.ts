/**
 * What Kubernetes shows as a container's last message (`terminationMessagePath`): why it ended, or which configuration is refused. The file is the
 * container's: it is written only where it is there already, and what the application wrote itself is replaced only where reinit knows better.
 */
import { closeSync, constants, openSync, readSync, statSync, writeSync } from 'node:fs';

/** Kubernetes reads no more than that. */
const mostBytes = 4096;
export const terminationLogPath = '/dev/termination-log';
/** So begins what reinit has written, whichever controller it was. */
const mark = 'reinit: ';

export interface TerminationLog {
  /** What reinit has written; empty where that is nothing. */
  read(): string;
  write(text: string): void;
  /** Only where nobody else has written. */
  writeIfFree(text: string): void;
  /** What was refused is refused no longer. */
  clear(): void;
}

export function createTerminationLog(path = terminationLogPath): TerminationLog {
  const attempt = (put: () => void): void => {
    try {
      if (statSync(path).isFile()) put();
    } catch {
      // There is none, or not for us: the log says the same.
    }
  };
  const put = (text: string): void =>
    withFile(path, constants.O_WRONLY | constants.O_TRUNC, (file) => void writeSync(file, Buffer.from(text).subarray(0, mostBytes)));
  const content = (): string => withFile(path, constants.O_RDONLY, contentOf);
  const isOurs = (text: string): boolean => text.startsWith(mark);
  return {
    read: () => {
      let text = '';
      attempt(() => {
        text = content();
      });
      return isOurs(text) ? text.slice(mark.length) : '';
    },
    write: (text) => attempt(() => put(`${mark}${text}`)),
    writeIfFree: (text) =>
      attempt(() => {
        const found = content();
        if (found === '' || isOurs(found)) put(`${mark}${text}`);
      }),
    clear: () =>
      attempt(() => {
        if (isOurs(content())) put('');
      }),
  };
}

function withFile<T>(path: string, flags: number, use: (file: number) => T): T {
  const file = openSync(path, flags | constants.O_NOFOLLOW);
  try {
    return use(file);
  } finally {
    closeSync(file);
  }
}

function contentOf(file: number): string {
  const buffer = Buffer.alloc(mostBytes);
  return buffer.toString('utf8', 0, readSync(file, buffer, 0, buffer.length, 0));
}
