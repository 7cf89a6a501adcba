/** Every notable fact goes to the log; what was refused, and why, also to where Kubernetes looks for a container's last words. */
import type { Note } from '../core/notes.ts';
import { lineOf, type Names } from '../log/lines.ts';
import type { Log } from '../log/log.ts';
import { createTerminationLog, type TerminationLog } from './termination-log.ts';

const lastWords: ReadonlySet<Note['kind']> = new Set([
  'refused',
  'not_staged',
  'publish_failed',
  'reload_failed',
  'restart_failed',
  'unconfirmed',
  'action_failed',
  'rolled_back',
  'rollback_failed',
  'nothing_accepted',
  'not_published',
  'socket_failed',
  'start_failed',
  'gave_up',
  'stale',
]);
const overWith: ReadonlySet<Note['kind']> = new Set(['applied', 'back']);

export function createReporter(log: Log, names: Names, last: TerminationLog = createTerminationLog()): (note: Note) => void {
  return (note) => {
    const line = lineOf(note, names);
    log.write(line);
    const { output } = line.fields;
    if (lastWords.has(note.kind)) last.write(typeof output === 'string' && output !== '' ? `${line.msg}\n\n${output}\n` : `${line.msg}\n`);
    if (overWith.has(note.kind)) last.clear();
  };
}
