/** What the application uses. */
import type { Controller } from '../control/control.ts';
import type { ProcessSample } from '../usage/usage.ts';

export interface Used {
  /** In ms since the epoch. */
  readonly at: number;
  /** Percent of one core. */
  readonly cpu: number;
  /** All that its processes have used, as far as they were seen. */
  readonly cpuSeconds: number;
  /** Resident, in bytes. */
  readonly memory: number;
  readonly processes: number;
}

/** Undefined: there is no application, or nothing can be known. Rejects never. */
export type Usage = () => Promise<Used | undefined>;

/** Loads what measures when it is asked first. */
export function createUsage({ state }: Pick<Controller, 'state'>): Usage {
  const total = createCpuTotal();
  return async () => {
    const { service } = state();
    if (service.kind !== 'running' || service.pid === 0) return undefined; // 0: what it is attached to is looked for
    const { sampleTree } = await import('../usage/usage.ts');
    const tree = await sampleTree(service.pid);
    if ('problem' in tree) return undefined;
    const { at, cpu, memory, processes } = tree;
    return { at, cpu, cpuSeconds: total(processes) / 1000, memory, processes: processes.length };
  };
}

type Spent = Pick<ProcessSample, 'pid' | 'cpuMs'>;

/** What processes have used in all, those too that are gone: it never becomes less. In ms. */
export function createCpuTotal(): (processes: readonly Spent[]) => number {
  let sum = 0;
  let before = new Map<number, number>();
  return (processes) => {
    for (const { pid, cpuMs } of processes) {
      const last = before.get(pid) ?? 0;
      sum += cpuMs >= last ? cpuMs - last : cpuMs; // the number is another process's by now
    }
    before = new Map(processes.map(({ pid, cpuMs }) => [pid, cpuMs]));
    return sum;
  };
}
