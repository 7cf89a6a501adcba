import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { isCurrent } from '../../src/watch/contents.ts';
import { createSelection, holdsToken, isLeftover } from '../../src/watch/exclude.ts';
import { toGeneration } from '../../src/watch/identity.ts';
import { isDeleted, isLocal, isSilent, isSubPath, mountOf, parseMounts } from '../../src/watch/mounts.ts';

const mountinfo = `22 1 0:21 / / rw,relatime shared:1 - overlay overlay rw,lowerdir=/a
30 22 8:1 /var/lib/kubelet/pods/1/volumes/kubernetes.io~configmap/cfg /etc/nginx ro - ext4 /dev/sda1 rw
31 22 8:1 /var/lib/kubelet/pods/1/volumes/kubernetes.io~configmap/cfg/..2026_11_23_00_00_00.1/app.yaml//deleted /etc/app.yaml ro master:1 propagate_from:2 - ext4 /dev/sda1 rw
32 22 0:50 /..2026_11_23_00_00_00.123/tls.crt /etc/tls.crt ro - tmpfs tmpfs rw
33 22 0:60 / /mnt/with\\040space rw - nfs4 server:/x rw
34 22 0:61 / /mnt/with\\040space rw - fuse.sshfs host: rw
not a line
`;

describe('mounts', () => {
  const mounts = parseMounts(mountinfo);
  test('a path lies on the deepest mount above it; the last one over a point is seen', () => {
    expect(mountOf(mounts, '/etc/nginx/conf.d/x')?.mountPoint).toBe('/etc/nginx');
    expect(mountOf(mounts, '/etc/nginx2')?.mountPoint).toBe('/');
    expect(mountOf(mounts, '/')?.fsType).toBe('overlay');
    expect(mountOf(mounts, '/mnt/with space/x')?.fsType).toBe('fuse.sshfs');
    expect(mountOf(parseMounts(''), '/x')).toBeUndefined();
  });
  test.each([
    ['/', true, false, false, false],
    ['/etc/nginx', true, false, false, false],
    ['/etc/app.yaml', true, false, true, true],
    ['/etc/tls.crt', true, false, true, false],
    ['/mnt/with space', false, true, false, false],
  ])('%s', (path, local, silent, subPath, deleted) => {
    const mount = mountOf(mounts, path);
    if (mount === undefined) throw new Error('no mount');
    expect([isLocal(mount), isSilent(mount), isSubPath(mount), isDeleted(mount)]).toEqual([local, silent, subPath, deleted]);
  });
  test('what the table does not say is not local', () => expect(isLocal(undefined)).toBe(false));
  test('no line breaks the parser', () => {
    fc.assert(fc.property(fc.string(), (text) => void parseMounts(text)));
  });
});

describe('identity', () => {
  const entry = fc.tuple(fc.string(), fc.option(fc.stringMatching(/^[0-9a-f]{64}$/)));
  test('the order of reading does not matter; any difference does', () => {
    fc.assert(
      fc.property(fc.uniqueArray(entry, { selector: ([path]) => path }), fc.uniqueArray(entry, { selector: ([path]) => path }), (a, b) => {
        expect(toGeneration(new Map([...a].reverse())).hash).toBe(toGeneration(new Map(a)).hash);
        const canonical = (files: typeof a) => JSON.stringify([...files].sort(([x], [y]) => (x < y ? -1 : 1)));
        expect(toGeneration(new Map(a)).hash === toGeneration(new Map(b)).hash).toBe(canonical(a) === canonical(b));
      }),
    );
  });
  test('a path cannot be written so that two files look like others', () => {
    expect(toGeneration(new Map([['a:absent\n1:b', null]])).hash).not.toBe(
      toGeneration(
        new Map([
          ['a', null],
          ['b', null],
        ]),
      ).hash,
    );
  });
});

describe('the racy rule', () => {
  const stat = { kind: 'file', dev: 1, ino: 2, size: 3, mtimeMs: 1_000, ctimeMs: 100_000, nlink: 1 } as const;
  const read = (at: number) => ({ stat, hash: 'x', at });
  test.each([
    ['old when it was read', read(103_000), stat, 110_000, true],
    ['written just before it was read', read(101_000), stat, 110_000, false],
    ['times in the future', read(99_000), stat, 110_000, false],
    ['other ctime', read(103_000), { ...stat, ctimeMs: 100_001 }, 110_000, false],
    ['other inode', read(103_000), { ...stat, ino: 3 }, 110_000, false],
    ['other size', read(103_000), { ...stat, size: 4 }, 110_000, false],
    ['believed too long', read(103_000), stat, 110_000 + 600_000, false],
    ['the clock was put back', read(103_000), stat, 102_000, false],
    ['never read', undefined, stat, 110_000, false],
  ])('%s', (_, known, now, at, expected) => expect(isCurrent(known, now, at)).toBe(expected));
});

describe('left out', () => {
  test.each(['..data', '..2026_11_23_00_00_00.1', 'x~', '.x.swp', '4913', 'a.tmp-1', 'sedAbCd12', '#x#', '.#x'])('%s', (name) =>
    expect(isLeftover(name)).toBe(true),
  );
  test.each(['.env', 'data', 'x.swp', '4913x', '.data', 'sediment', 'sediments', 'a.tmp', 'tmp-1'])('not %s', (name) =>
    expect(isLeftover(name)).toBe(false),
  );
  test('globs see dot files', async () => {
    const { excluded, included } = await createSelection({ include: [], exclude: ['*.key', '/etc/**/secret', 'a/*'] });
    const paths: readonly (readonly [string, string, string])[] = [
      ['/x/.k.key', '.k.key', '.k.key'],
      ['/etc/b/.c/secret', 'c/secret', 'secret'],
      ['/x/a/b', 'a/b', 'b'],
      ['/x/b', 'b', 'b'],
    ];
    expect(paths.map((path) => excluded(...path))).toEqual([true, true, true, false]);
    expect(paths.map((path) => included(...path))).toEqual([true, true, true, true]);
  });
  test('named: by a glob whose last part says the name', async () => {
    const named = async (...include: string[]) => (await createSelection({ include, exclude: [] })).named('/v/token', 'token', 'token');
    expect(await Promise.all([named('token'), named('**/token'), named('/v/token'), named('/*/token')])).toEqual([true, true, true, true]);
    expect(await Promise.all([named(), named('*'), named('t?ken'), named('{token,x}'), named('/w/token')])).toEqual(Array(5).fill(false));
  });
  test.each([
    ['/var/run/secrets/kubernetes.io/serviceaccount', [], true],
    ['/run/secrets/kubernetes.io/serviceaccount', [], true],
    ['/run/secrets/kubernetes.io/serviceaccount/x', [], false],
    ['/etc/identity', ['..data', 'ca.crt', 'namespace', 'token'], true],
    ['/etc/identity', ['ca.crt', 'namespace', 'token'], false],
    ['/etc/secret', ['..data', 'ca.crt', 'token'], false],
  ])('token in %s beside %j: %j', (directory, names, expected) => expect(holdsToken(directory, new Set(names))).toBe(expected));
});
