/** What probes are answered: yes, or no and why, in one line. Pure. */
import type { HttpSettings } from '../config/model.ts';
import { isDenied, type Status } from '../core/status.ts';

export interface Verdict {
  readonly yes: boolean;
  readonly why: string;
}

const ok: Verdict = { yes: true, why: 'ok' };

/** The application runs, or reinit is about to start it (again). Once it has been given up nothing but a new container helps. */
export const liveness = ({ application, summary }: Status): Verdict => (application.state === 'ended' ? { yes: false, why: summary } : ok);

export function readiness(
  { healthy, summary, rules }: Status,
  { ready_while_refused }: Pick<HttpSettings, 'ready_while_refused'>,
): Verdict {
  if (!healthy) return { yes: false, why: summary };
  const refused = ready_while_refused ? [] : rules.filter(isDenied);
  if (refused.length === 0) return ok;
  const names = refused.map(({ name }) => name).join(', ');
  return { yes: false, why: `what ${names} ${refused.length === 1 ? 'holds' : 'hold'} is not applied (http.ready_while_refused is false)` };
}
