/** The watch of reinit's own file, beside the rules, whatever those are called. What it tells is judged by the controller: the same text is no change. */
import { startWatch } from '../watch/watch.ts';
import type { LateOptions } from './controller.ts';
import { reportMode, reportWarning } from './watch-lines.ts';

const rule = {
  include: [],
  exclude: [],
  recursive: false,
  mode: 'auto',
  settle: 300,
  max_wait: 5_000,
  rescan: 30_000,
  poll_interval: 2_000,
  missing_grace: 5_000,
  max_files: 1,
  max_bytes: 2 * 1024 * 1024,
} as const;

/** That the file is mounted by itself is how most people mount it who do not mean to change it. */
const quiet: ReadonlySet<string> = new Set(['subpath', 'single_file_mount']);

export function watchOwn({ file, config, log, driver, now }: LateOptions): void {
  if (file === undefined || config.services.main.on_config_change === 'ignore') return;
  startWatch({ ...rule, paths: [file] }, undefined, (event) => {
    if (event.kind === 'generation') driver.dispatch([{ kind: 'configTold', at: now() }]);
    else if (event.kind === 'warning') reportWarning(log, 'file', file, event, quiet.has(event.code) ? 'debug' : 'warn');
    else if (event.kind === 'mode') reportMode(log, 'file', file, event);
  });
}
