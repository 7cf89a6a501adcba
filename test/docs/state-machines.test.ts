import { execFileSync } from 'node:child_process';
import { expect, test } from 'vitest';

test('the state diagrams are what the machines do', () => {
  const check = () => execFileSync(process.execPath, ['scripts/gen-states.ts', '--check'], { stdio: 'pipe' });
  expect(check).not.toThrow();
  // A walk takes seconds; on a machine that is busy with the other tests, more.
}, 60_000);
