/** What a helper prints: the first and the last 8 KiB, and how much there was. */
export interface Capture {
  add(bytes: Buffer): void;
  readonly kept: Buffer;
  readonly total: number;
}

const half = 8192;

export function createCapture(): Capture {
  let [head, tail, total]: [Buffer, Buffer, number] = [Buffer.alloc(0), Buffer.alloc(0), 0];
  return {
    add(bytes) {
      const room = half - head.length;
      head = Buffer.concat([head, bytes.subarray(0, room)]);
      tail = Buffer.concat([tail, bytes.subarray(room)]).subarray(-half);
      total += bytes.length;
    },
    get kept() {
      return Buffer.concat([head, tail]);
    },
    get total() {
      return total;
    },
  };
}
