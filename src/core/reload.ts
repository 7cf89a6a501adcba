/**
 * The way of a change, as a pure machine for one watch rule:
 * read again → validate → read again → its turn → read again → signal or restart → confirm → applied.
 *
 * What must never happen: a signal or a restart for files that are already applied, that were refused, or that are no longer what was validated;
 * a change that is forgotten: whatever path is taken, it ends in comparing desired with applied again.
 */

import { exitCodes } from './exit-codes.ts';
import { shortHash, shortOf } from './reading.ts';
import type { Candidate, Phase, RuleEvent, RulePolicy, RuleState, RuleStep, SignalResult } from './rule.ts';
import { change, enter, evaluate, finished, type Handler, stay, tell } from './rule-steps.ts';
import { lookAgain, reread } from './settle.ts';
import { shellCode } from './wait-status.ts';

/** How long an application may take to install its handler before the change is applied by restart (applications.md, 3: ~10 ms to seconds). */
const patienceMs = 10_000;
const retryMs = [50, 100, 200, 400, 800, 1000] as const;
/** So many reloads in a row that ended the application are the signal's fault, not the configuration's. */
const deathsToFall = 2;

/**
 * Pure. Undefined: the event means nothing in this phase.
 *
 * @param id one that was never used: for a reading, a signal or a validator's token
 */
export function ruleTransition(rule: RuleState, event: RuleEvent, policy: RulePolicy, id: number): RuleStep | undefined {
  if (rule.phase.kind === 'over') return undefined;
  if (event.kind === 'containerStops') return enter(rule, { kind: 'over' });
  if (event.kind === 'instanceOrdered') return ordered(rule);
  if (event.kind === 'instanceEnded') return ended(rule, event, policy);
  if (event.kind === 'told') return told(rule, event, policy, id);
  if (event.kind === 'read' && !('read' in rule.phase && rule.phase.read === event.id)) return undefined;
  const handler = handlers[rule.phase.kind] as Handler<Phase['kind']>;
  return handler(rule, rule.phase, event, policy, id);
}

const ignore = (): undefined => undefined;

