import { describe, expect, test } from 'vitest';
import { doubts } from '../../src/config/doubts.ts';
import { configOf } from '../fixtures/simulation.ts';

const publish = { to: '/run/reinit/nginx', mode: 'flip', keep: 2 } as const;
const doubtful = (validate: readonly (readonly string[])[], more: object = { publish }) =>
  doubts(configOf({}, { name: 'web', paths: ['/etc/nginx'], validate, ...more }));

describe('a validator of what is published', () => {
  test.each([
    ['looks at the live files', ['nginx', '-t', '-c', '/etc/nginx/nginx.conf'], '/etc/nginx/nginx.conf'],
    ['looks at the live directory', ['check', '/etc/nginx'], '/etc/nginx'],
    ['looks at what is published already', ['check', '/run/reinit/nginx/x'], '/run/reinit/nginx/x'],
    ['looks where it always looks', ['/usr/sbin/nginx', '-t'], 'the files that it finds by itself'],
    ['with a version in its name', ['php-fpm8.2', '-t'], 'the files that it finds by itself'],
  ])('%s: doubted', (_, argv, what) => {
    expect(doubtful([argv])).toEqual([
      `web: the validator ${argv[0]} checks ${what}, and not the copy that would be published: a broken change could pass. Give it {{snapshot}}, the directory of the copy, in its place (validate)`,
    ]);
  });

  test.each([
    ['gets the copy', ['nginx', '-t', '-c', '{{snapshot}}/nginx.conf']],
    ['may read the variable', ['/usr/local/bin/check-config']],
    ['looks at something else', ['check', '/etc/nginx2/x']],
  ])('%s: not doubted', (_, argv) => expect(doubtful([argv])).toEqual([]));

  test('without publish the live files are what counts', () => expect(doubtful([['nginx', '-t']], {})).toEqual([]));
});
