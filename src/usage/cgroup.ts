import { readFile } from 'node:fs/promises';
import { totalmem } from 'node:os';
import { contentOf } from '../probe/processes.ts';

/** What the kernel holds this container to (cgroup v1 or v2, read by libuv), in bytes; undefined: nothing but the machine. */
export function limitOfContainer(): number | undefined {
  const limit = process.constrainedMemory();
  return limit > 0 && limit < totalmem() ? limit : undefined;
}

/**
 * Memory of this process's cgroup that the kernel cannot take back: each page once, whoever shares it. Undefined where that is not to be had, or the
 * other process is in another one.
 */
export async function heldByCgroupOf(pid: number): Promise<number | undefined> {
  const cgroups = contentOf('/proc/self/cgroup');
  if (contentOf(`/proc/${pid}/cgroup`) !== cgroups) return undefined;
  for (const { file, names } of accounts(cgroups)) {
    const stat = await readFile(file, 'latin1').catch(() => '');
    const amounts = names.map((name) => Number(new RegExp(`^${name} (\\d+)$`, 'm').exec(stat)?.[1] ?? Number.NaN));
    const sum = amounts.reduce((total, amount) => total + amount, 0);
    if (Number.isFinite(sum)) return sum;
  }
  return undefined;
}

/** Where the kernel keeps the account, with its names for anonymous and shared memory: cgroups(7). A container may see its own as the root. */
export function accounts(cgroups: string): { readonly file: string; readonly names: readonly string[] }[] {
  const paths = (line: RegExp): string[] => {
    const path = line.exec(cgroups)?.[1];
    return path === undefined ? [] : [...new Set([path.replace(/\/$/, ''), ''])];
  };
  const first = paths(/^\d+:(?:[^:]*,)?memory(?:,[^:]*)?:(\/.*)$/m).map((path) => `/sys/fs/cgroup/memory${path}/memory.stat`);
  const second = paths(/^0::(\/.*)$/m).map((path) => `/sys/fs/cgroup${path}/memory.stat`);
  return [
    ...first.map((file) => ({ file, names: ['total_rss', 'total_shmem'] })),
    ...second.map((file) => ({ file, names: ['anon', 'shmem'] })),
  ];
}
