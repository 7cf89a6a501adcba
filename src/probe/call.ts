import { setTimeout as pause } from 'node:timers/promises';
import type { HttpCall } from '../config/model.ts';
import { backOffMs } from '../core/back-off.ts';
import { formatDuration } from '../core/durations.ts';
import { wordsOf } from '../core/words.ts';
import { isExpired, within } from './deadline.ts';
import { HeaderFileProblem, readHeaderFiles } from './header-files.ts';
import { type Answer, exchange } from './http.ts';
import { decoded, hide, secretsOf } from './secrets.ts';
import { bareHost, noAnswer, oneLine, type Peer, troubleOf } from './troubles.ts';

const maxDelayMs = 30_000;
/** What is kept of an answer, what of that is cleaned, and what is said. The first is the largest so that no secret is cut in two before it is hidden. */
const keepBytes = 10 * 1024;
const maxCleanedChars = 1_000;
const maxWordChars = 200;

/** How a call is spoken of. */
export interface Call extends HttpCall {
  /** Whose `timeout` it is. Default: `http`, which has an `expected_status`, too. */
  readonly setting?: string;
  /** The path is a secret, as those of webhooks are. */
  readonly secretPath?: boolean;
}

/**
 * Calls, and calls again after `retry_delay` (doubled each time, up to 30 s) as often as `retries` says. Never rejects.
 *
 * @param signal ends it at once
 * @returns undefined where an answer was as expected, else what the last attempt met, on one line: no header's value, no query
 */
export async function call(http: Call, signal: AbortSignal): Promise<string | undefined> {
  const url = URL.parse(http.url);
  if (url === null || !/^https?:$/.test(url.protocol)) return `${settingOf(http, 'url')}: this is not the URL of an HTTP server`;
  for (let attempt = 0; ; attempt++) {
    const problem = await attempted(http, url, signal);
    if (problem === undefined) return undefined;
    if (signal.aborted) return `${nameOf(http, url)}: given up`;
    if (attempt >= http.retries) return attempt === 0 ? problem : `${problem} (after ${attempt + 1} attempts)`;
    await pause(delayBefore(attempt, http.retry_delay), undefined, { signal }).catch(() => undefined);
  }
}

/** A first delay that is longer than the limit of doubling stays as it is. */
const delayBefore = (retry: number, first: number): number => backOffMs(retry, first, Math.max(first, maxDelayMs));

const attempted = (http: Call, url: URL, outer: AbortSignal): Promise<string | undefined> =>
  within(http.timeout, outer, async (signal) => {
    try {
      return await tried(http, url, signal);
    } catch (error) {
      if (error instanceof HeaderFileProblem) return oneLine(error.message);
      if (isExpired(signal)) return `${noAnswer(nameOf(http, url), http.timeout)} (${settingOf(http, 'timeout')})`;
      return `${nameOf(http, url)}: ${troubleOf(error, peerOf(url))}`;
    }
  });

async function tried(http: Call, url: URL, signal: AbortSignal): Promise<string | undefined> {
  signal.throwIfAborted();
  // Half of the time, so that it is said which file it was that did not answer.
  const fromFiles = await orAborted(readHeaderFiles(http.header_files, http.timeout / 2, settingOf(http, 'header_files')), signal);
  const headers = { ...http.headers, ...fromFiles };
  const answer = await send(http, url, headers, signal);
  if (!isExpected(answer, http))
    return unexpected(answer, http, url, [...Object.values(headers), ...secretsOf(url), ...(http.secretPath ? [url.pathname] : [])]);
  return answer.cut === undefined ? undefined : unfinished(answer, http, url, isExpired(signal));
}

/** Certificates have to be right: secrets go there. */
function send(http: Call, url: URL, headers: Readonly<Record<string, string>>, signal: AbortSignal): Promise<Answer> {
  const request = {
    ...peerOf(url),
    secure: url.protocol === 'https:',
    path: url.pathname + url.search,
    method: http.method,
    headers: { ...authorization(url), ...headers },
    body: http.body,
    verify: true,
    keepBytes,
    readAll: true,
  };
  return exchange(request, signal);
}

function authorization({ username, password }: URL): Record<string, string> {
  if (username === '' && password === '') return {};
  return { Authorization: `Basic ${Buffer.from(`${decoded(username)}:${decoded(password)}`).toString('base64')}` };
}

const isExpected = ({ status }: Answer, { expected_status }: Call): boolean =>
  expected_status.some(([from, to]) => from <= status && status <= to);

const unexpected = ({ status, body }: Answer, http: Call, url: URL, secrets: readonly string[]): string =>
  `${nameOf(http, url)} answered ${status}, not ${rangesOf(http)}${http.setting === undefined ? ' (http.expected_status)' : ''}${wordsIn(body, secrets)}`;

function unfinished({ status, cut }: Answer, http: Call, url: URL, late: boolean): string {
  const why = late ? ` within ${formatDuration(http.timeout)} (${settingOf(http, 'timeout')})` : `: ${troubleOf(cut, peerOf(url))}`;
  return `${nameOf(http, url)} answered ${status}, but the answer did not end${why}`;
}

const rangesOf = ({ expected_status }: Call): string =>
  expected_status.map(([from, to]) => (from === to ? `${from}` : `${from}-${to}`)).join(', ');

/** What the server says, which is often the only place where the reason is. */
function wordsIn(body: Buffer, secrets: readonly string[]): string {
  const known = Buffer.from(hide(body.toString('utf8'), secrets).slice(0, maxCleanedChars));
  const words = oneLine(wordsOf(known, known.length), maxWordChars);
  return words === '' ? '' : `: ${words}`;
}

/** Without the query and the user, in which there may be secrets. */
const nameOf = ({ method, secretPath }: Call, { origin, pathname }: URL): string =>
  oneLine(`${method} ${origin}${secretPath ? '/…' : pathname}`);

const settingOf = ({ setting = 'http' }: Call, name: string): string => `${setting}.${name}`;

const peerOf = ({ hostname, port, protocol }: URL): Peer => ({
  host: bareHost(hostname),
  port: port === '' ? { 'http:': 80, 'https:': 443 }[protocol as 'http:' | 'https:'] : Number(port),
});

/** What a thread does cannot be ended, but it need not be waited for. */
function orAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const abort = (): void => reject(signal.reason);
    signal.addEventListener('abort', abort, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort));
  });
}
