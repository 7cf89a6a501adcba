import { expect, test } from 'vitest';
import { warningText } from '../../src/controller/watch-lines.ts';

test('a warning of the watch names its path once, and the rule where that has a name of its own', () => {
  expect(warningText('/etc/app', '/etc/app does not exist', 'Check it.')).toBe('/etc/app does not exist. Check it.');
  expect(warningText('tls', '/etc/tls does not exist', 'Check it.')).toBe('tls: /etc/tls does not exist. Check it.');
});
