/**
 * The dull part: events into a queue, the queue through `transition`, what comes out of it to init, the watches, the timer and the log.
 * One commit a batch, which carries acknowledgement, state and effects together: whenever this process dies, all of a batch happened or none.
 */
import type { Config } from '../config/model.ts';
import type { Job, JobResult } from '../core/jobs.ts';
import { encodeMemo } from '../core/memo.ts';
import type { Note } from '../core/notes.ts';
import { pendingJobs, pendingReads } from '../core/pending.ts';
import { policiesOf } from '../core/policy.ts';
import type { Reading } from '../core/reading.ts';
import type { Command, Event, State, Step } from '../core/state.ts';
import { transition } from '../core/supervisor.ts';
import { nextDeadline } from '../core/turns.ts';
import type { Link } from '../link/client.ts';
import type { Effect } from '../link/messages.ts';
import type { Clock } from './clock.ts';

export interface World {
  readonly link: Pick<Link, 'commit'>;
  readonly clock: Clock;
  readonly config: Config;
  effectsOf(command: Command): readonly Effect[];
  /** Reads a rule's files; undefined where that cannot be done consistently. Rejects never. */
  read(rule: string): Promise<Reading | undefined>;
  /** Does what the machines wait for. Rejects never. */
  work(job: Job, state: State): Promise<JobResult>;
  /** After each step: what is kept elsewhere follows the state. */
  observe(state: State): void;
  /** Calls once after so many ms; returns what takes that back. */
  later(ms: number, call: () => void): () => void;
  note(note: Note): void;
  /** Another configuration is in force than the one that this process runs on. */
  isSuperseded(state: State): boolean;
  /** Ends this process: the next one begins on that. */
  handOver(): void;
  /** Before an `exit`: init ends this process too, so what was said has to be out. */
  drain(): void;
}

export interface Driver {
  dispatch(events: readonly Event[]): void;
  readonly state: State;
}

const longestTimerMs = 2 ** 31 - 1;

/** Commits the first step at once. */
export function startDriver(first: Step, world: World): Driver {
  let state = first.state;
  let acked = 0;
  let memo: Buffer | undefined;
  let queue: Event[] = [];
  let disarm = (): void => {};
  /** Of this process: what the last one was at is begun again. */
  const underWay = new Set<string>();

  function handle(): void {
    const batch = queue;
    queue = [];
    let ack = acked;
    const commands: Command[] = [];
    const notes: Note[] = [];
    for (const event of batch) {
      if ('seq' in event) {
        ack = event.seq;
        world.clock.passed(event.at_ms);
      }
      const step = transition(state, event, world.config);
      state = step.state;
      commands.push(...step.commands);
      notes.push(...step.notes);
      if (world.isSuperseded(state)) break; // the next one, which is told the rest again
    }
    finish(ack, commands, notes);
  }

  function finish(ack: number, commands: readonly Command[], notes: readonly Note[]): void {
    const leaving = commands.some(({ kind }) => kind === 'exit');
    if (leaving) tell(notes);
    commit(ack, commands);
    if (!leaving) tell(notes);
    if (world.isSuperseded(state)) {
      world.handOver();
      return;
    }
    arm();
    read();
    work();
    world.observe(state);
  }

  function tell(notes: readonly Note[]): void {
    for (const note of notes) world.note(note);
    if (notes.some(({ kind }) => kind === 'leaving')) world.drain();
  }

  function commit(ack: number, commands: readonly Command[]): void {
    const encoded = encodeMemo(state);
    const changed = !memo?.equals(encoded);
    if (!changed && ack === acked && commands.length === 0) return;
    world.link.commit(ack, changed ? encoded : undefined, commands.flatMap(world.effectsOf));
    memo = encoded;
    acked = ack;
  }

  /** Timers follow from the state: nothing is armed or disarmed one by one, and nothing is lost with this process. */
  function arm(): void {
    disarm();
    disarm = () => {};
    const deadline = nextDeadline(state, policiesOf(world.config.services.main));
    if (deadline === undefined) return;
    const ms = Math.min(longestTimerMs, Math.max(0, deadline - world.clock.now()));
    disarm = world.later(ms, () => dispatch([{ kind: 'timeElapsed', at: world.clock.now() }]));
  }

  /** So do the readings and the jobs that the state waits for. */
  function read(): void {
    for (const { rule, id } of pendingReads(state)) {
      once(`${id} ${rule}`, async () => ({ kind: 'read', rule, id, reading: await world.read(rule), at: world.clock.now() }));
    }
  }

  function work(): void {
    for (const job of pendingJobs(state, world.config)) {
      once(`${job.id}`, async () => ({ kind: 'jobDone', id: job.id, result: await world.work(job, state), at: world.clock.now() }));
    }
  }

  function once(key: string, begin: () => Promise<Event>): void {
    if (underWay.has(key)) return;
    underWay.add(key);
    void begin().then((event) => {
      underWay.delete(key);
      dispatch([event]);
    });
  }

  function dispatch(events: readonly Event[]): void {
    if (queue.length === 0) queueMicrotask(handle);
    queue.push(...events);
  }

  finish(0, first.commands, first.notes);
  return {
    dispatch,
    get state() {
      return state;
    },
  };
}
