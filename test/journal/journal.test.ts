import { appendFileSync, chmodSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { createJournal } from '../../src/journal/journal.ts';
import { openJournalFile } from '../../src/journal/journal-file.ts';

function place(): string {
  const directory = mkdtempSync(join(tmpdir(), 'reinit-journal-'));
  onTestFinished(() => rmSync(directory, { recursive: true }));
  return join(directory, 'journal');
}

const line = (msg: string) => ({ level: 'info', msg, fields: { event: 'applied', rule: 'r' } }) as const;

test('what was said is there for the next one, and half a line is not', () => {
  const path = place();
  const first = createJournal(openJournalFile(path), () => 0);
  first.add(line('one'));
  first.add(line('two'));
  appendFileSync(path, '{"time":"1970-01-01T00:00:00.000Z","msg":"ha');
  const second = createJournal(openJournalFile(path), () => 1);
  expect(second.entries).toEqual([
    { time: '1970-01-01T00:00:00.000Z', level: 'info', msg: 'one', event: 'applied', rule: 'r' },
    { time: '1970-01-01T00:00:00.000Z', level: 'info', msg: 'two', event: 'applied', rule: 'r' },
  ]);
  second.add(line('three'));
  second.add(line('four'));
  // What was cut off takes no whole line with it.
  expect(createJournal(openJournalFile(path)).entries.map(({ msg }) => msg)).toEqual(['one', 'two', 'three', 'four']);
  expect((statSync(path).mode & 0o777).toString(8)).toBe('600');
});

test('memory and file are bounded, whatever is said', () => {
  const path = place();
  const journal = createJournal(openJournalFile(path));
  for (let index = 0; index < 3_000; index += 1) journal.add(line(`${index} ${'x'.repeat(1_000)}`));
  expect(journal.entries.length).toBeLessThan(300);
  expect(journal.entries.at(-1)?.msg).toMatch(/^2999 /);
  expect(readFileSync(path).length).toBeLessThan(300_000);
  expect(readFileSync(`${path}.1`).length).toBeLessThan(300_000);
  const next = createJournal(openJournalFile(path));
  expect(next.entries.at(-1)?.msg).toMatch(/^2999 /);
  for (let index = 0; index < 1_000; index += 1) journal.add(line('short'));
  expect(journal.entries).toHaveLength(500);
});

test('garbage, and a place that cannot be written, are no obstacle', () => {
  const path = place();
  writeFileSync(path, `null\n[]\n{"a":1}\n{"time":1,"msg":"x"}\n\u0000\n${'{'.repeat(10_000)}\n`);
  chmodSync(path, 0o400);
  const journal = createJournal(openJournalFile(path));
  expect(journal.entries).toEqual([]);
  const nowhere = createJournal(openJournalFile('/proc/nowhere/journal'));
  nowhere.add(line('one'));
  expect(nowhere.entries).toHaveLength(1);
});

test('whoever subscribes is told until they have had enough', () => {
  const journal = createJournal();
  const told: string[] = [];
  const enough = journal.subscribe(({ msg }) => told.push(msg));
  journal.add(line('one'));
  enough();
  journal.add(line('two'));
  expect(told).toEqual(['one']);
});
