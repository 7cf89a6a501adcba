/**
 * Frames to bytes and back, driven by the one table of messages.
 *
 * Nothing here trusts its input: whatever is not exactly one well-formed message throws `MalformedFrame`.
 */
import {
  type Effect,
  type Fields,
  type FieldType,
  type FromInit,
  type MessageName,
  maxFrameBytes,
  maxMemoBytes,
  messages,
  protocolVersion,
} from './messages.ts';

/** The other side broke the protocol, or was asked to. Its message names the place; it never holds bytes of the frame. */
export class MalformedFrame extends Error {
  override readonly name = 'MalformedFrame';
}

export type Commit = Fields<'commit'>;
/** Any message with its name, as decoded. */
export type AnyMessage = { [N in MessageName]: { readonly kind: N } & Fields<N> }[MessageName];

type Value = number | Buffer | readonly Buffer[];

const lengthBytes = 4;
/** version and type */
const headBytes = 2;
const limits = {
  u8: [0, 0xff],
  u16: [0, 0xffff],
  u32: [0, 0xffff_ffff],
  i32: [-0x8000_0000, 0x7fff_ffff],
  u64: [0, Number.MAX_SAFE_INTEGER],
} as const;
const integerBytes = { u8: 1, u16: 2, u32: 4, i32: 4, u64: 8 } as const;
type Integer = keyof typeof limits;

const nameOfType = new Map<number, MessageName>();
for (const name of Object.keys(messages) as MessageName[]) nameOfType.set(messages[name].type, name);

const fieldsOf = (name: MessageName): [string, FieldType][] => Object.entries(messages[name].fields);

/** Encodes one message as a whole frame, its length in front. @throws MalformedFrame where a value does not fit its field or the frame its limit. */
export function encodeMessage<N extends MessageName>(name: N, fields: Fields<N>): Buffer {
  const values = fields as Readonly<Record<string, Value>>;
  const parts = fieldsOf(name).map(([field, type]) => encodeField(type, values[field], `${name}.${field}`));
  const body = Buffer.concat([Buffer.from([protocolVersion, messages[name].type]), ...parts]);
  if (body.length > maxFrameBytes) throw new MalformedFrame(`${name} has ${body.length} bytes, more than ${maxFrameBytes}`);
  return Buffer.concat([encodeInteger('u32', body.length, name), body]);
}

/** An effect as it stands in `commit.effects`: a frame whose length is the list's own. */
export function encodeEffect(effect: Effect): Buffer {
  return encodeMessage(effect.kind, effect as never).subarray(lengthBytes);
}

/** Encodes a commit. @throws MalformedFrame as encodeMessage, or where the memo is longer than its limit. */
export function encodeCommit(ack: number, memo: Buffer | undefined, effects: readonly Effect[]): Buffer {
  if (memo && memo.length > maxMemoBytes) throw new MalformedFrame(`the memo has ${memo.length} bytes, more than ${maxMemoBytes}`);
  return encodeMessage('commit', { ack, has_memo: memo ? 1 : 0, memo: memo ?? Buffer.alloc(0), effects: effects.map(encodeEffect) });
}

function encodeField(type: FieldType, value: Value | undefined, place: string): Buffer {
  if (type === 'list') {
    if (!Array.isArray(value)) throw new MalformedFrame(`${place} is no list`);
    return Buffer.concat([encodeInteger('u32', value.length, place), ...value.map((item: Value) => encodeField('bytes', item, place))]);
  }
  if (type === 'bytes') {
    if (!Buffer.isBuffer(value)) throw new MalformedFrame(`${place} is no Buffer`);
    return Buffer.concat([encodeInteger('u32', value.length, place), value]);
  }
  if (typeof value !== 'number') throw new MalformedFrame(`${place} is no number`);
  return encodeInteger(type, value, place);
}

function encodeInteger(type: Integer, value: number, place: string): Buffer {
  const [least, most] = limits[type];
  if (!Number.isInteger(value) || value < least || value > most) throw new MalformedFrame(`${place} is ${value}, no ${type}`);
  const bytes = Buffer.alloc(integerBytes[type]);
  if (type === 'u64') bytes.writeBigUInt64LE(BigInt(value));
  else if (type === 'i32') bytes.writeInt32LE(value);
  else bytes.writeUIntLE(value, 0, integerBytes[type]);
  return bytes;
}