const handlers: { readonly [K in Phase['kind']]: Handler<K> } = {
  idle: ignore,
  down: ignore,
  over: ignore,
  restarting: ignore,
  coming(rule, { candidate, expected }, event, _, id) {
    if (event.kind !== 'instanceStarted') return undefined;
    return enter(rule, { kind: 'surveying', candidate, expected, startedAt: event.at, read: id });
  },
  settling(rule, phase, event, _, id) {
    if (event.kind !== 'timeElapsed' || event.at < phase.readAt) return undefined;
    return enter(rule, { kind: 'rereading', last: phase.last, tries: phase.tries, read: id });
  },
  rereading: reread,
  checking(rule, phase, event, policy, id) {
    if (event.kind !== 'read') return undefined;
    if (event.reading?.hash !== phase.candidate.reading.hash) return lookAgain(rule, event, policy);
    return enter(rule, { kind: 'validating', candidate: phase.candidate, step: 0, token: id }, [{ kind: 'validate', token: id, step: 0 }]);
  },
  validating(rule, phase, event, policy, id) {
    if (event.kind !== 'validated' || event.token !== phase.token) return undefined;
    const { candidate, step } = phase;
    if (event.refusal) return enter(rule, { kind: 'judging', candidate, step, verdict: event.refusal, read: id });
    if (step + 1 < policy.validate.length)
      return enter(rule, { ...phase, step: step + 1, token: id }, [{ kind: 'validate', token: id, step: step + 1 }]);
    return enter(rule, { kind: 'queued', candidate, held: false });
  },
  judging(rule, phase, event, policy, id) {
    if (event.kind !== 'read') return undefined;
    const { candidate, step, verdict } = phase;
    if (event.reading?.hash !== candidate.reading.hash) return lookAgain(rule, event, policy);
    const refused = { ...rule, refused: candidate.reading.hash };
    const note = { kind: 'refused', hash: shortHash(candidate.reading.hash), running: shortOf(rule.applied), step, verdict } as const;
    return tell(evaluate(refused, policy, id), note);
  },
  queued(rule, phase, event, policy, id) {
    if (event.kind === 'heldBack' && !phase.held) {
      return tell(enter(rule, { ...phase, held: true }), {
        kind: 'held_back',
        hash: shortHash(phase.candidate.reading.hash),
        by: event.by,
      });
    }
    if (event.kind !== 'turn') return undefined;
    const step = enter(rule, {
      kind: 'rechecking',
      candidate: phase.candidate,
      attempt: { by: byOf(rule, policy), since: event.at, count: 0 },
      read: id,
    });
    return rule.fallen && policy.on_change === 'reload'
      ? tell(step, { kind: 'falls_to_restart', signo: policy.reload_signal, why: 'killed_before' })
      : step;
  },
  rechecking(rule, phase, event, policy, id) {
    if (event.kind !== 'read') return undefined;
    const { candidate, attempt } = phase;
    if (event.reading?.hash !== candidate.reading.hash) return lookAgain(rule, event, policy);
    if (policy.on_change === 'none') return finished(rule, candidate, 'none', event.at, policy, id);
    if (attempt.by === 'restart') return enter(rule, { kind: 'restarting', candidate }, [{ kind: 'restart' }]);
    const command = { kind: 'signal', id, signo: policy.reload_signal, minAgeMs: policy.reload_after_start } as const;
    return enter(rule, { kind: 'signalling', candidate, attempt, id }, [command]);
  },
  signalling(rule, phase, event, policy, id) {
    if (event.kind !== 'signalled' || event.id !== phase.id) return undefined;
    return answered(rule, phase, event.result, event.at, policy, id);
  },
  retrying(rule, phase, event, _, id) {
    if (event.kind !== 'timeElapsed' || event.at < phase.at) return undefined;
    return enter(rule, { kind: 'rechecking', candidate: phase.candidate, attempt: phase.attempt, read: id });
  },
  confirming(rule, phase, event, policy, id) {
    if (event.kind !== 'timeElapsed' || event.at < phase.until) return undefined;
    return finished(phase.by === 'reload' ? { ...rule, deaths: 0 } : rule, phase.candidate, phase.by, event.at, policy, id);
  },
  surveying(rule, phase, event, policy, id) {
    if (event.kind !== 'read') return undefined;
    const { candidate, expected, startedAt } = phase;
    const { reading } = event;
    // What changed since may have been found by the application or not: nobody knows what it runs with.
    if (!reading || reading.hash !== expected) return lookAgain({ ...rule, applied: undefined }, event, policy);
    const refused = rule.refused === reading.hash;
    const found: RuleState = { ...rule, applied: reading, refused: refused ? undefined : rule.refused };
    const until = startedAt + policy.confirm;
    const step = candidate
      ? enter(found, { kind: 'confirming', candidate, by: 'restart', from: startedAt, until })
      : evaluate(found, policy, id);
    return refused ? tell(step, { kind: 'came_up_on_refused', hash: shortHash(reading.hash) }) : step;
  },
};

const byOf = (rule: RuleState, policy: RulePolicy): 'reload' | 'restart' =>
  policy.on_change === 'restart' || rule.fallen ? 'restart' : 'reload';

