import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  createFrameReader,
  decodeFromInit,
  decodeMessage,
  encodeCommit,
  encodeEffect,
  encodeMessage,
  MalformedFrame,
} from '../../src/link/codec.ts';
import {
  type Fields,
  type FieldType,
  type MessageName,
  maxFrameBytes,
  maxMemoBytes,
  messages,
  protocolVersion,
} from '../../src/link/messages.ts';

const names = Object.keys(messages) as MessageName[];
const bytes = fc.uint8Array({ maxLength: 40 }).map((array) => Buffer.from(array));
const values: Record<FieldType, fc.Arbitrary<unknown>> = {
  u8: fc.integer({ min: 0, max: 0xff }),
  u16: fc.integer({ min: 0, max: 0xffff }),
  u32: fc.integer({ min: 0, max: 0xffff_ffff }),
  i32: fc.integer({ min: -0x8000_0000, max: 0x7fff_ffff }),
  u64: fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER }),
  bytes,
  list: fc.array(bytes, { maxLength: 6 }),
};
const fieldsOf = (name: MessageName): fc.Arbitrary<Fields<MessageName>> =>
  fc.record(
    Object.fromEntries(Object.entries(messages[name].fields).map(([field, type]) => [field, values[type]])),
  ) as unknown as fc.Arbitrary<Fields<MessageName>>;
const anyFrame = fc
  .constantFrom(...names)
  .chain((name) => fieldsOf(name).map((fields) => ({ name, fields, frame: encodeMessage(name, fields) })));

describe('codec', () => {
  test('what is encoded decodes to the same', () => {
    fc.assert(
      fc.property(anyFrame, ({ name, fields, frame }) => {
        expect(frame.readUInt32LE()).toBe(frame.length - 4);
        expect(decodeMessage(frame.subarray(4))).toEqual({ kind: name, ...fields });
      }),
      { numRuns: 500 },
    );
  });

  test('random bytes give a message or MalformedFrame, nothing else', () => {
    const almost = fc
      .tuple(fc.constantFrom(...names), fc.uint8Array({ maxLength: 120 }))
      .map(([name, rest]) => Buffer.from([protocolVersion, messages[name].type, ...rest]));
    fc.assert(
      fc.property(
        fc.oneof(
          almost,
          fc.uint8Array({ maxLength: 80 }).map((array) => Buffer.from(array)),
        ),
        (frame) => {
          try {
            decodeMessage(frame);
          } catch (error) {
            expect(error).toBeInstanceOf(MalformedFrame);
          }
        },
      ),
      { numRuns: 3000 },
    );
  });

  test('a frame that is cut or has a byte more is refused', () => {
    fc.assert(
      fc.property(anyFrame, fc.nat(), ({ frame }, cut) => {
        const body = frame.subarray(4);
        expect(() => decodeMessage(body.subarray(0, cut % body.length))).toThrow(MalformedFrame);
        expect(() => decodeMessage(Buffer.concat([body, Buffer.from([0])]))).toThrow(MalformedFrame);
      }),
      { numRuns: 300 },
    );
  });

  test('a list that claims four milliards of items is refused before it is allocated', () => {
    const frame = Buffer.concat([
      Buffer.from([protocolVersion, messages.commit.type]),
      Buffer.alloc(8 + 1 + 4),
      Buffer.from([0xff, 0xff, 0xff, 0xff]),
    ]);
    expect(() => decodeMessage(frame)).toThrow(/beyond its frame/);
  });

  test('another version, an unknown type and a message of the wrong side are refused', () => {
    const stop = encodeEffect({ kind: 'stop', token: 1, signo: 15, timeout_ms: 0 });
    expect(() => decodeFromInit(stop)).toThrow(/does not come from init/);
    const other = Buffer.from(stop);
    other[0] = protocolVersion + 1;
    expect(() => decodeMessage(other)).toThrow(/version/);
    other[0] = protocolVersion;
    other[1] = 200;
    expect(() => decodeMessage(other)).toThrow(/unknown message type/);
  });

  test.each([
    ['u8', { kind: 'exit', code: 256 }],
    ['negative', { kind: 'exit', code: -1 }],
    ['fraction', { kind: 'exit', code: 0.5 }],
    ['NaN', { kind: 'exit', code: Number.NaN }],
    ['u32', { kind: 'stop', token: 2 ** 32, signo: 1, timeout_ms: 0 }],
  ] as const)('a value out of range is refused: %s', (_, effect) => {
    expect(() => encodeEffect(effect)).toThrow(MalformedFrame);
  });

  test('a frame or memo beyond its limit is refused on our side already', () => {
    expect(() => encodeCommit(0, Buffer.alloc(maxMemoBytes + 1), [])).toThrow(/memo/);
    expect(() => encodeMessage('commit', { ack: 0, has_memo: 1, memo: Buffer.alloc(maxFrameBytes), effects: [] })).toThrow(/more than/);
  });

  test('a commit carries its effects as frames in a row', () => {
    const frame = encodeCommit(7, Buffer.from('{}'), [
      { kind: 'exit', code: 3 },
      { kind: 'stop', token: 1, signo: 15, timeout_ms: 9 },
    ]);
    const commit = decodeMessage(frame.subarray(4));
    if (commit.kind !== 'commit') throw new Error(commit.kind);
    expect(commit).toMatchObject({ ack: 7, has_memo: 1 });
    expect(commit.effects.map(decodeMessage)).toEqual([
      { kind: 'exit', code: 3 },
      { kind: 'stop', token: 1, signo: 15, timeout_ms: 9 },
    ]);
  });
});

describe('FrameReader', () => {
  test('frames come out the same, however the stream is cut', () => {
    fc.assert(
      fc.property(
        fc.array(anyFrame, { maxLength: 8 }),
        fc.array(fc.integer({ min: 1, max: 30 }), { minLength: 1, maxLength: 20 }),
        (frames, cuts) => {
          const stream = Buffer.concat(frames.map(({ frame }) => frame));
          const reader = createFrameReader();
          const got: Buffer[] = [];
          for (let at = 0, turn = 0; at < stream.length; turn += 1) {
            const end = at + (cuts[turn % cuts.length] ?? 1);
            got.push(...reader.push(stream.subarray(at, end)));
            at = end;
          }
          expect(Buffer.concat(got)).toEqual(Buffer.concat(frames.map(({ frame }) => frame.subarray(4))));
          expect(reader.pending).toBe(0);
        },
      ),
    );
  });

  test.each([0, 1, maxFrameBytes + 1, 0xffff_ffff])('a length of %d is refused', (length) => {
    const head = Buffer.alloc(4);
    head.writeUInt32LE(length);
    expect(() => createFrameReader().push(head)).toThrow(MalformedFrame);
  });

  test('an incomplete frame stays pending', () => {
    const reader = createFrameReader();
    const frame = encodeCommit(1, undefined, []);
    expect(reader.push(frame.subarray(0, frame.length - 1))).toEqual([]);
    expect(reader.pending).toBe(frame.length - 1);
    expect(reader.push(frame.subarray(frame.length - 1))).toHaveLength(1);
  });
});
