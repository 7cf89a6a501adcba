/** Who a process is, and what it may do to files. Pure. */

/** From /proc/PID/status, see proc_pid_status(5). */
export interface Identity {
  /** Effective ones. */
  readonly uid: number;
  readonly gid: number;
  readonly groups: readonly number[];
  readonly capabilities: bigint;
  readonly noNewPrivileges: boolean;
}

/** capabilities(7): their numbers. */
const capability = { DAC_OVERRIDE: 1, KILL: 5, SETGID: 6, SETUID: 7, SYS_RESOURCE: 24 } as const;
export type Capability = keyof typeof capability;

export const has = ({ capabilities }: Identity, name: Capability): boolean => ((capabilities >> BigInt(capability[name])) & 1n) === 1n;

export function parseIdentity(status: string): Identity | undefined {
  const words = (name: string): string[] => (new RegExp(`^${name}:[ \\t]*(.*)$`, 'm').exec(status)?.[1] ?? '').split(/\s+/).filter(Boolean);
  const [uid, gid] = [Number(words('Uid')[1]), Number(words('Gid')[1])];
  if (!Number.isInteger(uid) || !Number.isInteger(gid)) return undefined;
  const [capabilities = ''] = words('CapEff');
  return {
    uid,
    gid,
    groups: words('Groups').map(Number),
    capabilities: /^[0-9a-f]+$/i.test(capabilities) ? BigInt(`0x${capabilities}`) : 0n,
    noNewPrivileges: words('NoNewPrivs')[0] === '1',
  };
}

/** Somebody who opens files: the application, a validator. */
export interface Actor {
  /** `user app (101:101)`. */
  readonly text: string;
  readonly uid: number;
  readonly gid: number;
  readonly groups: readonly number[];
  /** CAP_DAC_OVERRIDE: no permission is asked for. */
  readonly overrides: boolean;
}

export const actorOf = (who: Identity): Actor => ({
  text: `user ${who.uid}:${who.gid}`,
  uid: who.uid,
  gid: who.gid,
  groups: who.groups,
  overrides: has(who, 'DAC_OVERRIDE'),
});

/** One name on the way to a file. */
export interface Step {
  readonly path: string;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
}

/** From the root to the file itself, without links. */
export type Trail = readonly Step[];

/** `write`: into a directory, which has to be passed, too. */
const bits = { read: 4, write: 3, execute: 1 } as const;

/** The first name on the way that does not let them; as the kernel decides (path_resolution(7)), without access control lists. */
export function refusedAt(trail: Trail, actor: Actor, want: keyof typeof bits): Step | undefined {
  return trail.find((step, index) => {
    const last = index === trail.length - 1;
    // Nobody executes what is executable for nobody, not even with CAP_DAC_OVERRIDE.
    if (actor.overrides) return last && want === 'execute' && (step.mode & 0o111) === 0;
    const bit = last ? bits[want] : bits.execute;
    return ((step.mode >> shiftFor(step, actor)) & bit) !== bit;
  });
}

function shiftFor({ uid, gid }: Step, actor: Actor): number {
  if (uid === actor.uid) return 6;
  return gid === actor.gid || actor.groups.includes(gid) ? 3 : 0;
}

/** `0400, owner 0:0`. */
export const stepText = ({ path, mode, uid, gid }: Step): string =>
  `${path} is ${(mode & 0o7777).toString(8).padStart(4, '0')}, of ${uid}:${gid}`;
