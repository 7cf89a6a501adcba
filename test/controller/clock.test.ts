import { expect, test } from 'vitest';
import { createClock } from '../../src/controller/clock.ts';

test('the clock goes on from hello, and is never behind what init says', () => {
  let up = 40.5;
  const clock = createClock(1_000, () => up);
  expect(clock.now()).toBe(1_040);
  clock.passed(1_030);
  expect(clock.now()).toBe(1_040);
  clock.passed(90_000); // the machine slept: CLOCK_BOOTTIME went on, this process did not
  expect(clock.now()).toBe(90_000);
  up += 10;
  expect(clock.now()).toBe(90_010);
});
