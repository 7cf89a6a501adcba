/** CLOCK_BOOTTIME in whole ms, the clock of all `at_ms`: Node cannot read it, but init said what it was as this process began. */
export interface Clock {
  now(): number;
  /** A time that init gave: the clock is at least there (hello was written a moment before this process started, or the machine slept). */
  passed(at: number): void;
}

/** @param upMs ms that this process has run, never running backwards */
export function createClock(helloNow: number, upMs: () => number = () => process.uptime() * 1000): Clock {
  let offset = helloNow;
  return {
    now: () => Math.floor(offset + upMs()),
    passed(at) {
      offset = Math.max(offset, at - upMs());
    },
  };
}
