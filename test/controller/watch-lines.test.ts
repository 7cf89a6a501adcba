import { expect, test } from 'vitest';
import { warningText, watchedBy } from '../../src/controller/watch-lines.ts';

test('a warning of the watch names its path once, and the rule where that has a name of its own', () => {
  expect(warningText('/etc/app', '/etc/app does not exist', 'Check it.')).toBe('/etc/app does not exist. Check it.');
  expect(warningText('tls', '/etc/tls does not exist', 'Check it.')).toBe('tls: /etc/tls does not exist. Check it.');
});

test('what operators are told of a watch, in the words of its lines', () => {
  expect(watchedBy('tls', undefined)).toEqual({ watched_by: null, warnings: [] });
  const missing = { code: 'missing', message: '/etc/tls does not exist', hint: 'Check it.' } as const;
  expect(watchedBy('tls', { mode: 'poll', warnings: [missing] })).toEqual({
    watched_by: 'poll',
    warnings: ['tls: /etc/tls does not exist. Check it.'],
  });
});
