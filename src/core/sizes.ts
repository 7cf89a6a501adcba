const units = ['bytes', 'KiB', 'MiB', 'GiB'] as const;

/** For people, in three digits or so: `512MiB`, `1.5GiB`. */
export function formatBytes(bytes: number): string {
  let power = 0;
  while (power < units.length - 1 && bytes >= 1024 ** (power + 1)) power += 1;
  const value = bytes / 1024 ** power;
  const text = value < 10 && power > 0 ? value.toFixed(1).replace(/\.0$/, '') : String(Math.round(value));
  return power === 0 ? `${text} bytes` : `${text}${units[power]}`;
}
