import { describe, expect, test } from 'vitest';
import type { Probe } from '../../src/config/model.ts';
import { applyTransition } from '../../src/core/apply.ts';
import { problemOf } from '../../src/core/apply-confirm.ts';
import {
  type ApplyCommand,
  type ApplyEvent,
  type ApplyPolicy,
  type ApplyState,
  applyDeadline,
  applyNeedsHold,
  type Batch,
  canFallBack,
  isUnconfirmed,
} from '../../src/core/apply-state.ts';
import type { ApplyStep } from '../../src/core/apply-steps.ts';
import type { RulePolicy } from '../../src/core/policy.ts';
import { ruleDefaults } from '../fixtures/simulation.ts';
import { instanceEvents } from './instance-events.ts';

const reading = (hash: string) => ({ hash, files: undefined });
const [old, next, other] = [reading('old'), reading('next'), reading('other')];
const candidate = { reading: next, since: 10, tries: 0 };
const policy: RulePolicy = {
  ...ruleDefaults,
  source: 'files',
  reload_signal: 1,
  reload_after_start: 1_000,
  confirm: 3_000,
  confirm_by: undefined,
  reload_retries: 0,
  on_failure: 'keep',
  exec: [['first'], ['second']],
};
const publish = { to: '/run/p', mode: 'flip', keep: 1 } as const;
const probe: Probe = {
  check: { kind: 'exec', command: ['ok'] },
  initial_delay: 0,
  period: 200,
  timeout: 100,
  success_threshold: 1,
  failure_threshold: 2,
};
const id = 99;

const files: Batch = {
  leader: 'r',
  action: 'reload',
  members: [{ rule: 'r', candidate, fallback: undefined }],
  since: 90,
  tries: 0,
  published: false,
  rollback: false,
};
/** Of a rule that is published, and may go back to `old`. */
const owned: Batch = { ...files, members: [{ rule: 'p', candidate, fallback: old }], leader: 'p' };
const rollback: Batch = {
  ...owned,
  members: [{ rule: 'p', candidate: { ...candidate, reading: old }, fallback: undefined }],
  rollback: true,
};
const attempt = { since: 100, count: 0 };
const waiting = { kind: 'waiting', at: 500, successes: 0, failures: 0 } as const;

const states = {
  none: { kind: 'none' },
  gauging: { kind: 'gauging', batch: files, job: 8, told: false },
  draining: { kind: 'draining', batch: files, at: 500 },
  rechecking: { kind: 'rechecking', batch: files, attempt, read: 5, left: ['r'] },
  publishing: { kind: 'publishing', batch: owned, attempt, job: 8 },
  signalling: { kind: 'signalling', batch: files, attempt, id: 7 },
  retrying: { kind: 'retrying', batch: files, attempt, at: 500 },
  executing: { kind: 'executing', batch: { ...files, action: 'exec' }, step: 0, token: 6, from: 400 },
  calling: { kind: 'calling', batch: { ...files, action: 'http' }, job: 8, from: 400 },
  restarting: { kind: 'restarting', batch: { ...files, action: 'restart' } },
  confirming: { kind: 'confirming', batch: files, how: 'reload', from: 100, until: 500, probing: undefined },
} as const satisfies { [K in ApplyState['kind']]: Extract<ApplyState, { kind: K }> };

const events = {
  begin: { kind: 'begin', batch: files, at: 600 },
  read: { kind: 'read', rule: 'r', id: 5, reading: next, at: 600 },
  jobDone: { kind: 'jobDone', id: 8, result: { kind: 'done', problem: undefined }, at: 600 },
  signalled: { kind: 'signalled', id: 7, result: 'sent', at: 600 },
  executed: { kind: 'executed', token: 6, refusal: undefined, at: 600 },
  notified: { kind: 'notified', states: 1, at: 600 },
  ...instanceEvents,
  containerStops: { kind: 'containerStops' },
  timeElapsed: { kind: 'timeElapsed', at: 600 },
} as const satisfies { [K in ApplyEvent['kind']]: Extract<ApplyEvent, { kind: K }> };

