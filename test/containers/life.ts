/** What the tests of a container's life have in common: an application that records its signals, settings of their own, an image without any. */
import { execFile } from 'node:child_process';
import { constants } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { eventually } from '../fixtures/eventually.ts';
import { compiled } from '../fixtures/init/compiled.ts';
import { type Container, command, engine, startContainer } from './engine.ts';
import { configFile } from './job.ts';

/** By name; 37 is SIGRTMIN+3, which is counted from the C library's SIGRTMIN, 34. */
export const signo = { ...constants.signals, 'SIGRTMIN+3': 37 } as const;
export type Signal = keyof typeof signo;

/** Builds the image without settings: `reinit -- command` is a plain init in it. */
export async function buildLifeImage(stop: Signal = 'SIGTERM'): Promise<string> {
  const tag = `reinit-test/life-${stop.toLowerCase().replace('+', '-')}`;
  const recipe = join(import.meta.dirname, 'image');
  const format = engine === 'podman' ? ['--format', 'docker'] : [];
  await command(
    'build',
    '-q',
    ...format,
    '--network',
    'host',
    '--build-arg',
    `STOP=${stop}`,
    '-t',
    tag,
    '-f',
    join(recipe, 'life.Dockerfile'),
    recipe,
  );
  return tag;
}

/** Flags that put these settings at /etc/reinit.yaml. */
export const settings = (config: object): readonly string[] => ['-v', `${configFile(config)}:/etc/reinit.yaml:ro`];

/** Settings with which there is a controller, and nothing changes. */
export const watching = { watch: [{ paths: ['/etc/hostname'], confirm: '100ms' }] };

/** Ends with this code at the signal that is meant to end it. */
export const recorderCode = 7;

/** The program that writes `signal N …` for each signal that it gets, and where the container finds it. */
export const recorder = (end: Signal): { readonly flags: readonly string[]; readonly command: readonly string[] } => ({
  flags: ['-v', `${dirname(compiled('record'))}:/test:ro`],
  command: ['/test/record', `${signo[end]}`, `${recorderCode}`],
});

export async function startRecorder(image: string, flags: readonly string[] = [], end: Signal = 'SIGTERM'): Promise<Container> {
  const program = recorder(end);
  const container = await startContainer(image, { flags: [...program.flags, ...flags], command: program.command });
  await eventually('the application is ready', () => container.stdout().includes('ready'), 30_000);
  return container;
}

/** The numbers of the signals that the application has got, in order. */
export const received = ({ stdout }: Container): number[] => [...stdout().matchAll(/^signal (\d+)/gm)].map(([, n]) => Number(n));

/** What the engine has kept of all the container's lives: `run` shows the first one only. */
export async function logsOf({ name }: Container): Promise<{ readonly stdout: string; readonly stderr: string }> {
  return promisify(execFile)(engine, ['logs', name], { maxBuffer: 64 << 20 });
}
