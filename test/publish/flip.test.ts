import * as fs from 'node:fs';
import { readdir, readlink, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { contentOf, everythingIn, hashOf, publishing, put, release, storing } from '../fixtures/storing.ts';

const copies = async (to: string) => (await readdir(join(to, `../.conf.reinit`))).filter((name) => name.startsWith('g-')).sort();

describe('flip', () => {
  test('`to` is a link beside the copies; what was published needs no sources', () =>
    storing(async ({ source, to, store, reopen }) => {
      await put(source, { a: '1', 'd/b': '1' });
      const rule = publishing([source], to);
      const hash = await hashOf(rule);
      expect(await store.published(rule)).toBeUndefined();
      expect((await store.stage(rule, hash)).kind).toBe('staged');
      expect(fs.existsSync(to)).toBe(false);
      await rename(source, `${source}.gone`);
      expect(await reopen().publish(rule, hash)).toBeUndefined();
      expect(await readlink(to)).toBe(`.conf.reinit/g-${hash.slice(0, 16)}/files`);
      expect(await contentOf(to)).toEqual({ a: '1', 'd/b': '1' });
      expect(await reopen().published(rule)).toBe(hash);
      expect(await reopen().publish(rule, hash)).toBeUndefined();
    }));

  test('a generation that was never staged is a problem, and `to` stays', () =>
    storing(async ({ source, to, store }) => {
      await put(source, { a: '1' });
      const rule = publishing([source], to);
      const hash = await release(store, rule);
      const other = 'f'.repeat(64);
      expect(await store.publish(rule, other)).toBe(
        `publish: there is no complete copy of generation ffffffffffff of ${source}; ${to} stays as it is`,
      );
      expect(await store.published(rule)).toBe(hash);
    }));

  test('going back: the older generation is shown with newer times than the one before it', () =>
    storing(async ({ source, to, store }) => {
      const rule = publishing([source], to);
      await put(source, { a: '1' });
      const first = await release(store, rule);
      await put(source, { a: '2' });
      await release(store, rule);
      const before = Math.floor(fs.statSync(join(to, 'a')).mtimeMs / 1_000);
      expect(await store.publish(rule, first)).toBeUndefined();
      expect(await contentOf(to)).toEqual({ a: '1' });
      expect(Math.floor(fs.statSync(join(to, 'a')).mtimeMs / 1_000)).toBeGreaterThan(before);
      expect(await store.published(rule)).toBe(first);
      const link = await readlink(to);
      expect(await store.publish(rule, first)).toBeUndefined();
      expect(await readlink(to)).toBe(link); // nothing was to be done
    }));

  test('what somebody changes in the published copy is no generation any more; publishing again mends it', () =>
    storing(async ({ source, to, store }) => {
      const rule = publishing([source], to);
      await put(source, { a: '1' });
      const hash = await release(store, rule);
      await writeFile(join(to, 'a'), 'rewritten by the application');
      expect(await store.published(rule)).toBeUndefined();
      expect(await release(store, rule)).toBe(hash);
      expect(await contentOf(to)).toEqual({ a: '1' });
      expect(await store.published(rule)).toBe(hash);
    }));

  test('prune keeps what is shown, what is named, and so many of the newest', () =>
    storing(async ({ source, to, store }) => {
      const rule = publishing([source], to, 'flip', 1);
      const hashes: string[] = [];
      for (const content of ['0', '1', '2', '3', '4']) {
        await put(source, { a: content });
        hashes.push(await release(store, rule));
      }
      await store.publish(rule, hashes[2] ?? '');
      fs.mkdirSync(join(to, '../.conf.reinit/tmp-killed'));
      await symlink('x', join(to, '../.conf.reinit/tmp-link'));
      await store.prune(rule, [hashes[0] ?? '']);
      const kept = [hashes[0], hashes[2], hashes[4]];
      for (const hash of hashes) expect(await store.has(rule, hash)).toBe(kept.includes(hash));
      expect(await everythingIn(join(to, '..'))).not.toContain('.conf.reinit/tmp-killed');
      expect((await readdir(join(to, '../.conf.reinit'))).filter((name) => name.startsWith('tmp-'))).toEqual([]);
      await store.prune({ ...rule, publish: { to, mode: 'flip', keep: 0 } }, []);
      expect(await copies(to)).toHaveLength(1);
      expect(await store.published(rule)).toBe(hashes[2]);
    }));

  test('with state_dir: the copies are there, and the link leads to them', () =>
    storing(
      async ({ directory, source, to, store, reopen }) => {
        const rule = publishing([source], to);
        await put(source, { a: '1' });
        const first = await release(store, rule);
        expect(await readlink(to)).toMatch(new RegExp(`^${directory}/state/s-\\w{6}/source-[0-9a-f]{12}/g-[0-9a-f]{16}/files$`));
        await rm(join(to, '..'), { recursive: true }); // the container's own files are gone after a restart
        await put(source, { a: 'refused' });
        const after = reopen();
        expect(await after.published(rule)).toBeUndefined();
        expect(await after.has(rule, first)).toBe(true);
        expect(await after.publish(rule, first)).toBeUndefined();
        expect(await contentOf(to)).toEqual({ a: '1' });
        expect(await after.published(rule)).toBe(first);
      },
      { state: true },
    ));

  test('a slash at the end of `to`, and a path that is absent', () =>
    storing(async ({ source, to, store }) => {
      const rule = publishing([join(source, 'none')], `${to}/`);
      const hash = await release(store, rule);
      expect(await contentOf(to)).toEqual({});
      expect(await store.published(rule)).toBe(hash);
    }));
});
