/**
 * The other end of the link, without the processes: slots, events that are kept until they are acknowledged, the memo, commits taken as a whole or
 * not at all (docs/protocol.md). init has its own in C; this one is for who plays init's part in TypeScript.
 */
import { createFrameReader, decodeMessage, encodeMessage, MalformedFrame } from './codec.ts';
import { constants, type Effect, type Fields, type LinkEvent } from './messages.ts';

const { roles } = constants;

/** What hello tells of a process that was created by order. */
export interface SlotRecord {
  readonly token: number;
  readonly role: number;
  readonly pid: number;
  readonly spawnedMs: number;
  readonly state: number;
}

type Unnumbered<E> = E extends LinkEvent ? Omit<E, 'seq' | 'at_ms'> : never;
export type NewEvent = Unnumbered<LinkEvent>;

/** What of hello only the caller knows. */
export type Facts = Pick<Fields<'hello'>, 'flags' | 'main_token' | 'stop_signal' | 'command'>;

export interface LinkServer<S extends SlotRecord> {
  /** By token. Those whose story has been told and acknowledged leave by themselves. */
  readonly slots: Map<number, S>;
  readonly memo: Buffer;
  /** Controllers that there were. */
  readonly generation: number;
  readonly nextSeq: number;
  readonly unacknowledged: number;
  emit(event: NewEvent, at?: number): void;
  /** The answer to `count`: no event, and not kept. */
  counted(id: number, counters: Pick<Fields<'counted'>, 'orphans' | 'forwarded'>): void;
  /** A controller begins: hello, slots and unacknowledged events go to `send`, and whatever comes later. */
  connect(send: (bytes: Buffer) => void, facts: Facts): void;
  /** It has ended: half a frame is dropped. */
  disconnect(): void;
  /** @throws MalformedFrame, with nothing done of what is malformed */
  receive(bytes: Buffer, apply: (effect: Effect) => void): void;
}

export function createLinkServer<S extends SlotRecord>(now: () => number): LinkServer<S> {
  const slots = new Map<number, S>();
  let events: LinkEvent[] = [];
  let [seq, generation] = [1, 0];
  let memo: Buffer = Buffer.alloc(0);
  let reader = createFrameReader();
  let send: ((bytes: Buffer) => void) | undefined;

  /** An event that ends a slot's story, acknowledged, frees it. */
  function acknowledge(ack: number): void {
    for (const event of events.filter((one) => one.seq <= ack)) {
      if (event.kind === 'spawn_failed' || event.kind === 'gone') slots.delete(event.token);
      if (event.kind === 'exited' && slots.get(event.token)?.role !== roles.values.main) slots.delete(event.token);
    }
    events = events.filter((one) => one.seq > ack);
  }

  function readCommit(frame: Buffer): Fields<'commit'> & { readonly decoded: readonly Effect[] } {
    const commit = decodeMessage(frame);
    if (commit.kind !== 'commit') throw new MalformedFrame(`${commit.kind} where a commit is due`);
    if (commit.ack >= seq) throw new MalformedFrame(`it acknowledges ${commit.ack}, the last event was ${seq - 1}`);
    return { ...commit, decoded: commit.effects.map((effect) => decodeMessage(effect) as Effect) };
  }

  return {
    slots,
    get memo() {
      return memo;
    },
    get generation() {
      return generation;
    },
    get nextSeq() {
      return seq;
    },
    get unacknowledged() {
      return events.length;
    },
    emit(event, at = now()) {
      const whole = { ...event, seq, at_ms: at } as LinkEvent;
      seq += 1;
      events.push(whole);
      send?.(encodeMessage(whole.kind, whole as never));
    },
    counted(id, counters) {
      send?.(encodeMessage('counted', { id, ...counters }));
    },
    connect(write, facts) {
      send = write;
      reader = createFrameReader();
      write(encodeMessage('hello', { ...facts, generation, now_ms: now(), next_seq: seq, slots: slots.size, memo }));
      generation += 1;
      for (const { token, role, state, pid, spawnedMs } of slots.values())
        write(encodeMessage('slot', { token, role, state, pid, spawned_ms: spawnedMs }));
      for (const event of events) write(encodeMessage(event.kind, event as never));
    },
    disconnect() {
      send = undefined;
    },
    receive(bytes, apply) {
      for (const frame of reader.push(bytes)) {
        const commit = readCommit(frame);
        acknowledge(commit.ack);
        if (commit.has_memo) memo = Buffer.from(commit.memo);
        for (const effect of commit.decoded) apply(effect);
      }
    },
  };
}