/** init's answer to the guarded signal. */
function answered(
  rule: RuleState,
  phase: Extract<Phase, { kind: 'signalling' }>,
  result: SignalResult,
  at: number,
  policy: RulePolicy,
  id: number,
): RuleStep {
  const { candidate, attempt } = phase;
  const signo = policy.reload_signal;
  const hash = shortHash(candidate.reading.hash);
  switch (result) {
    case 'sent':
      return tell(enter(rule, { kind: 'confirming', candidate, by: 'reload', from: at, until: at + policy.confirm }), {
        kind: 'signalled',
        signo,
        hash,
      });
    case 'no_process': // its end is on the way to us, and is not the signal's doing
    case 'stopping':
      return enter(rule, { kind: 'queued', candidate, held: false });
    case 'not_permitted':
      return tell(evaluate({ ...rule, refused: candidate.reading.hash }, policy, id), { kind: 'signal_refused', signo, hash });
    default: {
      if (at - attempt.since >= patienceMs + policy.reload_after_start) {
        const step = enter(rule, { kind: 'rechecking', candidate, attempt: { ...attempt, by: 'restart' }, read: id });
        return tell(step, { kind: 'falls_to_restart', signo, why: result });
      }
      const wait = retryMs[Math.min(attempt.count, retryMs.length - 1)] ?? 1000;
      const step = enter(rule, { kind: 'retrying', candidate, attempt: { ...attempt, count: attempt.count + 1 }, at: at + wait });
      return attempt.count === 0 ? tell(step, { kind: 'signal_waits', signo, why: result }) : step;
    }
  }
}

function told(rule: RuleState, event: Extract<RuleEvent, { kind: 'told' }>, policy: RulePolicy, id: number): RuleStep | undefined {
  const seen = change(rule, event.reading, event.at);
  switch (rule.phase.kind) {
    case 'idle':
    case 'settling':
    case 'rereading':
      return tell(evaluate(seen.state, policy, id), ...seen.notes);
    case 'checking':
    case 'queued': {
      const same = rule.phase.candidate.reading.hash === event.reading.hash;
      return same ? stay(seen) : tell(evaluate(seen.state, policy, id), ...seen.notes);
    }
    // The next instance would find it anyway: no reason to wait for the end of a back-off.
    case 'down':
      return seen.notes.length > 0 ? { ...seen, commands: [{ kind: 'restart' }] } : stay(seen);
    default:
      return stay(seen); // compared again when this phase ends
  }
}

/** What the files are as an instance is ordered is what it will find, unless they change before it has started. */
function ordered(rule: RuleState): RuleStep {
  const candidate = rule.phase.kind === 'restarting' ? rule.phase.candidate : undefined;
  const expected = rule.desired?.hash;
  return enter(rule, { kind: 'coming', candidate: candidate?.reading.hash === expected ? candidate : undefined, expected });
}

/** What this end of the instance says of the change that was under way. The next instance begins with a survey. */
function ended(rule: RuleState, event: Extract<RuleEvent, { kind: 'instanceEnded' }>, policy: RulePolicy): RuleStep | undefined {
  const { phase } = rule;
  if (phase.kind === 'down' || (phase.kind === 'restarting' && event.ordered)) return undefined;
  if (phase.kind === 'confirming' && phase.by === 'reload') return reloadFailed(rule, phase, event, policy);
  const candidate = restartedFor(phase);
  if (!candidate) return enter(rule, { kind: 'down' });
  const failed = { ...rule, refused: candidate.reading.hash };
  return tell(enter(failed, { kind: 'down' }), { kind: 'restart_failed', hash: shortHash(candidate.reading.hash) });
}

function restartedFor(phase: Phase): Candidate | undefined {
  switch (phase.kind) {
    case 'restarting':
    case 'coming':
    case 'surveying':
    case 'confirming':
      return phase.candidate;
    default:
      return undefined;
  }
}

/** A handler proves nothing: Go and the JVM catch HUP and die of it (applications.md, trap 3). Such an application is not asked again. */
function reloadFailed(
  rule: RuleState,
  phase: Extract<Phase, { kind: 'confirming' }>,
  event: Extract<RuleEvent, { kind: 'instanceEnded' }>,
  policy: RulePolicy,
): RuleStep {
  const signo = policy.reload_signal;
  const deaths = rule.deaths + 1;
  const byIt = event.end !== undefined && shellCode(event.end) === exitCodes.signalBase + signo;
  const hash = phase.candidate.reading.hash;
  const failed: RuleState = { ...rule, deaths, fallen: rule.fallen || byIt || deaths >= deathsToFall, refused: hash };
  const note = { kind: 'reload_failed', hash: shortHash(hash), signo, afterMs: Math.max(0, event.at - phase.from) } as const;
  return tell(enter(failed, { kind: 'down' }), note);
}
