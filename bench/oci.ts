/** Containers without an engine: runc alone, on the file system of an engine's image. Fewer parts, less noise. */
import { execFileSync } from 'node:child_process';
import { closeSync, mkdirSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** What the container has of the processors while others want them, too: as much as there can be, so that a busy machine is heard less. */
export const mostShares = 262_144;

export interface Bundle {
  /** Starts a container that has been created; ms from just before that until `bench first` ran in it. */
  start(): number;
}

/** A root directory with what the image holds. */
export function unpack(image: string, root: string): void {
  mkdirSync(root);
  const container = execFileSync('docker', ['create', image], { encoding: 'utf8' }).trim();
  try {
    execFileSync('sh', ['-c', 'docker export "$1" | tar -x -C "$2"', 'sh', container, root]);
  } finally {
    execFileSync('docker', ['rm', container]);
  }
}

/** `shared` is seen at /bench, read-only. */
export function createBundle(directory: string, root: string, shared: string, command: readonly string[]): Bundle {
  mkdirSync(directory);
  execFileSync('runc', ['spec'], { cwd: directory });
  const file = join(directory, 'config.json');
  const spec = JSON.parse(readFileSync(file, 'utf8'));
  Object.assign(spec.process, { terminal: false, args: command });
  Object.assign(spec.root, { path: root, readonly: false });
  spec.linux.resources.cpu = { shares: mostShares };
  spec.mounts.push({ destination: '/bench', type: 'bind', source: shared, options: ['bind', 'ro'] });
  writeFileSync(file, JSON.stringify(spec));
  const runc = (...args: readonly string[]) => execFileSync('runc', ['--root', join(directory, 'state'), ...args], { stdio: 'ignore' });
  const output = join(directory, 'output');
  const id = `reinit-bench-${process.pid}`;
  const create = (): void => {
    const to = openSync(output, 'w');
    execFileSync('runc', ['--root', join(directory, 'state'), 'create', '--bundle', directory, id], { stdio: ['ignore', to, to] });
    closeSync(to);
  };
  return {
    start: () => {
      create();
      try {
        const begin = process.hrtime.bigint();
        runc('start', id);
        return Number(firstInstruction(() => readFileSync(output, 'utf8')) - begin) / 1e6;
      } finally {
        runc('delete', '-f', id);
      }
    },
  };
}

/** CLOCK_MONOTONIC in ns, out of the line that `bench first` writes. */
export function firstInstruction(read: () => string): bigint {
  const deadline = performance.now() + 30_000;
  while (performance.now() < deadline) {
    const line = /^(\d{6,})\n/m.exec(read());
    if (line?.[1]) return BigInt(line[1]);
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1);
  }
  throw new Error(`the application has not started: ${read()}`);
}