interface Row {
  readonly title: string;
  readonly in: ApplyState;
  readonly when: ApplyEvent;
  /** `nothing`: the event means nothing here. */
  readonly to: Partial<ApplyState> | 'nothing';
  readonly commands?: readonly ApplyCommand[];
  /** `rule: event`, with what matters of it. */
  readonly says?: readonly string[];
  readonly notes?: readonly string[];
  readonly policy?: Partial<RulePolicy>;
  /** The service has a probe of its own. */
  readonly ready?: boolean;
  /** The application is another container's. */
  readonly attached?: boolean;
}

const given = (different: Partial<RulePolicy> = {}, ready = false, attached = false): ApplyPolicy => ({
  policy: (name) => ({ ...policy, name, ...(name === 'p' && { publish }), ...different }),
  ready,
  restartable: !attached,
});
/** Every saying in a few words. */
const wordsOf = ({ sayings }: ApplyStep): string[] =>
  sayings.map(({ rule, event }) => {
    switch (event.kind) {
      case 'published':
        return `${rule}: published ${event.reading.hash}`;
      case 'dissolved':
        return `${rule}: dissolved${event.moved ? ` on ${event.moved.reading?.hash}` : ''}`;
      case 'succeeded':
        return `${rule}: ${event.proven ? 'proven' : 'succeeded'} by ${event.how}`;
      case 'failed': {
        const death = event.death ? ` dead${event.death.byIt ? ' of it' : ''}` : '';
        return `${rule}: failed${event.again ? ' for now' : ''}${event.note ? ` (${event.note.kind})` : ''}${death}`;
      }
      case 'rolledBack':
        return `${rule}: back on ${event.reading.hash}${event.took ? '' : ' next time'}`;
      default:
        return `${rule}: ${event.kind}`;
    }
  });

const signal: ApplyCommand = { kind: 'signal', id, signo: 1, minAgeMs: 1_000 };
const counted = (count: number) => ({ ...events.jobDone, result: { kind: 'counted', count } }) as const;
const answer = (result: 'no_process' | 'not_yet' | 'ignored' | 'not_caught' | 'not_permitted' | 'stopping', at = 600) =>
  ({ ...events.signalled, result, at }) as const;
const problem = { ...events.jobDone, result: { kind: 'done', problem: 'it says no' } } as const;
const failedCommand = { ...events.executed, refusal: { kind: 'ended', end: { kind: 'code', code: 2 }, words: 'no' } } as const;
const { confirming } = states;
const asked: ApplyState = { ...confirming, until: 5_000, probing: { kind: 'asking', id: 6, successes: 0, failures: 0 } };
const ownConfirming: ApplyState = { ...confirming, batch: { ...owned, published: true } };
const ownAsked: ApplyState = { ...ownConfirming, until: 5_000, probing: { kind: 'asking', id: 6, successes: 0, failures: 1 } };
const restarted: ApplyState = { ...confirming, batch: { ...owned, action: 'restart', published: true }, how: 'restart' };
const two: Batch = { ...files, members: [...files.members, { rule: 's', candidate, fallback: undefined }] };
const mixed: Batch = { ...files, members: [...owned.members, ...files.members] };

