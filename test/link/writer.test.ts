import { expect, test } from 'vitest';
import { createFrameWriter, type KillPoint } from '../../src/link/writer.ts';

const again = (): never => {
  throw Object.assign(new Error('again'), { code: 'EAGAIN' });
};

test('frames leave whole and in order where the socket takes little or nothing at a time', async () => {
  const out: Buffer[] = [];
  let calls = 0;
  const writer = createFrameWriter((bytes) => {
    calls += 1;
    if (calls % 3 === 0) return again();
    out.push(Buffer.from(bytes.subarray(0, 5)));
    return Math.min(5, bytes.length);
  });
  const frames = Array.from({ length: 20 }, (_, index) => Buffer.alloc(7 + index, index));
  for (const frame of frames) writer.write(frame);
  await expect.poll(() => writer.pending, { timeout: 30_000 }).toBe(0);
  expect(Buffer.concat(out)).toEqual(Buffer.concat(frames));
});

test('every moment of a frame can be hooked, and just so much has left by then', () => {
  let sent = 0;
  const seen: [KillPoint, number, number][] = [];
  const writer = createFrameWriter(
    (bytes) => {
      sent += bytes.length;
      return bytes.length;
    },
    (point, frame) => seen.push([point, frame, sent]),
  );
  writer.write(Buffer.alloc(10));
  writer.write(Buffer.alloc(21));
  expect(seen).toEqual([
    ['before', 0, 0],
    ['half', 0, 5],
    ['after', 0, 10],
    ['before', 1, 10],
    ['half', 1, 20],
    ['after', 1, 31],
  ]);
});

test('another error than a full socket is not hidden', () => {
  const writer = createFrameWriter(() => {
    throw Object.assign(new Error('gone'), { code: 'EPIPE' });
  });
  expect(() => writer.write(Buffer.alloc(1))).toThrow('gone');
});
