/** What an event looks like where it is told. Pure. */
import type { NotifyTarget } from '../config/model.ts';
import type { Gathered } from './gather.ts';

/** From the downward API (or whoever sets them); undefined: not known. */
export interface Pod {
  readonly name: string | undefined;
  readonly namespace: string | undefined;
  readonly uid: string | undefined;
}

export const podOf = ({ POD_NAME, HOSTNAME, POD_NAMESPACE, POD_UID }: Readonly<Record<string, string | undefined>>): Pod => ({
  name: POD_NAME || HOSTNAME || undefined,
  namespace: POD_NAMESPACE || undefined,
  uid: POD_UID || undefined,
});

/** Kubernetes takes no longer message (core/v1 validation of events). */
const mostChars = 1024;
const component = 'reinit';

/** One line of JSON. What is not known is left out. */
export function formOf(gathered: Gathered, pod: Pod, { format, output }: Pick<NotifyTarget, 'format' | 'output'>): string {
  const told = output ? gathered : { ...gathered, event: { ...gathered.event, output: undefined } };
  return JSON.stringify(format === 'json' ? jsonOf(told, pod) : kubernetesEventOf(told, pod));
}

const jsonOf = ({ event, first, last, count }: Gathered, pod: Pod) => ({
  v: 1,
  source: component,
  event: event.kind,
  type: event.type,
  reason: event.reason,
  message: event.message,
  rule: event.rule,
  hash: event.hash,
  output: event.output,
  count,
  first_time: new Date(first).toISOString(),
  last_time: new Date(last).toISOString(),
  pod,
});

/** Event of core/v1, as `kubectl get events` shows them; its times are of whole seconds. */
function kubernetesEventOf({ event, first, last, count }: Gathered, { name, namespace, uid }: Pod) {
  const message = event.output === undefined ? event.message : `${event.message}\n${event.output}`;
  return {
    apiVersion: 'v1',
    kind: 'Event',
    // As client-go names them: the object, and a number that is this series' own.
    metadata: { name: `${name ?? component}.${BigInt(first * 1_000_000).toString(16)}`, namespace: namespace ?? 'default' },
    type: event.type,
    reason: event.reason,
    message: message.length > mostChars ? `${message.slice(0, mostChars - 1).toWellFormed()}…` : message,
    count,
    firstTimestamp: seconds(first),
    lastTimestamp: seconds(last),
    involvedObject: { apiVersion: 'v1', kind: 'Pod', name, namespace, uid },
    source: { component },
    reportingComponent: component,
  };
}

const seconds = (at: number): string => new Date(at).toISOString().replace(/\.\d+Z$/, 'Z');
