/** Containers of a real engine, each ended and removed with its test. */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, onTestFinished } from 'vitest';
import { build } from '../../scripts/building/paths.ts';
import { allPids, contentOf } from '../../src/probe/processes.ts';
import { eventually } from '../fixtures/eventually.ts';
import { onTerminal } from '../fixtures/terminal.ts';

export const engines = ['docker', 'podman'];

/** Each test runs once an engine: vitest.config.ts has a project for each. */
export const engine = process.env.REINIT_TEST_ENGINE === 'podman' ? 'podman' : 'docker';

/** Root, and the programs are there. */
export const hasEngine = (name: string): boolean =>
  process.getuid?.() === 0 && existsSync(name === 'docker' ? '/usr/sbin/dockerd' : '/usr/bin/podman');
export const isAvailable = hasEngine(engine);

/** Base image → its name, and the compiler whose programs run in it. The images `reinit-test/<base>` hold reinit and `/bin/reloader`. */
export const bases = {
  debian: { image: 'debian:bookworm-slim', compiler: ['cc'] },
  musl: { image: 'testbed/musl', compiler: ['musl-gcc'] },
  distroless: { image: 'testbed/distroless', compiler: ['cc'] },
  scratch: { image: 'scratch', compiler: ['musl-gcc', '-static'] },
  node: { image: 'node:24-bookworm-slim', compiler: ['cc'] },
} as const;
export type Base = keyof typeof bases;
/** `reinit-test/…`: `npm` is the node image with the npm package. */
export type TestImage = Base | 'npm';

/** Where the base's `/bin/reloader` is out here. That of scratch is static, and runs in all of them. */
export const reloaderFor = (base: Base): string => join(build, 'containers', base, 'reloader');

export interface ContainerOptions {
  /** Flags of `run`, before the image. `--network none` is among them unless another network is asked for. */
  readonly flags?: readonly string[];
  /** What takes the place of CMD. */
  readonly command?: readonly string[];
  readonly stdin?: 'ignore' | 'pipe';
  /** `-it`, with a real terminal: what it shows is `stdout`, after its name; what is written to `stdin` is typed. */
  readonly terminal?: boolean;
}

export interface Container {
  readonly name: string;
  /** The exit code that the engine tells; 125 where it could not start it. */
  readonly exited: Promise<number>;
  readonly stdin: ChildProcess['stdin'];
  /** What it has written so far. */
  stdout(): string;
  stderr(): string;
  /** PID 1, as it is called out here; 0 before and after. */
  pid(): Promise<number>;
  signal(name: string): Promise<void>;
  /** `stop -t seconds`: the image's stop signal, and KILL after that. */
  stop(seconds: number): Promise<void>;
  exec(...command: readonly string[]): Promise<string>;
  /** One value of `inspect`, by a Go template: `{{.State.OOMKilled}}`. */
  inspect(template: string): Promise<string>;
}

const call = promisify(execFile);

/** Runs one command of the engine. @throws with its output where it fails */
export async function command(...args: readonly string[]): Promise<string> {
  return (await call(engine, [...args])).stdout.trim();
}

/**
 * Processes, as they are called out here, of the container with this id. By their control group, which both engines name after it: namespaces have
 * numbers, and that of one that is gone is soon another container's.
 */
export const processesIn = (id: string): number[] =>
  allPids().filter((pid) => id !== '' && pid > 1 && contentOf(`/proc/${pid}/cgroup`).includes(id));

/** Starts a container in the foreground of the engine's client, so that its output and its end come by themselves. */
export async function startContainer(image: string, options: ContainerOptions = {}): Promise<Container> {
  const name = `reinit-test-${randomBytes(6).toString('hex')}`;
  const flags = options.flags ?? [];
  const network = flags.some((flag) => flag.startsWith('--network')) ? [] : ['--network', 'none'];
  const run = [engine, 'run', '--name', name, ...network, ...flags];
  const words = [...run, ...(options.terminal ? ['-it'] : ['--sig-proxy=false']), image, ...(options.command ?? [])];
  const [program = '', ...args] = options.terminal ? onTerminal(['setsid', '--ctty', ...words]) : words;
  const place = mkdtempSync(join(tmpdir(), 'reinit-client-')); // podman's monitor notes an OOM where it was started
  const stdin = options.stdin ?? (options.terminal ? 'pipe' : 'ignore');
  const client = spawn(program, args, { cwd: place, stdio: [stdin, 'pipe', 'pipe'] });
  let stdout = '';
  let stderr = '';
  client.stdout?.on('data', (chunk) => (stdout += chunk));
  client.stderr?.on('data', (chunk) => (stderr += chunk));
  const exited = once(client, 'close').then(([code]) => code ?? 125);
  const inspect = async (template: string) => command('inspect', '--format', template, name);
  const pid = async () => Number(await inspect('{{.State.Pid}}').catch(() => 0));
  let id = '';
  onTestFinished(async ({ task }) => {
    await command('rm', '-f', '-v', name).catch(() => ''); // there may be none
    await exited;
    rmSync(place, { recursive: true });
    if (task.result?.state === 'fail')
      process.stderr.write(`--- ${task.name}: the end of the container's output\n${(stdout + stderr).slice(-4000)}---\n`);
    await eventually('no process of the container is left', () => processesIn(id).length === 0);
    expect(await command('ps', '-aq', '--filter', `name=${name}`)).toBe('');
  });
  await eventually(
    `${engine} starts ${image}`,
    async () => {
      id = await inspect('{{.Id}}').catch(() => '');
      return (await pid()) > 0 || client.exitCode !== null || /exited|Exited/.test(await inspect('{{.State.Status}}').catch(() => ''));
    },
    30_000,
  );
  return {
    name,
    exited,
    stdin: client.stdin,
    stdout: () => stdout,
    stderr: () => stderr,
    pid,
    signal: async (signal) => void (await command('kill', '-s', signal, name)),
    stop: async (seconds) => void (await command('stop', '-t', `${seconds}`, name)),
    exec: (...words) => command('exec', name, ...words),
    inspect,
  };
}
