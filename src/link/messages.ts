/**
 * The one table of everything that crosses the link between init (C) and the controller (TypeScript).
 *
 * `scripts/gen-messages.ts` turns it into `messages.gen.h` (structs, decoders, encoders) for init; the types below turn it into
 * TypeScript. What the messages mean, and what must never happen, is in docs/protocol.md.
 *
 * Integers are little-endian. `bytes` is a u32 length and that many bytes. `list` is a u32 count and that many `bytes`.
 */
export const protocolVersion = 1;

/** A frame is `u32 length of what follows · u8 version · u8 type · fields`. A longer one is refused by both sides. */
export const maxFrameBytes = 512 * 1024;
export const maxMemoBytes = 64 * 1024;

export type FieldType = 'u8' | 'u16' | 'u32' | 'i32' | 'u64' | 'bytes' | 'list';

/** `init` messages go from init to the controller, `controller` ones the other way, `effect` ones travel inside a commit. */
export const messages = {
  /** State at the begin of a link; then one `slot` a known token, then every event that is not acknowledged yet, in order. */
  hello: {
    type: 1, from: 'init',
    fields: {
      flags: 'u32', // helloFlags
      generation: 'u32', // how many controllers there were before: 0 for the first
      now_ms: 'u64', // CLOCK_BOOTTIME, the clock of all at_ms
      next_seq: 'u64', // the sequence number that the next new event will get
      main_token: 'u32', // the token of the orders in force; 0 before the first orders
      stop_signal: 'u8', // the signal that began the container's stop, 0 while there is none
      slots: 'u32', // how many `slot` messages follow
      command: 'list', // the arguments after `--`, at most the first one (for messages; the rest stays in init)
      memo: 'bytes', // what the last commit saved, empty for the first controller
    },
  },
  slot: {
    type: 2, from: 'init',
    fields: { token: 'u32', role: 'u8', state: 'u8', pid: 'i32', spawned_ms: 'u64' }, // roles, slotStates
  },
  /** exec succeeded: the pid runs the program. */
  spawned: { type: 3, from: 'init', fields: { seq: 'u64', at_ms: 'u64', token: 'u32', pid: 'i32' } },
  /** Nothing runs. `stage` is a word for people (`exec`, `cwd`, `user`…), `error` is an errno. The token is free again once acknowledged. */
  spawn_failed: {
    type: 4, from: 'init',
    fields: { seq: 'u64', at_ms: 'u64', token: 'u32', error: 'i32', exit_code: 'u8', stage: 'bytes', text: 'bytes' },
  },
  /** The process of the token ended. `status` is waitpid's. `output` is what was captured: the first half and the last half of the limit. */
  exited: {
    type: 5, from: 'init',
    fields: {
      seq: 'u64', at_ms: 'u64', token: 'u32', pid: 'i32', status: 'i32', cause: 'u8', // exitCauses
      output: 'bytes', output_total: 'u64',
    },
  },
  /** After a `stop`: no process of the instance is left. Always after its `exited`. `killed` counts those that needed KILL. */
  gone: { type: 6, from: 'init', fields: { seq: 'u64', at_ms: 'u64', token: 'u32', killed: 'u32' } },
  /** A signal that the orders hand to the controller. Standard ones coalesce while unacknowledged, as in the kernel. */
  signal: { type: 7, from: 'init', fields: { seq: 'u64', at_ms: 'u64', signo: 'u8', value: 'u64', sender: 'i32' } },
  /** The container's stop has begun: init has passed it on; no restart and no reload counts from here. */
  stopping: { type: 8, from: 'init', fields: { seq: 'u64', at_ms: 'u64', signo: 'u8' } },
  /** The result of a `signal` effect. */
  signalled: { type: 9, from: 'init', fields: { seq: 'u64', at_ms: 'u64', id: 'u32', token: 'u32', result: 'u8' } }, // signalResults
  /** sd_notify(3): what a process of the token's instance says. `state` holds the notifyStates of one datagram. Like ones that wait coalesce. */
  notified: { type: 10, from: 'init', fields: { seq: 'u64', at_ms: 'u64', token: 'u32', pid: 'i32', state: 'u32' } },
  /** The answer to `listen`: 0, or the errno of `stage` (`socket`, `bind`, `listen`…). */
  listening: { type: 11, from: 'init', fields: { seq: 'u64', at_ms: 'u64', id: 'u32', error: 'i32', stage: 'bytes', text: 'bytes' } },
  /** The answer to `count`: since init's start. Without a number, as nothing depends on it: the next answer says it again. */
  counted: { type: 12, from: 'init', fields: { id: 'u32', orphans: 'u64', forwarded: 'u64' } },

  /**
   * How the file of the application's output does, where that is other than it was: `error` 0: it is written again; else the errno of `stage`. With
   * `open` and `write` the output goes to stdout and stderr; with `rotate` the file grows.
   */
  output_file: { type: 13, from: 'init', fields: { seq: 'u64', at_ms: 'u64', error: 'i32', stage: 'bytes', text: 'bytes' } },

  /** All of it is applied, or nothing. Events up to and including `ack` are done with. `effects` are encoded effect messages. */
  commit: { type: 32, from: 'controller', fields: { ack: 'u64', has_memo: 'u8', memo: 'bytes', effects: 'list' } },

  /** Creates a process. A token that is in use already is answered by its events, not spawned again. */
  spawn: {
    type: 64, from: 'effect',
    fields: {
      token: 'u32', role: 'u8', flags: 'u32', // roles, spawnFlags
      argv: 'list', // empty: init's own arguments after `--`, byte for byte
      env_set: 'list', // `NAME=value`, over the container's own environment
      env_unset: 'list', // `NAME`
      cwd: 'bytes', // empty: as it is
      uid: 'i32', gid: 'i32', // -1: as it is
      groups: 'list', // supplementary groups as decimal numbers; used only with a uid or gid
      umask: 'i32', nice: 'i32', // -1 and 0: as they are
      rlimits: 'list', // `NAME=soft:hard`, e.g. `nofile=1024:4096`, numbers or `unlimited`
      timeout_ms: 'u32', // helpers: KILL to its group then; 0: never
    },
  },
  /** Takes hold of a process that is not init's child: another container's, in a shared PID namespace. Answered by `spawned` or `spawn_failed`. */
  attach: {
    type: 70, from: 'effect',
    fields: { token: 'u32', pid: 'i32', started: 'u64' }, // started: field 22 of /proc/PID/stat, so that it is this process and no later one
  },
  /** Signals the process (or its group) of a token; always answered by `signalled`. */
  signal_to: {
    type: 65, from: 'effect',
    fields: {
      id: 'u32', token: 'u32', signo: 'u8', scope: 'u8', // scopes
      guard: 'u8', // 1: only where the program takes this signal (exec'ed; caught or awaited; not ignored)
      min_age_ms: 'u32', // with guard: not before the program is that old
    },
  },
  /** Ends an instance, all of it: signal, then KILL after timeout_ms (0: never), then whatever else belongs to it. Answered by `exited` (if it still ran) and `gone`. */
  stop: { type: 66, from: 'effect', fields: { token: 'u32', signo: 'u8', timeout_ms: 'u32' } },
  /** Standing orders: what init does by itself, with or without a controller. */
  orders: {
    type: 67, from: 'effect',
    fields: {
      main_token: 'u32',
      main_end: 'u8', // mainEnds
      stop_signal: 'u8', // 0: the signal that came
      stop_timeout_ms: 'u32', // container stop: KILL then; 0: never
      scope: 'u8', // scopes, of forwarded signals and of stop
      actions: 'bytes', // 65 × u8, index = signal number: signalActions
      targets: 'bytes', // 65 × u8, index = signal number: forward as this number (itself where not rewritten)
      exit_map: 'bytes', // 256 × u8: the container's exit code for the application's
      log_format: 'u8', // logFormats
    },
  },
  /** Binds and listens, and holds the socket until init ends; a name that is held already is answered with success. At most 16. */
  listen: {
    type: 69, from: 'effect',
    fields: {
      id: 'u32', name: 'bytes', // without `:`, at most 64 bytes
      family: 'u8', // socketFamilies
      address: 'bytes', // 4 or 16 bytes in network order, or a path (of a stale socket file: removed before)
      port: 'u16', backlog: 'u32', mode: 'u32', // mode: of a Unix socket's file
      uid: 'i32', gid: 'i32', // of a Unix socket's file; -1: as it is
      reuse_port: 'u8',
    },
  },
  /** What is done with the output of applications that are spawned with the flag `output`; complete each time, and replaces the former. */
  output: {
    type: 72, from: 'effect',
    fields: {
      format: 'u8', // outputFormats
      timestamps: 'u8', // text: each line begins with the time
      prefix: 'bytes', // text: each line begins with it; at most 256 bytes
      path: 'bytes', // of a file that is written instead of stdout and stderr; empty: none
      max_size: 'u64', max_files: 'u32', // the file is renamed before it would be larger; the files there are in all
      also_stdout: 'u8', // besides the file
      uid: 'i32', gid: 'i32', // who writes the file; -1: as init
    },
  },
  /** How many orphans were reaped, and signals passed on? Of several such questions that wait the last one is answered, by `counted`. */
  count: { type: 71, from: 'effect', fields: { id: 'u32' } },
  /** Ends the container with this code, once the log is out. */
  exit: { type: 68, from: 'effect', fields: { code: 'u8' } },
} as const satisfies Record<string, Message>;

