/** What the container leaves to reinit itself. The figures are those of docs/how-to/hardened-containers.md. */
import type { Kernel } from '../facts/kernel.ts';
import { error, type Finding, info, ok, warn } from '../finding.ts';

const mebibyte = 2 ** 20;
const neededBytes = 32 * mebibyte;
const comfortableBytes = 64 * mebibyte;
/** init, pump, the controller's seven threads, and a validator. */
const neededProcesses = 10;

/** @param running reinit's own processes are among those that are counted */
export function resourceFindings({ memoryLimit, pidsLimit, pidsUsed, preload }: Kernel, running: boolean): Finding[] {
  return [...memoryFindings(memoryLimit), ...pidsFindings(pidsLimit, pidsUsed ?? 0, running), ...preloadFindings(preload)];
}

function memoryFindings(limit: number | undefined): Finding[] {
  if (limit === undefined) return [ok('resources.memory', 'no memory limit that can be seen from here')];
  const text = `the memory limit is ${Math.floor(limit / mebibyte)} MiB`;
  if (limit >= comfortableBytes) return [ok('resources.memory', text)];
  const more = {
    detail: 'reinit works with 32 MiB beside what the application needs; 64 are comfortable.',
    remedy: 'Raise the limit: resources.limits.memory in the pod, docker run -m.',
  };
  return limit < neededBytes
    ? [error('resources.memory', `${text}, which is too little for reinit alone`, more)]
    : [warn('resources.memory', text, more)];
}

function pidsFindings(limit: number | undefined, used: number, running: boolean): Finding[] {
  if (limit === undefined) return [ok('resources.pids', 'no limit of processes that can be seen from here')];
  const text = `the limit is ${limit} processes and threads${used > 0 ? `, of which ${used} are in use` : ''}`;
  const left = limit - (running ? used : 0);
  if (running ? left > 1 : limit > neededProcesses) return [ok('resources.pids', text)];
  return [
    error('resources.pids', text, {
      detail: 'reinit takes 9, a validator one more while it runs, and the application its own.',
      remedy: 'Raise it: docker run --pids-limit, or podPidsLimit of the kubelet.',
    }),
  ];
}

function preloadFindings(preload: Kernel['preload']): Finding[] {
  if (preload === undefined) return [];
  const { libraries, missing } = preload;
  if (missing > 0)
    return [
      warn('resources.preload', `/etc/ld.so.preload names ${missing} of ${libraries} libraries that are not there`, {
        detail: 'Each dynamic program of the image says so on stderr, validators too. reinit itself does not read it.',
        remedy: 'Mount the libraries, or remove the names.',
      }),
    ];
  return [
    info('resources.preload', '/etc/ld.so.preload gives a library to each dynamic program of the image; reinit itself does not read it'),
  ];
}
