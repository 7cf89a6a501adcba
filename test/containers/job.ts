/** The whole job, as a container of any engine, image and mode has to do it. */
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished } from 'vitest';
import { eventually } from '../fixtures/eventually.ts';
import { createVolume, updateVolume } from '../fixtures/kubelet.ts';
import { type Base, type Container, type ContainerOptions, startContainer } from './engine.ts';

export interface Job {
  readonly container: Container;
  /** A ConfigMap volume out here, mounted read-only at /etc/app and changed as kubelet does. */
  readonly volume: string;
}

/** A container of `reinit-test/<base>` whose application has started. */
export async function startJob(base: Base, options: ContainerOptions = {}): Promise<Job> {
  const volume = mkdtempSync(join(tmpdir(), 'reinit-volume-'));
  onTestFinished(() => rmSync(volume, { recursive: true, force: true }));
  chmodSync(volume, 0o755);
  await createVolume(volume, { text: 'one' });
  const flags = ['-v', `${volume}:/etc/app:ro`, ...(options.flags ?? [])];
  const container = await startContainer(`reinit-test/${base}`, { ...options, flags });
  await eventually('the application starts', () => container.stdout().includes('start one'), 30_000);
  return { container, volume };
}

/** A change is applied, a broken one refused, the next applied, and the end is the application's own. */
export async function expectReloads(base: Base, options: ContainerOptions = {}): Promise<Container> {
  const { container, volume } = await startJob(base, options);
  await updateVolume(volume, { text: 'two' });
  await eventually('the change is applied', () => container.stdout().includes('reload two'), 30_000);
  await updateVolume(volume, { text: 'bad three' });
  await eventually('the broken change is refused', () => container.stderr().includes('cannot use'), 30_000);
  await updateVolume(volume, { text: 'four' });
  await eventually('the next change is applied', () => container.stdout().includes('reload four'), 30_000);
  await container.stop(20);
  expect(await container.exited).toBe(7);
  expect(lines(container.stdout()).filter((line) => /^(start|reload) /.test(line))).toEqual(['start one', 'reload two', 'reload four']);
  return container;
}

/** A terminal ends its lines with CR LF. */
export const lines = (text: string): string[] => text.split(/\r?\n/);
