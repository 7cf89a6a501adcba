/**
 * The oldest Node that the bundles run on. The released tree has a newer one of its own; the npm package (`engines`) takes the image's.
 */
export const oldestNode = '22.22.0';

export function isTooOld(version: string): boolean {
  const [major = 0, minor = 0] = numbers(version);
  const [oldestMajor = 0, oldestMinor = 0] = numbers(oldestNode);
  return major < oldestMajor || (major === oldestMajor && minor < oldestMinor);
}

const numbers = (version: string): number[] => version.split('.').map(Number);