/** The numbers behind names. The same generator writes them into C as `ROLE_MAIN`, `SPAWN_CAPTURE`… */
export const constants = {
  helloFlags: { prefix: 'HELLO', values: { pid1: 1, subreaper: 2, terminal: 4, stderr_terminal: 8, can_kill: 16, spawning_stopped: 32 } },
  roles: { prefix: 'ROLE', values: { main: 1, helper: 2, target: 3 } },
  slotStates: { prefix: 'SLOT', values: { spawning: 1, running: 2, exited: 3, sweeping: 4 } },
  exitCauses: { prefix: 'CAUSE', values: { itself: 0, timeout: 1, killed: 2 } },
  signalResults: { prefix: 'SIGNALLED', values: { sent: 0, no_process: 1, not_yet: 2, ignored: 3, not_caught: 4, not_permitted: 5, stopping: 6 } },
  spawnFlags: { prefix: 'SPAWN', values: { capture: 1, session: 2, no_new_privs: 4, clear_env: 8, nest: 16, sockets: 32, notify: 64, output: 128 } },
  notifyStates: { prefix: 'NOTIFY', values: { ready: 1, reloading: 2, stopping: 4 } },
  socketFamilies: { prefix: 'FAMILY', values: { ipv4: 1, ipv6: 2, unix: 3 } },
  scopes: { prefix: 'SCOPE', values: { process: 0, group: 1 } },
  mainEnds: { prefix: 'MAIN_END', values: { exit: 0, hold: 1 } },
  signalActions: { prefix: 'ACTION', values: { forward: 0, stop: 1, hand: 2, drop: 3 } },
  outputFormats: { prefix: 'OUTPUT', values: { text: 0, json: 1 } },
  logFormats: { prefix: 'LOG', values: { auto: 0, json: 1, text: 2 } },
} as const;

