const units = ['bytes', 'KiB', 'MiB', 'GiB'] as const;

/** For people, in three digits or so, so that what is just above a limit is told apart from it: `512MiB`, `1.05GiB`. */
export function formatBytes(bytes: number): string {
  let power = 0;
  while (power < units.length - 1 && bytes >= 1024 ** (power + 1)) power += 1;
  const value = bytes / 1024 ** power;
  const text = value < 10 && power > 0 ? value.toFixed(2).replace(/\.?0+$/, '') : String(Math.round(value));
  return power === 0 ? `${text} bytes` : `${text}${units[power]}`;
}
