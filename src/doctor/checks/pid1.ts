/** Who is PID 1, and what stands between the engine's signals and reinit. */
import type { Processes } from '../facts/processes.ts';
import { type Finding, info, ok, warn } from '../finding.ts';
import { isShell } from '../running.ts';

/** Init programs of engines and images, which pass signals on. */
const otherInits: ReadonlySet<string> = new Set(['tini', 'docker-init', 'catatonit', 'dumb-init', 'podman-init']);
/** Those of machines: then this is no container. */
const machineInits: ReadonlySet<string> = new Set(['systemd', 'init', 'launchd', 'runit', 'openrc-init']);

export function pid1Findings(processes: Processes, kubernetes: boolean): Finding[] {
  const { own, running, proc, all } = processes;
  if (proc === 'missing')
    return [
      warn('pid1.proc', '/proc is not mounted, so neither PID 1 nor the application can be looked at', {
        detail: 'reinit works without it, yet cannot tell whether the application takes a signal, nor find what it has left behind.',
        remedy: 'Mount it; every engine does so by itself.',
      }),
    ];
  const hidden =
    proc === 'hidden'
      ? [
          info('pid1.hidepid', '/proc hides the processes of other users (hidepid)', {
            detail: 'What runs as another user than reinit cannot be looked at.',
            remedy: "Run reinit as the application's user, or mount /proc without hidepid.",
          }),
        ]
      : [];
  if (own === 1) return [...hidden, ok('pid1.first', 'this is PID 1, as reinit would be')];
  if (running === undefined) return [...hidden, ...withoutRunning(processes, kubernetes)];
  if (running.pid === 1) return [...hidden, ok('pid1.first', 'reinit is PID 1')];
  const first = all.find(({ pid }) => pid === 1);
  return [...hidden, ...below(first?.comm ?? '', first?.words[0] ?? '', running.pid)];
}

/** reinit runs, and is not PID 1. */
function below(name: string, program: string, pid: number): Finding[] {
  const title = `reinit is process ${pid}, below ${name === '' ? 'another' : name}, which is PID 1`;
  if (name === 'pause')
    return [
      info('pid1.shared', `${title}: the pod shares one process namespace`, {
        detail: "reinit then is a subreaper: its application's orphans come to it all the same.",
      }),
    ];
  if (otherInits.has(name))
    return [
      info('pid1.init', `${title}: a second init, which does nothing that reinit does not do`, {
        remedy: 'Leave out --init (docker), init: true (compose), or tini in ENTRYPOINT.',
      }),
    ];
  if (isShell(program) || isShell(name))
    return [
      warn('pid1.shell', `${title}: a shell, which does not pass on the engine's signals`, {
        detail: "TERM then ends neither reinit nor the application before the engine's grace is over and it kills them.",
        remedy: 'Write ENTRYPOINT as a list (ENTRYPOINT ["/opt/reinit/bin/reinit", "--"]), or begin the script\'s last line with exec.',
      }),
    ];
  return [
    info('pid1.below', title, { detail: 'Signals of the engine go to PID 1: they reach the application only if that passes them on.' }),
  ];
}

/** No reinit can be seen: who is PID 1 instead, and how have we come here. */
function withoutRunning({ all, above, container, inits }: Processes, kubernetes: boolean): Finding[] {
  if (inits > 1)
    return [
      info('pid1.several', `${inits} reinits can be seen, none of them PID 1: it is not known which one is meant`, {
        remedy: 'Run reinit doctor in the container: docker exec app reinit doctor.',
      }),
    ];
  const first = all.find(({ pid }) => pid === 1);
  if (first === undefined || machineInits.has(first.comm) || above.some(({ pid }) => pid === 1))
    return [
      info('pid1.none', 'no reinit runs here: what a start would find is looked at', {
        detail: 'Whether reinit is PID 1 can only be seen in the container.',
      }),
    ];
  if (!container && !kubernetes) return [info('pid1.none', `no reinit runs here: PID 1 is ${first.comm}`)];
  return [
    warn('pid1.replaced', `PID 1 is ${first.comm}, and no reinit runs in this container`, {
      detail: 'The configuration is followed by nobody.',
      remedy: kubernetes
        ? "command: in the pod replaces the image's ENTRYPOINT, and reinit with it: use args: for the application's command."
        : 'Something has replaced the ENTRYPOINT (docker run --entrypoint, entrypoint: in compose): give the application as CMD.',
    }),
  ];
}
