import { isUtf8 } from 'node:buffer';
import { constants } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { createLane } from '../watch/lanes.ts';

/** No server takes longer ones. */
const maxBytes = 16 * 1024;

// Without O_NONBLOCK the open of a FIFO would wait for a writer for ever.
const openFlags = constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOCTTY;

/** A file on a mount that hangs costs one of libuv's threads, however often it is tried. */
const lane = createLane(1);

/** What is wrong with a file, for people; nothing of its content. */
export class HeaderFileProblem extends Error {}

/**
 * The values of headers, from files: each is the file's content but for its last newline.
 *
 * @throws {HeaderFileProblem}
 */
export async function readHeaderFiles(
  files: Readonly<Record<string, string>>,
  deadlineMs: number,
  setting: string,
): Promise<Record<string, string>> {
  const values: Record<string, string> = {};
  for (const [name, path] of Object.entries(files)) {
    const problem = (what: string): HeaderFileProblem => new HeaderFileProblem(`${setting}: ${name} from ${path}: ${what}`);
    const content = await lane
      .run(path, deadlineMs, () => contentOf(path))
      .catch((error: NodeJS.ErrnoException) => {
        throw problem(words[error.code ?? ''] ?? `cannot read the file (${error.code ?? error.message})`);
      });
    if (content === undefined) throw problem('this is not a regular file');
    if (content.length > maxBytes) throw problem(`the file is too large: at most ${maxBytes} bytes`);
    if (!isUtf8(content)) throw problem('the file is not UTF-8 text');
    const value = content.toString('utf8').replace(/\r?\n$/, '');
    if (holdsControls(value)) throw problem('there are control characters in it, such as a newline before its end');
    values[name] = value;
  }
  return values;
}

const words: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file',
  ENOTDIR: 'there is no such file',
  EACCES: 'no permission to read the file',
  EPERM: 'no permission to read the file',
  HUNG: 'the file system does not answer',
};

/** Undefined: no regular file. One byte more than may be, so that it shows. */
async function contentOf(path: string): Promise<Buffer | undefined> {
  const file = await open(path, openFlags);
  try {
    return (await file.stat()).isFile() ? await firstBytes(file, maxBytes + 1) : undefined;
  } finally {
    await file.close();
  }
}

async function firstBytes(file: FileHandle, limit: number): Promise<Buffer> {
  const buffer = Buffer.alloc(limit);
  let length = 0;
  for (let got = 1; got > 0 && length < limit; length += got) got = (await file.read(buffer, length, limit - length, null)).bytesRead;
  return buffer.subarray(0, length);
}

/** All but the tab, see RFC 9110 section 5.5. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: finding them is the point
const holdsControls = (value: string): boolean => /[\u0000-\u0008\u000a-\u001f\u007f]/.test(value);
