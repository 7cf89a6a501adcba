import fc from 'fast-check';
import { expect, test } from 'vitest';
import { readRequest } from '../../src/control/request.ts';

const read = (request: object) => readRequest(JSON.stringify({ v: 1, id: 1, ...request }));

test.each([
  [{ verb: 'status' }, { verb: 'status' }],
  [
    { verb: 'reload', rules: ['a'], wait_ms: 5, more: 'x' },
    { verb: 'reload', rules: ['a'], wait_ms: 5 },
  ],
  [
    { verb: 'signal', signal: 'HUP' },
    { verb: 'signal', signal: 'HUP' },
  ],
  [
    { verb: 'events', last: 3, follow: true },
    { verb: 'events', last: 3, follow: true },
  ],
])('%j', (given, request) => expect(read(given)).toEqual({ id: 1, request }));

test.each([
  [{ verb: 'reload', rules: 'a' }, 'bad_request'],
  [{ verb: 'reload', wait_ms: -1 }, 'bad_request'],
  [{ verb: 'reload', wait_ms: 1e12 }, 'bad_request'],
  [{ verb: 'signal' }, 'bad_request'],
  [{ verb: 'events', last: 1.5 }, 'bad_request'],
  [{ verb: 'constructor' }, 'unknown_verb'],
  [{ verb: 'status', v: 9 }, 'version'],
])('%j is none', (given, code) => expect(read(given)).toMatchObject({ error: { code } }));

test('whatever comes is a request or a refusal, and never what was sent', () => {
  fc.assert(
    fc.property(
      fc.oneof(
        fc.string(),
        fc.json(),
        fc.object().map((value) => JSON.stringify({ v: 1, verb: 'reload', ...value })),
      ),
      (line) => {
        const answer = readRequest(line);
        expect('request' in answer || answer.error.message.length < 200).toBe(true);
      },
    ),
  );
});
