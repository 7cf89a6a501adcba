import type { Check } from '../config/model.ts';
import { within } from './deadline.ts';
import { type Answer, exchange } from './http.ts';
import { knock } from './tcp.ts';
import { bareHost, endpoint, noAnswer, oneLine, troubleOf } from './troubles.ts';
import { youngWorker } from './workers.ts';

/** Checks that the controller makes by itself; for the others init is needed. */
export type OwnCheck = Exclude<Check, { kind: 'exec' | 'notify' }>;

/** The application's main process, and how young workers have to be: ms of CLOCK_BOOTTIME. */
export interface Target {
  readonly pid: number;
  readonly since: number;
}

/** As kubelet, which reads no more of an answer either. */
const maxAnswerBytes = 10 * 1024;

/**
 * Asks once. Never rejects, takes no longer than `timeoutMs`, leaves nothing open.
 *
 * @returns undefined for yes, else what happened, on one line
 */
export const ask = (check: OwnCheck, target: Target, timeoutMs: number): Promise<string | undefined> =>
  within(timeoutMs, undefined, async (signal) => {
    try {
      return await asked(check, target, signal);
    } catch (error) {
      if (signal.aborted) return noAnswer(nameOf(check, target), timeoutMs);
      return check.kind === 'workers' ? oneLine(`${nameOf(check, target)}: ${(error as Error).message}`) : troubleOf(error, check);
    }
  });

async function asked(check: OwnCheck, { pid, since }: Target, signal: AbortSignal): Promise<string | undefined> {
  switch (check.kind) {
    case 'http_get':
      return judged(check, await get(check, signal), signal);
    case 'tcp_socket':
      await knock(check.host, check.port, signal);
      return undefined;
    case 'workers':
      return youngWorker(pid, since, signal);
  }
}

type HttpGet = Extract<Check, { kind: 'http_get' }>;

/** As kubelet asks: whatever the certificate, since it is the application's own and asked for by address. */
const get = ({ scheme, host, port, path, headers }: HttpGet, signal: AbortSignal): Promise<Answer> =>
  exchange(
    {
      secure: scheme === 'https',
      host: bareHost(host),
      port,
      path,
      method: 'GET',
      headers,
      verify: false,
      keepBytes: maxAnswerBytes,
      readAll: false,
    },
    signal,
  );

/** A redirect is a yes: the application answers, and where it points to is not asked. An answer has to end, or be long. */
function judged(check: HttpGet, { status, cut }: Answer, signal: AbortSignal): string | undefined {
  const answered = `${urlOf(check)} answered ${status}`;
  if (status < 200 || status > 399) return oneLine(answered);
  if (cut === undefined) return undefined;
  return oneLine(`${answered}, but the answer did not end${signal.aborted ? ' in time' : `: ${troubleOf(cut, check)}`}`);
}

function nameOf(check: OwnCheck, { pid }: Target): string {
  if (check.kind === 'workers') return `workers of process ${pid}`;
  return check.kind === 'http_get' ? urlOf(check) : endpoint(check.host, check.port);
}

/** Without the query, in which there may be secrets. */
const urlOf = ({ scheme, host, port, path }: HttpGet): string => `${scheme}://${endpoint(host, port)}${path.split('?', 1)[0]}`;
