/** The processes around: PID 1, a reinit that runs, its application. */
import { existsSync, readlinkSync } from 'node:fs';
import type { Attach } from '../../config/model.ts';
import { allPids, contentOf, exists, namesIn } from '../../probe/processes.ts';
import { type Process, sightOf } from '../../target/match.ts';
import { listProcesses } from '../../target/seek.ts';
import { type Identity, parseIdentity } from '../identity.ts';
import { ancestry, applicationOf, argumentsOf, initsAmong } from '../running.ts';
import { type Variables, variablesOf } from './variables.ts';

export interface Processes {
  /** Empty: there is no /proc. */
  readonly all: readonly Process[];
  readonly own: number;
  /** We ourselves first, the topmost last. */
  readonly above: readonly Process[];
  readonly self: Identity;
  readonly proc: 'whole' | 'hidden' | 'missing';
  /** Inside of a container, as far as that shows. */
  readonly container: boolean;
  readonly running: Running | undefined;
  /** How many inits of reinit can be seen, each of which could be meant. */
  readonly inits: number;
}

export interface Running {
  readonly pid: number;
  readonly identity: Identity | undefined;
  /** Its own arguments and the command behind `--`. */
  readonly own: readonly string[];
  readonly command: readonly string[];
  readonly variables: Variables | undefined;
}

export interface Application {
  readonly pid: number;
  readonly name: string;
  /** Its program is a shell, with processes below it. */
  readonly children: number;
  /** Text of /proc/PID/status, and of those of all threads. */
  readonly status: string;
  readonly threads: readonly string[];
}

/** @param meansOther flags were given: they are about a start, and not about a reinit that happens to run beside us */
export function readProcesses(meansOther: boolean): Processes {
  const all = listProcesses();
  const own = process.pid;
  const inits = initsAmong(all, own).filter(({ pid }) => sharesFiles(pid));
  const [first] = inits;
  const meant = first !== undefined && (first.pid === 1 || (inits.length === 1 && !meansOther)) ? first : undefined;
  return {
    all,
    own,
    above: ancestry(all, own),
    self: parseIdentity(contentOf('/proc/self/status')) ?? withoutProc(),
    proc: procFor(all),
    container: ['/.dockerenv', '/run/.containerenv'].some((file) => existsSync(file)),
    running: meant && {
      pid: meant.pid,
      identity: parseIdentity(contentOf(`/proc/${meant.pid}/status`)),
      ...argumentsOf(meant),
      variables: variablesOf(meant.pid),
    },
    inits: inits.length,
  };
}

/** Other systems than Linux have none, and miss nothing. */
function procFor(all: readonly Process[]): Processes['proc'] {
  if (all.length === 0) return process.platform === 'linux' ? 'missing' : 'whole';
  return contentOf('/proc/1/stat') === '' && exists(1) ? 'hidden' : 'whole';
}

/** Same mount namespace: what it reads is what we would read. A container of the same pod, or of the same machine, has one of its own. */
function sharesFiles(pid: number): boolean {
  try {
    return readlinkSync(`/proc/${pid}/ns/mnt`) === readlinkSync('/proc/self/ns/mnt');
  } catch {
    return true; // another user's, which is not for us to see: in a container it is the one
  }
}

function withoutProc(): Identity {
  const [uid, gid] = [process.geteuid?.() ?? 0, process.getegid?.() ?? 0];
  return { uid, gid, groups: process.getgroups?.() ?? [], capabilities: 0n, noNewPrivileges: false };
}

/** The application of a running reinit: its own, or the one that `attach` means. */
export function readApplication({ all, running }: Processes, attach: Attach | undefined): Application | undefined {
  if (running === undefined) return undefined;
  const found = attach === undefined ? applicationOf(all, running.pid) : attached(all, running.pid, attach);
  if (found === undefined) return undefined;
  return {
    pid: found.pid,
    name: found.comm,
    children: all.filter(({ parent }) => parent === found.pid).length,
    status: contentOf(`/proc/${found.pid}/status`),
    threads: namesIn(`/proc/${found.pid}/task`).map((thread) => contentOf(`/proc/${found.pid}/task/${thread}/status`)),
  };
}

/** Not by a pid file: whether that is an old one only the running reinit can tell. */
function attached(all: readonly Process[], own: number, attach: Attach): Process | undefined {
  if (attach.pid_file !== undefined) return undefined;
  const sight = sightOf(attach, { processes: all, own, permits: () => true, pidFile: undefined });
  return sight.kind === 'one' ? all.find(({ pid }) => pid === sight.found.pid) : undefined;
}

/** Descriptors of inotify, and what they watch, of all processes of this user that can be seen. */
export function countInotify(uid: number): { readonly instances: number; readonly watches: number } {
  let instances = 0;
  let watches = 0;
  for (const pid of allPids()) {
    if (parseIdentity(contentOf(`/proc/${pid}/status`))?.uid !== uid) continue;
    for (const fd of namesIn(`/proc/${pid}/fdinfo`)) {
      const found = contentOf(`/proc/${pid}/fdinfo/${fd}`)
        .split('\n')
        .filter((line) => line.startsWith('inotify ')).length;
      watches += found;
      if (found > 0) instances += 1;
    }
  }
  return { instances, watches };
}
