/** Every notable fact goes to the log; what is refused, and how the container ends, also to where Kubernetes looks for its last words. */
import { readFileSync } from 'node:fs';
import type { Note } from '../core/notes.ts';
import { textOf, wordsAfter, wordsFrom } from '../log/last-words.ts';
import { lineOf, type Names } from '../log/lines.ts';
import type { Log } from '../log/log.ts';
import { createTerminationLog, type TerminationLog } from './termination-log.ts';

export interface LastPlace {
  readonly file: TerminationLog;
  /** Processes of the container that the kernel has ended for want of memory. */
  oomKills(): number;
}

/** @param first there was no controller before: what is in the file is another container's */
export function createReporter(log: Log, names: Names, first: boolean, place: LastPlace = realPlace()): (note: Note) => void {
  let words = wordsFrom(first ? '' : place.file.read());
  return (note) => {
    const line = lineOf(note, names);
    log.write(line);
    const before = words;
    words = wordsAfter(before, note, line, place.oomKills);
    const { refused, ending, ours } = words;
    if (refused !== before.refused && refused.size === 0) place.file.clear();
    else if (refused !== before.refused || (ours && ending !== before.ending)) place.file.write(textOf(words));
    else if (note.kind === 'leaving') place.file.writeIfFree(textOf(words));
  };
}

const realPlace = (): LastPlace => ({ file: createTerminationLog(), oomKills });

/** As init does (src/init/proc.c): of cgroup v2, else v1, as a container sees its own. */
function oomKills(): number {
  for (const file of ['/sys/fs/cgroup/memory.events', '/sys/fs/cgroup/memory/memory.oom_control']) {
    try {
      return Number(/^oom_kill (\d+)/m.exec(readFileSync(file, 'utf8'))?.[1] ?? 0);
    } catch {
      // The other one, or none.
    }
  }
  return 0;
}
