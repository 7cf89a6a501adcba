/** Keeps a controller: its place, its link, another one when it ends (src/init/controller.c). */
import { spawn } from 'node:child_process';
import type { Duplex } from 'node:stream';
import { exitCodes } from '../core/exit-codes.ts';
import { MalformedFrame } from '../link/codec.ts';
import { delayMs, failuresAfter, givesUp, isHopeless } from './back-off.ts';
import type { Host } from './host.ts';

export interface ControllerOptions {
  /** Node, its flags, the bundle. */
  readonly command: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
  /** What it wrote to its stderr. */
  log(text: string): void;
  say(text: string): void;
  leave(code: number): void;
}

export interface Controller {
  start(host: Host): void;
  readonly connected: boolean;
  readonly hopeful: boolean;
  /** KILL; `done` is called when it has ended, and its log is out. */
  end(done: () => void): void;
}

/** Until a killed one counts as ended. */
const endMs = 1_000;
/** A controller that hands over lives at least so long. */
const handOverMs = 1_000;

export function createController({ command, env, log, say, leave }: ControllerOptions): Controller {
  let kill: (() => void) | undefined;
  /** Set at the very end. */
  let over: (() => void) | undefined;
  let [failures, oldest] = [0, 0];

  function start(host: Host): void {
    const { server } = host;
    const [program = '', ...args] = command;
    const began = performance.now();
    const first = server.nextSeq - server.unacknowledged;
    const child = spawn(program, args, { stdio: ['ignore', 'ignore', 'pipe', 'pipe'], env: environment(env), detached: true });
    const link = child.stdio[3] as Duplex;
    const end = (how: string): void => {
      kill = undefined;
      server.disconnect();
      if (over) {
        over();
        return;
      }
      oldest = server.nextSeq - server.unacknowledged;
      failures = failuresAfter(failures, { ranMs: performance.now() - began, answered: oldest > first });
      again(host, how);
    };
    kill = () => child.kill('SIGKILL');
    child.stderr?.setEncoding('utf8').on('data', log);
    child.once('error', ({ message }) => end(message));
    if (child.pid === undefined) return;
    // Of one that is killed: what it has sent is read to the end, then it counts as ended.
    child.once('close', (code, signal) => (code === exitCodes.handOver ? handOver(host, began) : end(signal ?? `exit code ${code}`)));
    link.on('error', () => {}); // it has ended with events unread: the next one gets them
    link.on('data', (bytes: Buffer) => receive(host, bytes));
    host.connect((bytes) => link.write(bytes));
  }

  /** By order of a changed configuration: it has said so itself. What changes all the time must not start one after the other. */
  function handOver(host: Host, began: number): void {
    kill = undefined;
    host.server.disconnect();
    failures = 0;
    if (over) over();
    else setTimeout(start, Math.max(0, began + handOverMs - performance.now()), host);
  }

  function receive(host: Host, bytes: Buffer): void {
    try {
      host.receive(bytes);
    } catch (error) {
      if (!(error instanceof MalformedFrame)) throw error;
      say('the controller broke the protocol: it is killed and started again');
      kill?.();
    }
  }

  function again(host: Host, how: string): void {
    const { server } = host;
    if (givesUp(failures, server.slots.size > 0 || server.nextSeq > 1)) {
      say(`the controller cannot be started (${how}), and nothing runs yet: leaving with ${exitCodes.system}`);
      leave(exitCodes.system);
      return;
    }
    say(`the controller ended (${how}): it is started again; the application does not notice`);
    setTimeout(start, delayMs(failures), host);
    if (isHopeless(failures) || host.stopping) host.abandoned();
  }

  return {
    start,
    get connected() {
      return kill !== undefined;
    },
    get hopeful() {
      return kill !== undefined || !isHopeless(failures);
    },
    end(done) {
      if (!kill) return done();
      over = done;
      setTimeout(done, endMs);
      kill();
    },
  };
}

/** Only what reinit reads, as init gives it: the rest is the application's. */
function environment(env: Readonly<Record<string, string | undefined>>): Record<string, string> {
  const kept = Object.entries(env).filter(([name]) => /^(REINIT_.*|TZ|HOSTNAME|POD_(NAME|NAMESPACE|UID))$/.test(name));
  return { ...(Object.fromEntries(kept) as Record<string, string>), PATH: '', UV_THREADPOOL_SIZE: '4', OPENSSL_CONF: '/dev/null' };
}
