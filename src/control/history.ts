/** The generations of each rule and what became of them, told from the journal. Pure. */
import { isFailure, isRefusal } from '../core/failures.ts';
import type { Entry } from '../journal/journal.ts';

export type Fate = 'seen' | 'refused' | 'applied' | 'failed' | 'rolled_back' | 'superseded';

export interface Generation {
  readonly rule: string;
  readonly hash: string;
  readonly seen_at: string;
  readonly files: readonly string[];
  /** How many more files differ than are named. */
  readonly more: number;
  readonly fate: Fate;
  readonly decided_at: string | null;
  /** How it was applied. */
  readonly how: string | null;
  /** From seen to applied. */
  readonly ms: number | null;
  /** Why it was refused or has failed, as the log has said it. */
  readonly reason: string | null;
  /** What the validator or the command printed. */
  readonly output: string | null;
  readonly good: boolean;
}

const decisions: ReadonlySet<string> = new Set(['change_seen', 'good', 'applied', 'back_on_good', 'rolled_back']);

/** That is told with its generation, and needs no line beside it. */
export const tellsOfGeneration = ({ event = '', rule }: Entry): boolean =>
  rule !== undefined && (decisions.has(event) || isRefusal(event) || isFailure(event));

/** The oldest first. A generation that comes again later is another entry. */
export function historyOf(entries: readonly Entry[]): Generation[] {
  const generations: Generation[] = [];
  const lastOf = (rule: string, hash: string): number => generations.findLastIndex((one) => one.rule === rule && one.hash === hash);
  for (const entry of entries) {
    const { event, rule } = entry;
    const hash = event === 'change_seen' ? entry.to : event === 'rolled_back' ? entry.from : entry.hash;
    if (event === undefined || rule === undefined || typeof hash !== 'string') continue;
    const at = lastOf(rule, hash);
    const known = event === 'change_seen' ? undefined : generations[at];
    const next = step(known ?? seen(rule, hash, entry), entry);
    if (!next) continue;
    if (known) generations[at] = next;
    else {
      supersede(generations, rule);
      generations.push(next);
    }
  }
  return generations;
}

/** What had not been decided when the next one came never will be. */
function supersede(generations: Generation[], rule: string): void {
  const at = generations.findLastIndex((one) => one.rule === rule);
  const last = generations[at];
  if (last?.fate === 'seen') generations[at] = { ...last, fate: 'superseded' };
}

function step(generation: Generation, entry: Entry): Generation | undefined {
  const { event = '', time } = entry;
  const output = typeof entry.output === 'string' && entry.output !== '' ? entry.output : generation.output;
  if (event === 'change_seen') return generation;
  if (event === 'good') return { ...generation, good: true };
  if (event === 'applied' || event === 'back_on_good') {
    const ms = typeof entry.ms === 'number' ? entry.ms : null;
    return { ...generation, fate: 'applied', decided_at: time, how: String(entry.how ?? ''), ms };
  }
  if (event === 'rolled_back') return { ...generation, fate: 'rolled_back', decided_at: time, reason: entry.msg, good: false };
  if (isRefusal(event)) return { ...generation, fate: 'refused', decided_at: time, reason: entry.msg, output };
  if (isFailure(event)) return { ...generation, fate: 'failed', decided_at: time, reason: entry.msg, output };
  return undefined;
}

const seen = (rule: string, hash: string, entry: Entry): Generation => ({
  rule,
  hash,
  seen_at: entry.time,
  files: Array.isArray(entry.files) ? entry.files : [],
  more: typeof entry.more === 'number' ? entry.more : 0,
  fate: 'seen',
  decided_at: null,
  how: null,
  ms: null,
  reason: null,
  output: null,
  good: false,
});
