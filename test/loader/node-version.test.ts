import { expect, it } from 'vitest';
import { isTooOld, oldestNode } from '../../src/loader/node-version.ts';

it.each(['0.12.18', '12.22.12', '20.20.2', '22.9.0', '22.21.1'])('Node %s is too old', (version) => expect(isTooOld(version)).toBe(true));

it.each([oldestNode, '22.100.0', '23.0.0', '24.1.0', '26.0.0-nightly20260101'])('Node %s is not', (version) =>
  expect(isTooOld(version)).toBe(false),
);
