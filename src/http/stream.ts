/** Server-sent events: what is so now, what happens from here on, and what the application uses, until the reader leaves or no longer reads. */
import type { ServerResponse } from 'node:http';
import { clearTimeout, setInterval, setTimeout } from 'node:timers';
import type { Controller } from '../control/control.ts';
import { reportOf } from '../control/report.ts';
import { safeHeaders } from './answers.ts';
import type { Usage } from './usage.ts';

/** Each is a connection that stays. */
export const mostReaders = 16;
/** What a reader may be behind. */
const mostUnread = 256 * 1024;
/** Steps come in bursts: what they lead to is told once. */
const gatherMs = 200;
/** Proxies close what is silent for a minute or half of one. */
const heartbeatMs = 15_000;
const sampleMs = 2_000;

export interface Stream {
  readonly full: boolean;
  join(response: ServerResponse): void;
}

export function createStream(controller: Controller, usage: Usage): Stream {
  const readers = new Set<ServerResponse>();
  let stop = (): void => {};

  function push(text: string): void {
    for (const reader of readers) {
      reader.write(text);
      if (reader.writableLength <= mostUnread) continue;
      reader.destroy();
      leave(reader);
    }
  }

  /** Nothing is done where nobody reads. */
  function start(): () => void {
    let last = keyOf(controller);
    let gathering: NodeJS.Timeout | undefined;
    let sampling = false;
    const tell = (): void => {
      gathering = undefined;
      const key = keyOf(controller);
      if (key === last) return;
      last = key;
      push(statusEvent(controller));
    };
    const sample = async (): Promise<void> => {
      if (sampling) return;
      sampling = true;
      const used = await usage();
      sampling = false;
      push(event('usage', used ?? null));
    };
    const offStep = controller.onStep(() => {
      gathering ??= setTimeout(tell, gatherMs);
    });
    const offEntry = controller.journal.subscribe((entry) => push(event('entry', entry)));
    const timers = [setInterval(() => push(': still here\n\n'), heartbeatMs), setInterval(() => void sample(), sampleMs)];
    return () => {
      offStep();
      offEntry();
      clearTimeout(gathering);
      for (const timer of timers) clearTimeout(timer);
    };
  }

  function leave(reader: ServerResponse): void {
    if (readers.delete(reader) && readers.size === 0) stop();
  }

  return {
    get full() {
      return readers.size >= mostReaders;
    },
    join(response) {
      response.writeHead(200, { ...safeHeaders, 'content-type': 'text/event-stream; charset=utf-8' });
      response.on('close', () => leave(response));
      response.write(`retry: 2000\n\n${statusEvent(controller)}`);
      if (readers.size === 0) stop = start();
      readers.add(response);
    },
  };
}

/** A line break would end the data; JSON has none. */
const event = (name: string, value: unknown): string => `event: ${name}\ndata: ${JSON.stringify(value)}\n\n`;

const statusEvent = (controller: Controller): string => event('status', reportOf(controller, Date.now()));

/** To be compared, its times are those of the state: as dates they move a little with each look at two clocks. */
const keyOf = (controller: Controller): string => JSON.stringify(reportOf({ ...controller, now: () => 0 }, 0));
