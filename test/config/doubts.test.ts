import { describe, expect, test } from 'vitest';
import { doubts } from '../../src/config/doubts.ts';
import type { Check, ServiceConfig } from '../../src/config/model.ts';
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

describe('two instances side by side', () => {
  const times = { initial_delay: 0, period: 1_000, timeout: 1_000, success_threshold: 1, failure_threshold: 30 } as const;
  const asked = (check: Check | undefined, order: ServiceConfig['restart_order'] = 'start_first') =>
    doubts(configOf({ restart_order: order, ready: check && { check, ...times } }));
  const tcp: Check = { kind: 'tcp_socket', host: '127.0.0.1', port: 8080 };

  test('a probe that the old one answers as well: doubted', () => {
    expect(asked(tcp)).toEqual([expect.stringContaining('the old instance answers this probe, too')]);
    expect(asked({ ...tcp, kind: 'http_get', scheme: 'http', path: '/', headers: {} })).toHaveLength(1);
  });

  test('no probe at all: doubted', () => expect(asked(undefined)).toEqual([expect.stringContaining('counts as soon as it runs')]));

  test('what only the new one can say, and one at a time: not doubted', () => {
    expect(asked({ kind: 'notify' })).toEqual([]);
    expect(asked({ kind: 'exec', command: ['check'] })).toEqual([]);
    expect(asked(tcp, 'stop_first')).toEqual([]);
  });
});
