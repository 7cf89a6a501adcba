/** The whole job, as a container of any engine, image and mode has to do it. */
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished } from 'vitest';
import { eventually } from '../fixtures/eventually.ts';
import { createVolume, updateVolume } from '../fixtures/kubelet.ts';
import { namespaceOf, processesOf } from '../fixtures/namespace.ts';
import { type Container, type ContainerOptions, startContainer, type TestImage } from './engine.ts';

export interface Job {
  readonly container: Container;
  /** A ConfigMap volume out here, mounted read-only at /etc/app and changed as kubelet does. */
  readonly volume: string;
}

/** A directory out here for containers to mount; whoever runs in them may read it. */
export function makeShared(): string {
  const directory = mkdtempSync(join(tmpdir(), 'reinit-volume-'));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  chmodSync(directory, 0o755);
  return directory;
}

/** A configuration file with one rule for /etc/app. */
export function configuration(rule: object): string {
  const quick = { paths: ['/etc/app'], settle: '50ms', reload_after_start: '0s', confirm: '200ms' };
  return configFile({ watch: [{ ...quick, ...rule }] });
}

/** Out here, for containers to mount. JSON is YAML. */
export function configFile(config: object): string {
  const file = join(makeShared(), 'reinit.yaml');
  writeFileSync(file, JSON.stringify(config));
  return file;
}

/** A container of `reinit-test/<image>` whose application has started. */
export async function startJob(image: TestImage, options: ContainerOptions = {}): Promise<Job> {
  const volume = makeShared();
  await createVolume(volume, { text: 'one' });
  const flags = ['-v', `${volume}:/etc/app:ro`, ...(options.flags ?? [])];
  const container = await startContainer(`reinit-test/${image}`, { ...options, flags });
  await eventually('the application starts', () => outputOf(container).includes('start one'), 30_000);
  return { container, volume };
}

/** A change is applied, a broken one refused, the next applied, and the end is the application's own. */
export async function expectReloads(image: TestImage, options: ContainerOptions = {}): Promise<Container> {
  return completeJob(await startJob(image, options));
}

/** The job from the first change on. `refusalIsSeen`: false where nobody reads reinit's log. */
export async function completeJob({ container, volume }: Job, { refusalIsSeen = true } = {}): Promise<Container> {
  const says = (text: string) => eventually(`the container says "${text}"`, () => outputOf(container).includes(text), 30_000);
  await updateVolume(volume, { text: 'two' });
  await says('reload two');
  await updateVolume(volume, { text: 'bad three' });
  if (refusalIsSeen) await says('cannot use');
  await updateVolume(volume, { text: 'four' });
  await says('reload four');
  await container.stop(20);
  expect(await container.exited).toBe(7);
  expect(lines(outputOf(container)).filter((line) => /^(start|reload) /.test(line))).toEqual(['start one', 'reload two', 'reload four']);
  return container;
}

/** The application's, whichever stream it has chosen, and reinit's. */
export const outputOf = ({ stdout, stderr }: Container): string => stdout() + stderr();

/** A terminal ends its lines with CR LF. */
export const lines = (text: string): string[] => text.split(/\r?\n/);

/** The application, as it is called out here. */
export async function applicationIn(container: Container): Promise<number> {
  const isApplication = (pid: number): boolean => /^\/bin\/reloader\0(?!--check)/.test(readFileSync(`/proc/${pid}/cmdline`, 'utf8'));
  const first = await container.pid();
  return eventually('the application', () => processesOf(namespaceOf(first)).find(isApplication));
}
