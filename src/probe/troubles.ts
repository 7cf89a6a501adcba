import { formatDuration } from '../core/durations.ts';

/** What a message about a connection may take; an answer's words have a limit of their own. */
const maxChars = 300;

/** One line without control characters, at most `chars` long. */
export function oneLine(text: string, chars = maxChars): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: a terminal must not obey them
  const line = text.replace(/[\u0000-\u001f\u007f-\u009f\s]+/g, ' ').trim();
  return line.length > chars ? `${line.slice(0, chars).toWellFormed()}…` : line;
}

/** Names may stand in brackets, as in a URL; sockets want them without. */
export const bareHost = (host: string): string => host.replace(/^\[(.*)\]$/, '$1');

/** `127.0.0.1:80`, `[::1]:80`. */
export function endpoint(host: string, port: number): string {
  const bare = bareHost(host);
  return `${bare.includes(':') ? `[${bare}]` : bare}:${port}`;
}

export interface Peer {
  readonly host: string;
  readonly port: number;
}

/** In words, what kept `peer` from answering. Of an error of many attempts (a name with several addresses) the code is the first one's. */
export function troubleOf(error: unknown, { host, port }: Peer): string {
  const where = endpoint(host, port);
  const { message, reason, code: given } = error as { code?: unknown; message: string; reason?: string };
  const code = typeof given === 'string' ? given : '';
  const words = troubles[code]?.(where, host);
  if (words !== undefined) return oneLine(words);
  if (code.startsWith('HPE_')) return `${where} does not answer in HTTP (${code})`;
  if (code === 'EPROTO' || code.startsWith('ERR_SSL_')) return oneLine(`TLS with ${where} failed: ${reason ?? code}`);
  // After the semicolon there is advice on flags of Node.
  if (/CERT|SIGNATURE/.test(code)) return oneLine(`the certificate of ${where} is not trusted: ${message.split(';', 1)[0]} (${code})`);
  return oneLine(`asking ${where} failed: ${code === '' || message.includes(code) ? message : `${message} (${code})`}`);
}

const troubles: Readonly<Record<string, (where: string, host: string) => string>> = {
  ECONNREFUSED: (where) => `connection to ${where} refused`,
  ECONNRESET: (where) => `connection to ${where} was closed before the end of an answer`,
  EPIPE: (where) => `connection to ${where} was closed before the end of an answer`,
  EHOSTUNREACH: (where) => `there is no way to ${where} (EHOSTUNREACH)`,
  ENETUNREACH: (where) => `there is no way to ${where} (ENETUNREACH)`,
  ETIMEDOUT: (where) => `${where} does not take connections (ETIMEDOUT)`,
  ENOTFOUND: (_, host) => `host ${host} does not resolve`,
  EAI_AGAIN: (_, host) => `host ${host} does not resolve for now: no name server answers`,
};

export const noAnswer = (what: string, timeoutMs: number): string => oneLine(`${what}: no answer within ${formatDuration(timeoutMs)}`);
