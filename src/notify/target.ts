/** Tells one target, one event after the other. Nothing here is waited for, and nothing that a server does can stop it. */
import type { NotifyTarget } from '../config/model.ts';
import { call } from '../probe/call.ts';
import type { NotifyEvent } from './events.ts';
import { formOf, type Pod } from './forms.ts';
import { dueAt, type Gathered, gather, nextDue, nothingGathered, toldOf } from './gather.ts';

export interface TargetWorld {
  /** ms since the epoch. */
  now(): number;
  later(ms: number, call: () => void): void;
  /** One line, as it is. */
  print(line: string): void;
  /** `problem`: what has kept it from being told, from working to not working; undefined: it works again. */
  changed(problem: string | undefined): void;
  /** Events that were lost for want of room. */
  lost(count: number): void;
  readonly pod: Pod;
  /** Before the first retry; it doubles each time. */
  readonly retryDelayMs: number;
}

const retries = 4;

/** @returns what takes an event */
export function openTarget(target: NotifyTarget, world: TargetWorld): (event: NotifyEvent) => void {
  let gathering = nothingGathered;
  let [busy, works, armedFor] = [false, true, Number.POSITIVE_INFINITY];
  const never = new AbortController().signal;

  function next(): void {
    const now = world.now();
    if (busy) return;
    const due = nextDue(gathering, now);
    if (!due) {
      arm(now);
      return;
    }
    busy = true;
    void tell(due).then((problem) => {
      busy = false;
      gathering = toldOf(gathering, due, world.now());
      if ((problem === undefined) !== works) world.changed(problem);
      works = problem === undefined;
      if (gathering.dropped > 0) world.lost(gathering.dropped);
      gathering = { ...gathering, dropped: 0 };
      next();
    });
  }

  function arm(now: number): void {
    const at = dueAt(gathering);
    if (at === undefined || at >= armedFor) return;
    armedFor = at;
    world.later(at - now, () => {
      armedFor = Number.POSITIVE_INFINITY;
      next();
    });
  }

  async function tell(gathered: Gathered): Promise<string | undefined> {
    const body = formOf(gathered, world.pod, target);
    const { url, headers, header_files, timeout } = target;
    if (url === undefined) {
      world.print(body);
      return undefined;
    }
    return call(
      {
        url,
        method: 'POST',
        headers: { 'Content-Type': 'application/json', ...headers },
        header_files,
        body,
        expected_status: [[200, 299]],
        timeout,
        retries,
        retry_delay: world.retryDelayMs,
        setting: 'notify',
        secretPath: true,
      },
      never,
    );
  }

  return (event) => {
    if (!target.events.includes(event.kind)) return;
    gathering = gather(gathering, event, world.now());
    next();
  };
}
