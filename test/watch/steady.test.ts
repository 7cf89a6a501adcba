import { mkdirSync, renameSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { steadySince } from '../../src/watch/steady.ts';
import { scratchDirectory } from '../fixtures/scratch.ts';

/** As wall clock: the offset is none. */
const since = (...paths: readonly string[]): number => steadySince(paths, 0);

test('since the files, the links to them, or kubelet’s link were changed last; what was written into their times does not count', async () => {
  const directory = scratchDirectory();
  const [file, link] = [join(directory, 'file'), join(directory, 'link')];
  writeFileSync(file, 'x');
  symlinkSync(file, link);
  utimesSync(file, 1, 1);
  const first = since(directory, file, link);
  expect(Math.abs(first - Date.now())).toBeLessThan(5_000);
  await pause(20);
  expect(since(directory, file, link)).toBe(first);
  renameSync(file, `${file}2`);
  renameSync(`${file}2`, file);
  const second = since(file);
  expect(second).toBeGreaterThan(first);
  await pause(20);
  renameSync(link, `${link}2`);
  expect(since(`${link}2`)).toBeGreaterThan(second);
  await pause(20);
  mkdirSync(join(directory, '..v2'));
  symlinkSync('..v2', join(directory, '..data'));
  expect(since(directory)).toBeGreaterThan(second);
});

test('what is not there has been so for ever', () => expect(since('/nonexistent/a')).toBeLessThan(1_000_000));
