/** Asks init for what it has counted. An answer that does not come costs nobody more than a moment. */
import { clearTimeout, setTimeout } from 'node:timers';
import type { Counted } from './messages.ts';

export interface Counting {
  /** Whoever asks while somebody waits gets the same answer. Rejects never. */
  readonly ask: () => Promise<Counted | undefined>;
  answer(counted: Counted): void;
}

/** init answers in its next turn. */
const patienceMs = 1_000;

export function createCounting(send: (id: number) => void): Counting {
  let id = 0;
  let waiting: { readonly answer: Promise<Counted | undefined>; end(counted: Counted | undefined): void } | undefined;

  function begin(): Promise<Counted | undefined> {
    id += 1;
    const { promise: answer, resolve } = Promise.withResolvers<Counted | undefined>();
    const end = (counted: Counted | undefined): void => {
      clearTimeout(timer);
      waiting = undefined;
      resolve(counted);
    };
    const timer = setTimeout(end, patienceMs, undefined);
    waiting = { answer, end };
    send(id);
    return answer;
  }

  return {
    ask: () => waiting?.answer ?? begin(),
    answer(counted) {
      // A late answer to a former question says less than the one that is on its way.
      if (counted.id === id) waiting?.end(counted);
    },
  };
}
