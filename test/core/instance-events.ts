import type { InstanceEvent } from '../../src/core/rule.ts';

/** What may happen to the application, at 600. */
export const instanceEvents = {
  instanceOrdered: { kind: 'instanceOrdered', beside: false },
  instanceStarted: { kind: 'instanceStarted', promoted: false, proven: false, at: 600 },
  instanceFound: { kind: 'instanceFound', since: 500, published: 400, at: 600 },
  instanceReady: { kind: 'instanceReady', at: 600 },
  instanceUnready: { kind: 'instanceUnready', problem: 'no', at: 600 },
  besideFailed: { kind: 'besideFailed', problem: 'no', at: 600 },
  instanceEnded: { kind: 'instanceEnded', ordered: false, end: { kind: 'code', code: 1 }, at: 600 },
} as const satisfies { [K in InstanceEvent['kind']]: Extract<InstanceEvent, { kind: K }> };
