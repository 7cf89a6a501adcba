import { setTimeout as sleep } from 'node:timers/promises';
import { type Contents, type HashCache, readContents } from './contents.ts';
import { createSelection, type Selection } from './exclude.ts';
import { toGeneration } from './identity.ts';
import { guarded, type Lanes, routed, sharedLanes } from './lanes.ts';
import { isLocal, type Mounts, mountOf, parseMounts } from './mounts.ts';
import { codeOf, directOperations, type FileStat, type Operations, realOperations } from './operations.ts';
import { type LeftOut, makePlan, type Plan, samePlan } from './plan.ts';
import type { Generation, ReadGeneration, ReadRule } from './types.ts';

/** One consistent reading, or why there is none. */
export type Reading =
  | {
      readonly kind: 'read';
      readonly generation: Generation;
      readonly plan: Plan;
      readonly mounts: Mounts;
      /** Path → errno or `special`: what is there but cannot be read. Its last known content counts on. */
      readonly unknown: ReadonlyMap<string, string>;
      readonly leftOut: LeftOut | undefined;
      /** Resolved path → inode, of each file that was read. */
      readonly stats: ReadonlyMap<string, FileStat>;
    }
  /** The files kept changing while they were read. */
  | { readonly kind: 'moving' }
  /** A file operation did not end. */
  | { readonly kind: 'unreachable'; readonly message: string };

export interface Reader {
  read(): Promise<Reading>;
}

export interface ReaderEnvironment {
  readonly operations: Operations;
  /** In their place on local file systems, where that is wanted: without lanes and deadlines. */
  readonly direct: Operations | undefined;
  readonly lanes: Lanes;
  /** For one file operation, in ms. */
  readonly deadlineMs: number;
  /** Milliseconds since 1970, the clock of file times. */
  readonly now: () => number;
}

const realEnvironment: ReaderEnvironment = {
  operations: realOperations,
  direct: undefined,
  lanes: sharedLanes,
  deadlineMs: 5_000,
  now: Date.now,
};

/** A swap takes kubelet some milliseconds; six times 20 ms outlast it. */
const attempts = 6;
const attemptDelayMs = 20;

/** Larger sets are read in bulk. */
const bulkFiles = 1_000;

/** What is remembered of a rule's last reading: the watch that follows the first reading starts with it. */
interface Memory {
  readonly cache: HashCache;
  files: ReadonlyMap<string, string | null>;
}
const memories = new WeakMap<ReadRule, Memory>();

export const readGeneration: ReadGeneration = async (rule) => {
  const reading = await createReader(rule, { direct: directOperations }).read();
  return reading.kind === 'read' ? reading.generation : undefined;
};

export function createReader(rule: ReadRule, given: Partial<ReaderEnvironment> = {}): Reader {
  const environment = { ...realEnvironment, ...given };
  const memory = memories.get(rule) ?? { cache: new Map(), files: new Map() };
  memories.set(rule, memory);
  const selection = createSelection(rule);
  return {
    read: async () => {
      try {
        for (let attempt = 1; attempt <= attempts; attempt++) {
          const reading = await readOnce(rule, await selection, environment, memory);
          if (reading !== undefined) return reading;
          if (attempt < attempts) await sleep(attemptDelayMs);
        }
        return { kind: 'moving' };
      } catch (error) {
        if (codeOf(error) !== 'HUNG' || !(error instanceof Error)) throw error;
        return { kind: 'unreachable', message: error.message };
      }
    },
  };
}

/** Plan, read, and plan again: what lies between two equal plans is one state. Undefined: it moved. */
async function readOnce(
  rule: ReadRule,
  selection: Selection,
  environment: ReaderEnvironment,
  memory: Memory,
): Promise<Reading | undefined> {
  const { operations, direct, lanes, deadlineMs, now } = environment;
  try {
    const near = direct ?? guarded(operations, deadlineMs, lanes.local);
    const far = guarded(operations, deadlineMs, lanes.remote);
    const mounts = parseMounts(await near.text('/proc/self/mountinfo').catch(unlessHung));
    const local = (real: string) => isLocal(mountOf(mounts, real));
    const files = routed((path) => (local(path) ? near : far));
    const plan = await makePlan(rule, selection, files);
    const bulk = direct ?? guarded(operations, deadlineMs, plan.files.length > bulkFiles ? lanes.bulk : lanes.local);
    const contents = await readContents({
      files: plan.files,
      maxBytes: rule.max_bytes,
      operations: routed((path) => (local(path) ? bulk : far)),
      cache: memory.cache,
      isLocal: local,
      now,
    });
    if (!samePlan(plan, await makePlan(rule, selection, files))) return undefined;
    const unknown = new Map([...plan.unknown, ...contents.unknown]);
    memory.files = withUnknown(plan, contents, unknown, memory.files);
    const leftOut = plan.leftOut ?? contents.leftOut;
    return { kind: 'read', generation: toGeneration(memory.files), plan, mounts, unknown, leftOut, stats: contents.stats };
  } catch (error) {
    if (codeOf(error) === 'HUNG') throw error;
    return undefined; // MOVED, ENOENT, ESTALE: between two states
  }
}

/** No /proc: the table says nothing, and every file system is taken for remote. */
function unlessHung(error: unknown): string {
  if (codeOf(error) === 'HUNG') throw error;
  return '';
}

/** The files with their hashes; absent configured paths; and for what cannot be read now, what was known of it. */
function withUnknown(
  plan: Plan,
  contents: Contents,
  unknown: ReadonlyMap<string, string>,
  before: ReadonlyMap<string, string | null>,
): ReadonlyMap<string, string | null> {
  const files = new Map<string, string | null>(contents.hashes);
  for (const path of plan.missing.keys()) files.set(path, null);
  if (unknown.size === 0) return files;
  for (const [path, hash] of before) {
    if (!files.has(path) && isUnder(path, unknown)) files.set(path, hash);
  }
  return files;
}

function isUnder(path: string, places: ReadonlyMap<string, string>): boolean {
  for (let at = path; at !== ''; at = at.slice(0, at.lastIndexOf('/'))) if (places.has(at)) return true;
  return false;
}
