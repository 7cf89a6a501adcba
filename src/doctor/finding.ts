/** `ok`: looked at, and as it should be. `info`: worth knowing. `warn`: may not do what was meant. `error`: will not. */
export type Level = 'ok' | 'info' | 'warn' | 'error';

/** One thing that was looked at. No value of a variable and no content of a file is in it. */
export interface Finding {
  /** `topic.what`: stays the same over versions. */
  readonly id: string;
  readonly level: Level;
  /** One sentence. */
  readonly title: string;
  /** Why it matters, or a program's own words; may be empty. */
  readonly detail: string;
  /** What to do; empty where nothing is to be done. */
  readonly remedy: string;
  /** The name of the watch rule that it is about. */
  readonly rule?: string;
}

export type More = Partial<Pick<Finding, 'detail' | 'remedy' | 'rule'>>;

const finding =
  (level: Level) =>
  (id: string, title: string, { detail = '', remedy = '', rule }: More = {}): Finding => ({
    id,
    level,
    title,
    detail,
    remedy,
    ...(rule !== undefined && { rule }),
  });

export const ok = finding('ok');
export const info = finding('info');
export const warn = finding('warn');
export const error = finding('error');

export type Counts = Readonly<Record<Level, number>>;

export function countsOf(findings: readonly Finding[]): Counts {
  const counts = { ok: 0, info: 0, warn: 0, error: 0 };
  for (const { level } of findings) counts[level] += 1;
  return counts;
}
