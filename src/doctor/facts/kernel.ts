/** What the kernel and the container leave to reinit and its application. */
import { existsSync, watch } from 'node:fs';
import { contentOf } from '../../probe/processes.ts';
import { limitOfContainer } from '../../usage/cgroup.ts';
import { codeOf } from '../../watch/operations.ts';
import { countInotify } from './processes.ts';

export interface Kernel {
  readonly inotify: Inotify;
  /** In bytes; undefined: none, or none that can be seen. */
  readonly memoryLimit: number | undefined;
  readonly pidsLimit: number | undefined;
  readonly pidsUsed: number | undefined;
  /** The hard ones of this process, by the names of /proc/self/limits; infinite where there is none. */
  readonly limits: ReadonlyMap<string, number>;
  /** Libraries that every dynamic program of the image has to load, and how many of them are missing. */
  readonly preload: { readonly libraries: number; readonly missing: number } | undefined;
}

export interface Inotify {
  readonly maxInstances: number | undefined;
  readonly maxWatches: number | undefined;
  /** Of this user, as far as visible. */
  readonly instances: number;
  readonly watches: number;
  /** What came of trying: undefined, or the errno. */
  readonly refused: string | undefined;
}

export function readKernel(uid: number): Kernel {
  return {
    inotify: {
      maxInstances: smallest('/proc/sys/fs/inotify/max_user_instances', '/proc/sys/user/max_inotify_instances'),
      maxWatches: smallest('/proc/sys/fs/inotify/max_user_watches', '/proc/sys/user/max_inotify_watches'),
      ...countInotify(uid),
      refused: tryInotify(),
    },
    memoryLimit: limitOfContainer(),
    pidsLimit: controlled('pids.max', 'pids/pids.max'),
    pidsUsed: controlled('pids.current', 'pids/pids.current'),
    limits: parseLimits(contentOf('/proc/self/limits')),
    preload: readPreload(),
  };
}

function tryInotify(): string | undefined {
  try {
    watch('/').close();
    return undefined;
  } catch (error) {
    return codeOf(error);
  }
}

/** The one of the namespace and the one of the machine hold both (user_namespaces(7)). */
function smallest(...files: readonly string[]): number | undefined {
  const values = files.flatMap((file) => numberIn(file) ?? []);
  return values.length > 0 ? Math.min(...values) : undefined;
}

/** cgroup v2, else v1; at the root of what is mounted, which in a container is its own, else where /proc/self/cgroup says. */
function controlled(unified: string, legacy: string): number | undefined {
  const own = /^0::(\/.*)$/m.exec(contentOf('/proc/self/cgroup'))?.[1] ?? '/';
  return numberIn(`/sys/fs/cgroup/${unified}`) ?? numberIn(`/sys/fs/cgroup${own}/${unified}`) ?? numberIn(`/sys/fs/cgroup/${legacy}`);
}

/** v1 says "no limit" by a number that no machine has. */
const unlimited = 2 ** 60;

function numberIn(file: string): number | undefined {
  const text = contentOf(file).trim();
  return /^\d+$/.test(text) && Number(text) < unlimited ? Number(text) : undefined;
}

/** `Max open files            1024                 524288               files` */
export function parseLimits(text: string): ReadonlyMap<string, number> {
  const value = (word: string): number => (word === 'unlimited' ? Number.POSITIVE_INFINITY : Number(word));
  return new Map(
    text.split('\n').flatMap((line): [string, number][] => {
      const fields = /^Max (.+?) {2,}(?:\d+|unlimited) +(\d+|unlimited)/.exec(line);
      return fields === null ? [] : [[fields[1] ?? '', value(fields[2] ?? '')]];
    }),
  );
}

/** Names are parted by white space or colons (ld.so(8)); one without a slash is looked for by the loader. */
function readPreload(): Kernel['preload'] {
  const names = Buffer.from(contentOf('/etc/ld.so.preload'), 'latin1')
    .toString('utf8')
    .replaceAll(/#.*$/gm, '')
    .split(/[\s:]+/)
    .filter(Boolean);
  if (names.length === 0) return undefined;
  return {
    libraries: names.length,
    missing: names.filter((name) => name.includes('/') && !name.includes('$') && !existsSync(name)).length,
  };
}
