import { execFile } from 'node:child_process';
import { eventually } from '../fixtures/eventually.ts';
import type { Namespace, NamespaceOptions } from '../fixtures/namespace.ts';
import { configFile, reinit, startContainer } from './harness.ts';

/** Mount point below /etc or /usr/local/etc → directory or file that is shown there. It need not exist. */
export type Mounts = Readonly<Record<string, string>>;

/** Copies what is there, so that mount points can be made. $1: how many mounts; then pairs of them, and the command. */
const script = `
ip link set lo up
mount -t tmpfs -o mode=755 none /mnt
cp -a /etc /mnt/etc
mount --bind /mnt/etc /etc
mount -t tmpfs -o mode=755 none /usr/local/etc
umount -l /mnt
count=$1
shift
while [ "$count" -gt 0 ]; do
  if [ -d "$2" ]; then mkdir -p "$1"; else : >>"$1"; fi
  mount --bind "$2" "$1"
  shift 2
  count=$((count - 1))
done
exec "$@"
`;

/**
 * reinit on a machine of its own: loopback and no other network, so that an application can have its usual ports; an /etc and a /usr/local/etc
 * of its own, so that its configuration is where a preset says. Needs root.
 */
export function startMachine(config: object, mounts: Mounts = {}, options: NamespaceOptions = {}): Promise<Namespace> {
  const words = [String(Object.keys(mounts).length), ...Object.entries(mounts).flat(), reinit, '-c', configFile(config)];
  return startContainer(['unshare', '--net', 'sh', '-ec', script, 'sh', ...words], options);
}

/** What a command on that machine prints. Rejects where it does not end with 0. */
export function ask({ pid }: Namespace, command: readonly string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    const words = [`--net=/proc/${pid}/ns/net`, `--mount=/proc/${pid}/ns/mnt`, ...command];
    execFile('nsenter', words, { timeout: 5000 }, (error, stdout) => (error ? reject(error) : resolve(stdout.trim())));
  });
}

export const get = (container: Namespace, url: string): Promise<string> =>
  ask(container, ['curl', '-sS', '--max-time', '3', '--fail', url]);

/** Waits until the machine's answer to a GET is this text. */
export const serves = (container: Namespace, url: string, text: string): Promise<unknown> =>
  eventually(`${url} is answered with ${text}`, async () => (await get(container, url)) === text);
