/**
 * The identities of an environment and of each of its variables.
 *
 * They stand in the log and in the memo, and most secrets that people put into variables are short: from a plain hash, even from twelve
 * characters of it, such a value is found by trying. So all of them are HMACs (RFC 2104, SHA-256) with a key that no other place knows.
 * It has to outlive the controller, since its successor compares, but need not outlive the container. Lengths and a word at the
 * beginning keep apart what must not look alike.
 */
import { hmac } from '@noble/hashes/hmac.js';
import { sha256 } from '@noble/hashes/sha2.js';

export interface EnvironmentDigest {
  /** Of all variables, in whatever order. */
  ofAll(variables: ReadonlyMap<string, string>): string;
  /** Of one; with its name, so that two of the same value do not look alike. */
  ofOne(name: string, value: string): string;
  /** Of what is no environment: why not, and the files as they were. */
  ofProblem(problem: string, generation: string): string;
}

/** @param key at least 32 bytes of a secure random source */
export function createDigest(key: Uint8Array): EnvironmentDigest {
  const keyed = hmac.create(sha256, key);
  const digest = (parts: Iterable<string>): string => {
    const mac = keyed.clone();
    for (const part of parts) mac.update(Buffer.from(`${Buffer.byteLength(part)}:${part}`));
    return Buffer.from(mac.digest()).toString('hex');
  };
  return {
    ofAll: (variables) => digest(['environment', ...[...variables].sort(([a], [b]) => (a < b ? -1 : 1)).flat()]),
    ofOne: (name, value) => digest(['variable', name, value]),
    ofProblem: (problem, generation) => digest(['problem', problem, generation]),
  };
}
