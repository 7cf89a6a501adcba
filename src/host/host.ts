/**
 * init's part where there is no init: what docs/protocol.md says of spawns, signals, stops and standing orders, over node:child_process. The
 * controller at the other end of the link is the same.
 */
import { exitCodes } from '../core/exit-codes.ts';
import { sigterm } from '../core/signals.ts';
import { constants, type Effect, type Fields } from '../link/messages.ts';
import { createLinkServer, type LinkServer } from '../link/server.ts';
import { createEnding, type Keeper } from './ending.ts';
import type { Failure } from './failure.ts';
import { killHelper, limitHelper } from './helper.ts';
import { killInstance, send, stopInstance, sweep } from './instance.ts';
import { codeOf, holdsEnd, mapped, type Orders, plainSpawn } from './orders.ts';
import { type Ended, startProcess } from './processes.ts';
import { type SignalResult, takes } from './signalling.ts';
import { disarm, newSlot, runs, type Slot } from './slot.ts';

const { roles, slotStates, exitCauses, signalActions, signalResults, helloFlags } = constants;

export interface World extends Keeper {
  /** What stands behind `--`. */
  readonly command: readonly string[];
  /** Before the first orders of a controller. */
  readonly orders: Orders;
  readonly terminal: boolean;
  readonly privileged: boolean;
  now(): number;
  say(text: string): void;
}

export interface Host {
  readonly server: LinkServer<Slot>;
  readonly stopping: boolean;
  /** Runs the command, with no controller. */
  runPlain(): void;
  /** A controller begins to listen. */
  connect(write: (bytes: Buffer) => void): void;
  /** @throws MalformedFrame */
  receive(bytes: Buffer): void;
  /** From outside. */
  signal(signo: number): void;
  /** There is no controller, and none is to be hoped for. */
  abandoned(): void;
  /** KILL to all that was started. */
  killAll(): void;
}

