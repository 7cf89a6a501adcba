import { describe, expect, it } from 'vitest';
import { eventually } from '../fixtures/eventually.ts';
import { type Base, bases, isAvailable, type TestImage } from './engine.ts';
import { completeJob, startJob } from './job.ts';

/** What a healthcheck, and somebody on call, ask in an image that may have nothing else in it; then the whole job. */
async function expectAnswersAndReloads(image: TestImage, reinit: string): Promise<void> {
  const job = await startJob(image);
  const ask = (...verb: readonly string[]) => job.container.exec(reinit, ...verb).catch(() => undefined);
  expect(await eventually('it answers', () => ask('status', '--check'), 30_000)).toBe('');
  expect(await ask('status')).toMatch(/^application {4}running, ready, pid \d+/);
  await completeJob(job);
}

describe.skipIf(!isAvailable)('one COPY line and an ENTRYPOINT', () => {
  it.each(Object.keys(bases) as Base[])('answer, reload, refuse, reload and stop on the base image %s', async (base) => {
    await expectAnswersAndReloads(base, '/opt/reinit/bin/reinit');
  });

  it('do so by the npm package, in a node image', async () => {
    await expectAnswersAndReloads('npm', 'reinit');
  });
});
