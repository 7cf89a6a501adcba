/** Who is told when something went wrong. */
import * as v from 'valibot';
import { type Kind, kind, list, record, single, unset, value, withDefault, wrongShape } from '../kinds.ts';
import { type NotifyKind, type NotifyTarget, notifyKinds } from '../model.ts';
import { choice, duration, onOff } from './basic.ts';
import { headerFiles, headers, twiceGiven, url } from './requests.ts';

/** Each has a queue of its own. */
const maxTargets = 10;

const oneKind = choice(notifyKinds);
const kinds: Kind<readonly NotifyKind[]> = kind(
  {
    type: 'events',
    expected: `events, such as [${notifyKinds.slice(0, 3).join(', ')}]`,
    spelling: list('EVENT', ','),
    json: { type: 'array', items: { enum: notifyKinds }, minItems: 1 },
  },
  (raw, fault, inner) => {
    if (!Array.isArray(raw)) return fault(wrongShape(raw));
    return raw.length === 0 ? fault('it is empty') : inner(v.array(oneKind), raw, 'below');
  },
);

const target: Kind<NotifyTarget> = record(
  {
    type: 'URL, or map',
    expected: 'a URL, or a mapping such as {url: "https://hooks.example/x", events: [refused]} or {to: log}',
    spelling: value('URL'),
    secret: /./s,
    json: { type: 'string', pattern: '^https?://' },
    hints: {
      webhook: 'url',
      webhook_url: 'url',
      on: 'events',
      type: 'format',
      token: 'a secret comes from a file: header_files: {Authorization: /run/secrets/token}',
    },
  },
  {
    url: unset(url, 'Where to, by POST. `http` or `https`, and no user or password in it.'),
    to: unset(choice(['log']), '`log`: a line among those of the log, on stderr.'),
    events: withDefault(
      kinds,
      notifyKinds.filter((one) => one !== 'applied'),
      'What is told: `refused` (configuration, also of reinit itself), `rolled_back`, `apply_failed`, `crash_loop` (three restarts in a row, or given up), `not_ready`, `loop` (a rule is held), `stale_mount`, `applied`.',
    ),
    format: unset(
      choice(['json', 'kubernetes_event']),
      'What it looks like: JSON of reinit, or an Event as Kubernetes has them (v1). Default: `json`, with `to: log` `kubernetes_event`.',
    ),
    headers: withDefault(headers, {}, 'Headers to send.'),
    header_files: withDefault(headerFiles, {}, 'Header → file that holds its value (a mounted Secret), read at each request.'),
    timeout: withDefault(duration(1), '10s', 'How long one try may take.'),
    output: withDefault(
      onOff,
      'false',
      'Whether what a validator printed is told, too: at most 2000 characters. It may quote the files that it has checked.',
    ),
  },
  ({ url: address, to, format, ...given }, fault) => {
    const twice = twiceGiven(given);
    if (twice !== undefined) return fault('this header is under headers, too', 'header_files', twice);
    if ((address === undefined) === (to === undefined)) return fault('it has to have one of url and to');
    return { ...given, url: address, format: format ?? (address === undefined ? 'kubernetes_event' : 'json') };
  },
  single((text) => ({ url: text })),
);

export const notify: Kind<readonly NotifyTarget[]> = kind(
  {
    type: 'list of URLs, or maps',
    expected: 'a list, such as [{url: "https://hooks.example/x", events: [refused]}, {to: log}]',
    spelling: { form: 'none' },
    item: target,
    json: {},
    secret: /./s,
  },
  (raw, fault, inner) => {
    if (typeof raw === 'string') return inner(v.array(target), [raw], 'here');
    if (!Array.isArray(raw)) return fault(wrongShape(raw));
    if (raw.length > maxTargets) return fault(`there are more than ${maxTargets}`);
    return inner(v.array(target), raw, 'below');
  },
);