const rows: Row[] = [
  {
    title: 'files are read again right before',
    in: states.none,
    when: events.begin,
    to: { kind: 'rechecking', read: id, left: ['r'], attempt: { since: 600, count: 0 } },
    says: ['r: chosen'],
  },
  {
    title: 'copies cannot have changed: they are published',
    in: states.none,
    when: { ...events.begin, batch: owned },
    to: { kind: 'publishing', job: id },
    says: ['p: chosen', 'p: published next'],
  },
  {
    title: 'what is to be told before old workers have gone waits for them',
    in: states.none,
    when: events.begin,
    to: { kind: 'gauging', job: id, told: false },
    says: ['r: chosen'],
    policy: { max_draining: 2 },
  },
  {
    title: 'a restart does not: it leaves none',
    in: states.none,
    when: { ...events.begin, batch: { ...files, action: 'restart' } },
    to: { kind: 'rechecking' },
    says: ['r: chosen'],
    policy: { max_draining: 2 },
  },
  { title: 'few enough old workers', in: states.gauging, when: counted(2), to: { kind: 'rechecking' }, policy: { max_draining: 2 } },
  {
    title: 'too many old workers: told, and counted again',
    in: states.gauging,
    when: counted(3),
    to: { kind: 'draining', at: 1_600 },
    notes: ['draining'],
    policy: { max_draining: 2 },
  },
  {
    title: 'told once',
    in: { ...states.gauging, told: true },
    when: counted(3),
    to: { kind: 'draining' },
    policy: { max_draining: 2 },
  },
  { title: 'counted again', in: states.draining, when: events.timeElapsed, to: { kind: 'gauging', job: id, told: true } },
  {
    title: 'right before the signal it is still the candidate',
    in: states.rechecking,
    when: events.read,
    to: { kind: 'signalling', id },
    commands: [signal],
  },
  {
    title: 'of several all have to be',
    in: { ...states.rechecking, batch: two, left: ['r', 's'] },
    when: events.read,
    to: { kind: 'rechecking', left: ['s'] },
  },
  {
    title: 'right before the signal one is not: none of them is applied',
    in: { ...states.rechecking, batch: two, left: ['r', 's'] },
    when: { ...events.read, rule: 's', reading: other },
    to: { kind: 'none' },
    says: ['r: dissolved', 's: dissolved on other'],
  },
  {
    title: 'nor if it cannot be read',
    in: states.rechecking,
    when: { ...events.read, reading: undefined },
    to: { kind: 'none' },
    says: ['r: dissolved on undefined'],
  },
  {
    title: 'right before the restart',
    in: { ...states.rechecking, batch: { ...files, action: 'restart' } },
    when: events.read,
    to: { kind: 'restarting' },
    commands: [{ kind: 'restart' }],
  },
  {
    title: 'commands, one after another',
    in: { ...states.rechecking, batch: { ...files, action: 'exec' } },
    when: events.read,
    to: { kind: 'executing', step: 0, token: id },
    commands: [{ kind: 'execute', rule: 'r', token: id, step: 0 }],
  },
  {
    title: 'a call',
    in: { ...states.rechecking, batch: { ...files, action: 'http' } },
    when: events.read,
    to: { kind: 'calling', job: id },
  },
  {
    title: 'an application that watches by itself',
    in: { ...states.rechecking, batch: { ...files, action: 'none' } },
    when: events.read,
    to: { kind: 'none' },
    says: ['r: succeeded by none'],
  },
  {
    title: 'files are read again, copies are published after it',
    in: { ...states.rechecking, batch: mixed },
    when: events.read,
    to: { kind: 'publishing', job: id },
    says: ['p: published next'],
  },
  {
    title: 'published: signal',
    in: states.publishing,
    when: events.jobDone,
    to: { kind: 'signalling', batch: { ...owned, published: true } },
    commands: [signal],
  },
  {
    title: 'it could not be published: what was there before is what is found, and it is tried again',
    in: { ...states.publishing, batch: mixed },
    when: problem,
    to: { kind: 'none' },
    says: ['p: published old', 'p: failed for now (publish_failed)', 'r: failed for now'],
  },
  {
    title: 'going back could not be published',
    in: { ...states.publishing, batch: rollback },
    when: problem,
    to: { kind: 'none' },
    notes: ['rollback_failed'],
  },
  {
    title: 'sent',
    in: states.signalling,
    when: events.signalled,
    to: { kind: 'confirming', how: 'reload', from: 600, until: 3_600, probing: undefined },
    notes: ['signalled'],
  },
  {
    title: 'sent, and the application is asked',
    in: states.signalling,
    when: events.signalled,
    to: { kind: 'confirming', probing: { ...waiting, at: 600 } },
    notes: ['signalled'],
    policy: { confirm_by: probe },
  },
  {
    title: 'too young: again, told once',
    in: states.signalling,
    when: answer('not_yet'),
    to: { kind: 'retrying', at: 650, attempt: { ...attempt, count: 1 } },
    notes: ['signal_waits'],
  },
  {
    title: 'ignored: again',
    in: { ...states.signalling, attempt: { ...attempt, count: 9 } },
    when: answer('ignored'),
    to: { kind: 'retrying', at: 1_600 },
  },
  {
    title: 'never caught: by restart',
    in: states.signalling,
    when: answer('not_caught', 11_100),
    to: { kind: 'rechecking', batch: { ...files, action: 'restart' }, read: id },
    notes: ['falls_to_restart'],
  },
  {
    title: 'not permitted: told, and not tried again',
    in: states.signalling,
    when: answer('not_permitted'),
    to: { kind: 'none' },
    says: ['r: failed (signal_refused)'],
  },
  {
    title: 'the process is gone: its end will tell',
    in: states.signalling,
    when: answer('no_process'),
    to: { kind: 'none' },
    says: ['r: dissolved'],
  },
  {
    title: 'the container stops: its event will tell',
    in: states.signalling,
    when: answer('stopping'),
    to: { kind: 'none' },
    says: ['r: dissolved'],
  },
  {
    title: 'an end before the answer is not the signal’s doing',
    in: states.signalling,
    when: events.instanceEnded,
    to: { kind: 'none' },
    says: ['r: dissolved'],
  },
  { title: 'again, and read again before', in: states.retrying, when: events.timeElapsed, to: { kind: 'rechecking', attempt, read: id } },
  {
    title: 'what is published stays so while it is tried again',
    in: { ...states.retrying, batch: { ...owned, published: true } },
    when: events.timeElapsed,
    to: { kind: 'signalling' },
    commands: [signal],
  },
  {
    title: 'the next command',
    in: states.executing,
    when: events.executed,
    to: { kind: 'executing', step: 1, token: id },
    commands: [{ kind: 'execute', rule: 'r', token: id, step: 1 }],
  },
  {
    title: 'the last command',
    in: { ...states.executing, step: 1 },
    when: events.executed,
    to: { kind: 'confirming', how: 'exec', from: 400, until: 3_600 },
  },
  {
    title: 'a command that fails',
    in: states.executing,
    when: failedCommand,
    to: { kind: 'none' },
    says: ['r: failed'],
    notes: ['action_failed'],
  },
  {
    title: 'the call went well',
    in: states.calling,
    when: events.jobDone,
    to: { kind: 'confirming', how: 'http', from: 400, until: 3_600 },
  },
  {
    title: 'a call that fails is repeated as often as a reload',
    in: states.calling,
    when: problem,
    to: { kind: 'retrying', at: 1_600, batch: { ...files, action: 'http', tries: 1 } },
    notes: ['action_failed'],
    policy: { reload_retries: 1 },
  },
  { title: 'the ordered end of a restart', in: states.restarting, when: { ...events.instanceEnded, ordered: true }, to: 'nothing' },
  {
    title: 'it has started: it has to stay up',
    in: states.restarting,
    when: events.instanceStarted,
    to: { kind: 'confirming', how: 'restart', from: 600, until: 3_600 },
  },
  {
    title: 'it has started: it has to become ready, in its own time',
    in: states.restarting,
    when: events.instanceStarted,
    to: { kind: 'confirming', how: 'restart', until: Number.MAX_SAFE_INTEGER },
    ready: true,
  },
  {
    title: 'one beside has taken over: done',
    in: states.restarting,
    when: { ...events.instanceStarted, promoted: true, proven: true },
    to: { kind: 'none' },
    says: ['r: proven by restart'],
    ready: true,
  },
  {
    title: 'it only lived for a while: that proves nothing',
    in: states.restarting,
    when: { ...events.instanceStarted, promoted: true, proven: true },
    to: { kind: 'none' },
    says: ['r: succeeded by restart'],
  },
  {
    title: 'the old one ended first: the new one has to become ready all the same',
    in: states.restarting,
    when: { ...events.instanceStarted, promoted: true },
    to: { kind: 'confirming', how: 'restart', until: Number.MAX_SAFE_INTEGER },
    ready: true,
  },
  {
    title: 'the one beside did not come up: files',
    in: states.restarting,
    when: events.besideFailed,
    to: { kind: 'none' },
    says: ['r: failed (restart_failed)'],
  },
  {
    title: 'the one beside did not come up: the old one finds its files again, and is not told',
    in: { ...states.restarting, batch: { ...owned, action: 'restart', published: true } },
    when: events.besideFailed,
    to: {
      kind: 'publishing',
      batch: {
        ...rollback,
        action: 'none',
        since: 600,
        members: [{ rule: 'p', candidate: { reading: old, since: 600, tries: 0 }, fallback: undefined }],
      },
    },
    says: ['p: failed (restart_failed)', 'p: published old'],
    notes: ['rolled_back'],
  },
  {
    title: 'it ended at once, or could not be started: files',
    in: states.restarting,
    when: { ...events.instanceEnded, end: undefined },
    to: { kind: 'none' },
    says: ['r: failed (restart_failed)'],
  },
  {
    title: 'the next start finds the last good one',
    in: { ...states.restarting, batch: { ...owned, action: 'restart', published: true } },
    when: { ...events.instanceEnded, end: undefined },
    to: { kind: 'none' },
    says: ['p: failed (restart_failed)', 'p: published old'],
    notes: ['rolled_back'],
  },
  { title: 'it stayed up: applied', in: confirming, when: events.timeElapsed, to: { kind: 'none' }, says: ['r: succeeded by reload'] },
  {
    title: 'an end after the signal is a failed reload',
    in: confirming,
    when: events.instanceEnded,
    to: { kind: 'none' },
    says: ['r: failed (reload_failed) dead'],
  },
  {
    title: 'an end by the very signal',
    in: confirming,
    when: { ...events.instanceEnded, end: { kind: 'signal', signo: 1 } },
    to: { kind: 'none' },
    says: ['r: failed (reload_failed) dead of it'],
  },
  {
    title: 'or with its code',
    in: confirming,
    when: { ...events.instanceEnded, end: { kind: 'code', code: 129 } },
    to: { kind: 'none' },
    says: ['r: failed (reload_failed) dead of it'],
  },
  {
    title: 'an end after an action that was no signal',
    in: { ...confirming, how: 'exec' },
    when: events.instanceEnded,
    to: { kind: 'none' },
    says: ['r: failed (reload_failed)'],
  },
  {
    title: 'one line, of the rule whose signal it was; the next start finds the last good ones',
    in: { ...confirming, batch: { ...mixed, published: true } },
    when: events.instanceEnded,
    to: { kind: 'none' },
    says: ['p: failed', 'r: failed (reload_failed) dead', 'p: published old'],
    notes: ['rolled_back'],
  },
  {
    title: 'the application is asked',
    in: { ...confirming, until: 5_000, probing: waiting },
    when: events.timeElapsed,
    to: { kind: 'confirming', probing: { kind: 'asking', id, successes: 0, failures: 0 } },
    commands: [{ kind: 'probe', rule: 'r', token: id }],
    policy: { confirm_by: probe },
  },
  {
    title: 'it confirms: proven',
    in: asked,
    when: events.executed,
    to: { kind: 'none' },
    says: ['r: proven by reload'],
    policy: { confirm_by: probe },
  },
  {
    title: 'it does not yet',
    in: asked,
    when: failedCommand,
    to: { kind: 'confirming', probing: { kind: 'waiting', at: 800, successes: 0, failures: 1 } },
    policy: { confirm_by: probe },
  },
  {
    title: 'the controller itself asks',
    in: asked,
    when: { ...events.jobDone, id: 6 },
    to: { kind: 'none' },
    says: ['r: proven by reload'],
    policy: { confirm_by: { ...probe, check: { kind: 'tcp_socket', host: '::1', port: 1 } } },
  },
  {
    title: 'the application says it itself',
    in: { ...confirming, until: 5_000, probing: { kind: 'listening', until: 900, reloading: true } },
    when: events.notified,
    to: { kind: 'none' },
    says: ['r: proven by reload'],
    policy: { confirm_by: { ...probe, check: { kind: 'notify' } } },
  },
  {
    title: 'no: kept as it is',
    in: { ...ownAsked, batch: files },
    when: failedCommand,
    to: { kind: 'none' },
    says: ['r: failed'],
    notes: ['unconfirmed'],
    policy: { confirm_by: probe },
  },
  {
    title: 'no answer in time is a no',
    in: { ...asked, until: 500 },
    when: events.timeElapsed,
    to: { kind: 'none' },
    says: ['r: failed'],
    notes: ['unconfirmed'],
    policy: { confirm_by: probe },
  },
  {
    title: 'no: once more',
    in: ownAsked,
    when: failedCommand,
    to: { kind: 'retrying', at: 1_600, batch: { ...owned, published: true, tries: 1 } },
    notes: ['unconfirmed'],
    policy: { confirm_by: probe, reload_retries: 1 },
  },
  {
    title: 'no: by restart instead',
    in: ownAsked,
    when: failedCommand,
    to: { kind: 'restarting', batch: { ...owned, published: true, action: 'restart' } },
    commands: [{ kind: 'restart' }],
    notes: ['unconfirmed', 'restarts_instead'],
    policy: { confirm_by: probe, on_failure: 'restart' },
  },
  {
    title: 'no: back to the last good one, by the same action',
    in: ownAsked,
    when: failedCommand,
    to: {
      kind: 'publishing',
      batch: { ...rollback, since: 600, members: [{ rule: 'p', candidate: { reading: old, since: 600, tries: 0 }, fallback: undefined }] },
    },
    says: ['p: failed', 'p: published old'],
    notes: ['unconfirmed', 'rolled_back'],
    policy: { confirm_by: probe, on_failure: 'rollback' },
  },
  {
    title: 'no: kept running, and the next start finds the last good one',
    in: ownAsked,
    when: failedCommand,
    to: { kind: 'publishing', batch: { action: 'none', rollback: true } as Batch },
    says: ['p: failed', 'p: published old'],
    notes: ['unconfirmed', 'rolled_back'],
    policy: { confirm_by: probe, on_failure: 'keep' },
  },
  {
    title: 'no: what rode along goes back by the action that brought it there, which is not its own',
    in: { ...asked, batch: { ...mixed, leader: 'r', published: true }, probing: { kind: 'asking', id: 6, successes: 0, failures: 1 } },
    when: failedCommand,
    to: { kind: 'publishing', batch: { leader: 'r', action: 'reload', rollback: true, members: [{ rule: 'p' }] } as unknown as Batch },
    says: ['p: failed', 'r: failed', 'p: published old'],
    notes: ['unconfirmed', 'rolled_back'],
    policy: { confirm_by: probe, on_failure: 'rollback' },
  },
  {
    title: 'gone back',
    in: { ...confirming, batch: { ...rollback, published: true } },
    when: events.timeElapsed,
    to: { kind: 'none' },
    says: ['p: back on old'],
  },
  {
    title: 'published for the next start',
    in: { ...states.publishing, batch: { ...rollback, action: 'none' } },
    when: events.jobDone,
    to: { kind: 'none' },
    says: ['p: back on old next time'],
  },
  {
    title: 'going back is not confirmed either: nothing more is done',
    in: { ...ownAsked, batch: { ...rollback, published: true } },
    when: failedCommand,
    to: { kind: 'none' },
    notes: ['unconfirmed', 'rollback_failed'],
    policy: { confirm_by: probe, on_failure: 'rollback' },
  },
  {
    title: 'it ends on the way back: its restart policy knows',
    in: { ...confirming, batch: { ...rollback, published: true } },
    when: events.instanceEnded,
    to: { kind: 'none' },
    notes: ['rollback_failed'],
  },
  {
    title: 'another container’s, which does not survive the signal: it is not sent again, and nobody restarts it',
    in: states.none,
    when: { ...events.begin, batch: { ...files, action: 'restart' } },
    to: { kind: 'none' },
    says: ['r: chosen', 'r: failed (not_signalled)'],
    attached: true,
  },
  {
    title: 'another container’s, which never takes the signal: told, and tried again later',
    in: states.signalling,
    when: { ...events.signalled, result: 'not_caught', at: 60_000 },
    to: { kind: 'none' },
    says: ['r: failed for now (not_signalled)'],
    attached: true,
  },
  {
    title: 'another container’s: one that was found anew was not meant',
    in: states.publishing,
    when: events.instanceFound,
    to: { kind: 'none' },
    says: ['p: dissolved'],
    attached: true,
  },
  {
    title: 'the restarted one stayed up',
    in: restarted,
    when: events.timeElapsed,
    to: { kind: 'none' },
    says: ['p: succeeded by restart'],
  },
  {
    title: 'it is ready',
    in: { ...restarted, until: Number.MAX_SAFE_INTEGER },
    when: events.instanceReady,
    to: { kind: 'none' },
    says: ['p: proven by restart'],
    ready: true,
  },
  { title: 'ready without a probe says nothing more', in: restarted, when: events.instanceReady, to: 'nothing' },
  {
    title: 'it is not ready: back to the last good one, by another restart',
    in: restarted,
    when: events.instanceUnready,
    to: { kind: 'publishing', batch: { action: 'restart', rollback: true } as Batch },
    says: ['p: failed (restart_failed)', 'p: published old'],
    notes: ['rolled_back'],
  },
  {
    title: 'an end after a restart',
    in: restarted,
    when: events.instanceEnded,
    to: { kind: 'none' },
    says: ['p: failed (restart_failed)', 'p: published old'],
    notes: ['rolled_back'],
  },
];

