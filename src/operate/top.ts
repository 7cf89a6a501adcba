/** `reinit top`: what the application uses now. The sampling is done here, so that it costs the controller nothing. */
import { setTimeout as pause } from 'node:timers/promises';
import { age } from '../core/durations.ts';
import { counted } from '../log/words.ts';
import type { TreeSample } from '../usage/usage.ts';
import { Refused } from './client.ts';
import { columns } from './render.ts';

const betweenMs = 1_000;

/** The first look has nothing to compare with: CPU is told from the second on. @throws Refused */
export async function* samplesOf(pid: number): AsyncGenerator<TreeSample> {
  const { sampleTree } = await import('../usage/usage.ts');
  for (let first = true; ; first = false) {
    const sample = await sampleTree(pid);
    if ('problem' in sample) throw new Refused({ code: 'not_known', message: sample.problem });
    if (!first) yield sample;
    await pause(betweenMs);
  }
}

/** Pure. */
export function topText({ at, cpu, memory, processes }: TreeSample): string {
  const busiest = [...processes].sort((a, b) => b.cpu - a.cpu || b.memory - a.memory);
  const head = `${counted(processes.length, 'process', 'processes')}, ${percent(cpu)} of one CPU, ${size(memory)} resident (what they share counts for each)`;
  const rows = busiest
    .slice(0, mostRows)
    .map((one) => [
      String(one.pid),
      String(one.ppid),
      percent(one.cpu),
      size(one.memory),
      age(new Date(one.since).toISOString(), at),
      one.name,
    ]);
  const more = busiest.length > mostRows ? [`and ${busiest.length - mostRows} more`] : [];
  return `${[head, '', columns([['PID', 'PARENT', 'CPU', 'MEMORY', 'AGE', 'NAME'], ...rows]), ...more].join('\n')}\n`;
}

const mostRows = 40;
const percent = (cpu: number): string => `${cpu.toFixed(1)}%`;

function size(bytes: number): string {
  const mebibytes = bytes / 2 ** 20;
  return mebibytes < 1024 ? `${mebibytes.toFixed(1)} MiB` : `${(mebibytes / 1024).toFixed(2)} GiB`;
}
