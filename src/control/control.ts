/**
 * The control socket's side of the controller: requests become events of the core, answers are what became of them. It is a bundle of its own, loaded
 * once the application has been started. What must never happen: a request that blocks, ends or slows the supervisor.
 */
import type { Config } from '../config/model.ts';
import type { Event, State } from '../core/state.ts';
import type { Journal } from '../journal/journal.ts';
import type { Counted } from '../link/messages.ts';
import type { Log } from '../log/log.ts';
import { serve } from './connection.ts';
import type { Place } from './place.ts';
import { type Answer, controlVersion, type Problem, type ReinitStatus } from './protocol.ts';
import type { Watched } from './report.ts';
import { readRequest } from './request.ts';
import { listenAt } from './server.ts';
import { handle } from './verbs.ts';

/** What of the controller the socket reaches. */
export interface Controller {
  readonly config: Config;
  readonly reinit: ReinitStatus;
  readonly journal: Journal;
  readonly state: () => State;
  dispatch(events: readonly Event[]): void;
  /** After each step; returns what takes that back. */
  onStep(listener: () => void): () => void;
  /** What init has counted; undefined: it does not say. Rejects never. */
  count(): Promise<Pick<Counted, 'orphans' | 'forwarded'> | undefined>;
  /** ms of CLOCK_BOOTTIME. */
  now(): number;
  /** How a rule is watched now. */
  watched(rule: string): Watched;
  /** Looks at the files of a rule now. */
  look(rule: string): void;
  /** Stops the container as its engine would. */
  stop(signo: number): void;
}

export async function startControl(place: Place, controller: Controller, log: Log): Promise<void> {
  try {
    await listenAt(place.socket, (socket) =>
      serve(socket, async (line, connection) => {
        const read = readRequest(line);
        const { id } = read;
        const refuse = (error: Problem): Answer => ({ v: controlVersion, id, ok: false, error });
        if ('error' in read) {
          connection.send(refuse(read.error));
          return;
        }
        const answer = await handle(read.request, controller, {
          entry: (entry) => connection.send({ v: controlVersion, id, entry }),
          onGone: connection.onGone,
        });
        connection.send('error' in answer ? refuse(answer.error) : { v: controlVersion, id, ok: true, result: answer.result });
      }),
    );
    log.say('debug', `the control socket is ${place.socket}`, { event: 'control_socket', path: place.socket });
  } catch (error) {
    log.say('warn', `no control socket: ${place.socket}: ${(error as Error).message}`, { event: 'no_control_socket', path: place.socket });
  }
}
