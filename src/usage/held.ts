/**
 * How much memory processes hold that the kernel cannot take back: anonymous and shared, what they share once. Mapped files are not in it, since
 * their pages can be dropped. Three ways, the smallest answer counts, as none is too small:
 *
 *   smaps_rollup  each process's part of what it shares; not readable for processes of another user without CAP_SYS_PTRACE
 *   status        RssAnon of each, and the largest RssShmem once; what forked processes still share with each other counts for each
 *   the cgroup    all that is charged to the container, reinit too
 */
import { readFile } from 'node:fs/promises';
import { heldByCgroupOf } from './cgroup.ts';

/** Rejects never. @param processes the main one first; `memory`: what is resident of each, which counts where a kernel tells no more (gVisor's) */
export async function heldMemory(processes: readonly { readonly pid: number; readonly memory: number }[]): Promise<number> {
  let [own, shared] = [0, 0];
  // One after the other: each is a walk through page tables, in a thread of libuv's.
  for (const { pid, memory } of processes) {
    const part = await proportionalOf(pid);
    if (part !== undefined) {
      own += part;
      continue;
    }
    const text = await textOf(`/proc/${pid}/status`);
    own += kilobytes(text, 'RssAnon') ?? (text === '' ? 0 : memory); // '': it has ended
    shared = Math.max(shared, kilobytes(text, 'RssShmem') ?? 0);
  }
  const charged = processes[0] && (await heldByCgroupOf(processes[0].pid));
  return Math.min(own + shared, charged ?? Number.POSITIVE_INFINITY);
}

/** Pss_Anon and Pss_Shmem are told since Linux 5.4. */
async function proportionalOf(pid: number): Promise<number | undefined> {
  const text = await textOf(`/proc/${pid}/smaps_rollup`);
  const [anonymous, shared] = [kilobytes(text, 'Pss_Anon'), kilobytes(text, 'Pss_Shmem')];
  return anonymous === undefined || shared === undefined ? undefined : anonymous + shared;
}

function kilobytes(text: string, name: string): number | undefined {
  const value = new RegExp(`^${name}:\\s+(\\d+) kB$`, 'm').exec(text)?.[1];
  return value === undefined ? undefined : Number(value) * 1024;
}

const textOf = (file: string): Promise<string> => readFile(file, 'latin1').catch(() => '');