type Message = { readonly type: number; readonly from: 'init' | 'controller' | 'effect'; readonly fields: Record<string, FieldType> };
type ValueOf<T extends FieldType> = T extends 'u64' ? number : T extends 'bytes' ? Buffer : T extends 'list' ? readonly Buffer[] : number;

export type MessageName = keyof typeof messages;
type NamesFrom<F extends Message['from']> = { [N in MessageName]: (typeof messages)[N]['from'] extends F ? N : never }[MessageName];

/** The fields of one message. u64 are numbers: sequence numbers and milliseconds stay below 2^53; `signal.value` is cut to its low 53 bits. */
export type Fields<N extends MessageName> = { readonly [K in keyof (typeof messages)[N]['fields']]: ValueOf<(typeof messages)[N]['fields'][K] & FieldType> };

export type FromInit = { [N in NamesFrom<'init'>]: { readonly kind: N } & Fields<N> }[NamesFrom<'init'>];
export type Effect = { [N in NamesFrom<'effect'>]: { readonly kind: N } & Fields<N> }[NamesFrom<'effect'>];
/** What carries a sequence number and is repeated until acknowledged. */
export type LinkEvent = Extract<FromInit, { seq: number }>;
export type Hello = Extract<FromInit, { kind: 'hello' }>;
export type Slot = Extract<FromInit, { kind: 'slot' }>;
export type Counted = Extract<FromInit, { kind: 'counted' }>;
