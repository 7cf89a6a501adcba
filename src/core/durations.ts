/** Durations as Go writes them (`1h2m3.5s`, `300ms`), which users know from Kubernetes, compose and consul-template. In code: whole milliseconds. */

/** Timers of Node and fields of the link are 31 and 32 bits wide: 24 days and some hours. */
export const maxDurationMs = 2 ** 31 - 1;
export const maxDurationText = '576h';

export type DurationResult = { readonly ok: true; readonly ms: number } | { readonly ok: false; readonly problem: string };

/** Nanoseconds a unit; bigint, since 0.1 + 0.2 must not depend on the order. */
const unitNs: ReadonlyMap<string, bigint> = new Map([
  ['ns', 1n],
  ['us', 1_000n],
  ['µs', 1_000n],
  ['μs', 1_000n],
  ['ms', 1_000_000n],
  ['s', 1_000_000_000n],
  ['m', 60_000_000_000n],
  ['h', 3_600_000_000_000n],
]);
const nsPerMs = 1_000_000n;

/**
 * Milliseconds of a text such as `1h2m3.5s`, `300ms` or a bare `0`. Parts finer than a millisecond are rounded to the nearest one.
 *
 * `problem` says what is wrong without repeating the text (it may have come from the environment).
 */
export function parseDuration(text: string): DurationResult {
  const trimmed = text.trim();
  if (trimmed === '0') return { ok: true, ms: 0 };
  const problem = obviousProblem(trimmed);
  if (problem !== undefined) return { ok: false, problem };
  let ns = 0n;
  for (const [, whole = '', fraction = '', unit = ''] of trimmed.matchAll(/(\d*)(?:\.(\d*))?([a-zµμ]+)/g)) {
    ns += part(whole, fraction, unitNs.get(unit) ?? 0n);
  }
  if (ns > BigInt(maxDurationMs) * nsPerMs) return { ok: false, problem: `it is too long: at most ${maxDurationText}` };
  const ms = Number((ns + nsPerMs / 2n) / nsPerMs);
  if (ms === 0 && ns > 0n) return { ok: false, problem: 'it is finer than a millisecond, the smallest step there is' };
  return { ok: true, ms };
}

/** The shortest exact Go-style text: `1h2m3.5s`, `300ms`, `0`. */
export function formatDuration(ms: number): string {
  if (ms === 0) return '0';
  if (ms < 1000) return `${ms}ms`;
  const hours = Math.floor(ms / 3_600_000);
  const minutes = Math.floor((ms % 3_600_000) / 60_000);
  const seconds = (ms % 60_000) / 1000;
  return `${hours > 0 ? `${hours}h` : ''}${minutes > 0 ? `${minutes}m` : ''}${seconds > 0 ? `${seconds}s` : ''}`;
}

/** How long ago, no more exact than people want it. @param now ms since the epoch */
export function age(time: string | null, now: number): string {
  if (time === null) return '-';
  const seconds = Math.max(0, Math.round((now - Date.parse(time)) / 1000));
  const [days, hours, minutes] = [Math.floor(seconds / 86_400), Math.floor(seconds / 3_600) % 24, Math.floor(seconds / 60) % 60];
  if (days > 0) return `${days}d${hours}h`;
  if (hours > 0) return `${hours}h${minutes}m`;
  return minutes > 0 ? `${minutes}m${seconds % 60}s` : `${seconds}s`;
}

function part(whole: string, fraction: string, unit: bigint): bigint {
  const digits = fraction.slice(0, 12);
  return BigInt(whole === '' ? 0 : whole) * unit + (digits === '' ? 0n : (BigInt(digits) * unit) / 10n ** BigInt(digits.length));
}

function obviousProblem(text: string): string | undefined {
  if (text === '') return 'it is empty';
  if (text.length > 64) return 'it is too long for one';
  if (text.startsWith('-')) return 'it is negative';
  if (/^\d+(\.\d+)?$/.test(text)) return 'the unit is missing: ns, us, ms, s, m or h';
  if (/^(\d+(\.\d*)?|\.\d+)\s*(d|days?|w|weeks?)$/i.test(text)) return 'there are no days or weeks in it: write hours (24h)';
  if (/\s/.test(text)) return 'there is a space in it: write 1m30s';
  if (!/^((\d+\.?\d*|\.\d+)[a-zµμ]+)+$/.test(text)) return 'it is not of this form';
  for (const [unit] of text.matchAll(/[a-zµμ]+/g)) {
    if (!unitNs.has(unit)) return 'it has an unknown unit: the units are ns, us, ms, s, m and h';
  }
  return undefined;
}
