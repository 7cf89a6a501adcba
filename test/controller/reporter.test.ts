import { describe, expect, test } from 'vitest';
import { createReporter } from '../../src/controller/reporter.ts';
import type { Note } from '../../src/core/notes.ts';
import type { End } from '../../src/core/wait-status.ts';
import type { Line, Names } from '../../src/log/lines.ts';
import type { Log } from '../../src/log/log.ts';

const names: Names = {
  command: 'app',
  attached: false,
  configFile: '/etc/reinit.yaml',
  validator: () => 'check',
  validateTimeout: () => 1_000,
  action: () => 'act',
  actionTimeout: () => 1_000,
};

function reporting(oomKills = 0, former?: string) {
  const lines: Line[] = [];
  const last: string[] = [];
  const log = { write: (line: Line) => void lines.push(line) } as Log;
  const push = (text: string): void => void last.push(text);
  const file = { read: () => former ?? '', write: push, writeIfFree: (text: string) => push(`if free: ${text}`), clear: () => push('') };
  const report = createReporter(log, names, former === undefined, { file, oomKills: () => oomKills });
  return { lines, last, report: (...notes: readonly Note[]) => notes.forEach(report) };
}
const rule = 'r';
const refused = (words: string, of = rule): Note => ({
  rule: of,
  kind: 'refused',
  hash: 'abc',
  running: 'def',
  step: 0,
  verdict: { kind: 'ended', end: { kind: 'code', code: 1 }, words },
});
const ended = (end: End, ordered = false): Note => ({ kind: 'ended', end, ranMs: 3_000, ordered });
const leaving = (code: number): Note => ({ kind: 'leaving', code });

describe('reporter', () => {
  test('a refusal is the last word, with what the validator said', () => {
    const { lines, last, report } = reporting();
    report(refused('line 7: no such directive'));
    expect(lines).toHaveLength(1);
    expect(last).toEqual([`${lines[0]?.msg}\n\nline 7: no such directive\n`]);
  });

  test('so is a change that the application could not be told of, until it has it', () => {
    const { last, report } = reporting();
    report({ rule, kind: 'signal_refused', signo: 1, hash: 'abc' });
    expect(last.at(-1)).toContain('abc');
    report({ rule, kind: 'applied', hash: 'abc', how: 'restart', ms: 1 });
    expect(last.at(-1)).toBe('');
  });

  test('a validator that said nothing is no reason for empty lines', () => {
    const { lines, last, report } = reporting();
    report(refused(''));
    expect(last).toEqual([`${lines[0]?.msg}\n`]);
  });

  test('one that does not live is the last word where the container ends of it', () => {
    const { last, report } = reporting();
    const dead = { kind: 'not_alive', problem: 'refused', silentMs: 1 } as const;
    report({ ...dead, sequel: 'restart' });
    expect(last).toEqual([]);
    report({ ...dead, sequel: 'leave' });
    expect(last.at(-1)).toContain('the container ends with 104');
  });

  test.each<Note>([
    { kind: 'not_alive', problem: 'refused', silentMs: 1, sequel: 'give_up' },
    { kind: 'over_memory', bytes: 2, limit: 1, processes: 1, ranMs: 1, sequel: 'give_up' },
  ])('so is $kind that has come too often, and nobody says that it is started again', (note) => {
    const { last, report } = reporting();
    report(note, { kind: 'gave_up', attempts: 3 });
    expect(last.at(-1)).toMatch(/(refused|memory_limit).*is stopped.*giving up/is);
    expect(last.at(-1)).not.toMatch(/started again|it is restarted/);
  });

  test('what is refused of several is there until each is over with', () => {
    const { last, report } = reporting();
    report(refused('first'), refused('second', 's'), { kind: 'config_refused', hash: 'a', running: 'b', words: 'third' });
    expect(last.at(-1)).toMatch(/first.*second.*third/s);
    report({ rule: 's', kind: 'applied', hash: 'abc', how: 'reload', ms: 1 });
    expect(last.at(-1)).toMatch(/first.*third/s);
    expect(last.at(-1)).not.toMatch(/second/);
    report({ kind: 'config_back', hash: 'b' }, { rule, kind: 'back', hash: 'abc' });
    expect(last.at(-1)).toBe('');
  });

  test.each<Note>([
    { kind: 'started', pid: 1, reason: 'start', ms: 1 },
    { rule, kind: 'change_seen', from: undefined, to: 'abc', difference: undefined },
    { rule, kind: 'held_back', hash: 'abc', by: 's' },
    { rule, kind: 'draining', count: 3, most: 1 },
    ended({ kind: 'code', code: 1 }),
  ])('$kind is a line in the log and no more', (note) => {
    const { lines, last, report } = reporting();
    report(note);
    expect([lines.length, last]).toEqual([1, []]);
    expect(lines[0]?.fields).toMatchObject({ event: note.kind });
  });

  test.each<Note>([
    { kind: 'nothing_accepted', rules: [rule] },
    { kind: 'not_published', problem: 'no space left', retryMs: undefined },
    { kind: 'socket_failed', name: 'web', stage: 'bind', text: 'in use' },
    { kind: 'gave_up', attempts: 3 },
    { rule, kind: 'stale', code: 75 },
    { rule, kind: 'rolled_back', from: 'b', to: 'a', why: 'unconfirmed' },
    { rule, kind: 'unconfirmed', hash: 'b', how: 'reload', problem: 'no new workers', ms: 10, sequel: 'keep' },
  ])('$kind is the last word', (note) => {
    const { lines, last, report } = reporting();
    report(note);
    expect(last).toEqual([`${lines[0]?.msg}\n`]);
  });
});

