import { expect, test } from 'vitest';
import { policiesOf } from '../../src/core/policy.ts';
import { defaultRule, defaultService } from '../fixtures/settings.ts';

test('the rule of the variables has the defaults of any rule, but for what a restart for variables needs', () => {
  const service = { ...defaultService, env_from: ['/env'], env_validate: [['check']] };
  expect(policiesOf(service)).toEqual([
    {
      ...defaultRule,
      name: 'env_from',
      source: 'environment',
      paths: ['/env'],
      validate: [['check']],
      recursive: false,
      max_files: 20_000,
      on_change: 'restart',
      reload_after_start: 0,
      reload_retries: 0,
      on_failure: 'rollback',
    },
  ]);
});
