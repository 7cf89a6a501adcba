/** The asking end of the control socket. */
import { connect, type Socket } from 'node:net';
import { candidatePlaces } from '../control/place.ts';
import { type Answer, controlVersion, type Problem, type Request } from '../control/protocol.ts';
import type { Entry } from '../journal/journal.ts';

/** Nobody can be asked. The message is for people. */
export class NotReached extends Error {
  override readonly name = 'NotReached';
}

/** Was asked, and says no. */
export class Refused extends Error {
  override readonly name = 'Refused';
  readonly problem: Problem;
  constructor(problem: Problem) {
    super(problem.hint === undefined ? problem.message : `${problem.message}. ${problem.hint}`);
    this.problem = problem;
  }
}

export interface Asking {
  /** A path that somebody has named; undefined: the usual places. */
  readonly socket: string | undefined;
  /** Each of several answers. */
  readonly onEntry?: (entry: Entry) => void;
  /** At the latest then there has to be an answer, in ms. */
  readonly timeoutMs?: number;
}

/** Resolves to the result. @throws NotReached, Refused */
export async function ask<T>(request: Request, { socket: path, onEntry, timeoutMs }: Asking): Promise<T> {
  const socket = await reach(path);
  return new Promise<T>((resolve, reject) => {
    let rest = '';
    const fail = (message: string): void => reject(new NotReached(message));
    const take = (line: string): void => {
      const answer = JSON.parse(line) as Answer;
      if ('entry' in answer) onEntry?.(answer.entry);
      else {
        if (answer.ok) resolve(answer.result as T);
        else reject(new Refused(answer.error));
        socket.destroy();
      }
    };
    socket.setEncoding('utf8');
    socket.on('data', (text: string) => {
      const lines = (rest + text).split('\n');
      rest = lines.pop() ?? '';
      try {
        for (const line of lines) take(line);
      } catch {
        fail('what answers at the control socket is no reinit');
        socket.destroy();
      }
    });
    socket.on('error', (error) => fail(error.message));
    socket.on('close', () => fail('reinit has closed the connection: its controller was busy, or was started again. Ask again.'));
    if (timeoutMs !== undefined) {
      socket.setTimeout(timeoutMs, () => {
        fail(`no answer within ${timeoutMs} ms`);
        socket.destroy();
      });
    }
    socket.write(`${JSON.stringify({ v: controlVersion, id: 1, ...request })}\n`);
  });
}

async function reach(path: string | undefined): Promise<Socket> {
  const tried: string[] = [];
  for (const place of path === undefined ? candidatePlaces().map(({ socket }) => socket) : [path]) {
    try {
      return await open(place);
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === 'EACCES' || code === 'EPERM') {
        throw new NotReached(`${place} is for the user that reinit runs as, and for root: use docker exec -u, or sudo`);
      }
      tried.push(`${place}: ${code}`);
    }
  }
  throw new NotReached(
    `no running reinit is reached (${tried.join('; ')}). Does it run with a configuration (a plain init has no controller), and in this container? For a socket elsewhere give --socket, or set REINIT_CONTROL_SOCKET.`,
  );
}

const open = (path: string): Promise<Socket> =>
  new Promise((resolve, reject) => {
    const socket = connect(path);
    socket.once('connect', () => {
      socket.off('error', reject);
      resolve(socket);
    });
    socket.once('error', reject);
  });
