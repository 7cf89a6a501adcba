import { readFile } from 'node:fs/promises';
import { totalmem } from 'node:os';
import { contentOf } from '../probe/processes.ts';

/** What the kernel holds this container to (cgroup v1 or v2, read by libuv), in bytes; undefined: nothing but the machine. */
export function limitOfContainer(): number | undefined {
  const limit = process.constrainedMemory();
  return limit > 0 && limit < totalmem() ? limit : undefined;
}

/**
 * Memory of this process's cgroup that the kernel cannot take back: each page once, whoever shares it. Undefined where that is not to be had (v1), or
 * the other process is in another one.
 */
export async function heldByCgroupOf(pid: number): Promise<number | undefined> {
  const cgroups = contentOf('/proc/self/cgroup');
  const path = /^0::(\/.*)$/m.exec(cgroups)?.[1];
  if (path === undefined || contentOf(`/proc/${pid}/cgroup`) !== cgroups) return undefined;
  const stat = await readFile(`/sys/fs/cgroup${path}/memory.stat`, 'latin1').catch(() => '');
  const [anonymous, shared] = ['anon', 'shmem'].map((name) => new RegExp(`^${name} (\\d+)$`, 'm').exec(stat)?.[1]);
  return anonymous === undefined || shared === undefined ? undefined : Number(anonymous) + Number(shared);
}
