/** Listening sockets that are handed to the application. */
import { isIP } from 'node:net';
import { posix } from 'node:path';
import * as v from 'valibot';
import {
  type Fault,
  type Kind,
  kind,
  list,
  record,
  required,
  scalarKind,
  single,
  unset,
  value,
  withDefault,
  wrongShape,
} from '../kinds.ts';
import type { SocketSpec } from '../model.ts';
import { integer, octal, onOff } from './basic.ts';
import { readPort } from './hosts.ts';

/** What init has room for (`listen` in src/link/messages.ts). */
const maxSockets = 16;
const maxNameLength = 64;
/** sun_path, unix(7), less its NUL. */
const maxUnixPath = 107;
const anyAddress = '0.0.0.0';
const defaultUnixMode = 0o666;

type Address = { readonly kind: 'tcp'; readonly host: string; readonly port: number } | { readonly kind: 'unix'; readonly path: string };

const listenExpected = 'a port, an address such as 127.0.0.1:8080 or [::]:8080, or the path of a Unix socket';
const address: Kind<Address> = scalarKind(
  { type: 'address', expected: listenExpected, spelling: value('ADDRESS'), json: { type: ['string', 'integer'] } },
  (given, fault) => {
    const [, scheme, rest = given] = /^(tcp|unix):(?:\/\/)?(.*)$/s.exec(given) ?? [];
    return scheme === 'unix' || (scheme === undefined && rest.startsWith('/')) ? readUnix(rest, fault) : readTcp(rest, fault);
  },
);

export function readTcp(text: string, fault: Fault): Extract<Address, { kind: 'tcp' }> | undefined {
  const [, host, digits = ''] = /^(?:(.*):)?([^:]*)$/s.exec(text) ?? [];
  const port = readPort(digits);
  if (port === undefined) return fault('its port is missing, or not from 1 to 65535');
  if (host === undefined) return { kind: 'tcp', host: anyAddress, port };
  const bare = host.replace(/^\[(.*)\]$/s, '$1');
  const version = isIP(bare);
  if (version === 0 || bare.includes('%')) return fault('its host is not an address in numbers: names are not looked up here');
  if ((version === 6) !== (bare !== host)) return fault('write an IPv6 address in brackets, and only that: [::1]:8080');
  return { kind: 'tcp', host: bare, port };
}

function readUnix(path: string, fault: Fault): Address | undefined {
  if (!path.startsWith('/') || path.endsWith('/')) return fault('its path is not an absolute one of a file');
  return Buffer.byteLength(path) > maxUnixPath
    ? fault(`its path is longer than ${maxUnixPath} bytes, the most that the kernel takes`)
    : { kind: 'unix', path };
}

/** sd_listen_fds_with_names(3): ASCII, no control characters, no colon. */
const validName = /^[!-9;-~]{1,64}$/;
const nameFault = `it is not 1 to ${maxNameLength} plain characters, without : and spaces`;
const name: Kind<string> = scalarKind(
  { type: 'name', expected: 'a name, such as http', spelling: value('NAME'), json: { type: 'string', pattern: '^[!-9;-~]{1,64}$' } },
  (given, fault) => (validName.test(given) ? given : fault(nameFault)),
);

const socket: Kind<SocketSpec> = record(
  {
    type: 'address, or map',
    expected: `${listenExpected}, or a mapping such as {name: http, listen: "[::]:8080"}`,
    spelling: { form: 'none' },
    json: { type: ['string', 'integer'] },
    hints: {
      listen_stream: 'listen',
      address: 'listen',
      bind: 'listen',
      port: 'it is part of listen: 8080, or 127.0.0.1:8080',
      host: 'it is part of listen: 127.0.0.1:8080',
      path: 'listen',
      file_descriptor_name: 'name',
      socket_mode: 'mode',
      reuseport: 'reuse_port',
    },
  },
  {
    name: unset(name, 'What it is called in `LISTEN_FDNAMES`. Default: its port, or the last part of its path.'),
    listen: required(address, 'A port (on all IPv4 addresses), an address and a port, or the path of a Unix socket.'),
    backlog: withDefault(
      integer(1, 65_535),
      '4096',
      'How many connections may wait to be accepted; the kernel cuts it to net.core.somaxconn.',
    ),
    reuse_port: withDefault(onOff, 'false', 'SO_REUSEPORT: others may listen on the same address, too.'),
    mode: unset(octal('0660'), "Who may connect: the mode of a Unix socket's file. Default: 0666."),
  },
  ({ name: given, listen, backlog, reuse_port, mode }, fault) => {
    const usual = listen.kind === 'tcp' ? String(listen.port) : posix.basename(listen.path);
    if (given === undefined && !validName.test(usual)) return fault('the last part of its path cannot be its name: give it one with name');
    const base = { name: given ?? usual, backlog, reuse_port };
    if (listen.kind === 'unix')
      return reuse_port
        ? fault('a Unix socket cannot be shared so', 'reuse_port')
        : { ...base, address: { ...listen, mode: mode ?? defaultUnixMode } };
    return mode === undefined ? { ...base, address: listen } : fault('only a Unix socket has one', 'mode');
  },
  single((listen) => ({ listen })),
);

export const sockets: Kind<readonly SocketSpec[]> = kind(
  {
    type: 'addresses',
    expected: 'a list of sockets, such as [8080, /run/app.sock, {name: admin, listen: "127.0.0.1:9000"}]',
    spelling: list('ADDRESS', ','),
    item: socket,
    json: {},
  },
  (raw, fault, inner) => {
    if (typeof raw === 'string') return inner(v.array(socket), [raw], 'here');
    if (!Array.isArray(raw)) return fault(wrongShape(raw));
    if (raw.length > maxSockets) return fault(`there are more than ${maxSockets}`);
    const all = inner(v.array(socket), raw, 'below');
    return all === undefined ? undefined : distinct(all, fault);
  },
);

function distinct(all: readonly SocketSpec[], fault: Fault): readonly SocketSpec[] {
  all.forEach((one, index) => {
    const before = all.slice(0, index);
    if (before.some((other) => other.name === one.name)) fault('another socket has this name: give it one of its own with name', index);
    else if (!one.reuse_port && before.some((other) => place(other) === place(one))) fault('another socket has this address', index);
  });
  return all;
}

const place = ({ address: at }: SocketSpec): string => (at.kind === 'tcp' ? `${at.host} ${at.port}` : at.path);
