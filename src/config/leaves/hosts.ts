/** Parts of addresses, as probes, requests and sockets share them. */
import { isIPv6 } from 'node:net';
import { type Kind, scalarKind, value } from '../kinds.ts';

/** @returns 1 to 65535, or undefined */
export function readPort(text: string): number | undefined {
  const n = /^\d{1,5}$/.test(text) ? Number(text) : 0;
  return n >= 1 && n <= 65_535 ? n : undefined;
}

/** Kubernetes' ports may be names there; here nobody has said what the names mean. */
export const port: Kind<number> = scalarKind(
  {
    type: 'port',
    expected: 'a port from 1 to 65535',
    spelling: value('PORT'),
    json: { type: 'integer', minimum: 1, maximum: 65_535 },
  },
  (given, fault) => readPort(given) ?? fault('it is not a port'),
);

/** A name or an address, without brackets. */
export const host: Kind<string> = scalarKind(
  { type: 'host', expected: 'a host, such as 127.0.0.1, ::1 or localhost', spelling: value('HOST'), json: { type: 'string' } },
  (given, fault) => readHost(given) ?? fault('it is not a host'),
);

/** Takes the brackets off an IPv6 address. */
function readHost(text: string): string | undefined {
  const bare = text.replace(/^\[(.*)\]$/, '$1');
  if (isIPv6(bare)) return bare;
  return bare === text && /^[\w.-]{1,253}$/.test(text) ? text : undefined;
}
