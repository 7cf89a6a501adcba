import { createReader, type Reader, type Reading } from './generation.ts';
import { nextReading, onDoubt, onHint, onMoving, onReading, onUnreachable, type Settling, startSettling, timerSlackMs } from './settle.ts';
import { isSwap, type Lay } from './swapped.ts';
import { type Inode, startTrigger, type Trigger, type TriggerEvents } from './trigger.ts';
import type { Generation, StartWatch, Watch, WatchEvent, WatchedRule, WatchTrouble, WatchWarning } from './types.ts';
import { noEvents, silentMount, unannounced, unreachable, type Warning, warningsOf } from './warnings.ts';

/** How often events are tried again after they failed. */
const retryEventsMs = 60_000;
/** How often files that cannot be reached are tried again. */
const retryReadingMs = 2_000;

/** What a watch needs of the world; tests put their own. */
export interface WatchEnvironment {
  readonly reader: Reader;
  readonly startTrigger: (events: TriggerEvents) => Promise<Trigger>;
  readonly retryEventsMs: number;
}

type Read = Extract<Reading, { kind: 'read' }>;

/** Everything that changes in the life of one watch. */
interface Watching {
  readonly rule: WatchedRule;
  readonly tell: (event: WatchEvent) => void;
  readonly environment: WatchEnvironment;
  settling: Settling;
  /** What the owner has, and where it lay. Undefined: only its hash is known so far. */
  lay: Lay | undefined;
  /** `stir` was told last, and nothing has ended it. */
  stirring: boolean;
  mode: 'events' | 'poll' | undefined;
  /** Undefined while events are not used. */
  trigger: Trigger | undefined;
  /** Not before then are events tried again; Infinity: never. */
  eventsAfter: number;
  /** Causes that have been told and still hold. */
  causes: ReadonlyMap<string, WatchTrouble>;
  /** When the last reading ended; the net (polling, re-scan) counts from there. */
  readAt: number;
  notBefore: number;
  timer: NodeJS.Timeout | undefined;
  timerAt: number;
  reading: boolean;
  /** Ends when nothing is being read. */
  idle: Promise<unknown>;
  closed: boolean;
}

export const startWatch: StartWatch = (rule, known, tell) =>
  createWatch(rule, known, tell, { reader: createReader(rule), startTrigger, retryEventsMs });

/** The watch keeps its process alive until it is closed. */
export function createWatch(
  rule: WatchedRule,
  known: string | undefined,
  tell: (event: WatchEvent) => void,
  environment: WatchEnvironment,
): Watch {
  const watching: Watching = {
    rule,
    tell,
    environment,
    settling: startSettling(known),
    lay: undefined,
    stirring: false,
    mode: undefined,
    trigger: undefined,
    eventsAfter: 0,
    causes: new Map(),
    readAt: Number.NEGATIVE_INFINITY,
    notBefore: 0,
    timer: undefined,
    timerAt: Number.POSITIVE_INFINITY,
    reading: false,
    idle: Promise.resolve(),
    closed: false,
  };
  schedule(watching);
  return {
    get mode() {
      return watching.mode;
    },
    get warnings() {
      return [...watching.causes.values()];
    },
    look: () => hint(watching),
    read: () => exclusively(watching, async () => generationOf(await environment.reader.read())),
    close: async () => {
      watching.closed = true;
      clearTimeout(watching.timer);
      await stopTrigger(watching);
    },
  };
}

function hint(watching: Watching): void {
  if (watching.closed) return;
  watching.settling = onHint(watching.settling, performance.now());
  tellStir(watching);
  schedule(watching);
}

function tellStir(watching: Watching): void {
  const { stirring } = watching.settling;
  if (stirring === watching.stirring) return;
  watching.stirring = stirring;
  watching.tell({ kind: stirring ? 'stir' : 'calm' });
}

/** Sets the timer for the next reading, unless one is due earlier: an early timer looks again. */
function schedule(watching: Watching): void {
  if (watching.closed || watching.reading) return;
  const due = nextDue(watching);
  if (due >= watching.timerAt || due === Number.POSITIVE_INFINITY) return;
  clearTimeout(watching.timer);
  watching.timerAt = due;
  watching.timer = setTimeout(() => onTimer(watching), Math.max(0, due - performance.now()));
}

function nextDue({ rule, settling, mode, readAt, notBefore }: Watching): number {
  const interval = mode === 'events' ? rule.rescan : rule.poll_interval;
  const net = mode === 'events' && interval === 0 ? Number.POSITIVE_INFINITY : readAt + interval;
  return Math.max(Math.min(nextReading(settling, rule) ?? Number.POSITIVE_INFINITY, net), notBefore);
}

function onTimer(watching: Watching): void {
  watching.timerAt = Number.POSITIVE_INFINITY;
  if (performance.now() + timerSlackMs < nextDue(watching)) schedule(watching);
  else void exclusively(watching, () => look(watching));
}

/** One reading at a time, whoever wants it. */
function exclusively<T>(watching: Watching, work: () => Promise<T>): Promise<T> {
  const result = watching.idle.then(async () => {
    watching.reading = true;
    try {
      return await work();
    } finally {
      watching.reading = false;
      schedule(watching); // hints that came meanwhile have only been noted
    }
  });
  watching.idle = result.catch(() => undefined);
  return result;
}