describe('how the container ends', () => {
  test.each<[string, readonly Note[], string]>([
    [
      'by itself',
      [ended({ kind: 'code', code: 3 }), leaving(3)],
      'app ended by itself after 3s: exit code 3. The container ends with 3.\n',
    ],
    [
      'asked to',
      [{ kind: 'container_stop', signo: 15 }, ended({ kind: 'signal', signo: 15 }, true), leaving(143)],
      'TERM stops the container: app is asked to stop; no reload and no restart from here. app has stopped after 3s: signal TERM. The container ends with 143.\n',
    ],
  ])('%s: in one paragraph, where the application has not said it itself', (_, notes, text) => {
    const { last, report } = reporting();
    report({ kind: 'started', pid: 1, reason: 'start', ms: 1 }, ...notes);
    expect(last).toEqual([`if free: ${text}`]);
  });

  test('given up: with the last end, and in place of what the application wrote', () => {
    const { last, report } = reporting();
    report(ended({ kind: 'code', code: 1 }), { kind: 'started', pid: 2, reason: 'policy', ms: 1 });
    report(ended({ kind: 'code', code: 7 }), { kind: 'gave_up', attempts: 1 }, leaving(7));
    expect(last.at(-1)).toMatch(/^app ended by itself after 3s: exit code 7\. app was restarted 1 times.* The container ends with 7\.\n$/);
  });

  test('killed for want of memory, by all appearances', () => {
    const { last, report } = reporting(2);
    report(ended({ kind: 'signal', signo: 9 }), leaving(137));
    expect(last.at(-1)).toMatch(/signal KILL\. By all appearances.*memory.*: 2\).* The container ends with 137\.\n$/);
    const other = reporting(2);
    other.report(ended({ kind: 'signal', signo: 11 }), leaving(139));
    expect(other.last.at(-1)).not.toMatch(/memory/);
  });

  test('what a former controller has said of a refusal is not lost, and no longer said than it is true', () => {
    const { last, report } = reporting(0, 'change abc of r refused\n');
    report(ended({ kind: 'code', code: 0 }), leaving(0));
    expect(last.at(-1)).toMatch(/^if free: app ended.* The container ends with 0\.\n\nchange abc of r refused\n$/);
    const over = reporting(0, 'change abc of r refused\n');
    over.report({ rule, kind: 'applied', hash: 'd', how: 'reload', ms: 1 }, leaving(0));
    expect(over.last).toEqual(['', 'if free: The container ends with 0.\n']);
  });

  test('what is refused stands below it', () => {
    const { last, report } = reporting();
    report(refused('line 7'), { kind: 'nothing_accepted', rules: [rule] }, leaving(102));
    expect(last.at(-1)).toMatch(/^app is not started.* The container ends with 102\.\n\nchange abc of r refused.*\n\nline 7\n$/s);
  });
});
