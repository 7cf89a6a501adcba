/**
 * An application (or a hook of it) that writes into what is watched would be reloaded for ever: each reload makes it write, each writing makes
 * reinit reload. So changes right after our own actions are counted. Enough of them in a row, and the rule is held for a while, longer each time.
 * Nothing is forgotten meanwhile: what the files are in the end is applied. A change that comes although nothing was done proves a writer of its own,
 * and the rule is free again for long. What the container sees through a read-only mount (every ConfigMap and Secret) it
 * cannot have written; what was swapped in (kubelet, git-sync) it has not.
 */
import { backOffMs } from './back-off.ts';
import type { RuleNote } from './notes.ts';
import type { Echo } from './rule.ts';

/** A write that a reload causes comes within seconds, and is noticed `settle` later. */
const echoMs = 3_000;
const mostEchoes = 10;
const firstHoldMs = 10_000;
const longestHoldMs = 3_600_000;
/** So many changes after our actions are believed of one who was seen to write without them. */
const trust = -50;

export interface Noticed {
  readonly echo: Echo;
  readonly note: RuleNote | undefined;
}

/** Pure; called for each change of the files. @param actedAt when the rule's last action was over, 0: never */
export function noticeChange(echo: Echo, at: number, actedAt: number, settle: number): Noticed {
  const window = settle + echoMs;
  if (at < echo.heldUntil) {
    if (at - echo.heldAt <= window) return { echo, note: undefined };
    return { echo: { count: trust, holds: 0, heldAt: 0, heldUntil: 0 }, note: { kind: 'loop_over' } };
  }
  const isEcho = actedAt > 0 && at - actedAt <= window;
  if (!isEcho) return { echo: { ...echo, count: Math.min(echo.count, 0), holds: 0 }, note: undefined };
  if (echo.count + 1 < mostEchoes) return { echo: { ...echo, count: echo.count + 1 }, note: undefined };
  const forMs = backOffMs(echo.holds, firstHoldMs, longestHoldMs);
  // The next single echo after the hold is enough.
  const held = { count: mostEchoes - 1, holds: echo.holds + 1, heldAt: at, heldUntil: at + forMs };
  return { echo: held, note: { kind: 'loop_held', times: mostEchoes, forMs } };
}
