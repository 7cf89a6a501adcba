import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { root } from '../../scripts/building/paths.ts';

const test = (status: string) => ({ status, fullName: `a ${status} test` });
const suite = (status: string, ...tests: object[]) => ({ name: 'suite.test.ts', status, message: '', assertionResults: tests });

/** The last line and the exit code for a report. */
function summary(results: object | undefined, checks: Record<string, string>, noSkips = 'no') {
  const directory = mkdtempSync(join(tmpdir(), 'reinit-summary-'));
  onTestFinished(() => rmSync(directory, { recursive: true }));
  if (results) writeFileSync(join(directory, 'vitest.json'), JSON.stringify({ testResults: results }));
  for (const [name, result] of Object.entries(checks)) writeFileSync(join(directory, `${name}.result`), `${result}\n`);
  const { stdout, status } = spawnSync(process.execPath, [join(root, 'scripts/test-summary.ts'), directory, noSkips], { encoding: 'utf8' });
  return [stdout.trimEnd().split('\n').at(-1), status];
}

const fine = { vitest: 'passed', lint: 'passed' };

it('counts tests and checks', () => {
  expect(summary([suite('passed', test('passed'), test('passed'))], fine)).toEqual(['3 passed, 0 failed, 0 skipped', 0]);
});

it('fails for a failed test', () => {
  expect(summary([suite('failed', test('passed'), test('failed'))], { ...fine, vitest: 'failed' })).toEqual([
    '2 passed, 1 failed, 0 skipped',
    1,
  ]);
});

it('fails for a failed check', () => {
  expect(summary([suite('passed', test('passed'))], { ...fine, lint: 'failed' })).toEqual(['1 passed, 1 failed, 0 skipped', 1]);
});

it('fails for a file that could not be loaded', () => {
  expect(summary([suite('failed')], { ...fine, vitest: 'failed' })).toEqual(['1 passed, 1 failed, 0 skipped', 1]);
});

it('fails where vitest crashed, with a report or without', () => {
  expect(summary([suite('passed', test('passed'))], { ...fine, vitest: 'failed' })).toEqual(['2 passed, 1 failed, 0 skipped', 1]);
  expect(summary(undefined, { ...fine, vitest: 'failed' })).toEqual(['1 passed, 1 failed, 0 skipped', 1]);
});

it('counts a skip as a failure where none is allowed', () => {
  expect(summary([suite('passed', test('skipped'), test('todo'))], fine)).toEqual(['1 passed, 0 failed, 2 skipped', 0]);
  expect(summary([suite('passed', test('skipped'))], fine, 'yes')).toEqual(['1 passed, 1 failed, 0 skipped', 1]);
});