async function look(watching: Watching): Promise<void> {
  if (watching.closed) return;
  const at = performance.now();
  const reading = await watching.environment.reader.read();
  if (watching.closed) return;
  watching.readAt = performance.now();
  if (reading.kind === 'unreachable') {
    watching.notBefore = watching.readAt + retryReadingMs;
    watching.settling = onUnreachable(watching.settling);
    tellStir(watching);
    warn(watching, [unreachable(reading.message)], ['unreachable']);
  } else if (reading.kind === 'moving') {
    watching.settling = onMoving(watching.settling, watching.readAt);
    tellStir(watching);
  } else await judge(watching, reading, at);
}

/** A reading was had: does it count, what is wrong with it, and where do the next hints come from? */
async function judge(watching: Watching, reading: Read, at: number): Promise<void> {
  const { rule } = watching;
  const { volumes, files } = reading.plan;
  const lay = { generation: reading.generation, files };
  const isGone = (path: string) => [...volumes].some((volume) => path.startsWith(`${volume}/`));
  const { state, tell } = onReading(watching.settling, { at, generation: reading.generation, isGone }, rule);
  watching.settling = state;
  warn(watching, warningsOf(rule, reading), [
    'missing',
    'unreadable',
    'stale_mount',
    'subpath',
    'single_file_mount',
    'too_large',
    'token',
    'unreachable',
  ]);
  if (tell?.unannounced && watching.mode === 'events' && rule.mode === 'auto') await distrustEvents(watching, reading);
  if (tell !== undefined) {
    watching.stirring = false;
    watching.tell({ kind: 'generation', generation: reading.generation, swapped: isSwap(watching.lay, lay) });
  }
  if (state.told?.hash === reading.generation.hash) watching.lay = lay;
  tellStir(watching);
  await arm(watching, reading);
}

async function distrustEvents(watching: Watching, reading: Read): Promise<void> {
  const warning = unannounced(reading, watching.rule.poll_interval);
  watching.eventsAfter = Number.POSITIVE_INFINITY;
  warn(watching, [warning], []);
  await poll(watching, warning.message);
}

/** Asks for events where they are wanted and can be had; else the files are polled. */
async function arm(watching: Watching, reading: Read): Promise<void> {
  const { rule, environment } = watching;
  const silent = silentMount(reading);
  if (rule.mode === 'poll') return poll(watching, 'configured');
  if (rule.mode === 'auto' && silent !== undefined) return poll(watching, `${silent.mountPoint} (${silent.fsType}) gives no file events`);
  if (performance.now() < watching.eventsAfter) return;
  watching.trigger ??= await environment.startTrigger({
    hint: () => hint(watching),
    armed: () => onArmed(watching),
    failed: (error) => void onFailed(watching, error),
  });
  if (watching.closed) return stopTrigger(watching);
  watching.trigger.arm(reading.plan.points, singleFiles(reading));
}

/** Configured files and files that are mount points: a write in place shows only at their inode. */
function singleFiles({ plan, mounts, stats }: Read): Map<string, Inode> {
  const files = new Map<string, Inode>();
  for (const { real, direct } of plan.files) {
    const stat = stats.get(real);
    if (stat !== undefined && (direct || mounts.has(real))) files.set(real, stat);
  }
  return files;
}

function onArmed(watching: Watching): void {
  // What changed before there could be events (at start: since the owner's own reading) is no sign that they are missing.
  if (watching.mode !== 'events') watching.settling = { ...watching.settling, unannounced: false };
  setMode(watching, 'events', watching.mode === undefined ? 'file events' : 'file events work again');
  watching.settling = onDoubt(watching.settling, performance.now());
  schedule(watching);
}

async function onFailed(watching: Watching, error: unknown): Promise<void> {
  if (watching.trigger === undefined || watching.closed) return;
  const warning = noEvents(failureOf(error), watching.rule.poll_interval);
  watching.eventsAfter = performance.now() + watching.environment.retryEventsMs;
  warn(watching, [warning], []);
  await poll(watching, warning.message);
}

/** chokidar's own errors need not have a code. */
function failureOf(error: unknown): string {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : String(error);
}

async function poll(watching: Watching, reason: string): Promise<void> {
  setMode(watching, 'poll', reason);
  await stopTrigger(watching);
  schedule(watching);
}

async function stopTrigger(watching: Watching): Promise<void> {
  const { trigger } = watching;
  watching.trigger = undefined;
  await trigger?.close();
}

function setMode(watching: Watching, mode: 'events' | 'poll', reason: string): void {
  if (watching.mode === mode) return;
  watching.mode = mode;
  if (mode === 'events') watching.causes = new Map([...watching.causes].filter(([, { code }]) => code !== 'polling'));
  watching.tell({ kind: 'mode', mode, reason });
}

/** Tells each cause that is new; of the codes in `judged`, causes that are not in `warnings` are over. */
function warn(watching: Watching, warnings: readonly Warning[], judged: readonly WatchWarning[]): void {
  const before = watching.causes;
  const now = new Map(warnings.map(({ subject, ...trouble }) => [`${trouble.code} ${subject}`, trouble]));
  watching.causes = new Map([...[...before].filter(([cause, { code }]) => !judged.includes(code) || now.has(cause)), ...now]);
  for (const { subject, ...trouble } of warnings) {
    if (before.has(`${trouble.code} ${subject}`)) continue;
    watching.tell({ kind: 'warning', ...trouble });
    if (trouble.code === 'stale_mount') watching.tell({ kind: 'stale', path: subject, message: trouble.message });
  }
}

function generationOf(reading: Reading): Generation | undefined {
  return reading.kind === 'read' ? reading.generation : undefined;
}
