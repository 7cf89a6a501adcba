import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { hashed, ruleFor, watching, withDirectory } from '../fixtures/watching.ts';
import { type Content, changing, unchanging, type Writer } from '../fixtures/writers.ts';

const rounds = 5;

/** All writers run at once, each with its own directory and watch; the tests below only ask how it went. */
const runs = new Map<Writer, Promise<void>>();
beforeAll(() => {
  for (const writer of changing) runs.set(writer, tellsEachChangeOnce(writer));
  for (const writer of unchanging) runs.set(writer, tellsNothing(writer));
  return Promise.allSettled(runs.values());
}, 60_000);

describe('each change is told once, with its last content', () => {
  test.each(changing.map((writer) => [writer.name, writer] as const))('%s', (_, writer) => runs.get(writer));
});

describe('what is no change is never told', () => {
  test.each(unchanging.map((writer) => [writer.name, writer] as const))('%s', (_, writer) => runs.get(writer));
});

const tellsEachChangeOnce = (writer: Writer): Promise<void> =>
  withDirectory(async (directory) => {
    await writer.setup(directory);
    await watching(ruleFor(writer.paths.map((path) => join(directory, path))), async (watched) => {
      for (let n = 1; n <= rounds; n++) {
        const before = watched.generations().length;
        const expected = await writer.write(directory, n);
        await watched.until(() => same(watched.generations().at(-1)?.files, at(directory, writer, expected)), `round ${n}`);
        await watched.quiet();
        expect(watched.generations().length - before, JSON.stringify(watched.events)).toBe(1);
      }
      expect(watched.mode()).toBe('events');
      expect(watched.warnings().filter((code) => code !== 'missing')).toEqual([]);
    });
  });

const tellsNothing = (writer: Writer): Promise<void> =>
  withDirectory(async (directory) => {
    await writer.setup(directory);
    await watching(
      ruleFor(
        writer.paths.map((path) => join(directory, path)),
        { missing_grace: 3_000 },
      ),
      async (watched) => {
        for (let n = 1; n <= rounds; n++) {
          await writer.write(directory, n);
          await watched.quiet();
        }
        expect(watched.generations()).toEqual([]);
        expect(watched.mode()).toBe('events');
      },
    );
  });

/** What of the written content lies under the watched paths. */
function at(directory: string, writer: Writer, content: Content | undefined): Map<string, string | null> {
  const watched = Object.entries(content ?? {}).filter(([path]) =>
    writer.paths.some((each) => path === each || path.startsWith(`${each}/`)),
  );
  return hashed(Object.fromEntries(watched.map(([path, value]) => [join(directory, path), value])));
}

function same(a: ReadonlyMap<string, string | null> | undefined, b: ReadonlyMap<string, string | null>): boolean {
  return a !== undefined && JSON.stringify([...a]) === JSON.stringify([...b]);
}
