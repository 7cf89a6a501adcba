/** KILL to a process and to all that it has started. */
import { spawnSync } from 'node:child_process';
import treeKill from 'tree-kill';
import { signalGroup } from './signalling.ts';

/** What tree-kill lists children with. */
const lister = process.platform === 'darwin' ? 'pgrep' : 'ps';
const listerMs = 2_000;

let usable: boolean | undefined;

/** tree-kill does not expect that its lister cannot be started, and would take this process down: it is tried before. */
export function canListTrees(): boolean {
  usable ??= spawnSync(lister, { stdio: 'ignore', timeout: listerMs }).error === undefined;
  return usable;
}

/** The program without which trees are killed by their process group alone. */
export const treeLister = lister;

/** The process and its group go in any case, at the latest when the list of the others does not come. */
export function killTree(pid: number): void {
  let done = false;
  const rest = (): void => {
    if (done) return;
    done = true;
    clearTimeout(timer);
    signalGroup(pid, 'SIGKILL');
  };
  const timer = setTimeout(rest, listerMs);
  if (canListTrees()) treeKill(pid, 'SIGKILL', rest);
  else rest();
}
