import type { LookupAddress } from 'node:dns';
import type { LookupFunction } from 'node:net';

const underWay = new Map<string, Promise<LookupAddress[]>>();

/**
 * Name lookups for sockets, of which there is one at a time for a name.
 *
 * getaddrinfo(3) cannot be cancelled, and takes tens of seconds where no name server answers, times the search domains. Asked again each
 * second, it would fill libuv's threads and then a queue, with which the file operations of a watch wait too.
 */
export const lookupOnce: LookupFunction = (host, { all, ...options }, done) => {
  lookup(host, options.family).then(
    (addresses) => {
      const [first] = addresses;
      if (all === true || first === undefined) done(null, addresses);
      else done(null, first.address, first.family);
    },
    (error) => done(error, []),
  );
};

function lookup(host: string, family: number | 'IPv4' | 'IPv6' | undefined): Promise<LookupAddress[]> {
  const key = `${family} ${host}`;
  const running = underWay.get(key) ?? start(host, family).finally(() => underWay.delete(key));
  underWay.set(key, running);
  return running;
}

async function start(host: string, family: number | 'IPv4' | 'IPv6' | undefined): Promise<LookupAddress[]> {
  const { promises } = await import('node:dns');
  return promises.lookup(host, { all: true, ...(family === undefined ? {} : { family }) });
}
