/** The container's environment: init hands it over as a file, since Node itself gets only what is its own (src/init/node.c). */
import { closeSync, readFileSync, readlinkSync } from 'node:fs';

export type Variables = Readonly<Record<string, string>>;

const handedOver = { fd: 3, path: '/proc/self/fd/3' } as const;

/** Undefined where init did not start us, or could not hand it over. */
export function containerVariables(): Variables | undefined {
  try {
    if (!readlinkSync(handedOver.path).startsWith('/memfd:reinit-environment')) return undefined;
    const text = readFileSync(handedOver.path, 'utf8');
    closeSync(handedOver.fd); // validators have it as their environment, not as a file
    return parseVariables(text);
  } catch {
    return undefined;
  }
}

/** What a process was started with. Undefined where that is not for us to see. */
export function variablesOf(pid: number): Variables | undefined {
  try {
    return parseVariables(readFileSync(`/proc/${pid}/environ`, 'utf8'));
  } catch {
    return undefined;
  }
}

/** kubelet gives it to every container. */
export const inKubernetes = ({ KUBERNETES_SERVICE_HOST }: Variables): boolean => (KUBERNETES_SERVICE_HOST ?? '') !== '';

/** `NAME=value`, each ended by NUL, as in /proc/PID/environ. */
export function parseVariables(text: string): Variables {
  const pairs = text.split('\0').flatMap((variable): [string, string][] => {
    const at = variable.indexOf('=');
    return at > 0 ? [[variable.slice(0, at), variable.slice(at + 1)]] : [];
  });
  return Object.fromEntries(pairs);
}
