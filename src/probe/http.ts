import type { IncomingMessage, RequestOptions } from 'node:http';
import { version } from '../core/version.ts';
import { lookupOnce } from './lookup.ts';

export interface HttpRequest {
  readonly secure: boolean;
  /** Without brackets. */
  readonly host: string;
  readonly port: number;
  /** With the query. */
  readonly path: string;
  readonly method: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string | undefined;
  /** The server's certificate has to be right. */
  readonly verify: boolean;
  /** What is kept of the answer's body. */
  readonly keepBytes: number;
  /** What is more than `keepBytes` is read and thrown away, or not waited for. */
  readonly readAll: boolean;
}

export interface Answer {
  readonly status: number;
  readonly body: Buffer;
  /** What kept the rest of the body from coming. */
  readonly cut?: unknown;
}

/**
 * One request on a connection of its own, which is closed when this is over. No redirects are followed, no proxy of an environment is used.
 *
 * Rejects where there is no status, with what Node's http says; with an AbortError as soon as `signal` is. Names of headers in an error are
 * no secret, values are never in one.
 */
export async function exchange(request: HttpRequest, signal: AbortSignal): Promise<Answer> {
  signal.throwIfAborted();
  // Loaded when there is something to ask: OpenSSL alone is some megabytes.
  const { request: send } = request.secure ? await import('node:https') : await import('node:http');
  return new Promise((resolve, reject) => {
    const sent = send(optionsOf(request, signal));
    sent.on('error', reject);
    sent.once('response', (answer) => {
      // From here on what goes wrong is the answer's, whose status counts.
      sent.off('error', reject).on('error', () => undefined);
      void read(answer, request, signal).then((result) => {
        resolve(result);
        sent.destroy();
      });
    });
    // A status that changes the protocol is an answer too.
    sent.once('upgrade', (answer, socket) => {
      resolve({ status: answer.statusCode ?? 0, body: Buffer.alloc(0) });
      socket.destroy();
    });
    sent.end(request.body);
  });
}

/** `agent: false` is a new agent for this request: no connection is kept, no proxy taken from the environment. */
function optionsOf(request: HttpRequest, signal: AbortSignal): RequestOptions & { rejectUnauthorized: boolean } {
  const { host, port, path, method, headers, body, verify } = request;
  return {
    host,
    port,
    path: escaped(path),
    method,
    headers: { ...ownHeaders(body), ...bytesOf(headers) },
    agent: false,
    lookup: lookupOnce,
    rejectUnauthorized: verify,
    signal,
  };
}

/** Those that a request has where it names none itself: of two that differ in case only, Node takes the last. It gives no length to the body of a GET or DELETE. */
const ownHeaders = (body: string | undefined): Record<string, string> => ({
  'User-Agent': `reinit/${version}`,
  Accept: '*/*',
  ...(body === undefined ? {} : { 'Content-Length': `${Buffer.byteLength(body)}` }),
});

/** Node writes the characters of a header as bytes: so that what is not ASCII goes out as UTF-8, each of its bytes has to be one. */
const bytesOf = (headers: Readonly<Record<string, string>>): Record<string, string> =>
  Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, Buffer.from(value).toString('latin1')]));

/** What may not stand in a request line as it is, and nothing else: `%20` stays `%20`. */
const escaped = (path: string): string => path.toWellFormed().replace(/[^\x21-\x7e]/gu, encodeURIComponent);

async function read(answer: IncomingMessage, { keepBytes, readAll }: HttpRequest, signal: AbortSignal): Promise<Answer> {
  const status = answer.statusCode ?? 0;
  const kept: Buffer[] = [];
  let length = 0;
  try {
    for await (const part of answer as AsyncIterable<Buffer>) {
      if (length < keepBytes) kept.push(part.subarray(0, keepBytes - length));
      length += part.length;
      if (length >= keepBytes && !readAll) break;
    }
    // A body without a length ends with its connection: to Node also where that was ended by us.
    signal.throwIfAborted();
    return { status, body: Buffer.concat(kept) };
  } catch (cut) {
    return { status, body: Buffer.concat(kept), cut };
  }
}
