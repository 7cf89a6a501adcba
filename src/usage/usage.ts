/**
 * What an application uses: CPU and memory of its main process and all its descendants. A bundle of its own, loaded where a limit is set or somebody
 * asks.
 *
 * What must never happen: a child of the controller for it (init alone creates processes); an event loop that stands still, or descriptors that pile up,
 * because there are many processes.
 */
import { existsSync } from 'node:fs';
import type { MemoryLimit } from '../config/model.ts';
import type { Weight } from '../core/care.ts';
import type { Child } from '../probe/processes.ts';
import { limitOfContainer } from './cgroup.ts';
import { heldMemory } from './held.ts';
import { type Measured, measure } from './measure.ts';
import { treeOf } from './tree.ts';

export interface ProcessSample {
  readonly pid: number;
  readonly ppid: number;
  readonly name: string;
  /** Percent of one core since the sample before, or since its start. */
  readonly cpu: number;
  /** User and system time so far. */
  readonly cpuMs: number;
  /** Resident, in bytes. */
  readonly memory: number;
  /** When it was started, in ms since the epoch. */
  readonly since: number;
}

export interface TreeSample {
  /** In ms since the epoch. */
  readonly at: number;
  readonly cpu: number;
  /** The sum of what is resident: what processes share is in it once for each. */
  readonly memory: number;
  /** The main process first, then by pid. */
  readonly processes: readonly ProcessSample[];
}

export interface Unknown {
  /** Why nothing can be said, for people. */
  readonly problem: string;
}

/** CPU time is counted in steps of 10 ms (proc_pid_stat(5), clock ticks): of a time of a few of them its share is a matter of luck. */
const sharedMs = 500;

interface Asked {
  readonly root: number;
  readonly answer: Promise<TreeSample | Unknown>;
  /** Others get the same one until then. */
  until: number;
}

/** One application runs at a time: of the one before it nothing is kept. */
let asked: Asked | undefined;
let before: { readonly root: number; readonly measured: ReadonlyMap<string, Measured> } | undefined;

/** Whoever asks while somebody else does, or shortly after, gets the same answer. Rejects never. */
export function sampleTree(root: number): Promise<TreeSample | Unknown> {
  if (asked?.root === root && performance.now() < asked.until) return asked.answer;
  const answer = sample(root).finally(() => {
    mine.until = performance.now() + sharedMs;
  });
  const mine: Asked = { root, answer, until: Number.POSITIVE_INFINITY };
  asked = mine;
  return answer;
}

/** How much memory a tree holds, and how much it may; a text: that cannot be known, and why. Rejects never. */
export async function weigh(root: number, limit: MemoryLimit): Promise<Weight | string> {
  const most = limit.kind === 'bytes' ? limit.bytes : shareOf(limitOfContainer(), limit.percent);
  if (most === undefined) return 'memory_limit is a percentage, and the container has no memory limit of its own';
  const tree = await sampleTree(root);
  if ('problem' in tree) return tree.problem;
  const weight = { limit: most, processes: tree.processes.length };
  // The sum counts twice what is shared, so it is never too small: near enough while it is below the limit, and it costs little.
  if (tree.memory <= most) return { ...weight, bytes: tree.memory };
  return { ...weight, bytes: Math.min(tree.memory, await heldMemory(tree.processes)) };
}

const shareOf = (limit: number | undefined, percent: number): number | undefined => limit && Math.floor((limit * percent) / 100);

async function sample(root: number): Promise<TreeSample | Unknown> {
  if (!existsSync('/proc/self/stat')) return { problem: 'there is no /proc' };
  const members = await treeOf(root);
  const last = before?.root === root ? before.measured : undefined;
  before = undefined;
  if (members.length === 0) return { problem: `process ${root} is gone, or /proc hides it (hidepid)` };
  const measured = await measure(members.map(({ pid }) => pid));
  const after = new Map<string, Measured>();
  const processes = members.flatMap((member) => {
    const now = measured.get(member.pid);
    if (!now) return []; // it has ended meanwhile
    after.set(keyOf(member), now);
    return [sampleOf(member, now, last?.get(keyOf(member)))];
  });
  before = { root, measured: after };
  const sum = (of: 'cpu' | 'memory') => processes.reduce((total, one) => total + one[of], 0);
  return { at: Date.now(), cpu: sum('cpu'), memory: sum('memory'), processes };
}

/** A number is given again, the moment of its start is not. */
const keyOf = ({ pid, startTicks }: Child): string => `${pid} ${startTicks}`;

function sampleOf({ pid, parent, name }: Child, now: Measured, last: Measured | undefined): ProcessSample {
  const [spentMs, passedMs] = last ? [now.cpuMs - last.cpuMs, now.elapsedMs - last.elapsedMs] : [now.cpuMs, now.elapsedMs];
  const cpu = passedMs > 0 ? (100 * Math.max(0, spentMs)) / passedMs : 0;
  return { pid, ppid: parent, name, cpu, cpuMs: now.cpuMs, memory: now.memory, since: Math.round(now.at - now.elapsedMs) };
}
