/**
 * Status, metrics and probes by HTTP: a bundle of its own, loaded where `http` is configured, once the application has been started. What must never
 * happen: a client that changes something, or that blocks, ends or slows the supervisor.
 */
import type { Server } from 'node:http';
import { setFlagsFromString } from 'node:v8';
import type { HttpSettings } from '../config/model.ts';
import type { Controller } from '../control/control.ts';
import type { Log } from '../log/log.ts';
import { send, text } from './answers.ts';
import { createBoundedServer, holdAddress } from './listen.ts';
import { createMetrics } from './metrics.ts';
import { answer, type Sources } from './routes.ts';
import { createStream } from './stream.ts';
import { createUsage } from './usage.ts';

export function startHttp(settings: HttpSettings, controller: Controller, log: Log): Server {
  // Requests that come often would set V8's middle compiler to work, in a thread beside: 10 MB that never come back, for nothing that is slow here.
  setFlagsFromString('--no-maglev');
  const usage = createUsage(controller);
  const sources: Sources = { settings, controller, metrics: createMetrics(controller, usage), stream: createStream(controller, usage) };
  const server = createBoundedServer((request, response) => {
    // Whoever has left cannot be answered, and that is nobody's error.
    request.on('error', ignore);
    response.on('error', ignore);
    answer(request, response, sources).catch((error: Error) => {
      log.say('error', `a bug in reinit: ${error.stack ?? error.message}`, { event: 'bug' });
      if (response.headersSent) response.destroy();
      else send(response, text(500, 'a bug in reinit: its log says more'));
    });
  });
  holdAddress(server, settings.listen, log);
  return server;
}

const ignore = (): void => {};
