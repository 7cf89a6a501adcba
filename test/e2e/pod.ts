/** Containers that share their process namespace: PID 1 is nobody's application, as in a pod with shareProcessNamespace. */
import { onTestFinished } from 'vitest';
import { type Foreign, type ForeignOptions, startForeign } from '../fixtures/foreign.ts';
import type { Namespace } from '../fixtures/namespace.ts';
import { configFile, reinit, startContainer } from './harness.ts';

export const startPod = (): Promise<Namespace> => startContainer(['sleep', 'infinity']);

/** One of its containers, with mounts of its own. It ends with the pod. */
export async function startIn(pod: Namespace, command: readonly string[], options: ForeignOptions = {}): Promise<Foreign> {
  const container = await startForeign(pod, ['unshare', '--mount', '--', ...command], { ...options, mounts: true });
  onTestFinished(({ task }) => {
    if (task.result?.state === 'fail')
      process.stderr.write(`--- ${task.name}: ${command[0]} wrote\n${container.stderr().slice(-4000)}---\n`);
  });
  return container;
}

/** The sidecar, with this configuration and these flags. */
export const startSidecar = (
  pod: Namespace,
  config: object,
  flags: readonly string[] = [],
  options: ForeignOptions = {},
): Promise<Foreign> => startIn(pod, [...asUser(options.uid), reinit, 'attach', '-c', configFile(config), ...flags], { mounts: true });

/** After the mounts are made, which needs root. */
const asUser = (uid: number | undefined): string[] =>
  uid === undefined ? [] : ['setpriv', `--reuid=${uid}`, `--regid=${uid}`, '--clear-groups'];
