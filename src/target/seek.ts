/** One look at all processes of the namespace, for the one that `attach` means. */
import { readFileSync, statSync } from 'node:fs';
import type { Attach } from '../config/model.ts';
import type { Sight } from '../core/sight.ts';
import { allPids, contentOf, lives, statOf } from '../probe/processes.ts';
import { type PidFile, type Process, sightOf } from './match.ts';

export interface Seeker {
  readonly attach: Attach;
  /** init holds CAP_KILL. */
  readonly canKill: boolean;
  /** ms of CLOCK_BOOTTIME. */
  now(): number;
}

/** Never fails: what cannot be seen is not there. */
export function seek({ attach, canKill, now }: Seeker): Sight {
  return sightOf(attach, {
    processes: listProcesses(),
    own: process.ppid,
    permits: (pid) => canKill || usersOf(pid).includes(process.getuid?.() ?? -1),
    pidFile: attach.pid_file === undefined ? undefined : readPidFile(attach.pid_file, now() - Date.now()),
  });
}

/** All that live, and can be seen. */
export const listProcesses = (): Process[] => allPids().flatMap(processOf);

function processOf(pid: number): Process[] {
  const stat = statOf(pid);
  if (!stat || !lives(stat)) return [];
  const words = contentOf(`/proc/${pid}/cmdline`).replace(/\0+$/, '').split('\0');
  return [{ pid, parent: stat.parent, startTicks: stat.startTicks, comm: stat.name.trimEnd(), words }];
}

/** Real and saved: who is one of them may signal it (kill(2)). */
function usersOf(pid: number): number[] {
  const [real, , saved] = (/^Uid:\s*(.*)$/m.exec(contentOf(`/proc/${pid}/status`))?.[1] ?? '').split('\t');
  return [real, saved].map(Number);
}

/** @param offset from the time of the wall clock to that of CLOCK_BOOTTIME */
function readPidFile(file: string, offset: number): PidFile {
  try {
    const pid = /^\s*(\d{1,10})\s*(?:\n|$)/.exec(readFileSync(file, 'latin1'))?.[1];
    if (pid === undefined) return { kind: 'problem', problem: `${file} holds no pid` };
    return { kind: 'pid', pid: Number(pid), writtenAt: statSync(file).mtimeMs + offset };
  } catch (error) {
    return { kind: 'problem', problem: `${file} cannot be read (${(error as NodeJS.ErrnoException).code})` };
  }
}
