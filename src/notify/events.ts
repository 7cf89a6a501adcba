/** Which of what happens is worth telling somebody who does not look: of each entry of the journal. Pure. */
import type { NotifyKind } from '../config/model.ts';
import type { Entry } from '../journal/journal.ts';

export interface NotifyEvent {
  readonly kind: NotifyKind;
  readonly type: 'Warning' | 'Normal';
  /** One word, as Kubernetes has it. */
  readonly reason: string;
  readonly message: string;
  readonly rule: string | undefined;
  readonly hash: string | undefined;
  /** What a validator printed, bounded and cleaned. */
  readonly output: string | undefined;
}

/** Restarts in a row from which on it is more than bad luck. */
const crashes = 3;

type Meaning = readonly [NotifyKind, string];
const notApplied: Meaning = ['apply_failed', 'ConfigNotApplied'];

const meanings: Readonly<Record<string, Meaning>> = {
  refused: ['refused', 'ConfigRefused'],
  config_refused: ['refused', 'ReinitConfigRefused'],
  starts_on_good: ['refused', 'StartedOnLastGoodConfig'],
  rolled_back: ['rolled_back', 'ConfigRolledBack'],
  rollback_failed: ['rolled_back', 'ConfigRollbackFailed'],
  config_went_back: ['rolled_back', 'ReinitConfigRolledBack'],
  reload_failed: notApplied,
  restart_failed: notApplied,
  unconfirmed: notApplied,
  action_failed: notApplied,
  signal_refused: notApplied,
  not_signalled: notApplied,
  publish_failed: notApplied,
  not_staged: notApplied,
  not_published: notApplied,
  beside_failed: notApplied,
  gave_up: ['crash_loop', 'CrashLoop'],
  not_ready: ['not_ready', 'NotReady'],
  not_alive: ['not_ready', 'NotAlive'],
  loop_held: ['loop', 'ConfigLoop'],
  stale: ['stale_mount', 'StaleMount'],
  applied: ['applied', 'ConfigApplied'],
};

/** Undefined: nobody has to know. */
export function eventOf(entry: Entry): NotifyEvent | undefined {
  const meaning = meaningOf(entry);
  if (!meaning) return undefined;
  const [kind, reason] = meaning;
  const text = (value: Entry[string]): string | undefined => (typeof value === 'string' && value !== '' ? value : undefined);
  return {
    kind,
    type: kind === 'applied' ? 'Normal' : 'Warning',
    reason,
    message: entry.msg,
    rule: entry.rule,
    hash: text(entry.hash) ?? text(entry.from),
    output: text(entry.output),
  };
}

function meaningOf({ event, attempt, code }: Entry): Meaning | undefined {
  if (event === 'restart_scheduled') return typeof attempt === 'number' && attempt >= crashes ? meanings.gave_up : undefined;
  if (event === 'watch_warning') return code === 'stale_mount' ? meanings.stale : undefined;
  return event !== undefined && Object.hasOwn(meanings, event) ? meanings[event] : undefined;
}
