/** Where reinit itself answers by HTTP, and what. */
import { type Kind, record, required, scalarKind, single, value, withDefault } from '../kinds.ts';
import type { HttpAddress, HttpSettings } from '../model.ts';
import { onOff } from './basic.ts';
import { readTcp } from './sockets.ts';

const expected = 'an address to listen on, such as 0.0.0.0:9533, [::]:9533 or :9533, or off';

/** A port alone: all addresses, whatever their version. */
const address: Kind<HttpAddress | 'off'> = scalarKind(
  { type: 'address', expected, spelling: value('ADDRESS'), json: { type: ['string', 'integer'] } },
  (given, fault) => {
    if (given === 'off') return given;
    const port = /^:?(\d+)$/.exec(given)?.[1];
    const read = readTcp(port ?? given, fault);
    return read && { host: port === undefined ? read.host : undefined, port: read.port };
  },
);

export const httpServer: Kind<Omit<HttpSettings, 'listen'> & { readonly listen: HttpAddress | 'off' }> = record(
  {
    type: 'address, or map',
    expected: `${expected}; a request that makes the application take over its configuration is http in a rule under watch`,
    spelling: { form: 'none' },
    json: { type: ['string', 'integer'] },
    hints: {
      address: 'listen',
      addr: 'listen',
      bind: 'listen',
      port: 'it is part of listen: 0.0.0.0:9533',
      host: 'it is part of listen: 0.0.0.0:9533',
      url: 'a request that makes the application take over its configuration is http in a rule under watch',
      path: 'the paths are fixed: /livez, /readyz, /metrics, /status',
      tls: 'there is no TLS: nothing secret is told, and whatever scrapes the pod can be let in by a NetworkPolicy',
    },
  },
  {
    listen: required(
      address,
      'Where `/livez`, `/readyz`, `/metrics`, `/status`, `/history`, `/events` and the status page are served: an address in numbers and a port. A port alone: on all addresses, those of IPv6, too. `off`: nowhere, over what is set elsewhere.',
    ),
    ready_while_refused: withDefault(
      onOff,
      'true',
      'Whether `/readyz` says yes while what the files hold is refused: the application runs on what it had. `false` takes the pod out of its Service, and stops a rollout that brings such files.',
    ),
    page: withDefault(onOff, 'true', 'Whether there is a status page at `/`.'),
  },
  (values) => values,
  single((listen) => ({ listen })),
);