const ends: readonly ApplyEvent['kind'][] = ['instanceEnded', 'instanceFound', 'containerStops'];
const taken: { readonly [K in ApplyState['kind']]: readonly ApplyEvent['kind'][] } = {
  none: ['begin'],
  // Its answer is a count.
  gauging: ends,
  draining: [...ends, 'timeElapsed'],
  rechecking: [...ends, 'read'],
  publishing: [...ends, 'jobDone'],
  signalling: [...ends, 'signalled'],
  retrying: [...ends, 'timeElapsed'],
  executing: [...ends, 'executed'],
  calling: [...ends, 'jobDone'],
  restarting: [...ends, 'instanceStarted', 'besideFailed'],
  confirming: [...ends, 'timeElapsed'],
};

describe('apply', () => {
  test.each(rows)(
    '$in.kind: $title',
    ({ in: state, when, to, commands = [], says = [], notes = [], policy: different, ready, attached }) => {
      const step = applyTransition(state, when, given(different, ready, attached), id);
      if (to === 'nothing') return expect(step).toBeUndefined();
      expect(step?.state).toMatchObject(to);
      expect(step?.commands).toEqual(commands);
      expect(step && wordsOf(step)).toEqual(says);
      return expect(step?.notes.map(({ note }) => note.kind)).toEqual(notes);
    },
  );

  test.each(Object.values(states))('$kind takes what it must and ignores the rest', (state) => {
    const took = Object.values(events)
      .filter((event) => applyTransition(state, event, given(), id) !== undefined)
      .map(({ kind }) => kind);
    expect(new Set(took)).toEqual(new Set(taken[state.kind]));
  });

  test.each(Object.values(states))('$kind: each event of its own has a row', ({ kind }) => {
    const own = taken[kind].filter((event) => !ends.includes(event));
    const covered = rows.filter((row) => row.in.kind === kind).map(({ when }) => when.kind);
    expect(covered).toEqual(expect.arrayContaining(own));
  });

  test('the container’s stop is the end of it, silently, from everywhere', () => {
    for (const state of Object.values(states).filter(({ kind }) => kind !== 'none')) {
      expect(applyTransition(state, events.containerStops, given(), id)).toEqual({
        state: { kind: 'none' },
        commands: [],
        sayings: [],
        notes: [],
      });
    }
  });

  test('an end before the application was told anything is none of the change’s', () => {
    const before = [states.gauging, states.draining, states.rechecking, states.publishing, states.signalling, states.retrying];
    for (const state of [...before, states.executing, states.calling]) {
      const step = applyTransition(state, events.instanceEnded, given(), id);
      expect(step?.state).toEqual({ kind: 'none' });
      expect(step && wordsOf(step)).toEqual([`${state.batch.leader}: dissolved`]);
    }
  });

  test('what a failure says of what follows is what follows', () => {
    const sequel = (batch: Batch, policy: Partial<RulePolicy>) => {
      const step = applyTransition({ ...asked, batch }, { kind: 'timeElapsed', at: 5_000 }, given({ confirm_by: probe, ...policy }), id);
      const [told] = step?.notes ?? [];
      return [told?.note.kind === 'unconfirmed' ? told.note.sequel : undefined, step?.state.kind];
    };
    expect(sequel(files, { reload_retries: 1 })).toEqual(['again', 'retrying']);
    expect(sequel(files, { reload_retries: 0, on_failure: 'keep' })).toEqual(['keep', 'none']);
    expect(sequel(files, { reload_retries: 0, on_failure: 'restart' })).toEqual(['restart', 'rechecking']);
    expect(sequel(files, { reload_retries: 0, on_failure: 'rollback' })).toEqual(['keep', 'none']);
    expect(sequel(owned, { reload_retries: 0, on_failure: 'rollback' })).toEqual(['rollback', 'publishing']);
  });

  test('a restart after which it was not ready is told as what the application did', () => {
    const step = applyTransition(restarted, events.instanceUnready, given({}, true), id);
    const notes = step?.sayings.map(({ event }) => (event.kind === 'failed' ? event.note : undefined));
    expect(notes).toContainEqual(expect.objectContaining({ kind: 'restart_failed', problem: 'was not ready in time: no' }));
  });

  test('late answers of former states are nobody’s', () => {
    for (const state of Object.values(states)) {
      const late = [
        { ...events.read, id: 4 },
        { ...events.read, rule: 'x' },
        { ...events.jobDone, id: 4 },
        { ...events.signalled, id: 4 },
        { ...events.executed, token: 4 },
        { ...events.timeElapsed, at: 499 },
      ];
      for (const event of late) expect(applyTransition(state, event, given(), id)).toBeUndefined();
    }
  });

  test('what is on the way back never goes further back', () => {
    for (const state of Object.values(states)) {
      if (state.kind === 'none') continue;
      for (const event of Object.values(events)) {
        const back = { ...state, batch: { ...rollback, action: state.batch.action } } as ApplyState;
        const step = applyTransition(back, event, given({ on_failure: 'rollback' }), id);
        expect(step?.notes.map(({ note }) => note.kind) ?? []).not.toContain('rolled_back');
        for (const { event: said } of step?.sayings ?? []) expect(said.kind).not.toBe('failed');
      }
    }
  });

  test('init holds the end for the controller while it may be our doing, and not longer', () => {
    const held = Object.values(states)
      .filter(applyNeedsHold)
      .map(({ kind }) => kind);
    expect(held).toEqual(['signalling', 'executing', 'calling', 'confirming']);
    expect(applyNeedsHold(restarted)).toBe(true);
    expect(applyNeedsHold({ ...restarted, batch: files })).toBe(false);
    expect(applyNeedsHold({ ...restarted, batch: rollback })).toBe(false);
    expect([isUnconfirmed(confirming), isUnconfirmed(restarted)]).toEqual([true, false]);
    expect([canFallBack(confirming), canFallBack(restarted)]).toEqual([false, true]);
  });

  test('it wakes up for what it waits for', () => {
    const deadlines = Object.values(states).map((state) => [state.kind, applyDeadline(state)] as const);
    expect(deadlines.filter(([, at]) => at !== undefined)).toEqual([
      ['draining', 500],
      ['retrying', 500],
      ['confirming', 500],
    ]);
    expect(applyDeadline({ ...confirming, until: 900, probing: waiting })).toBe(500);
    expect(applyDeadline(asked)).toBe(5_000);
  });
});

test('the words of a command that did not confirm', () => {
  expect(problemOf({ kind: 'ended', end: { kind: 'code', code: 2 }, words: 'a\nlast' })).toBe('the command ended with 2: last');
  expect(problemOf({ kind: 'ended', end: { kind: 'signal', signo: 9 }, words: '' })).toBe('the command was ended by signal 9');
  expect(problemOf({ kind: 'timed_out', words: 'x' })).toMatch(/took too long/);
  expect(problemOf({ kind: 'not_started', stage: 'exec', text: 'no such file' })).toMatch(
    /cannot be started: no such file \(stage: exec\)/,
  );
  expect(problemOf({ kind: 'unusable', problem: 'p' })).toBe('p');
});
