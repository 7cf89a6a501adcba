import { spawnSync } from 'node:child_process';
import { chmodSync, copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { reinit } from '../fixtures/init/init.ts';

/** init without a Node beside it, as in the npm package. */
function withoutNode() {
  const root = mkdtempSync(join(tmpdir(), 'reinit-node-'));
  onTestFinished(() => rmSync(root, { recursive: true, force: true }));
  const init = join(root, 'bin/reinit');
  mkdirSync(dirname(init));
  copyFileSync(reinit, init);
  return { root, init };
}

/** A `node` that says who it is, what it got, and its environment's names. The shell adds PWD and the like. */
function fakeNode(directory: string): string {
  mkdirSync(directory, { recursive: true });
  const file = join(directory, 'node');
  writeFileSync(file, '#!/bin/sh\necho "$0"\nfor word; do echo "$word"; done\necho "PATH=$PATH"\n');
  chmodSync(file, 0o755);
  return file;
}

function run(init: string, PATH: string | undefined, cwd?: string) {
  const { stdout, stderr, status } = spawnSync(init, ['preset', 'two words', ''], {
    encoding: 'utf8',
    cwd,
    env: { ...(PATH && { PATH }) },
  });
  return { lines: stdout.split('\n'), stderr, status };
}

describe("the image's Node", () => {
  it('is the first in PATH, where there is none beside init', () => {
    const { root, init } = withoutNode();
    const node = fakeNode(join(root, 'b'));
    fakeNode(join(root, 'c'));
    const { lines } = run(init, `/nowhere:${root}/a:${root}/b:${root}/c`);
    const main = join(root, 'lib/reinit/main.cjs');
    expect(lines).toEqual([
      node,
      // Without --disable-sigusr1, which an old one does not know.
      ...['--max-old-space-size=96', '--max-semi-space-size=1', '--v8-pool-size=1', main, 'cli', 'preset', 'two words', ''],
      'PATH=',
      '',
    ]);
  });

  it('is never one of a relative or an empty directory', () => {
    const { root, init } = withoutNode();
    fakeNode(join(root, 'bin'));
    fakeNode(root);
    for (const path of ['bin', '.', ':', '', `:bin:.::${root}/nowhere:`, undefined]) {
      const { lines, stderr, status } = run(init, path, root);
      expect(lines, path).toEqual(['']);
      expect(stderr, path).toContain(`cannot run Node.js (${root}/lib/reinit/node): No such file or directory`);
      expect(stderr, path).toContain('`node` in the absolute directories of PATH');
      expect(status, path).toBe(111);
    }
  });

  it('is not asked where the tree has one', () => {
    const { root, init } = withoutNode();
    fakeNode(join(root, 'image'));
    const node = fakeNode(join(root, 'lib/reinit'));
    expect(run(init, `${root}/image`).lines[0]).toBe(node);
  });
});
