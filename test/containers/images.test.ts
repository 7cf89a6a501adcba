import { describe, it } from 'vitest';
import { type Base, bases, isAvailable } from './engine.ts';
import { expectReloads } from './job.ts';

describe.skipIf(!isAvailable)('one COPY line and an ENTRYPOINT', () => {
  it.each(Object.keys(bases) as Base[])('reload, refuse, reload and stop on the base image %s', async (base) => {
    await expectReloads(base);
  });

  it('do so by the npm package, in a node image', async () => {
    await expectReloads('npm');
  });
});
