/**
 * What is asked of an application over and over, from when it is ready (or was asked for that often enough) until it is told to end: does it live
 * (`liveness`), does it serve (`readiness`), how much memory does it hold (`memory_limit`). Pure; service-care.ts says what follows.
 *
 *   a probe:  waiting ⇄ asking; `failure_threshold` noes in a row are a no, `success_threshold` yeses a yes
 *   memory:   waiting ⇄ asking; two samples in a row over the limit are too much
 *
 * What must never happen: an answer that counts for another instance than the one that was asked (each begins with a care of its own); a question to
 * one that is about to be replaced that ends the wrong one (`paused`); a decision for memory after one sample.
 */
import type { Probe, ServiceConfig } from '../config/model.ts';
import type { Note } from './notes.ts';
import { type Probing, type ProbingEvent, probingDeadline, probingTransition, startProbing } from './probing.ts';
import { earliest } from './times.ts';

export interface Care {
  readonly liveness: Probing | undefined;
  /** When it was known to live, last. */
  readonly aliveAt: number;
  readonly serving: Serving | undefined;
  readonly weighing: Weighing | undefined;
  /** When it will have run long enough (`max_uptime`). */
  readonly renewAt: number | undefined;
  /** When that was begun; 0: never. A second instance that fails leaves this one in its place. */
  readonly renewedAt: number;
}

export interface Serving {
  readonly probing: Probing;
  readonly serves: boolean;
  /** Since when that is so. */
  readonly since: number;
  /** Why it does not. */
  readonly problem: string | undefined;
}

/** In bytes. */
export interface Weight {
  readonly bytes: number;
  readonly limit: number;
  readonly processes: number;
}

export interface Weighing {
  readonly step: { readonly kind: 'waiting'; readonly at: number } | { readonly kind: 'asking'; readonly id: number };
  /** The last samples in a row that were over the limit. */
  readonly over: { readonly since: number; readonly samples: number; readonly weight: Weight } | undefined;
  /** Why it cannot be known, as told. */
  readonly problem: string | undefined;
}

/** Why an application that runs is restarted all the same. */
export type Trouble =
  | { readonly kind: 'dead'; readonly problem: string }
  | { readonly kind: 'heavy'; readonly weight: Weight }
  | { readonly kind: 'old' };

export type CareEvent =
  | ProbingEvent
  | { readonly kind: 'weighed'; readonly id: number; readonly answer: Weight | string; readonly at: number };

export interface CareStep {
  readonly care: Care;
  /** The question that has to be asked now. */
  readonly asks: 'liveness' | 'readiness' | undefined;
  readonly notes: readonly Note[];
}

type Given = Pick<ServiceConfig, 'liveness' | 'readiness' | 'memory_limit' | 'max_uptime'>;

const weighFirstMs = 5_000;
const weighOftenMs = 5_000;
const weighSeldomMs = 10_000;
/** From this share of the limit on it is weighed often. */
const nearShare = 0.75;
/** A spike is over by then, a leak is not. */
const weighAgainMs = 2_000;
/** What cannot be known now may be known later: a limit can be given to a container that runs. */
const weighLaterMs = 60_000;
const samplesToAct = 2;
/** After a second instance for `max_uptime` has failed: the next try. */
const renewAgainMs = 300_000;

/** What is to be asked under this configuration of one that runs since `since`, going on where it was asked already. Undefined: nothing. */
export function careFor(care: Care | undefined, since: number, at: number, given: Given): Care | undefined {
  const { liveness, readiness, memory_limit, max_uptime } = given;
  if (!liveness && !readiness && !memory_limit && !max_uptime) return undefined;
  return {
    liveness: liveness && (care?.liveness ?? startProbing(liveness, at)),
    aliveAt: care && !care.liveness ? at : (care?.aliveAt ?? since), // who was not asked was not silent
    serving: readiness && (care?.serving ?? notAsked(readiness, at)),
    weighing: memory_limit && (care?.weighing ?? { step: { kind: 'waiting', at: at + weighFirstMs }, over: undefined, problem: undefined }),
    renewAt: max_uptime && Math.max(since + max_uptime, care?.renewedAt ? care.renewedAt + renewAgainMs : 0),
    renewedAt: care?.renewedAt ?? 0,
  };
}

const notAsked = (probe: Probe, at: number): Serving => ({
  probing: startProbing(probe, at),
  serves: false,
  since: at,
  problem: 'it was not asked yet',
});

