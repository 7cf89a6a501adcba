/** The real server over a controller that only has a state and a journal. */
import { once } from 'node:events';
import { type IncomingHttpHeaders, type RequestOptions, request } from 'node:http';
import { onTestFinished } from 'vitest';
import type { HttpSettings, WatchRule } from '../../src/config/model.ts';
import type { Controller } from '../../src/control/control.ts';
import type { Watched } from '../../src/control/report.ts';
import { freshRule, type RuleState } from '../../src/core/rule.ts';
import type { ServiceState } from '../../src/core/service-state.ts';
import type { State } from '../../src/core/state.ts';
import { startHttp } from '../../src/http/http.ts';
import { createJournal, type Journal } from '../../src/journal/journal.ts';
import type { LogFields } from '../../src/log/lines.ts';
import { createLog, type Log } from '../../src/log/log.ts';
import { freePort } from '../fixtures/free-port.ts';
import { gone } from '../fixtures/namespace.ts';
import { configOf } from '../fixtures/simulation.ts';

export interface FakeController extends Controller {
  readonly journal: Journal;
  /** As one more step of the machines. */
  become(change: { readonly service?: ServiceState; readonly rule?: Partial<RuleState> }): void;
  /** As the log would say it, of the rule `r`. */
  tell(event: string, fields?: LogFields): void;
  clock: number;
  /** What its watches have to say. */
  watching: Watched;
}

export const running: ServiceState = {
  kind: 'running',
  token: 1,
  pid: gone,
  attempt: 0,
  since: 1_000,
  readiness: { kind: 'ready' },
  beside: undefined,
};
const reading = { hash: 'a'.repeat(64), files: undefined };
const ownFile = {
  source: { hash: 'c'.repeat(64), text: undefined },
  refused: undefined,
  checking: undefined,
  waits: false,
  generation: 0,
  started: undefined,
  ordered: undefined,
  trial: undefined,
  wentBack: undefined,
};
const inSync: RuleState = { ...freshRule(reading, 1_000), applied: reading, divergedAt: undefined, phase: { kind: 'idle' } };

export function fakeController(rule: Partial<WatchRule> = {}): FakeController {
  const config = configOf({}, { name: 'r', ...rule });
  const journal = createJournal();
  const steps = new Set<() => void>();
  let state: State = {
    own: ownFile,
    nextId: 1,
    service: running,
    rules: { r: inSync },
    apply: { kind: 'none' },
    lastSignalAt: 0,
    orders: undefined,
    key: undefined,
  };
  const controller: FakeController = {
    config,
    reinit: { host: 'web-7d9f', version: '1.2.3', pid: 1, controller_generation: 2, since: new Date(Date.now() - 1_000).toISOString() },
    journal,
    clock: 10_000,
    state: () => state,
    dispatch: () => undefined,
    onStep(listener) {
      steps.add(listener);
      return () => steps.delete(listener);
    },
    now: () => controller.clock,
    count: async () => ({ orphans: 5, forwarded: 4 }),
    watching: { watched_by: 'events', warnings: [] },
    watched: () => controller.watching,
    look: () => undefined,
    stop: () => undefined,
    become({ service = state.service, rule = {} }) {
      state = { ...state, service, rules: { r: { ...(state.rules.r ?? inSync), ...rule } } };
      for (const step of steps) step();
    },
    tell: (event, fields = {}) => journal.add({ level: 'info', msg: event, fields: { event, rule: 'r', ...fields } }),
  };
  return controller;
}

export const settings: HttpSettings = { listen: { host: '127.0.0.1', port: 0 }, ready_while_refused: true, page: true };

export interface Served {
  readonly port: number;
  readonly controller: FakeController;
  readonly log: () => string;
  /** Without a path of its own: to be sent as it is. */
  ask(path: string, options?: RequestOptions): Promise<Got>;
}

export interface Got {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

export async function serve(given: Partial<HttpSettings> = {}): Promise<Served> {
  const controller = fakeController();
  const listen = given.listen ?? { host: '127.0.0.1', port: await freePort() };
  const { log, said } = recordingLog();
  const server = startHttp({ ...settings, ...given, listen }, controller, log);
  onTestFinished(async () => {
    server.closeAllConnections();
    server.close();
  });
  if (!given.listen) await once(server, 'listening');
  return { port: listen.port, controller, log: said, ask: (path, options) => ask(listen.port, path, options) };
}

export function recordingLog(): { readonly log: Log; readonly said: () => string } {
  const lines: string[] = [];
  const log = createLog(() => 0);
  log.use(() => (line) => void lines.push(line.msg));
  return { log, said: () => lines.join('\n') };
}

export function ask(port: number, path: string, options: RequestOptions = {}): Promise<Got> {
  return new Promise((resolve, reject) => {
    const asked = request({ host: '127.0.0.1', port, path, agent: false, timeout: 5_000, ...options }, async (response) => {
      let body = '';
      try {
        for await (const part of response) body += part;
        resolve({ status: response.statusCode ?? 0, headers: response.headers, body });
      } catch (error) {
        reject(error);
      }
    });
    asked.on('timeout', () => asked.destroy(new Error('timeout')));
    asked.on('error', reject);
    asked.end();
  });
}
