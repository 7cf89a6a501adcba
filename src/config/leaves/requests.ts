/** What a request over HTTP is made of. Values are in no message: headers, bodies and URLs hold tokens. */
import {
  type Fault,
  type Kind,
  type KindInfo,
  kind,
  list,
  map,
  mapKind,
  type Raw,
  record,
  required,
  scalar,
  scalarKind,
  single,
  unset,
  value,
  withDefault,
} from '../kinds.ts';
import type { HttpCall } from '../model.ts';
import { nearest, noSuch } from '../names.ts';
import { duration, holdsControl, integer } from './basic.ts';

const anything = /./s;

/** A token of RFC 9110, 5.6.2. */
const headerName = /^[\w!#$%&'*+.^`|~-]{1,256}$/;
const notHeaderName = 'it is not the name of a header';

export const headers: Kind<Readonly<Record<string, string>>> = mapKind(
  {
    type: 'map: header → value',
    expected: 'headers, such as {Accept: text/plain}',
    spelling: map('NAME=VALUE'),
    secret: anything,
    json: { type: 'object', additionalProperties: { type: ['string', 'number', 'boolean'] } },
  },
  (name, raw, fault) => {
    const given = scalar(raw, fault);
    if (given === undefined) return undefined;
    if (!headerName.test(name)) return fault(notHeaderName);
    return holdsControl(given) ? fault('its value holds a line break or another control character') : [name, given];
  },
);

export const headerFiles: Kind<Readonly<Record<string, string>>> = mapKind(
  {
    type: 'map: header → path',
    expected: 'files, such as {Authorization: /run/secrets/token}',
    spelling: map('NAME=PATH'),
    json: { type: 'object', additionalProperties: { type: 'string', pattern: '^/' } },
  },
  (name, raw, fault) => {
    const given = scalar(raw, fault);
    if (given === undefined) return undefined;
    if (!headerName.test(name)) return fault(notHeaderName);
    return given.startsWith('/') ? [name, given] : fault('it is not an absolute path');
  },
);

const urlInfo: KindInfo = {
  type: 'URL',
  expected: 'a URL, such as http://127.0.0.1:9090/-/reload',
  spelling: value('URL'),
  secret: anything,
  json: { type: 'string', pattern: '^https?://' },
};
export const url: Kind<string> = scalarKind(urlInfo, readUrl);

function readUrl(given: string, fault: Fault): string | undefined {
  if (given === '') return fault('it is empty');
  const parsed = /[\s\p{Cc}]/u.test(given) ? null : URL.parse(given);
  if (parsed === null) return fault('it is not a URL');
  if (parsed.protocol !== 'http:' && parsed.protocol !== 'https:') return fault('it begins with neither http:// nor https://');
  if (parsed.username !== '' || parsed.password !== '')
    return fault('there is a user or a password in it: name a file with the value of the header Authorization under header_files');
  return given;
}

const methods = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'];
const method: Kind<string> = scalarKind(
  { type: 'method', expected: methods.join(', ').replace(/, ([^,]*)$/, ' or $1'), spelling: value('METHOD'), json: { enum: methods } },
  (given, fault) => {
    const name = given.toUpperCase();
    return methods.includes(name) ? name : fault(noSuch('method', nearest(name, methods)));
  },
);

const body: Kind<string> = scalarKind(
  {
    type: 'text',
    expected: 'the text to send',
    spelling: value('TEXT'),
    secret: anything,
    json: { type: ['string', 'number', 'boolean'] },
  },
  (given) => given,
);

type Range = readonly [number, number];
const statusJson = { anyOf: [{ type: 'string' }, { type: 'integer', minimum: 100, maximum: 599 }] } as const;
const statuses: Kind<readonly Range[]> = kind(
  {
    type: 'status codes',
    expected: 'status codes from 100 to 599, such as ["200-299", 304]',
    spelling: list('CODE', ','),
    json: { anyOf: [...statusJson.anyOf, { type: 'array', items: statusJson, minItems: 1 }] },
  },
  (raw, fault) => {
    const items: readonly Raw[] = Array.isArray(raw) ? raw : [raw];
    if (items.length === 0) return fault('it is empty');
    const ranges = items.map((item, index) => {
      const at = Array.isArray(raw) ? [index] : [];
      const given = scalar(item, fault, ...at);
      return given === undefined ? undefined : readRange(given, (problem) => fault(problem, ...at));
    });
    return ranges.filter((range) => range !== undefined);
  },
);

function readRange(given: string, fault: Fault): Range | undefined {
  const [, low, high = low] = /^(\d{3})(?:-(\d{3}))?$/.exec(given) ?? [];
  const range: Range = [Number(low), Number(high)];
  if (low === undefined || range[0] < 100 || range[1] > 599) return fault('it is neither a status code nor a range of them');
  return range[0] > range[1] ? fault('its end is below its begin') : range;
}

const parts = {
  url: required(url, 'Where to. `http` or `https`, and no user or password in it.'),
  method: withDefault(method, 'POST', 'The method.'),
  headers: withDefault(headers, {}, 'Headers to send.'),
  header_files: withDefault(
    headerFiles,
    {},
    'Header → file that holds its value (a mounted Secret), read at each call. Its last new line is left out. For `Authorization` the file holds all of it, `Bearer …`.',
  ),
  body: unset(body, 'What to send.'),
  expected_status: withDefault(statuses, ['200-299'], 'Status codes, and ranges of them, that are a success.'),
  timeout: withDefault(duration(1), '10s', 'How long one try may take.'),
  retries: withDefault(integer(0, 100), '3', 'How often it is tried again.'),
  retry_delay: withDefault(duration(), '500ms', 'Pause before the first such try; it doubles each time.'),
};

export const httpCall: Kind<HttpCall> = record(
  {
    ...urlInfo,
    type: 'URL, or map',
    expected: 'a URL, or a mapping such as {url: "http://127.0.0.1:9090/-/reload", method: POST}',
    hints: {
      uri: 'url',
      webhook_url: 'url',
      http_headers: 'headers here, a mapping of name to value',
      header: 'headers here, a mapping of name to value',
      token: 'a secret comes from a file: header_files: {Authorization: /run/secrets/token}',
      auth: 'a secret comes from a file: header_files: {Authorization: /run/secrets/token}',
      bearer_token_file: 'header_files: {Authorization: /run/secrets/token}, whose file holds all of the value, Bearer …',
      basic_auth: 'header_files: {Authorization: /run/secrets/basic}, whose file holds all of the value, Basic …',
      data: 'body',
      payload: 'body',
      status: 'expected_status',
      success_codes: 'expected_status',
    },
  },
  parts,
  (given, fault) => {
    const twice = twiceGiven(given);
    if (twice !== undefined) return fault('this header is under headers, too', 'header_files', twice);
    if (given.body !== undefined && (given.method === 'GET' || given.method === 'HEAD'))
      return fault(`${given.method} has no body`, 'body');
    return { body: undefined, ...given };
  },
  single((url) => ({ url })),
);

/** A header whose value is said twice. */
export const twiceGiven = ({ headers, header_files }: Pick<HttpCall, 'headers' | 'header_files'>): string | undefined =>
  Object.keys(header_files).find((name) => hasHeader(headers, name));

const hasHeader = (among: Readonly<Record<string, string>>, name: string): boolean =>
  Object.keys(among).some((one) => one.toLowerCase() === name.toLowerCase());