export function createHost(world: World): Host {
  const { now, say } = world;
  const server = createLinkServer<Slot>(now);
  const { slots, emit } = server;
  const ending = createEnding(world);
  /** Forwarded signals that came while no application ran. */
  const kept = new Set<number>();
  let forwarded = 0;
  let { orders } = world;

  const mains = (): Slot[] => [...slots.values()].filter(({ role }) => role === roles.values.main);
  const application = (): Slot | undefined => mains().find(runs);

  function apply(effect: Effect): void {
    switch (effect.kind) {
      case 'spawn':
        spawn(effect);
        break;
      case 'attach':
        attach(effect.token);
        break;
      case 'signal_to':
        signalTo(effect);
        break;
      case 'stop':
        stop(effect);
        break;
      case 'orders':
        orders = effect;
        if (holdsEnd(orders)) ending.held();
        break;
      case 'listen':
        emit({ kind: 'listening', id: effect.id, ...failureFields('socket', 'sockets cannot be held in portable mode') });
        break;
      case 'output': // inherited: said at the start (limits.ts)
        break;
      case 'count':
        server.counted(effect.id, { orphans: 0, forwarded });
        break;
      case 'exit':
        world.leave(effect.code);
        break;
      default:
        effect satisfies never;
    }
  }

  function spawn(order: Fields<'spawn'>): void {
    const { token, role } = order;
    if (slots.has(token)) return;
    const busy = mains().length > 0;
    const slot = newSlot(token, role, now());
    slots.set(token, slot);
    if (role === roles.values.main && ending.stopSignal !== 0) refuse(slot, 'stopping', 'the container stops');
    else if (role === roles.values.main && busy) refuse(slot, 'busy', 'an instance is there already');
    else obey(order, slot);
  }

  /** Never configured here (limits.ts). */
  function attach(token: number): void {
    const slot = newSlot(token, roles.values.target, now());
    slots.set(token, slot);
    refuse(slot, 'attach', 'no other process can be held in portable mode');
  }

  function obey(order: Fields<'spawn'>, slot: Slot): void {
    if (slot.role === roles.values.main) ending.decided();
    startProcess(order, world.command, {
      spawned: (pid) => spawned(slot, pid, order.timeout_ms),
      failed: (failure) => failed(slot, failure),
      ended: (end) => processEnded(slot, end),
    });
  }

  function refuse(slot: Slot, stage: string, text: string): void {
    slot.state = slotStates.values.exited;
    emit({ kind: 'spawn_failed', token: slot.token, exit_code: exitCodes.cannotExecute, ...failureFields(stage, text) });
  }

  function spawned(slot: Slot, pid: number, timeoutMs: number): void {
    Object.assign(slot, { pid, state: slotStates.values.running, since: now() });
    emit({ kind: 'spawned', token: slot.token, pid });
    if (slot.role === roles.values.helper) limitHelper(slot, timeoutMs);
    else release();
  }

  function release(): void {
    for (const signo of kept) forward(signo);
    kept.clear();
  }

  function failed(slot: Slot, { stage, error, exitCode, text }: Failure): void {
    slot.state = slotStates.values.exited;
    emit({ kind: 'spawn_failed', token: slot.token, exit_code: exitCode, ...failureFields(stage, text), error });
    if (slot.role !== roles.values.main) return;
    if (!world.connected()) say(`cannot start ${world.command[0]}: ${stage}: ${text}`);
    mainEnded(slot, mapped(orders, exitCode));
  }

  function processEnded(slot: Slot, { status, output, outputTotal }: Ended): void {
    const { token, pid, cause } = slot;
    slot.state = slotStates.values.exited;
    slot.cleared = slot.role === roles.values.helper; // nothing is swept for it
    disarm(slot);
    emit({ kind: 'exited', token, pid, status, cause, output, output_total: outputTotal });
    if (slot.role === roles.values.main) mainEnded(slot, codeOf(orders, status));
  }

  /** One that was asked to end makes room for the next: the controller waits for `gone`. */
  function mainEnded(slot: Slot, code: number): void {
    if (ending.stopSignal === 0 && slot.stopped) clear(slot);
    else ending.mainEnded(slot.token, code, holdsEnd(orders));
  }

  const clear = (slot: Slot): void => sweep(slot, () => emit({ kind: 'gone', token: slot.token, killed: slot.killed }));

  function stop({ token, signo, timeout_ms: timeoutMs }: Fields<'stop'>): void {
    const slot = slots.get(token);
    if (ending.isOf(token)) ending.decided();
    if (!slot) emit({ kind: 'gone', token, killed: 0 });
    else if (slot.role === roles.values.helper) killHelper(slot, exitCauses.values.killed);
    else if (slot.state === slotStates.values.exited) clear(slot);
    else if (runs(slot) && ending.stopSignal === 0) ask(slot, signo === 0 ? sigterm : signo, timeoutMs);
  }

  function ask(slot: Slot, signo: number, timeoutMs: number): void {
    stopInstance(slot, { signo, timeoutMs, scope: orders.scope }, now(), () =>
      say(`the application (pid ${slot.pid}) did not end in time after signal ${signo}: KILL`),
    );
  }

  function signalTo({ id, token, signo, scope, guard, min_age_ms: minAgeMs }: Fields<'signal_to'>): void {
    const at = now();
    const slot = slots.get(token);
    const verdict = !slot || !runs(slot) ? 'no_process' : guard === 1 ? guarded(slot, signo, minAgeMs) : 'sent';
    const result = slot && verdict === 'sent' ? send(slot, signo, scope) : verdict;
    if (slot && result === 'sent' && guard === 1) slot.reloadAt = at;
    emit({ kind: 'signalled', id, token, result: signalResults.values[result] }, at);
  }

  function guarded(slot: Slot, signo: number, minAgeMs: number): SignalResult {
    if (ending.stopSignal !== 0 || slot.stopped) return 'stopping';
    if (slot.since === undefined || now() < slot.since + minAgeMs) return 'not_yet';
    return takes(slot.pid, signo);
  }

  function forward(signo: number): void {
    const slot = application();
    if (!slot) {
      kept.add(signo);
      return;
    }
    const result = send(slot, signo, orders.scope);
    if (result === 'sent') forwarded += 1;
    if (result === 'not_permitted') say(`cannot forward signal ${signo}: the application runs as another user`);
  }

  function beginStop(signo: number): void {
    const first = ending.stop(signo);
    if (world.hopeful()) emit({ kind: 'stopping', signo });
    const slot = application();
    const asked = orders.stop_signal === 0 ? signo : orders.stop_signal;
    if (!slot) ending.nothingRuns();
    else if (first) ask(slot, asked, orders.stop_timeout_ms);
    else send(slot, asked, orders.scope);
  }

  return {
    server,
    get stopping() {
      return ending.stopSignal !== 0;
    },
    runPlain() {
      orders = { ...orders, main_token: plainSpawn.token };
      spawn(plainSpawn);
    },
    connect(write) {
      const { can_kill, stderr_terminal, spawning_stopped } = helloFlags.values;
      server.connect(write, {
        flags:
          (world.privileged ? can_kill : 0) | (world.terminal ? stderr_terminal : 0) | (ending.stopSignal === 0 ? 0 : spawning_stopped),
        main_token: orders.main_token,
        stop_signal: ending.stopSignal,
        command: world.command.slice(0, 1).map((word) => Buffer.from(word)),
      });
    },
    receive: (bytes) => server.receive(bytes, apply),
    signal(signo) {
      const { forward: passOn, stop: end, hand, drop } = signalActions.values;
      const action = orders.actions[signo] ?? passOn;
      if (action === end) beginStop(signo);
      else if (action === hand && world.hopeful()) emit({ kind: 'signal', signo, value: 0, sender: 0 });
      else if (action !== drop) forward(orders.targets[signo] ?? signo);
    },
    abandoned() {
      if (!application()) ending.nothingRuns();
    },
    killAll() {
      for (const slot of slots.values()) killInstance(slot);
    },
  };
}

const eopnotsupp = 95;
const failureFields = (stage: string, text: string) => ({ error: eopnotsupp, stage: Buffer.from(stage), text: Buffer.from(text) });
