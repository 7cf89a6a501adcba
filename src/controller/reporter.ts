/** Every notable fact goes to the log; what was refused, and why, also to where Kubernetes looks for a container's last words. */
import type { Note } from '../core/notes.ts';
import { type Line, lineOf, type Names } from '../log/lines.ts';
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
  'not_published',
  'socket_failed',
  'start_failed',
  'gave_up',
  'stale',
]);
/** What follows from refusals, which are worth no less. */
const sequels: ReadonlySet<Note['kind']> = new Set(['nothing_accepted', 'starts_on_good']);
/** What hangs and is restarted is over with that. */
const isLast = (note: Note): boolean => lastWords.has(note.kind) || (note.kind === 'not_alive' && note.sequel === 'leave');
const overWith: ReadonlySet<Note['kind']> = new Set(['applied', 'back']);

export function createReporter(log: Log, names: Names, last: TerminationLog = createTerminationLog()): (note: Note) => void {
  let said = '';
  return (note) => {
    const line = lineOf(note, names);
    log.write(line);
    if (isLast(note) || sequels.has(note.kind)) {
      said = `${wordsOf(line)}${sequels.has(note.kind) && said !== '' ? `\n${said}` : ''}`;
      last.write(said);
    }
    if (!overWith.has(note.kind)) return;
    said = '';
    last.clear();
  };
}

const wordsOf = ({ msg, fields: { output } }: Line): string =>
  typeof output === 'string' && output !== '' ? `${msg}\n\n${output}\n` : `${msg}\n`;
