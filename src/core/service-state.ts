/** The states of the application's life, what happens to it, and what is commanded. Times are CLOCK_BOOTTIME in ms. */
import type { ServiceConfig } from '../config/model.ts';
import { type Care, careDeadline, type Trouble, type Weight } from './care.ts';
import type { Note, StartReason } from './notes.ts';
import { type Probing, probingDeadline } from './probing.ts';
import type { InstanceEvent } from './rule.ts';
import type { Found, Sight } from './sight.ts';
import { earliest } from './times.ts';
import type { End } from './wait-status.ts';

/** `attempt` counts the restarts by policy in a row. */
export type ServiceState =
  /** Before a spawn: sockets, and what the instance is to find. */
  | {
      readonly kind: 'preparing';
      readonly token: number;
      readonly attempt: number;
      readonly reason: StartReason;
      readonly orderedAt: number;
      readonly step: Preparation;
    }
  /** The spawn is ordered and not answered yet. `leaveWith`: the container is to end with this code as soon as it is. */
  | {
      readonly kind: 'starting';
      readonly token: number;
      readonly attempt: number;
      readonly reason: StartReason;
      readonly orderedAt: number;
      readonly leaveWith?: number | undefined;
    }
  | {
      readonly kind: 'running';
      readonly token: number;
      readonly pid: number;
      readonly attempt: number;
      readonly since: number;
      readonly readiness: Readiness;
      /** What is asked of it from when it is ready. */
      readonly care?: Care | undefined;
      /** A restart with `start_first` is under way. */
      readonly beside: Beside | undefined;
      /** The one that it has replaced, as long as that has not ended. */
      readonly retiring?: number | undefined;
    }
  /** The application was told to end; the next instance starts when nothing of this one is left, or the container ends (`leaveWith`). */
  | {
      readonly kind: 'stopping';
      readonly token: number;
      readonly since: number;
      readonly leaveWith: number | undefined;
      /** Undefined: for a change, at once. */
      readonly sequel?: { readonly reason: StartReason; readonly attempt: number; readonly next: number };
    }
  /** The application ended by itself; what it left behind is being swept; the next instance may start at `next`. */
  | { readonly kind: 'sweeping'; readonly token: number; readonly attempt: number; readonly reason: StartReason; readonly next: number }
  | {
      readonly kind: 'backoff';
      readonly token: number;
      readonly attempt: number;
      readonly until: number;
      /** Undefined: the policy. */
      readonly reason?: StartReason;
    }
  /** Attach: what is to be found of another container's processes. `since`: from when on one that starts finds what is published. */
  | { readonly kind: 'seeking'; readonly token: number; readonly since: number; readonly step: Seeking; readonly told: Told | undefined }
  /** It was found; init is to take hold of it. */
  | { readonly kind: 'attaching'; readonly token: number; readonly since: number; readonly found: Found; readonly told: Told | undefined }
  /** The container stops: init has passed it on, and nothing but the end counts. */
  | {
      readonly kind: 'ending';
      readonly token: number;
      readonly signo: number;
      /** The other one of two instances, until it has ended. */
      readonly other?: number | undefined;
      /** What the container leaves with, once the other one has ended, too. */
      readonly code?: number;
    }
  | { readonly kind: 'ended'; readonly code: number };

export type Seeking = { readonly kind: 'looking'; readonly job: number } | { readonly kind: 'waiting'; readonly at: number };

/** What was said of the search last: the same again only now and then. */
export interface Told {
  readonly words: string;
  readonly at: number;
}

export type Preparation =
  /** The socket at this place of the list is asked for. */
  | { readonly kind: 'sockets'; readonly index: number }
  /** Something accepted has to be there for each owned rule. */
  | { readonly kind: 'deciding' }
  | { readonly kind: 'publishing'; readonly job: number };

export type Readiness =
  | { readonly kind: 'ready' }
  | { readonly kind: 'probing'; readonly probing: Probing }
  /** Beside, without a probe: it only has to live. */
  | { readonly kind: 'surviving'; readonly until: number }
  /** It was asked often enough. */
  | { readonly kind: 'unready' };

export interface Instance {
  readonly pid: number;
  readonly since: number;
}

/** The instance that is to take over. */
export interface Beside {
  readonly token: number;
  readonly reason: StartReason;
  readonly orderedAt: number;
  readonly instance: Instance | undefined;
  readonly readiness: Readiness;
}

