import { chmodSync, lstatSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { choosePlace, type Place } from '../../src/control/place.ts';
import { isRoot } from '../fixtures/host.ts';
import { scratchDirectory } from '../fixtures/scratch.ts';

const placeIn = (base: string): Place => ({ directory: join(base, 'reinit'), socket: join(base, 'reinit/reinit.sock') });

test('the first that can be used, closed to everybody else', async () => {
  const base = scratchDirectory();
  mkdirSync(join(base, 'reinit'), { mode: 0o755 });
  const place = placeIn(base);
  expect(await choosePlace('auto', [placeIn('/proc'), place])).toBe(place);
  expect((lstatSync(place.directory ?? '').mode & 0o777).toString(8)).toBe('700');
});

test('a link, a file, and a directory of somebody else are not taken', async () => {
  const [elsewhere, linked, filed, foreign] = [scratchDirectory(), scratchDirectory(), scratchDirectory(), scratchDirectory()];
  symlinkSync(elsewhere, join(linked, 'reinit'));
  writeFileSync(join(filed, 'reinit'), '');
  const places = [linked, filed].map(placeIn);
  if (isRoot) {
    const { chownSync } = await import('node:fs');
    mkdirSync(join(foreign, 'reinit'));
    chownSync(join(foreign, 'reinit'), 65534, 65534);
    places.push(placeIn(foreign));
  }
  const chosen = await choosePlace('auto', places);
  expect(chosen).toMatchObject({ problem: expect.stringMatching(/is somebody else's/) });
  expect('problem' in chosen && chosen.problem.split(';')).toHaveLength(places.length);
});

test('where somebody answers it is theirs; a socket that is left over is not', async () => {
  const [taken, free] = [placeIn(scratchDirectory()), placeIn(scratchDirectory())];
  mkdirSync(taken.directory ?? '');
  const server = createServer().listen(taken.socket);
  await new Promise((resolve) => server.once('listening', resolve));
  expect(await choosePlace('auto', [taken, free])).toBe(free);
  await new Promise((resolve) => server.close(resolve));
  writeFileSync(taken.socket, '');
  expect(await choosePlace('auto', [taken, free])).toBe(taken);
});

test('a place that is set is the only one', async () => {
  const base = scratchDirectory();
  expect(await choosePlace(join(base, 'c.sock'))).toEqual({ socket: join(base, 'c.sock'), directory: undefined });
  expect(await choosePlace('off')).toMatchObject({ problem: expect.stringContaining('off') });
  expect(await choosePlace(join(base, 'x'.repeat(120)))).toMatchObject({ problem: expect.stringContaining('107 bytes') });
  chmodSync(base, 0o700);
  expect(await choosePlace(join(base, 'none/c.sock'))).toMatchObject({ problem: expect.stringContaining('ENOENT') });
});
