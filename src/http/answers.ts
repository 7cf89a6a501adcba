/** One answer, and the headers that keep a browser safe with it. */
import type { ServerResponse } from 'node:http';

export interface Answer {
  readonly status: number;
  readonly type: string;
  readonly body: string;
  readonly headers?: Readonly<Record<string, string>>;
}

const plain = 'text/plain; charset=utf-8';

export const text = (status: number, line: string, headers: Answer['headers'] = {}): Answer => ({
  status,
  type: plain,
  body: `${line}\n`,
  headers,
});
export const json = (value: unknown): Answer => ({
  status: 200,
  type: 'application/json; charset=utf-8',
  body: `${JSON.stringify(value)}\n`,
});
/** A page may run and style what carries the nonce, and ask where it comes from; nothing else. */
export const html = (body: string, nonce: string): Answer => ({
  status: 200,
  type: 'text/html; charset=utf-8',
  body,
  headers: {
    'content-security-policy': policy(`style-src 'nonce-${nonce}'; script-src 'nonce-${nonce}'; connect-src 'self'; img-src data:`),
  },
});

const policy = (more?: string): string =>
  ["default-src 'none'", more, "base-uri 'none'", "form-action 'none'", "frame-ancestors 'none'"].filter(Boolean).join('; ');

/** Of each answer. Nobody else's script may read them: there is no CORS. */
export const safeHeaders: Readonly<Record<string, string>> = {
  'cache-control': 'no-store',
  'content-security-policy': policy(),
  'cross-origin-resource-policy': 'same-origin',
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
};

/** Of HEAD, Node sends the headers alone. */
export function send(response: ServerResponse, { status, type, body, headers }: Answer): void {
  response.writeHead(status, { ...safeHeaders, ...headers, 'content-type': type, 'content-length': Buffer.byteLength(body) });
  response.end(body);
}