export type ServiceEvent =
  | {
      readonly kind: 'listening';
      readonly index: number;
      readonly failure: { readonly stage: string; readonly text: string } | undefined;
      readonly at: number;
    }
  /** Everything is decided; what has to be published is on its way, under this id. */
  | { readonly kind: 'publishes'; readonly id: number }
  | { readonly kind: 'prepared'; readonly id: number; readonly problem: string | undefined; readonly at: number }
  | { readonly kind: 'nothingAccepted'; readonly rules: readonly string[] }
  | { readonly kind: 'spawned'; readonly token: number; readonly pid: number; readonly at: number }
  | {
      readonly kind: 'spawnFailed';
      readonly token: number;
      readonly stage: string;
      readonly text: string;
      readonly code: number;
      readonly rescue?: boolean;
      readonly at: number;
    }
  /** `rescue`: the end (or the failure to start) came of a change, so the application is started again, whatever the policy says. */
  | { readonly kind: 'exited'; readonly token: number; readonly end: End; readonly rescue: boolean; readonly at: number }
  | { readonly kind: 'gone'; readonly token: number; readonly killed: number; readonly at: number }
  | { readonly kind: 'answered'; readonly id: number; readonly problem: string | undefined; readonly at: number }
  | { readonly kind: 'notified'; readonly token: number; readonly states: number; readonly at: number }
  /** A text: it cannot be known, and why. */
  | { readonly kind: 'weighed'; readonly id: number; readonly answer: Weight | string; readonly at: number }
  /** Something has to be done about it now. `rescue` as with `exited`. */
  | { readonly kind: 'troubled'; readonly trouble: Trouble; readonly rescue: boolean; readonly at: number }
  | { readonly kind: 'sought'; readonly id: number; readonly sight: Sight; readonly at: number }
  /** The process that was attached to has ended: how, nobody here is told. */
  | { readonly kind: 'lost'; readonly token: number; readonly at: number }
  | { readonly kind: 'stopping'; readonly signo: number }
  /** `reason`: undefined for a change. */
  | { readonly kind: 'restartWanted'; readonly reason?: StartReason; readonly at: number }
  /** The application is to stop, and the container to end with this code. */
  | { readonly kind: 'leaveWanted'; readonly code: number; readonly at: number }
  | { readonly kind: 'timeElapsed'; readonly at: number };

export type ServiceProbe = 'ready' | 'liveness' | 'readiness';

export type ServiceCommand =
  | { readonly kind: 'listen'; readonly index: number }
  | { readonly kind: 'spawn'; readonly token: number }
  | { readonly kind: 'attach'; readonly token: number; readonly pid: number; readonly startTicks: number }
  | { readonly kind: 'probe'; readonly of: ServiceProbe; readonly token: number }
  | { readonly kind: 'stop'; readonly token: number; readonly signo: number; readonly timeoutMs: number }
  | { readonly kind: 'exit'; readonly code: number };

export interface ServiceStep {
  readonly state: ServiceState;
  readonly commands: readonly ServiceCommand[];
  readonly notes: readonly Note[];
  /** For the rules and for what is being applied, in this order. */
  readonly facts: readonly InstanceEvent[];
}

export type ServicePolicy = Pick<
  ServiceConfig,
  | 'attach'
  | 'stop_signal'
  | 'stop_timeout'
  | 'exit_codes'
  | 'restart'
  | 'restart_delay'
  | 'restart_max_delay'
  | 'restart_limit'
  | 'restart_reset'
  | 'restart_order'
  | ServiceProbe
  | 'memory_limit'
  | 'max_uptime'
  | 'sockets'
> & {
  /** There are rules whose files or variables are handed to the application. */
  readonly owned: boolean;
  /** There are rules that signal the application. */
  readonly reloads: boolean;
};

/** Both of two instances side by side, whatever the other one is: to come, or to go. */
export function otherInstance(service: ServiceState): number | undefined {
  if (service.kind === 'ending') return service.other;
  return service.kind === 'running' ? (service.beside?.token ?? service.retiring) : undefined;
}

/** When the machine has to be woken up, if ever. */
export function serviceDeadline(service: ServiceState): number | undefined {
  switch (service.kind) {
    case 'backoff':
      return service.until;
    case 'seeking':
      return service.step.kind === 'waiting' ? service.step.at : undefined;
    case 'running': {
      const deadlines = [service.readiness, service.beside?.readiness].flatMap((one) => (one ? [readinessDeadline(one)] : []));
      return earliest([...deadlines, service.care && careDeadline(service.care, service.beside !== undefined)]);
    }
    default:
      return undefined;
  }
}

function readinessDeadline(readiness: Readiness): number | undefined {
  switch (readiness.kind) {
    case 'probing':
      return probingDeadline(readiness.probing);
    case 'surviving':
      return readiness.until;
    default:
      return undefined;
  }
}
