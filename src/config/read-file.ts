import { isUtf8 } from 'node:buffer';
import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs';

export const maxFileBytes = 1024 * 1024;

export type ReadResult =
  | { readonly ok: true; readonly text: string }
  | { readonly ok: false; readonly missing: boolean; readonly problem: string; readonly hint?: string };

/** The text of a configuration file. Refuses what cannot be one before it costs memory or time: a directory, a pipe, a large file, binary. */
export function readConfigFile(path: string): ReadResult {
  let fd: number;
  try {
    // Without O_NONBLOCK the open of a FIFO would wait for a writer for ever.
    fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  } catch (error) {
    return openProblem(error);
  }
  try {
    return readOpen(fd);
  } catch (error) {
    return { ok: false, missing: false, problem: `cannot read the file: ${errorCode(error)}` };
  } finally {
    closeSync(fd);
  }
}

function readOpen(fd: number): ReadResult {
  const stat = fstatSync(fd);
  if (stat.isDirectory()) return refused('this is a directory, not a file', 'name the file in it: reinit reads exactly one');
  if (!stat.isFile()) return refused('this is not a regular file');
  const tooLarge = (bytes: number): ReadResult =>
    refused(`the file is too large: ${bytes} bytes, and at most ${maxFileBytes} (1MiB) are read`);
  if (stat.size > maxFileBytes) return tooLarge(stat.size);
  const buffer = Buffer.allocUnsafe(maxFileBytes + 1);
  let length = 0;
  for (let got = 1; got > 0 && length < buffer.length; length += got) got = readSync(fd, buffer, length, buffer.length - length, null);
  return length > maxFileBytes ? tooLarge(length) : decode(buffer.subarray(0, length));
}

function decode(bytes: Buffer): ReadResult {
  const utf16 = bytes.length >= 2 && ((bytes[0] === 0xff && bytes[1] === 0xfe) || (bytes[0] === 0xfe && bytes[1] === 0xff));
  if (utf16) return refused('the file is UTF-16', 'save it as UTF-8');
  if (bytes.includes(0)) return refused('the file is binary: it holds NUL bytes', 'is it the right file? reinit reads YAML, as UTF-8 text');
  if (!isUtf8(bytes)) return refused('the file is not UTF-8 text', 'save it as UTF-8');
  return { ok: true, text: bytes.toString('utf8').replace(/^\ufeff/, '') };
}

const refused = (problem: string, hint?: string): ReadResult => ({
  ok: false,
  missing: false,
  problem,
  ...(hint === undefined ? {} : { hint }),
});

function openProblem(error: unknown): ReadResult {
  const code = errorCode(error);
  switch (code) {
    case 'ENOENT':
    case 'ENOTDIR':
      return {
        ok: false,
        missing: true,
        problem: 'there is no such file',
        hint: 'is the volume mounted? The path is from -c, REINIT_CONFIG, or the default',
      };
    case 'EACCES':
    case 'EPERM':
      return refused(
        'no permission to read the file',
        `reinit runs as user ${process.getuid?.() ?? '?'}: let it read the file and search each directory above`,
      );
    case 'ELOOP':
      return refused('the symbolic links of the path go in a circle');
    default:
      return refused(`cannot open the file: ${code}`);
  }
}

const errorCode = (error: unknown): string => (error instanceof Error && 'code' in error ? String(error.code) : 'unknown error');
