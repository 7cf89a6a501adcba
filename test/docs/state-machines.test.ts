import { execFileSync } from 'node:child_process';
import { expect, test } from 'vitest';

test('the state diagrams are what the machines do', () => {
  const check = () => execFileSync(process.execPath, ['scripts/gen-states.ts', '--check'], { stdio: 'pipe' });
  expect(check).not.toThrow();
});
