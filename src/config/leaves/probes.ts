/** Questions to the application, spelled as Kubernetes' probes are; times are durations as Go writes them. */
import { type Fault, type Kind, type Raw, record, required, scalarKind, single, unset, value, withDefault } from '../kinds.ts';
import type { Check, Probe } from '../model.ts';
import { duration, integer, onOff } from './basic.ts';
import { argv, argvJson } from './commands.ts';
import { host, port, readPort } from './hosts.ts';
import { headers } from './requests.ts';

const requestPath: Kind<string> = scalarKind(
  { type: 'path', expected: 'a path, such as /healthz', spelling: value('PATH'), json: { type: 'string', pattern: '^/' } },
  (given, fault) => {
    if (!given.startsWith('/')) return fault('it does not begin with /');
    return /[\s\p{Cc}#]/u.test(given) ? fault('it holds a space, a # or a control character: write %20 or %23') : given;
  },
);

/** Kubernetes writes HTTP and HTTPS. */
const scheme: Kind<'http' | 'https'> = scalarKind(
  { type: 'http \\| https', expected: 'http or https', spelling: value('http|https'), json: { enum: ['http', 'https', 'HTTP', 'HTTPS'] } },
  (given, fault) => (/^https?$/i.test(given) ? (given.toLowerCase() as 'http' | 'https') : fault('it is neither')),
);

const onPort = required(port, 'The port.');
const onHost = withDefault(host, '127.0.0.1', 'The host.');

const httpGet = record(
  {
    type: 'map',
    expected: 'a request, such as {port: 8080, path: /healthz}',
    spelling: { form: 'none' },
    json: {},
    hints: {
      http_headers: 'headers here, a mapping of name to value',
      url: 'a URL stands alone, as in ready: http://127.0.0.1:8080/healthz',
    },
  },
  {
    port: onPort,
    path: withDefault(requestPath, '/', 'The path.'),
    host: onHost,
    scheme: withDefault(scheme, 'http', 'With or without TLS.'),
    headers: withDefault(headers, {}, 'Headers to send.'),
  },
  (given): Check => ({ kind: 'http_get', ...given }),
);

const tcpSocket = record(
  { type: 'map', expected: 'an address, such as {port: 5432}', spelling: { form: 'none' }, json: {} },
  { port: onPort, host: onHost },
  (given): Check => ({ kind: 'tcp_socket', ...given }),
);

const exec = record(
  { type: 'command', expected: 'a command, such as [pg_isready, -q]', spelling: { form: 'none' }, json: argvJson },
  { command: required(argv, 'The command.') },
  (given): Check => ({ kind: 'exec', command: given.command }),
  (raw) => ({ command: raw }),
);

const mostFailures = 1_000_000;

const questions = {
  http_get: unset(httpGet, 'A request that is answered with 200 to 399.'),
  tcp_socket: unset(tcpSocket, 'A connection that is accepted.'),
  exec: unset(exec, 'A command that exits with 0; a list or a string will do, too.'),
};
const answers = {
  timeout: withDefault(duration(1), '1s', 'How long one answer may take.'),
  success_threshold: withDefault(integer(1, 1000), '1', 'So many in a row are a yes.'),
};

/** Of a probe that something waits for. */
const awaitedParts = {
  ...questions,
  notify: unset(onOff, 'The application says so itself, with sd_notify(3): `READY=1`.'),
  workers: unset(onOff, 'The main process has children that are younger than the reload signal. For `confirm_by` only.'),
  initial_delay: unset(
    duration(),
    'Pause before it is asked first. Default: 0; of `confirm_by` 300ms for http, tcp and exec, which would be answered by what was there before.',
  ),
  period: unset(
    duration(10),
    "Time between two questions. Kubernetes' is 10s: here something waits for the answer. Default: 1s; for `workers`, which costs a look, 100ms.",
  ),
  ...answers,
  failure_threshold: unset(
    integer(1, mostFailures),
    'So many failures in a row are a no. Default: 30; of `confirm_by` as many as there is time for (`confirm`).',
  ),
};

/** Of a probe that is asked over and over, with the defaults of Kubernetes. */
const repeatedParts = {
  ...questions,
  initial_delay: withDefault(duration(), '0', 'Pause before it is asked first, once the application is `ready`.'),
  period: withDefault(duration(10), '10s', 'Time between two questions.'),
  ...answers,
  failure_threshold: withDefault(integer(1, mostFailures), '3', 'So many failures in a row are a no.'),
};

const seconds = (name: string): string => `${name} here, a duration such as 5s`;
const hints = {
  initial_delay_seconds: seconds('initial_delay'),
  period_seconds: seconds('period'),
  timeout_seconds: seconds('timeout'),
  interval: 'period',
  start_period: 'initial_delay',
  retries: 'failure_threshold',
  http: 'http_get',
  tcp: 'tcp_socket',
  command: 'exec',
  test: 'exec',
  grpc: 'there is no such probe: exec: [grpc_health_probe, "-addr=127.0.0.1:50051"]',
  url: 'a URL stands alone, as in ready: http://127.0.0.1:8080/healthz',
  termination_grace_period_seconds: 'stop_timeout, beside the probe, says how long a stop may take',
};
const base = { type: 'probe', spelling: value('PROBE'), secret: /[@?]/, hints } as const;

interface Defaults {
  /** How many failures are a no. */
  readonly failures: number;
  /** Before the first question to somebody who may not have noticed yet that there is something new to say, in ms. */
  readonly delay: number;
}

/** What the answer depends on by itself: it is of now in any case. */
const isFresh = ({ kind }: Check): boolean => kind === 'notify' || kind === 'workers';

type Asked = Readonly<Partial<Record<'http_get' | 'tcp_socket' | 'exec', Check | undefined>>> &
  Readonly<Partial<Record<'notify' | 'workers', boolean | undefined>>>;

/** What is asked; a probe asks one thing. */
function checkOf({ http_get, tcp_socket, exec: command, notify, workers }: Asked, known: string, fault: Fault): Check | undefined {
  const says: Readonly<Record<string, Check | undefined>> = {
    http_get,
    tcp_socket,
    exec: command,
    notify: notify === true ? { kind: 'notify' } : undefined,
    workers: workers === true ? { kind: 'workers' } : undefined,
  };
  const [first, ...others] = Object.keys(says).filter((name) => says[name] !== undefined);
  if (first === undefined) return fault(`it does not say what to ask: ${known}`);
  return others.length === 0 ? says[first] : fault(`it asks more than one thing: ${[first, ...others].join(' and ')}`);
}

const awaitedProbe = ({ failures, delay }: Defaults): Kind<Probe> =>
  record(
    {
      ...base,
      expected: 'a probe, such as http://127.0.0.1:8080/healthz, tcp://127.0.0.1:5432, notify, workers or {exec: [pg_isready]}',
      json: { type: 'string', pattern: '^(https?://|tcp://|notify$|workers$)' },
    },
    awaitedParts,
    (given, fault) => {
      const check = checkOf(given, 'http_get, tcp_socket, exec, notify or workers', fault);
      if (check === undefined) return undefined;
      const { timeout, success_threshold, failure_threshold = failures } = given;
      const { initial_delay = isFresh(check) ? 0 : delay, period = check.kind === 'workers' ? 100 : 1_000 } = given;
      return { check, initial_delay, period, timeout, success_threshold, failure_threshold };
    },
    single((text, fault) => (text === 'notify' || text === 'workers' ? { [text]: 'true' } : readUrl(text, fault))),
  );

export const ready = awaitedProbe({ failures: 30, delay: 0 });
/** `confirm` alone says how long it is asked. */
export const confirmation = awaitedProbe({ failures: mostFailures, delay: 300 });

/**
 * Of now: what the application has said of itself once, and what follows a reload, are no answer.
 *
 * @param mostSuccesses of which more would mean nothing
 */
const repeatedProbe = (mostSuccesses: number): Kind<Probe> =>
  record(
    {
      ...base,
      expected: 'a probe, such as http://127.0.0.1:8080/healthz, tcp://127.0.0.1:5432 or {exec: [pg_isready]}',
      json: { type: 'string', pattern: '^(https?|tcp)://' },
      hints: { ...hints, notify: askedAgain('notify'), workers: askedAgain('workers') },
    },
    repeatedParts,
    (given, fault) => {
      const check = checkOf(given, 'http_get, tcp_socket or exec', fault);
      const { initial_delay, period, timeout, success_threshold, failure_threshold } = given;
      if (success_threshold > mostSuccesses) return fault('one yes is enough here', 'success_threshold');
      return check && { check, initial_delay, period, timeout, success_threshold, failure_threshold };
    },
    single((text, fault) => (text === 'notify' || text === 'workers' ? fault(askedAgain(text)) : readUrl(text, fault))),
  );

/** One that says yes once lives, as for Kubernetes, which refuses more. */
export const liveness = repeatedProbe(1);
export const readiness = repeatedProbe(Number.POSITIVE_INFINITY);

function askedAgain(name: 'notify' | 'workers'): string {
  return `${name} cannot be asked over and over: use http_get, tcp_socket or exec`;
}

function readUrl(text: string, fault: Fault): { readonly [name: string]: Raw } | undefined {
  const url = /[\s\p{Cc}]/u.test(text) ? null : URL.parse(text);
  if (url === null || !['http:', 'https:', 'tcp:'].includes(url.protocol)) return fault('it is no probe');
  if (url.username !== '' || url.password !== '') return fault('there is a user or a password in it: use headers, under http_get');
  if (url.protocol === 'tcp:') return readTcp(url, fault);
  const { protocol, hostname, port: given, pathname, search } = url;
  const https = protocol === 'https:';
  return { http_get: { scheme: https ? 'https' : 'http', host: hostname, port: given || (https ? '443' : '80'), path: pathname + search } };
}

function readTcp({ hostname, port: given, pathname, search }: URL, fault: Fault): { readonly [name: string]: Raw } | undefined {
  if (readPort(given) === undefined) return fault('the port is missing: tcp://127.0.0.1:5432');
  if (hostname === '') return fault('the host is missing: tcp://127.0.0.1:5432');
  return (pathname === '' || pathname === '/') && search === ''
    ? { tcp_socket: { host: hostname, port: given } }
    : fault('there is something behind the port');
}
