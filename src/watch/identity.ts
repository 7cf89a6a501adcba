import { createSha256 } from './sha256.ts';
import type { Generation } from './types.ts';

/** SHA-256 (hex) of nothing. */
export const emptyHash = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855';

/**
 * The identity of a set of files: sorted (path, present or absent, content hash), and nothing else. Times, modes, owners, inodes and link
 * texts are no content: kubelet, chmod and touch change them all the time. Lengths stand before paths, so no two sets look alike.
 */
export function toGeneration(files: ReadonlyMap<string, string | null>): Generation {
  const sorted = [...files].sort(([a], [b]) => (a < b ? -1 : 1));
  const digest = createSha256();
  for (const [path, hash] of sorted) digest.update(`${Buffer.byteLength(path)}:${path}:${hash ?? 'absent'}\n`);
  return { hash: digest.hex(), files: new Map(sorted) };
}
