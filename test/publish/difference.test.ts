import { dirname } from 'node:path';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { directoriesFor, type Present, stepsTo } from '../../src/publish/difference.ts';

/** Few names, so that files and directories often get in each other's way. */
const name = fc.constantFrom('a', 'b', 'c');
const path = fc.array(name, { minLength: 1, maxLength: 3 }).map((parts) => parts.join('/'));
/** Files of which none lies in another. */
const files = fc
  .uniqueArray(path, { maxLength: 6 })
  .map((paths) => paths.filter((one) => !paths.some((other) => one.startsWith(`${other}/`))));

/** A file system that allows what a real one allows. */
class Model {
  readonly files = new Map<string, number>();
  readonly directories = new Set<string>(['.']);

  makeDirectory(directory: string): void {
    if (this.files.has(directory) || this.directories.has(directory) || !this.directories.has(dirname(directory)))
      throw new Error(`mkdir ${directory}`);
    this.directories.add(directory);
  }
  put(file: string, content: number): void {
    if (this.directories.has(file) || !this.directories.has(dirname(file))) throw new Error(`rename to ${file}`);
    this.files.set(file, content);
  }
  remove(file: string): void {
    if (!this.files.delete(file)) throw new Error(`unlink ${file}`);
  }
  removeDirectory(directory: string): void {
    if ([...this.files.keys(), ...this.directories].some((other) => dirname(other) === directory && other !== '.'))
      throw new Error(`rmdir ${directory}`);
    if (!this.directories.delete(directory)) throw new Error(`rmdir ${directory}`);
  }
}

test('from any tree to any other: each step is possible when its turn comes, and the end is what was wanted', () => {
  fc.assert(
    fc.property(files, files, fc.func(fc.boolean()), (old, fresh, isSame) => {
      const model = new Model();
      for (const directory of directoriesFor(old, [])) model.makeDirectory(directory);
      for (const file of old) model.put(file, 1);
      const presence = (file: string): Present => (model.files.has(file) ? (isSame(file) ? 'same' : 'other') : 'absent');
      const wanted = new Map(fresh.map((file) => [file, presence(file)]));
      const directories = directoriesFor(fresh, []);
      const steps = stepsTo({ files: new Set(old), directories: new Set(directoriesFor(old, [])) }, wanted, new Set(directories));
      for (const file of steps.clear) model.remove(file);
      for (const directory of steps.clearDirectories) model.removeDirectory(directory);
      for (const directory of directories) if (!model.directories.has(directory)) model.makeDirectory(directory);
      for (const file of [...steps.create, ...steps.replace]) model.put(file, 2);
      for (const file of steps.remove) model.remove(file);
      for (const directory of steps.removeDirectories) model.removeDirectory(directory);
      expect(new Map([...model.files].sort())).toEqual(
        new Map(fresh.map((file) => [file, wanted.get(file) === 'same' ? 1 : 2] as const).sort()),
      );
      expect([...model.directories].sort()).toEqual(['.', ...directories].sort());
    }),
    { numRuns: 2_000 },
  );
});
