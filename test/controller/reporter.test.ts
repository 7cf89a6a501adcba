import { describe, expect, test } from 'vitest';
import { createReporter } from '../../src/controller/reporter.ts';
import type { Note } from '../../src/core/notes.ts';
import type { Line, Names } from '../../src/log/lines.ts';
import type { Log } from '../../src/log/log.ts';

const names: Names = {
  command: 'app',
  attached: false,
  validator: () => 'check',
  validateTimeout: () => 1_000,
  action: () => 'act',
  actionTimeout: () => 1_000,
};

function reporting() {
  const lines: Line[] = [];
  const last: string[] = [];
  const log = { write: (line: Line) => void lines.push(line) } as Log;
  const report = createReporter(log, names, { write: (text) => void last.push(text), clear: () => void last.push('') });
  return { lines, last, report };
}
const rule = 'r';
const refused = (words: string): Note => ({
  rule,
  kind: 'refused',
  hash: 'abc',
  running: 'def',
  step: 0,
  verdict: { kind: 'ended', end: { kind: 'code', code: 1 }, words },
});

describe('reporter', () => {
  test('a refusal is the last word, with what the validator said', () => {
    const { lines, last, report } = reporting();
    report(refused('line 7: no such directive'));
    expect(lines).toHaveLength(1);
    expect(last).toEqual([`${lines[0]?.msg}\n\nline 7: no such directive\n`]);
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
    { rule, kind: 'applied', hash: 'abc', how: 'reload', ms: 1 },
    { rule, kind: 'back', hash: 'abc' },
  ])('$kind ends it', (note) => {
    const { last, report } = reporting();
    report(refused(''));
    report(note);
    expect(last.at(-1)).toBe('');
  });

  test.each<Note>([
    { kind: 'started', pid: 1, reason: 'start', ms: 1 },
    { rule, kind: 'change_seen', from: undefined, to: 'abc', difference: undefined },
    { rule, kind: 'held_back', hash: 'abc', by: 's' },
    { rule, kind: 'draining', count: 3, most: 1 },
    { kind: 'leaving', code: 0 },
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
