import { execFileSync } from 'node:child_process';
import * as fs from 'node:fs';
import { chmod, mkdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { isRoot } from '../fixtures/host.ts';
import { contentOf, everythingIn, hashOf, publishing, put, release, storing } from '../fixtures/storing.ts';

const child = fileURLToPath(new URL('../fixtures/store-child.ts', import.meta.url));
const inode = (path: string) => fs.statSync(path).ino;

describe('files', () => {
  test('new, changed, removed; what stays the same is not touched; the directory is always the same one', () =>
    storing(async ({ source, to, store, reopen }) => {
      const rule = publishing([source], to, 'files');
      await put(source, { same: '1', changed: '1', 'gone/x': '1' });
      const first = await release(store, rule);
      expect(await store.published(rule)).toBe(first);
      const before = { to: inode(to), same: inode(join(to, 'same')), at: fs.statSync(join(to, 'changed')).mtimeMs };
      await put(source, { changed: '2', 'new/y': '2' });
      await rm(join(source, 'gone'), { recursive: true });
      await mkdir(join(source, 'empty'));
      const second = await release(reopen(), rule);
      expect(await contentOf(to)).toEqual({ same: '1', changed: '2', 'new/y': '2' });
      expect((await everythingIn(to)).filter((name) => !name.startsWith('..reinit/'))).toEqual([
        '..reinit',
        'changed',
        'empty',
        'new',
        'new/y',
        'same',
      ]);
      expect({ to: inode(to), same: inode(join(to, 'same')) }).toMatchObject({ to: before.to, same: before.same });
      expect(fs.statSync(join(to, 'changed')).mtimeMs).toBeGreaterThanOrEqual(before.at + 1_000);
      expect(await reopen().published(rule)).toBe(second);
      expect(await reopen().publish(rule, first)).toBeUndefined(); // back, without sources
      expect(await contentOf(to)).toEqual({ same: '1', changed: '1', 'gone/x': '1' });
    }));

  test('a file becomes a directory, and a directory a file', () =>
    storing(async ({ source, to, store }) => {
      const rule = publishing([source], to, 'files');
      await put(source, { a: '1', 'b/c/d': '1' });
      const first = await release(store, rule);
      await rm(source, { recursive: true });
      await put(source, { 'a/x/y': '2', b: '2' });
      await release(store, rule);
      expect(await contentOf(to)).toEqual({ 'a/x/y': '2', b: '2' });
      expect(await store.publish(rule, first)).toBeUndefined();
      expect(await contentOf(to)).toEqual({ a: '1', 'b/c/d': '1' });
    }));

  test('permissions follow, of files and of directories that nobody may write to', () =>
    storing(async ({ source, to, store }) => {
      const rule = publishing([source], to, 'files');
      await put(source, { 'd/a': '1' });
      await chmod(join(source, 'd/a'), 0o640);
      await chmod(join(source, 'd'), 0o550);
      await release(store, rule);
      const modes = () => ['d', 'd/a'].map((path) => fs.statSync(join(to, path)).mode & 0o777);
      expect(modes()).toEqual([0o550, 0o640]);
      await chmod(join(source, 'd'), 0o750);
      await put(source, { 'd/a': '2' });
      await chmod(join(source, 'd/a'), 0o440);
      await release(store, rule);
      expect(modes()).toEqual([0o750, 0o440]);
    }));

  test('an empty directory is taken and kept as it is; a file that somebody changed is put right', () =>
    storing(async ({ source, to, store }) => {
      const rule = publishing([source], to, 'files');
      await mkdir(to, { recursive: true });
      await chmod(to, 0o700);
      await put(source, { a: '1' });
      const hash = await release(store, rule);
      expect(fs.statSync(to).mode & 0o777).toBe(0o700);
      await writeFile(join(to, 'a'), 'x');
      expect(await store.published(rule)).toBeUndefined();
      expect(await store.publish(rule, hash)).toBeUndefined();
      expect(await contentOf(to)).toEqual({ a: '1' });
      await rm(join(to, 'a'));
      await symlink('/etc/hostname', join(to, 'a'));
      expect(await store.publish(rule, hash)).toBeUndefined();
      expect(await contentOf(to)).toEqual({ a: '1' });
    }));

  test('begun and not ended: not published; the next call ends it', () =>
    storing(async ({ source, to, store }) => {
      const rule = publishing([source], to, 'files');
      await put(source, { a: '1' });
      const hash = await release(store, rule);
      const list = join(to, '..reinit/list');
      await writeFile(list, (await readFile(list, 'utf8')).replace('"complete":true', '"complete":false'));
      expect(await store.published(rule)).toBeUndefined();
      expect(await store.publish(rule, hash)).toBeUndefined();
      expect(await store.published(rule)).toBe(hash);
    }));

  test('stopped half way: not published, what was made so far is known as ours, and the next call goes on from there', () =>
    storing(async ({ source, to, store, reopen }) => {
      const rule = publishing([source], to, 'files');
      await put(source, { changed: '1', gone: '1' });
      await release(store, rule);
      await rm(join(to, 'changed'));
      await put(join(to, 'changed'), { obstacle: 'x' }); // nothing can be renamed over that
      await put(source, { new: '2', 'd/new': '2', changed: '2' });
      await rm(join(source, 'gone'));
      const hash = await hashOf(rule);
      await store.stage(rule, hash);
      expect(await store.publish(rule, hash)).toContain(`publish.to: ${to} cannot be written (EISDIR)`);
      expect(await contentOf(to)).toEqual({ new: '2', 'd/new': '2', gone: '1', 'changed/obstacle': 'x' });
      expect(await reopen().published(rule)).toBeUndefined();
      await rm(join(to, 'changed'), { recursive: true });
      expect(await reopen().publish(rule, hash)).toBeUndefined();
      expect(await contentOf(to)).toEqual({ new: '2', 'd/new': '2', changed: '2' });
      expect(await reopen().published(rule)).toBe(hash);
    }));

  test.skipIf(!isRoot).each(['flip', 'files'] as const)('directories of another user, with no right but CAP_CHOWN: %s', (mode) =>
    storing(async ({ source, to, place }) => {
      await put(source, { 'd/a': '1', 'd/e/b': '1' });
      const give = async (content: string) => {
        await put(source, { 'd/a': content });
        for (const path of ['d/a', 'd/e/b', 'd/e', 'd']) fs.chownSync(join(source, path), 101, 101);
        for (const path of ['d/e', 'd']) fs.chmodSync(join(source, path), 0o555);
      };
      const task = { rule: publishing([source], to, mode, 0), places: [place] };
      for (const content of ['1', '2', '3']) {
        await give(content);
        const args = ['--bounding-set=-all,+chown', '--inh-caps=-all', process.execPath, child, JSON.stringify(task)];
        const { staged, problem, warnings } = JSON.parse(execFileSync('setpriv', args, { encoding: 'utf8' }));
        expect({ staged, problem, warnings }).toMatchObject({ staged: { kind: 'staged' }, warnings: [] });
        expect(problem).toBeUndefined();
        expect(await contentOf(to)).toEqual({ 'd/a': content, 'd/e/b': '1' });
        expect(fs.statSync(join(to, 'd/e/b')).uid).toBe(101);
        expect(fs.statSync(join(to, 'd')).mode & 0o777).toBe(0o555);
      }
      const names = await everythingIn(join(to, '../..'));
      expect(names.filter((name) => /\/g-[0-9a-f.]+$/.test(name))).toHaveLength(1); // the others could be removed
    }),
  );

  test('prune keeps the copy of what is published', () =>
    storing(async ({ source, to, store }) => {
      const rule = publishing([source], to, 'files', 0);
      await put(source, { a: '1' });
      const first = await release(store, rule);
      await put(source, { a: '2' });
      const second = await release(store, rule);
      await store.prune(rule, []);
      expect([await store.has(rule, first), await store.has(rule, second)]).toEqual([false, true]);
    }));
});

describe('what is not ours is not touched', () => {
  const kinds: readonly (readonly [string, 'flip' | 'files', (to: string) => Promise<unknown>, string])[] = [
    ['a file', 'flip', (to) => writeFile(to, 'theirs'), 'is a file that reinit did not make, and is not touched; remove it or choose'],
    ['a file', 'files', (to) => writeFile(to, 'theirs'), 'is a file that reinit did not make'],
    [
      'a directory',
      'flip',
      (to) => mkdir(to),
      'is a directory that reinit did not make, and is not touched; remove it, name a path below it, or choose',
    ],
    [
      'a directory with files',
      'files',
      (to) => put(to, { x: 'theirs' }),
      'holds files that reinit did not put there (x), and is not touched; empty it, or name a path below it',
    ],
    ['a link', 'flip', (to) => symlink('/etc', to), 'is a link that reinit did not make'],
    ['a link', 'files', (to) => symlink('/etc', to), 'is a link that reinit did not make'],
    [
      'a link that looks like ours',
      'flip',
      (to) => symlink('.conf.reinit/g-0123456789abcdef/files', to),
      'is a link that reinit did not make',
    ],
    [
      'a directory beside it',
      'flip',
      (to) => put(join(to, '../.conf.reinit'), { x: 'theirs' }),
      '.conf.reinit is in the way and was not made by reinit; remove it, or choose another path',
    ],
  ];
  test.each(kinds)('%s at `to`, %s', (_, mode, make, words) =>
    storing(async ({ source, to, store }) => {
      await put(source, { a: '1' });
      await mkdir(join(to, '..'));
      await make(to);
      const before = await everythingIn(join(to, '..'));
      const result = await store.stage(publishing([source], to, mode), await hashOf(publishing([source], to, mode)));
      expect(result).toMatchObject({ kind: 'problem', problem: expect.stringMatching(/^publish\.to: /) });
      expect(JSON.stringify(result)).toContain(words);
      expect(await everythingIn(join(to, '..'))).toEqual(before);
    }),
  );

  test('a file in a published directory: named, never overwritten, never removed', () =>
    storing(async ({ source, to, store }) => {
      const rule = publishing([source], to, 'files');
      await put(source, { a: '1' });
      await release(store, rule);
      await put(to, { 'd/b': 'theirs' });
      await put(source, { 'd/b': '2', a: '2' });
      const hash = await hashOf(rule);
      await store.stage(rule, hash);
      const problem = `publish.to: ${to}/d/b is not one of the files that reinit published, and is not overwritten; remove it, or choose another path`;
      expect(await store.publish(rule, hash)).toBe(problem);
      expect(await contentOf(to)).toEqual({ a: '1', 'd/b': 'theirs' });
      await rm(join(to, 'd'), { recursive: true });
      await symlink('/tmp', join(to, 'd'));
      expect(await store.publish(rule, hash)).toContain(`${to}/d is not one of the files`);
      await rm(join(to, 'd'));
      expect(await store.publish(rule, hash)).toBeUndefined();
      await put(to, { 'd/theirs': 'x' });
      await rm(join(source, 'd'), { recursive: true });
      await release(store, rule);
      expect(await contentOf(to)).toEqual({ a: '2', 'd/theirs': 'x' });
    }));

  test.skipIf(!isRoot)('what another user put beside `to`', () =>
    storing(async ({ source, to, store }) => {
      await put(source, { a: '1' });
      await mkdir(join(to, '../.conf.reinit'), { recursive: true });
      fs.chownSync(join(to, '../.conf.reinit'), 65534, 65534);
      const rule = publishing([source], to);
      expect(await store.stage(rule, await hashOf(rule))).toMatchObject({
        kind: 'problem',
        problem: expect.stringContaining('is in the way'),
      });
    }),
  );
});
