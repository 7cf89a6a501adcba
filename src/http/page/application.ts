/** The application, and reinit itself. Pure. */
import type { Report } from '../../control/report.ts';
import type { Entry } from '../../journal/journal.ts';
import { type Html, html } from './html.ts';
import { clock, code, facts, moment, printed, text } from './parts.ts';
import { applicationStanding, pill } from './tone.ts';

export function applicationSection({ application, restarts }: Report, entries: readonly Entry[], now: number): Html {
  const { pid, since, attempt, next_start_at: next } = application;
  const { tone, word } = applicationStanding(application);
  const end = entries.findLast(({ event }) => event === 'ended');
  return html`<h2 id="application">Application</h2>
<div class="card">
${facts([
  { term: 'State', value: pill(tone, word.toLowerCase()) },
  { term: 'Process', value: pid === null ? null : `pid ${pid}` },
  { term: 'Since', value: since === null ? null : moment(since, now), wide: true },
  { term: 'Restarts', value: String(restarts) },
  { term: 'In a row', value: attempt > 0 ? `${attempt}, because it ended by itself` : null, wide: true },
  { term: 'Next start', value: next === null ? null : clock(next) },
  { term: 'Last end', value: end ? html`<p>${text(end.msg)}</p>${moment(end.time, now)}` : null, wide: true },
])}
${advice(application)}
</div>`;
}

function advice({ state, not_ready_because: problem }: Report['application']): Html {
  if (state === 'backoff' || state === 'ended')
    return html`<p class="note bad">What the application said before it ended says why: it is in the log of the container.</p>`;
  if (state === 'running' && problem !== null) return html`<p class="note warn">It is not ready: ${text(problem)}.</p>`;
  return html``;
}

export function reinitSection({ reinit, own_file: own }: Report, now: number): Html {
  const { version, since, pid, controller_generation: generation } = reinit;
  return html`<h2 id="reinit">reinit</h2>
<div class="card">
${facts([
  { term: 'Version', value: version },
  { term: 'Controller', value: `generation ${generation}, pid ${pid}` },
  { term: 'Since', value: moment(since, now), wide: true },
  { term: 'Own file', value: own && code(own.hash) },
  { term: 'From the next start', value: own && own.next_start.length > 0 ? own.next_start.join(', ') : null, wide: true },
])}
${own?.refused && html`<p class="note bad">${text(own.refusal?.reason ?? `What the file holds, ${own.refused}, is refused.`)}</p>${printed(own.refusal?.output ?? null, "What is wrong with reinit's own file", 'own-file')}`}
</div>`;
}
