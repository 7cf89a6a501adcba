/** Linux signal numbers and their names. The numbers are those of x86-64 and arm64, which agree. */
const names: readonly (string | undefined)[] = [
  undefined,
  'HUP',
  'INT',
  'QUIT',
  'ILL',
  'TRAP',
  'ABRT',
  'BUS',
  'FPE',
  'KILL',
  'USR1',
  'SEGV',
  'USR2',
  'PIPE',
  'ALRM',
  'TERM',
  'STKFLT',
  'CHLD',
  'CONT',
  'STOP',
  'TSTP',
  'TTIN',
  'TTOU',
  'URG',
  'XCPU',
  'XFSZ',
  'VTALRM',
  'PROF',
  'WINCH',
  'IO',
  'PWR',
  'SYS',
];
/** Other names for the same numbers, signal(7). */
const aliases: ReadonlyMap<string, number> = new Map([
  ['IOT', 6],
  ['CLD', 17],
  ['POLL', 29],
  ['INFO', 30],
  ['UNUSED', 31],
]);
const numbers: ReadonlyMap<string, number> = new Map([
  ...names.flatMap((name, n): [string, number][] => (name === undefined ? [] : [[name, n]])),
  ...aliases,
]);

/** The C library keeps 32 and 33 to itself (glibc; musl keeps 34 too, but passes it on): what programs call RTMIN is 34. */
const rtMin = 34;
const rtMax = 64;

export const sigkill = 9;
export const sigterm = 15;
export const sigstop = 19;

/** All standard names, without SIG, in the order of their numbers. */
export const signalNames: readonly string[] = names.filter((name) => name !== undefined);

/**
 * The number of a signal as people write it: `HUP`, `SIGHUP`, `hup`, `1`, `RTMIN+2`, `SIGRTMAX-1`.
 *
 * @returns 1 to 64, or undefined where there is no such signal.
 */
export function parseSignal(text: string): number | undefined {
  const name = text.trim().toUpperCase().replace(/^SIG/, '');
  if (/^\d{1,3}$/.test(name)) return numbered(Number(name));
  const known = numbers.get(name);
  if (known !== undefined) return known;
  const realTime = /^RT(MIN|MAX)(?:([+-])(\d{1,2}))?$/.exec(name);
  if (realTime === null) return undefined;
  const base = realTime[1] === 'MIN' ? rtMin : rtMax;
  const n = base + Number(`${realTime[2] ?? '+'}${realTime[3] ?? '0'}`);
  return n >= rtMin && n <= rtMax ? n : undefined;
}

/** The name without SIG: `HUP`, `RTMIN+2`, `RTMAX`; a number that has no name stays one. */
export function signalName(n: number): string {
  if (n === rtMax) return 'RTMAX';
  if (n >= rtMin && n < rtMax) return n === rtMin ? 'RTMIN' : `RTMIN+${n - rtMin}`;
  return names[n] ?? String(n);
}

/** 32 and 33 exist for the kernel, yet no program can mean them. */
function numbered(n: number): number | undefined {
  return (n >= 1 && n <= 31) || (n >= rtMin && n <= rtMax) ? n : undefined;
}
