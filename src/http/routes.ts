/** What each path answers. All of them only tell. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { HttpSettings } from '../config/model.ts';
import type { Controller } from '../control/control.ts';
import { historyOf } from '../control/history.ts';
import { reportOf } from '../control/report.ts';
import { statusOf } from '../core/status.ts';
import { type Answer, html, json, send, text } from './answers.ts';
import { formFor } from './exposition.ts';
import type { Metrics } from './metrics.ts';
import { createNonce } from './nonce.ts';
import { renderPage } from './page.ts';
import { liveness, readiness, type Verdict } from './readiness.ts';
import { mostReaders, type Stream } from './stream.ts';

export interface Sources {
  readonly settings: HttpSettings;
  readonly controller: Controller;
  readonly metrics: Metrics;
  readonly stream: Stream;
}

type Route = (sources: Sources, request: IncomingMessage) => Answer | Promise<Answer>;

const routes: ReadonlyMap<string, Route> = new Map<string, Route>(
  Object.entries({
    '/livez': ({ controller }) => verdict(liveness(status(controller))),
    '/readyz': ({ controller, settings }) => verdict(readiness(status(controller), settings)),
    '/metrics': async ({ metrics }, { headers }) => {
      const { type, body } = await metrics.scrape(formFor(headers.accept));
      return { status: 200, type, body, headers: { vary: 'accept' } };
    },
    '/status': ({ controller }) => json(reportOf(controller, Date.now())),
    '/history': ({ controller: { journal } }) => json({ generations: historyOf(journal.entries) }),
    '/': ({ controller, settings }) => {
      if (!settings.page) return notFound(settings);
      const nonce = createNonce();
      const { entries } = controller.journal;
      const generations = historyOf(entries);
      return html(renderPage(reportOf(controller, Date.now(), generations), generations, entries, nonce), nonce);
    },
  } satisfies Readonly<Record<string, Route>>),
);
const streamPath = '/events';

export async function answer(request: IncomingMessage, response: ServerResponse, sources: Sources): Promise<void> {
  if (request.method !== 'GET' && request.method !== 'HEAD') {
    send(response, text(405, 'this only tells, it changes nothing: GET or HEAD', { allow: 'GET, HEAD' }));
    return;
  }
  // No file is served, so a path is one of a few words, or nothing.
  const path = request.url?.split('?', 1)[0] ?? '';
  if (path === streamPath) {
    follow(request, response, sources.stream);
    return;
  }
  const route = routes.get(path);
  send(response, route ? await route(sources, request) : notFound(sources.settings));
}

function follow({ method }: IncomingMessage, response: ServerResponse, stream: Stream): void {
  if (method === 'HEAD') send(response, { status: 200, type: 'text/event-stream; charset=utf-8', body: '' });
  else if (stream.full) send(response, text(503, `${mostReaders} readers are here already`, { 'retry-after': '10' }));
  else stream.join(response);
}

const notFound = ({ page }: HttpSettings): Answer =>
  text(404, `there are ${[...routes.keys(), streamPath].filter((path) => page || path !== '/').join(', ')}`);
const verdict = ({ yes, why }: Verdict): Answer => text(yes ? 200 : 503, why);
const status = ({ state, config, now }: Controller) => statusOf(state(), config, { now: now(), wall: Date.now() });