/**
 * Pure. Undefined: the event means nothing now.
 *
 * @param paused another instance is to take over: nothing is asked that could lead to a restart
 */
export function careTransition(care: Care, event: CareEvent, given: Given, paused: boolean, id: number): CareStep | undefined {
  const silent = paused && event.kind === 'timeElapsed'; // an answer to what was asked before is one all the same
  return (
    (silent ? undefined : lives(care, event, given, id)) ?? serves(care, event, given, id) ?? (silent ? undefined : weighs(care, event, id))
  );
}

export function careDeadline({ liveness, serving, weighing }: Care, paused: boolean): number | undefined {
  const asked = [liveness && probingDeadline(liveness), weighing?.step.kind === 'waiting' ? weighing.step.at : undefined];
  return earliest([...(paused ? [] : asked), serving && probingDeadline(serving.probing)]);
}

/** It has said no often enough. */
export function deadOf({ liveness }: Care, { liveness: probe }: Given): Trouble | undefined {
  if (!liveness || !probe || liveness.kind !== 'waiting' || liveness.failures < probe.failure_threshold) return undefined;
  return { kind: 'dead', problem: liveness.problem ?? 'it does not answer' };
}

export const heavyOf = ({ weighing }: Care): Trouble | undefined =>
  weighing?.over && weighing.over.samples >= samplesToAct ? { kind: 'heavy', weight: weighing.over.weight } : undefined;

function lives(care: Care, event: CareEvent, { liveness: probe }: Given, id: number): CareStep | undefined {
  const step = probe && care.liveness && event.kind !== 'weighed' ? probingTransition(care.liveness, event, probe, id) : undefined;
  if (!step) return undefined;
  const yes = event.kind === 'answered' && event.problem === undefined;
  return {
    care: { ...care, liveness: step.probing, aliveAt: yes ? event.at : care.aliveAt },
    asks: step.asks ? 'liveness' : undefined,
    notes: [],
  };
}

function serves(care: Care, event: CareEvent, { readiness: probe }: Given, id: number): CareStep | undefined {
  const { serving } = care;
  const step = probe && serving && event.kind !== 'weighed' ? probingTransition(serving.probing, event, probe, id) : undefined;
  if (!step || !serving) return undefined;
  const next = { ...serving, probing: step.probing };
  const to = (to: Serving, ...notes: readonly Note[]): CareStep => ({
    care: { ...care, serving: to },
    asks: step.asks ? 'readiness' : undefined,
    notes,
  });
  if (!step.verdict) return to(next);
  const { at } = event;
  const ms = Math.max(0, at - serving.since);
  if (step.verdict.kind === 'no') {
    const { problem } = step.verdict;
    return serving.serves
      ? to({ ...next, serves: false, since: at, problem }, { kind: 'not_serving', problem, ms })
      : to({ ...next, problem });
  }
  return serving.serves ? to(next) : to({ ...next, serves: true, since: at, problem: undefined }, { kind: 'serving', ms });
}

function weighs(care: Care, event: CareEvent, id: number): CareStep | undefined {
  const { weighing } = care;
  if (!weighing) return undefined;
  const { step } = weighing;
  if (step.kind === 'waiting') {
    if (event.kind !== 'timeElapsed' || event.at < step.at) return undefined;
    return { care: { ...care, weighing: { ...weighing, step: { kind: 'asking', id } } }, asks: undefined, notes: [] };
  }
  if (event.kind !== 'weighed' || event.id !== step.id) return undefined;
  const { answer, at } = event;
  const notes: Note[] = typeof answer === 'string' && answer !== weighing.problem ? [{ kind: 'memory_unknown', problem: answer }] : [];
  return { care: { ...care, weighing: weighed(weighing, answer, at) }, asks: undefined, notes };
}

function weighed({ over }: Weighing, answer: Weight | string, at: number): Weighing {
  const next = (ms: number, more: Partial<Weighing>): Weighing => ({
    step: { kind: 'waiting', at: at + ms },
    over: undefined,
    problem: undefined,
    ...more,
  });
  if (typeof answer === 'string') return next(weighLaterMs, { problem: answer });
  const { bytes, limit } = answer;
  if (bytes > limit) return next(weighAgainMs, { over: { since: over?.since ?? at, samples: (over?.samples ?? 0) + 1, weight: answer } });
  return next(bytes > limit * nearShare ? weighOftenMs : weighSeldomMs, {});
}
