import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { resolveUser } from '../../src/controller/user.ts';

const passwd =
  'root:x:0:0:root:/root:/bin/sh\n# comment:x:1:1::/:\nnginx:x:101:102:nginx:/nonexistent:/bin/false\nbroken line\n:x:5:5::/:\nwww:x:33:33::/:\n';
const group = 'root:x:0:\nnginx:x:102:\nssl:x:110:nginx,www\nlog:x:111:www,nginx,other\nweb:x:33:nginx\n';

describe('user', () => {
  test.each([
    ['0', 0, 0, [], '/root'],
    ['101:101', 101, 101, [], '/nonexistent'],
    ['nginx', 101, 102, [110, 111, 33], '/nonexistent'],
    ['101', 101, 102, [110, 111, 33], '/nonexistent'],
    ['nginx:ssl', 101, 110, [], '/nonexistent'],
    ['nginx:7', 101, 7, [], '/nonexistent'],
    ['12345', 12_345, 0, [], undefined],
    ['12345:log', 12_345, 111, [], undefined],
    ['www', 33, 33, [110, 111], '/'],
    ['nginx:', 101, 102, [110, 111, 33], '/nonexistent'],
  ])('%s', (text, uid, gid, groups, home) => {
    expect(resolveUser(text, passwd, group)).toEqual({ ok: true, ids: { uid, gid, groups, home } });
  });

  test.each([
    ['nobody', /no user "nobody"/],
    ['nginx:none', /no group "none"/],
    ['-1', /no user/],
    ['99999999999', /no user/],
    ['2147483648', /no user/],
    ['', /no user/],
  ])('%j is refused', (text, problem) => {
    expect(resolveUser(text, passwd, group)).toMatchObject({ ok: false, problem: expect.stringMatching(problem) });
  });

  test('numbers need no files', () => {
    expect(resolveUser('7:8', '', '')).toEqual({ ok: true, ids: { uid: 7, gid: 8, groups: [], home: undefined } });
  });

  test('hostile files are no error, and never give a number that the link does not carry', () => {
    fc.assert(
      fc.property(fc.string(), fc.string({ unit: 'binary' }), fc.string({ unit: 'binary' }), (text, one, two) => {
        const result = resolveUser(text, `${one}\nu:x:${two}:1\n`, two);
        if (result.ok) for (const id of [result.ids.uid, result.ids.gid, ...result.ids.groups]) expect(id >= 0 && id < 2 ** 31).toBe(true);
      }),
    );
  });
});
