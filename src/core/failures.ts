/** What can become of a change but that it is applied: for whoever tells of it. */
import type { RuleNote } from './notes.ts';

/** It was not brought to the application. */
export const refusals = ['refused', 'not_staged'] as const satisfies readonly RuleNote['kind'][];
/** It was, and the application did not take it. */
export const failures = [
  'reload_failed',
  'restart_failed',
  'action_failed',
  'unconfirmed',
  'signal_refused',
  'not_signalled',
  'publish_failed',
] as const satisfies readonly RuleNote['kind'][];

export type Failure = (typeof failures)[number];
export const isRefusal = (event: string): boolean => (refusals as readonly string[]).includes(event);
export const isFailure = (event: string): event is Failure => (failures as readonly string[]).includes(event);
