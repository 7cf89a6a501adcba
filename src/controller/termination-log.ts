/**
 * What Kubernetes shows as a container's last message (`terminationMessagePath`): which configuration was refused, and why. The file is the
 * container's: it is written only where it is there already, and what the application wrote itself is replaced only by a refusal.
 */
import { closeSync, constants, openSync, statSync, writeSync } from 'node:fs';

/** Kubernetes reads no more than that. */
const mostBytes = 4096;
export const terminationLogPath = '/dev/termination-log';

export interface TerminationLog {
  write(text: string): void;
  /** What was refused is refused no longer. */
  clear(): void;
}

export function createTerminationLog(path = terminationLogPath): TerminationLog {
  let written = false;
  const put = (text: string): void => {
    try {
      if (!statSync(path).isFile()) return;
      const file = openSync(path, constants.O_WRONLY | constants.O_TRUNC | constants.O_NOFOLLOW);
      try {
        writeSync(file, Buffer.from(text).subarray(0, mostBytes));
        written = text !== '';
      } finally {
        closeSync(file);
      }
    } catch {
      // There is none, or not for us: the log says the same.
    }
  };
  return {
    write: put,
    clear: () => {
      if (written) put('');
    },
  };
}