/** Decodes a frame without its length. @throws MalformedFrame */
export function decodeMessage(frame: Buffer): AnyMessage {
  if (frame.length < headBytes) throw new MalformedFrame(`a frame of ${frame.length} bytes`);
  if (frame[0] !== protocolVersion) throw new MalformedFrame(`version ${frame[0]}, not ${protocolVersion}`);
  const name = nameOfType.get(frame[1] ?? -1);
  if (name === undefined) throw new MalformedFrame(`unknown message type ${frame[1]}`);
  const input: Input = { bytes: frame, at: headBytes };
  const fields = fieldsOf(name).map(([field, type]): [string, Value] => [field, decodeField(input, type, `${name}.${field}`)]);
  if (input.at !== frame.length) throw new MalformedFrame(`${name} has ${frame.length - input.at} bytes too many`);
  // The table gave names and types of the fields: this is the one place where bytes become a typed message.
  return { kind: name, ...Object.fromEntries(fields) } as unknown as AnyMessage;
}

/** As decodeMessage, for what init may send. */
export function decodeFromInit(frame: Buffer): FromInit {
  const message = decodeMessage(frame);
  if (messages[message.kind].from !== 'init') throw new MalformedFrame(`${message.kind} does not come from init`);
  return message as FromInit;
}

interface Input {
  readonly bytes: Buffer;
  at: number;
}

function take(input: Input, count: number, place: string): Buffer {
  if (count > input.bytes.length - input.at) throw new MalformedFrame(`${place} goes beyond its frame`);
  const taken = input.bytes.subarray(input.at, input.at + count);
  input.at += count;
  return taken;
}

function decodeField(input: Input, type: FieldType, place: string): Value {
  if (type === 'list') {
    const count = decodeInteger(input, 'u32', place);
    // Each item takes 4 bytes at least: a count beyond that is refused before anything is allocated for it.
    if (count * lengthBytes > input.bytes.length - input.at) throw new MalformedFrame(`${place} goes beyond its frame`);
    return Array.from({ length: count }, () => decodeField(input, 'bytes', place) as Buffer);
  }
  if (type === 'bytes') return take(input, decodeInteger(input, 'u32', place), place);
  return decodeInteger(input, type, place);
}

function decodeInteger(input: Input, type: Integer, place: string): number {
  const bytes = take(input, integerBytes[type], place);
  if (type === 'u64') return Number(bytes.readBigUInt64LE() & BigInt(Number.MAX_SAFE_INTEGER));
  if (type === 'i32') return bytes.readInt32LE();
  return bytes.readUIntLE(0, integerBytes[type]);
}

/** Cuts a stream of bytes into frames, however the bytes arrive. */
export interface FrameReader {
  /** Takes bytes in; returns the frames (without their lengths) that are complete now. @throws MalformedFrame on an impossible length. */
  push(bytes: Buffer): Buffer[];
  /** Bytes of a frame that is not complete yet. */
  readonly pending: number;
}

export function createFrameReader(): FrameReader {
  let chunks: Buffer[] = [];
  let size = 0;
  /** How many bytes the next step needs: joining chunks before that would cost the square of a big frame. */
  let wanted = lengthBytes;
  return {
    push(bytes) {
      chunks.push(bytes);
      size += bytes.length;
      if (size < wanted) return [];
      const { frames, rest } = cut(chunks.length === 1 ? bytes : Buffer.concat(chunks, size));
      chunks = rest.length > 0 ? [rest] : [];
      size = rest.length;
      wanted = size < lengthBytes ? lengthBytes : lengthBytes + rest.readUInt32LE();
      return frames;
    },
    get pending() {
      return size;
    },
  };
}

function cut(bytes: Buffer): { frames: Buffer[]; rest: Buffer } {
  const frames: Buffer[] = [];
  let at = 0;
  while (bytes.length - at >= lengthBytes) {
    const length = bytes.readUInt32LE(at);
    if (length > maxFrameBytes || length < headBytes) throw new MalformedFrame(`a frame length of ${length}`);
    if (bytes.length - at - lengthBytes < length) break;
    frames.push(bytes.subarray(at + lengthBytes, at + lengthBytes + length));
    at += lengthBytes + length;
  }
  return { frames, rest: bytes.subarray(at) };
}
