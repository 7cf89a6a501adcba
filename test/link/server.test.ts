import { expect, it } from 'vitest';
import { createFrameReader, decodeMessage, encodeCommit, MalformedFrame } from '../../src/link/codec.ts';
import { constants, type Effect } from '../../src/link/messages.ts';
import { createLinkServer, type SlotRecord } from '../../src/link/server.ts';

const facts = { flags: 0, main_token: 0, stop_signal: 0, command: [] };
const slot = (token: number, role: number): SlotRecord => ({
  token,
  role,
  pid: 7,
  spawnedMs: 1,
  state: constants.slotStates.values.running,
});
const { main, helper } = constants.roles.values;

function connected() {
  const server = createLinkServer<SlotRecord>(() => 5);
  const connect = () => {
    const reader = createFrameReader();
    const told: unknown[] = [];
    server.connect((bytes) => told.push(...reader.push(bytes).map(decodeMessage)), facts);
    return told;
  };
  return { server, connect };
}

it('tells the next controller what the last one did not acknowledge, and the memo', () => {
  const { server, connect } = connected();
  connect();
  server.slots.set(1, slot(1, main));
  server.emit({ kind: 'spawned', token: 1, pid: 7 });
  server.emit({ kind: 'stopping', signo: 15 });
  server.receive(encodeCommit(1, Buffer.from('state'), []), () => {});
  server.disconnect();
  server.emit({ kind: 'gone', token: 1, killed: 0 });
  const told = connect();
  expect(told).toMatchObject([
    { kind: 'hello', generation: 1, next_seq: 4, slots: 1, memo: Buffer.from('state') },
    { kind: 'slot', token: 1, pid: 7 },
    { kind: 'stopping', seq: 2, at_ms: 5 },
    { kind: 'gone', seq: 3 },
  ]);
});

it('frees a slot with the event that ends its story', () => {
  const { server } = connected();
  for (const [token, role] of [
    [1, main],
    [2, helper],
    [3, helper],
  ] as const)
    server.slots.set(token, slot(token, role));
  const end = { kind: 'exited', pid: 7, status: 0, cause: 0, output: Buffer.alloc(0), output_total: 0 } as const;
  server.emit({ ...end, token: 1 });
  server.emit({ ...end, token: 2 });
  server.receive(encodeCommit(2, undefined, []), () => {});
  expect([...server.slots.keys()]).toEqual([1, 3]);
  server.emit({ kind: 'gone', token: 1, killed: 0 });
  server.receive(encodeCommit(3, undefined, []), () => {});
  expect([...server.slots.keys()]).toEqual([3]);
});

it('takes a commit in pieces, once it is whole, and drops half a one with its controller', () => {
  const { server, connect } = connected();
  const applied: Effect[] = [];
  const commit = encodeCommit(0, undefined, [{ kind: 'exit', code: 3 }]);
  connect();
  server.receive(commit.subarray(0, 9), (effect) => applied.push(effect));
  expect(applied).toEqual([]);
  server.receive(commit.subarray(9), (effect) => applied.push(effect));
  expect(applied).toEqual([{ kind: 'exit', code: 3 }]);
  server.receive(commit.subarray(0, 9), () => {});
  connect();
  server.receive(commit, (effect) => applied.push(effect));
  expect(applied).toHaveLength(2);
});

it('refuses an acknowledgement of what was never told, whole', () => {
  const { server } = connected();
  const nothing = () => expect.unreachable();
  expect(() => server.receive(encodeCommit(1, Buffer.from('x'), [{ kind: 'exit', code: 3 }]), nothing)).toThrow(MalformedFrame);
  expect(server.memo).toHaveLength(0);
});
