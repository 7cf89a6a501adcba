/**
 * Where the control socket is, for both of its ends: in a directory of our own, which nobody else may enter, below the first of a few places that can
 * be written. Containers of a pod share /dev/shm, so that one's directory is named after the container's own mount namespace.
 */
import { accessSync, chmodSync, constants, lstatSync, mkdirSync, statSync } from 'node:fs';
import { connect } from 'node:net';
import { dirname, join } from 'node:path';

export interface Place {
  readonly socket: string;
  /** Ours, where it is; undefined for a socket whose path was set: its directory is somebody else's. */
  readonly directory: string | undefined;
}

const socketName = 'reinit.sock';
const ownerOnly = 0o700;
/** sun_path of unix(7), with its final zero. */
const longestPath = 107;

/** In the order in which both ends try them. */
export function candidatePlaces(own: string = namespaceId()): Place[] {
  return ['/run/reinit', `/dev/shm/reinit-${own}`, '/tmp/reinit'].map((directory) => ({ directory, socket: join(directory, socketName) }));
}

function namespaceId(): string {
  try {
    return String(statSync('/proc/self/ns/mnt').ino);
  } catch {
    return 'self';
  }
}

export interface NoPlace {
  readonly problem: string;
}

/**
 * The first place that can be used, and where nobody answers: a former controller is gone, so it is somebody else's.
 *
 * @param setting `auto`, `off`, or a path
 */
export async function choosePlace(setting: string, candidates: readonly Place[] = candidatePlaces()): Promise<Place | NoPlace> {
  if (setting === 'off') return { problem: 'it is off (control_socket)' };
  const problems: string[] = [];
  for (const place of setting === 'auto' ? candidates : [{ socket: setting, directory: undefined }]) {
    const problem = unusable(place) ?? (await taken(place));
    if (problem === undefined) return place;
    problems.push(problem);
  }
  return { problem: problems.join('; ') };
}

function unusable({ socket, directory }: Place): string | undefined {
  if (directory !== undefined) return makeDirectory(directory);
  if (Buffer.byteLength(socket) > longestPath) return `${socket} is longer than ${longestPath} bytes`;
  try {
    accessSync(dirname(socket), constants.W_OK);
    return undefined;
  } catch (error) {
    return `${dirname(socket)}: ${(error as NodeJS.ErrnoException).code}`;
  }
}

const taken = async ({ socket }: Place): Promise<string | undefined> =>
  (await isAnswered(socket)) ? `another reinit answers at ${socket}` : undefined;

/** Whether somebody listens there. */
function isAnswered(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path);
    const end = (answer: boolean): void => {
      socket.destroy();
      resolve(answer);
    };
    socket.once('connect', () => end(true));
    socket.once('error', () => end(false));
  });
}

/** A directory that somebody else could have made for us to fall into is not taken. */
function makeDirectory(directory: string): string | undefined {
  try {
    mkdirSync(directory, { mode: ownerOnly });
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code !== 'EEXIST') return `${directory}: ${code}`;
  }
  try {
    const stats = lstatSync(directory);
    if (!stats.isDirectory() || stats.uid !== process.geteuid?.()) return `${directory} is somebody else's`;
    if ((stats.mode & 0o077) !== 0) chmodSync(directory, ownerOnly);
    accessSync(directory, constants.W_OK | constants.X_OK);
    return undefined;
  } catch (error) {
    return `${directory}: ${(error as NodeJS.ErrnoException).code}`;
  }
}
