/** What is told, how often, and what it looks like. */
import { describe, expect, test } from 'vitest';
import type { Entry } from '../../src/journal/journal.ts';
import { eventOf, type NotifyEvent } from '../../src/notify/events.ts';
import { formOf, podOf } from '../../src/notify/forms.ts';
import { dueAt, type Gathered, type Gathering, gather, nextDue, nothingGathered, toldOf } from '../../src/notify/gather.ts';

const entry = (event: string, fields: Partial<Entry> = {}): Entry => ({ time: '', level: 'error', msg: 'so it is', event, ...fields });

describe('which entries of the journal are events', () => {
  test.each<[string, Partial<Entry>, string, string]>([
    ['refused', {}, 'refused', 'ConfigRefused'],
    ['config_refused', {}, 'refused', 'ReinitConfigRefused'],
    ['rolled_back', {}, 'rolled_back', 'ConfigRolledBack'],
    ['config_went_back', {}, 'rolled_back', 'ReinitConfigRolledBack'],
    ['action_failed', {}, 'apply_failed', 'ConfigNotApplied'],
    ['restart_scheduled', { attempt: 3 }, 'crash_loop', 'CrashLoop'],
    ['gave_up', {}, 'crash_loop', 'CrashLoop'],
    ['watch_warning', { code: 'stale_mount' }, 'stale_mount', 'StaleMount'],
    ['loop_held', {}, 'loop', 'ConfigLoop'],
  ])('%s %j', (event, fields, kind, reason) => {
    expect(eventOf(entry(event, fields))).toMatchObject({ kind, reason, type: 'Warning', message: 'so it is' });
  });

  test.each<[string | undefined, Partial<Entry>]>([
    ['restart_scheduled', { attempt: 2 }],
    ['watch_warning', { code: 'missing' }],
    ['started', {}],
    ['notify_failed', {}], // or one that cannot be told would never end
    ['constructor', {}],
    [undefined, {}],
  ])('%s %j is none', (event, fields) => {
    expect(eventOf({ ...entry('', fields), ...(event === undefined ? {} : { event }) })).toBeUndefined();
  });

  test('what went well is no warning', () => {
    expect(eventOf(entry('applied', { rule: 'r', hash: 'a' }))).toMatchObject({ kind: 'applied', type: 'Normal', rule: 'r', hash: 'a' });
  });
});

const refused = (hash: string): NotifyEvent => ({
  kind: 'refused',
  type: 'Warning',
  reason: 'ConfigRefused',
  message: `change ${hash} refused`,
  rule: 'r',
  hash,
  output: 'line 7: secret-looking',
});
const minutes = (count: number): number => count * 60_000;
const due = (gathering: Gathering, now: number): Gathered => nextDue(gathering, now) as Gathered;

describe('gathering', () => {
  test('the first is told at once, the same again is counted and told five minutes later', () => {
    let gathering = gather(nothingGathered, refused('a'), 0);
    expect(due(gathering, 0)).toMatchObject({ count: 1, first: 0 });
    gathering = toldOf(gathering, due(gathering, 0), 0);
    for (let n = 1; n <= 100; n += 1) gathering = gather(gathering, refused('a'), n);
    expect(nextDue(gathering, minutes(5) - 1)).toBeUndefined();
    expect(dueAt(gathering)).toBe(minutes(5));
    expect(due(gathering, minutes(5))).toMatchObject({ count: 101, first: 0, last: 100 });
  });

  test('what came while it was being told is told later; what comes long after is a new one', () => {
    let gathering = gather(nothingGathered, refused('a'), 0);
    const first = due(gathering, 0);
    gathering = toldOf(gather(gathering, refused('a'), 1), first, 2);
    expect(due(gathering, minutes(6))).toMatchObject({ count: 2, told: 1 });
    gathering = toldOf(gathering, due(gathering, minutes(6)), minutes(6));
    expect(dueAt(gathering)).toBeUndefined();
    expect(due(gather(gathering, refused('a'), minutes(20)), minutes(20))).toMatchObject({ count: 1, first: minutes(20) });
  });

  test('others go on their own, the oldest first', () => {
    let gathering = gather(gather(nothingGathered, refused('b'), 1), refused('a'), 2);
    expect(due(gathering, 2).event.hash).toBe('b');
    gathering = toldOf(gathering, due(gathering, 2), 2);
    expect(due(gathering, 2).event.hash).toBe('a');
  });

  test('what nobody takes is bounded, and what is lost is counted', () => {
    let gathering = nothingGathered;
    for (let n = 0; n < 1_000; n += 1) gathering = gather(gathering, refused(`${n}`), n);
    expect([gathering.byKey.size, gathering.dropped]).toEqual([64, 936]);
    // What was told already makes room first.
    let calm = toldOf(gather(nothingGathered, refused('old'), 0), due(gather(nothingGathered, refused('old'), 0), 0), 0);
    for (let n = 0; n < 64; n += 1) calm = gather(calm, refused(`${n}`), n);
    expect([calm.byKey.size, calm.dropped]).toEqual([64, 0]);
  });
});

describe('forms', () => {
  const gathered: Gathered = { event: refused('a'), first: 1_700_000_000_123, last: 1_700_000_060_000, count: 3, told: 0, notBefore: 0 };
  const pod = podOf({ POD_NAME: 'web-1', POD_NAMESPACE: 'shop', POD_UID: 'u-1' });

  test('an Event as Kubernetes has them', () => {
    const event = JSON.parse(formOf(gathered, pod, { format: 'kubernetes_event', output: false }));
    expect(event).toEqual({
      apiVersion: 'v1',
      kind: 'Event',
      metadata: { name: expect.stringMatching(/^web-1\.[0-9a-f]{16}$/), namespace: 'shop' },
      type: 'Warning',
      reason: 'ConfigRefused',
      message: 'change a refused',
      count: 3,
      firstTimestamp: '2023-11-14T22:13:20Z',
      lastTimestamp: '2023-11-14T22:14:20Z',
      involvedObject: { apiVersion: 'v1', kind: 'Pod', name: 'web-1', namespace: 'shop', uid: 'u-1' },
      source: { component: 'reinit' },
      reportingComponent: 'reinit',
    });
  });

  test('its message is as long as Kubernetes takes; what a validator printed is in it where that is wanted', () => {
    const long = { ...gathered, event: { ...gathered.event, message: 'x'.repeat(5_000) } };
    expect(JSON.parse(formOf(long, pod, { format: 'kubernetes_event', output: false })).message).toHaveLength(1024);
    expect(JSON.parse(formOf(gathered, pod, { format: 'kubernetes_event', output: true })).message).toMatch(/refused\nline 7/);
  });

  test.each([true, false])('JSON: output %s', (output) => {
    const body = JSON.parse(formOf(gathered, pod, { format: 'json', output }));
    expect(body).toMatchObject({ v: 1, event: 'refused', count: 3, first_time: '2023-11-14T22:13:20.123Z', pod: { name: 'web-1' } });
    expect(body.output).toBe(output ? 'line 7: secret-looking' : undefined);
  });

  test('no pod: by the name of the host, or without', () => {
    expect(podOf({ HOSTNAME: 'h' })).toEqual({ name: 'h', namespace: undefined, uid: undefined });
    const event = JSON.parse(formOf(gathered, podOf({}), { format: 'kubernetes_event', output: false }));
    expect(event.metadata).toEqual({ name: expect.stringMatching(/^reinit\./), namespace: 'default' });
    expect(event.involvedObject).toEqual({ apiVersion: 'v1', kind: 'Pod' });
  });
});
