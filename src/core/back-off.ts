/** `first` before the first restart in a row, twice as long before each further one, at most `most`. In ms; `attempt` counts from 0. */
export function backOffMs(attempt: number, first: number, most: number): number {
  // 2 ** 31 ms are weeks: beyond it doubling adds nothing but infinity.
  return Math.min(most, first * 2 ** Math.min(attempt, 31));
}
