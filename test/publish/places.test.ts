import { execFileSync } from 'node:child_process';
import * as fs from 'node:fs';
import { chmod, mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { openStore } from '../../src/publish/store.ts';
import { isRoot } from '../fixtures/host.ts';
import { contentOf, everythingIn, hashOf, publishing, put, release, storing, withTmpfs } from '../fixtures/storing.ts';
import { ruleFor } from '../fixtures/watching.ts';

describe.skipIf(!isRoot)('file systems', () => {
  test.each(['flip', 'files'] as const)('full, %s: a problem, nothing is left, `to` is as it was; with room again it goes on', (mode) =>
    storing(async ({ directory, source, store }) => {
      const disk = join(directory, 'disk');
      await withTmpfs(disk, 'size=256k', async () => {
        const rule = publishing([source], join(disk, 'conf'), mode);
        await put(source, { a: '1'.repeat(4_000), b: '1' });
        const first = await release(store, rule);
        await put(source, { a: '2'.repeat(150_000), b: '2'.repeat(150_000) });
        const hash = await hashOf(rule);
        const staged = await store.stage(rule, hash);
        const problem = staged.kind === 'problem' ? staged.problem : await store.publish(rule, hash);
        expect(problem).toMatch(new RegExp(`^publish\\.to: ${disk}/\\S* has no room for the files \\(ENOSPC\\); give it more`));
        expect((await everythingIn(disk)).filter((name) => name.includes('tmp-'))).toEqual([]);
        expect(await store.published(rule)).toBe(first);
        await put(source, { a: '3', b: '3' });
        await release(store, rule);
        expect(await contentOf(join(disk, 'conf'))).toEqual({ a: '3', b: '3' });
      });
    }),
  );

  test('full private place: the setting is snapshot', () =>
    storing(async ({ source, place, store }) => {
      await withTmpfs(place, 'size=64k', async () => {
        await put(source, { a: '2'.repeat(100_000) });
        const rule = ruleFor([source]);
        expect(await store.stage(rule, await hashOf(rule))).toMatchObject({
          kind: 'problem',
          problem: expect.stringMatching(/^snapshot: .*ENOSPC/),
        });
      });
    }));

  test.each(['flip', 'files'] as const)('read-only, %s: what to mount; a mount point itself can be published to as files', (mode) =>
    storing(async ({ directory, source, store }) => {
      const disk = join(directory, 'disk');
      await put(source, { a: '1' });
      await withTmpfs(disk, 'size=256k', async () => {
        await mkdir(join(disk, 'conf'));
        execFileSync('mount', ['-o', 'remount,ro', disk]);
        const to = mode === 'flip' ? join(disk, 'app/conf') : join(disk, 'conf');
        const rule = publishing([source], to, mode);
        const hash = await hashOf(rule);
        const staged = await store.stage(rule, hash);
        const problem = staged.kind === 'problem' ? staged.problem : await store.publish(rule, hash);
        expect(problem).toBe(
          `publish.to: ${to} cannot be written: read-only file system; mount an emptyDir (medium: Memory) or tmpfs there, or choose a path below /run or /dev/shm`,
        );
        if (mode === 'files')
          await withTmpfs(to, 'size=256k', async () => {
            await release(store, rule);
            expect(await contentOf(to)).toEqual({ a: '1' });
          });
      });
    }),
  );

  test('private copies go to the first place that can be written', () =>
    storing(async ({ directory, source }) => {
      const disk = join(directory, 'disk');
      await put(source, { a: '1' });
      await withTmpfs(disk, 'size=256k,ro', async () => {
        const places = [join(directory, 'none'), disk, join(directory, 'good')];
        await mkdir(join(directory, 'good'));
        const store = openStore({ stateDir: undefined, warn: () => undefined, places });
        const rule = ruleFor([source]);
        expect(await store.stage(rule, await hashOf(rule))).toMatchObject({
          directory: expect.stringContaining(`${directory}/good/reinit-0/`),
        });
        const nowhere = openStore({ stateDir: undefined, warn: () => undefined, places: places.slice(0, 2) });
        expect(await nowhere.stage(rule, await hashOf(rule))).toEqual({
          kind: 'problem',
          problem: `snapshot: there is no place for copies of the files: ${directory}/none/reinit-0 cannot be written (ENOENT), ${disk}/reinit-0 cannot be written (EROFS); mount an emptyDir (medium: Memory) or tmpfs at /run or /tmp, or set state_dir to a directory that can be written`,
        });
      });
    }));
});

describe('what is remembered', () => {
  test('with state_dir over restarts, without it not at all', async () => {
    const state = { nginx: { good: 'a', refused: 'b' }, other: { refused: 'c' }, none: {} };
    await storing(
      async ({ directory, store, reopen }) => {
        expect(await store.recall()).toEqual({});
        expect(await store.remember(state)).toBeUndefined();
        expect(await reopen().recall()).toEqual(state);
        expect(fs.statSync(join(directory, 'state/state.json')).mode & 0o777).toBe(0o600);
      },
      { state: true },
    );
    await storing(async ({ directory, store, reopen }) => {
      expect(await store.remember(state)).toBeUndefined();
      expect(await reopen().recall()).toEqual({});
      expect(await everythingIn(directory)).toEqual(['run', 'source']);
    });
  });

  test.each(['{"nginx": {"go', '[]', '{"a": 1}'])('%s is no state: told, and nothing is known', (text) =>
    storing(
      async ({ directory, store, reopen, warnings }) => {
        await store.remember({});
        await writeFile(join(directory, 'state/state.json'), text);
        expect(await reopen().recall()).toEqual({});
        expect(warnings).toEqual([`state_dir: ${directory}/state/state.json cannot be understood; nothing is known of earlier runs`]);
      },
      { state: true },
    ),
  );

  test('a state_dir that cannot be is a problem', () =>
    storing(
      async ({ directory, store }) => {
        await writeFile(join(directory, 'state'), 'a file');
        expect(await store.remember({})).toMatch(/^state_dir: .*\/state cannot be written \(ENOTDIR\)$/);
      },
      { state: true },
    ));

  test.each([true, false])('environments: the last three, for nobody else (state_dir: %s)', (state) =>
    storing(
      async ({ directory, store, reopen }) => {
        const values = new Map([
          ['PASSWORD', 'a\nb"$'],
          ['EMPTY', ''],
        ]);
        const hashes = ['1', '2', '3', '4'].map((digit) => digit.repeat(64));
        for (const hash of hashes) {
          expect(await store.keepEnvironment(hash, values)).toBeUndefined();
          await chmod(directory, 0o700); // a clock tick apart
        }
        const kept = await Promise.all(hashes.map((hash) => reopen().environmentOf(hash)));
        expect(kept.filter((environment) => environment !== undefined)).toEqual([values, values, values]);
        expect(kept[3]).toEqual(values);
        const inner = state ? join(directory, 'state/environments') : join(directory, `run/reinit-${process.geteuid?.()}/environments`);
        expect(fs.statSync(inner).mode & 0o777).toBe(0o700);
        for (const name of await readdir(inner)) expect(fs.statSync(join(inner, name)).mode & 0o777).toBe(0o600);
      },
      { state },
    ),
  );
});
